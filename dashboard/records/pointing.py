"""Which filters of a list show the rows alone that point to a record?"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import sqlalchemy as sa
import sqlalchemy.orm as sa_orm

from .sight import Seen


def filters_of(
    mapper: sa_orm.Mapper[Any], values: Mapping[str, Any], target: Seen, pairs: Iterable[tuple[Any, Any]]
) -> dict[str, str]:
    """`f.COLUMN.eq` for each column of the foreign key. values: the record's own. pairs: (its column, the column that
    points there). Empty where a column is not mapped, or not for this person."""
    filters = {}
    for local, remote in pairs:
        try:
            here = mapper.get_property_by_column(local).key
            there = target.columns[target.model.mapper.get_property_by_column(remote).key]
            filters[f"f.{there.name}.eq"] = there.text(there.format(values[here]))
        except (KeyError, sa.exc.SQLAlchemyError):
            return {}
    return filters


def filters_of_relationship(
    mapper: sa_orm.Mapper[Any], values: Mapping[str, Any], target: Seen, relationship: Any
) -> dict[str, str]:
    """Empty where no filter can say it: the rows stand in a table between, or it tells more of them than a key."""
    if relationship.secondary is not None or has_own_words(relationship):
        return {}
    return filters_of(mapper, values, target, relationship.local_remote_pairs or ())


def has_own_words(relationship: Any) -> bool:
    """Its primaryjoin says more than that columns are equal."""
    return not isinstance(relationship.primaryjoin, (sa.BinaryExpression, sa.sql.elements.BooleanClauseList)) or (
        isinstance(relationship.primaryjoin, sa.sql.elements.BooleanClauseList)
        and len(relationship.primaryjoin.clauses) != len(relationship.local_remote_pairs)
    )
