"""What do the foreign keys of these rows point to, by name? One statement for each target, for all rows together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
import sqlalchemy.orm as sa_orm

from ..refusal import Refusal
from . import rows
from .columns import Column
from .models import Model, Models
from .sight import Seen, Sight, seen


@dataclass(frozen=True)
class Reference:
    """A record that is pointed to, as this person may see it."""

    model: str
    key: str
    label: str


References = Mapping[str, Mapping[Any, Reference]]
"""By column, by its value."""


def references(
    session: sa_orm.Session,
    view: Seen,
    columns: Sequence[Column],
    found: Iterable[rows.Found],
    models: Models,
    sight: Sight,
) -> References:
    """What is hidden from the person, or is not there, is left out: its foreign key is then a plain value."""
    targets = {name: target for name, target in _targets(view.model, models).items() if _shows(columns, name)}
    values: dict[str, dict[Any, None]] = {}
    pages = list(found)
    for name, target in targets.items():
        given = (each.values[name] for each in pages)
        values.setdefault(target.name, {}).update({each: None for each in given if _is_key(each)})
    known = {name: _labels(session, models.find(name), list(given), models, sight) for name, given in values.items()}
    return {name: known[target.name] for name, target in targets.items()}


def _shows(columns: Sequence[Column], name: str) -> bool:
    return any(column.name == name for column in columns)


def _is_key(value: Any) -> bool:
    return value is not None and not isinstance(value, (rows.Cut, dict, list))


def _targets(model: Model, models: Models) -> dict[str, Model]:
    """By the name of a foreign key's column the model whose whole key it holds: what a relationship follows, else the
    model of the table that it names."""
    found = _by_relationship(model, models)
    for column in model.columns:
        if column.foreign_key is not None and column.name not in found:
            target = _of_table(model, column.name, models)
            if target is not None:
                found[column.name] = target
    return found


def _by_relationship(model: Model, models: Models) -> dict[str, Model]:
    found: dict[str, Model] = {}
    for relationship in model.mapper.relationships:
        pairs = relationship.local_remote_pairs or ()
        if relationship.direction is not sa_orm.RelationshipDirection.MANYTOONE or len(pairs) != 1:
            continue
        local, remote = pairs[0]
        if list(relationship.mapper.primary_key) == [remote]:
            try:
                name = model.mapper.get_property_by_column(local).key
                found.setdefault(name, models.of_class(relationship.mapper.class_))
            except (Refusal, sa.exc.SQLAlchemyError):
                continue
    return found


def _of_table(model: Model, name: str, models: Models) -> Model | None:
    try:
        referred = {key.column for column in model.mapper.column_attrs[name].columns for key in column.foreign_keys}
    except sa.exc.SQLAlchemyError:  # the table that it names is not there
        return None
    for each in models:
        if each.mapper.inherits is None and len(referred) == 1 and set(each.mapper.primary_key) == referred:
            return each
    return None


def _labels(
    session: sa_orm.Session, target: Model, values: list[Any], models: Models, sight: Sight
) -> dict[Any, Reference]:
    try:
        view = seen(target, models, sight)
    except Refusal:
        return {}
    if not values:
        return {}
    dialect = session.get_bind(mapper=target.mapper).dialect.name
    wanted = rows.selected(view, target.key_columns, (), dialect)
    keys: sa.BindParameter[Any] = sa.bindparam("keys", values, expanding=True)  # looked at as one, not one by one
    statement = view.narrow(sa.select().select_from(target.class_)).where(view.key[0].in_(keys))
    made: dict[Any, Reference] = {}
    for each in rows.fetch(session, statement, wanted):
        key = rows.identity(target, each.values)
        if key is not None:
            value = each.values[target.key_columns[0].name]
            made[value] = Reference(target.name, key, rows.text_of(target, each.values))
    return made
