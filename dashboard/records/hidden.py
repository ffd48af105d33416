"""What is hidden along with what somebody hides of a class? The same of its subclasses, every other name of a hidden
column, and what would tell what it holds."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import sqlalchemy as sa
import sqlalchemy.orm as sa_orm
from sqlalchemy.sql import visitors

Mapper = sa_orm.Mapper[Any]
Said = Callable[[Mapper], Iterable[str]]
"""What is said of one class itself: names of its attributes."""


def hidden_with(mapper: Mapper, said: Said) -> frozenset[str]:
    """The names of all attributes that are hidden of this class."""
    names = _names(mapper, said)
    columns = _columns(mapper, names)
    leading = {each.key for each in mapper.relationships if _leads(each, columns, said)}
    return frozenset(names | other_names(mapper, names) | leading)


def other_names(mapper: Mapper, names: Iterable[str]) -> set[str]:
    """The attributes that are of a column that one of these is of, or computed of it."""
    columns = _columns(mapper, names)
    return {each.key for each in mapper.column_attrs if columns and columns & _read(each)}


def _names(mapper: Mapper, said: Said) -> set[str]:
    return {name for each in mapper.iterate_to_root() for name in said(each)}


def _columns(mapper: Mapper, names: Iterable[str]) -> set[Any]:
    """Without those of the key: a record whose key is hidden is not shown at all."""
    known = mapper.column_attrs
    found = {column for name in names if name in known for column in known[name].columns}
    return {column for column in found if isinstance(column, sa.Column)} - set(mapper.primary_key)


def _read(attribute: sa_orm.ColumnProperty[Any]) -> set[Any]:
    """The columns of which it is, or which it is computed of."""
    parts = (part for column in attribute.columns for part in visitors.iterate(column))
    return {part for part in parts if isinstance(part, sa.Column)}


def _leads(relationship: sa_orm.RelationshipProperty[Any], columns: set[Any], said: Said) -> bool:
    """Whether who follows it learns what a hidden column holds: its own foreign key, or the other side's."""
    if relationship.direction is sa_orm.RelationshipDirection.MANYTOONE:
        return bool(columns & set(relationship.local_columns))
    if relationship.direction is sa_orm.RelationshipDirection.ONETOMANY:
        other = relationship.mapper
        return bool(_columns(other, _names(other, said)) & set(relationship.remote_side))
    return False
