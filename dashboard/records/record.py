"""One record: its fields, what it points to, and what points to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
import sqlalchemy.orm as sa_orm

from ..config import Config
from ..refusal import Refusal
from . import keys, rows
from .columns import Column
from .counting import Count, bounded
from .labels import stand_in
from .listing import Row, drawn
from .models import Model, Models
from .reading import Stopped, limited
from .references import references
from .sight import Seen, Sight, seen

RELATED_MOST = 40
"""Relationships whose records are counted on one page."""


@dataclass(frozen=True)
class Related:
    """Records that point to this one. count: None where counting took too long. filters: of the list that shows them
    alone, by name; empty where no filter can say it."""

    name: str
    model: str
    title: str
    count: Count | None
    filters: Mapping[str, str]


@dataclass(frozen=True)
class Record:
    model: Model
    columns: tuple[Column, ...]
    row: Row
    related: tuple[Related, ...]


def record(session: sa_orm.Session, model: Model, models: Models, sight: Sight, key: str, config: Config) -> Record:
    """The record with this KEY. Raises Refusal: not_found, forbidden, overloaded, database_away."""
    view = seen(model, models, sight)
    if model.keyless:
        raise keys.no_such_key(key, model)
    identity = keys.identity_of(model, key)
    columns = tuple(view.columns.values())
    try:
        with limited(session, config.records_seconds, model.database):
            found = found_row(session, view, columns, identity, key)
            pointed = references(session, view, columns, [found], models, sight)
            related = tuple(_related(session, view, found, models, sight, config))
    except Stopped:
        message = f"The record takes too long to read: stopped after {config.records_seconds:g} s."
        raise Refusal("overloaded", message, remedy="Try again in a moment.") from None
    return Record(model, columns, drawn(model, found, columns, pointed), related)


def found_row(
    session: sa_orm.Session,
    view: Seen,
    columns: tuple[Column, ...],
    identity: tuple[Any, ...],
    key: str,
    *,
    whole: bool = False,
) -> rows.Found:
    """The one row of a key. whole: binary data is not cut. Raises Refusal("not_found")."""
    dialect = session.get_bind(mapper=view.model.mapper).dialect.name
    statement = view.narrow(sa.select().select_from(view.model.class_))
    for attribute, value in zip(view.key, identity, strict=True):
        statement = statement.where(attribute == value)
    found = rows.fetch(session, statement.limit(2), rows.selected(view, columns, (), dialect), whole=whole)
    if len(found) != 1:
        raise keys.no_such_key(key, view.model)
    return found[0]


def _related(
    session: sa_orm.Session, view: Seen, found: rows.Found, models: Models, sight: Sight, config: Config
) -> list[Related]:
    made: list[Related] = []
    owner = stand_in(view.model, found.values)
    for relationship in view.model.mapper.relationships:
        if relationship.direction is sa_orm.RelationshipDirection.MANYTOONE or relationship.viewonly:
            continue
        if relationship.key in sight.hidden(view.model) or len(made) >= RELATED_MOST:
            continue
        try:
            target = seen(models.of_class(relationship.mapper.class_), models, sight)
        except Refusal:
            continue
        made.append(_one(session, view, owner, found, relationship, target, config))
    return made


def _one(
    session: sa_orm.Session,
    view: Seen,
    owner: Any,
    found: rows.Found,
    relationship: Any,
    target: Seen,
    config: Config,
) -> Related:
    model = target.model
    statement = target.narrow(sa.select(*_counted(target)).select_from(model.class_))
    attribute = getattr(view.model.class_, relationship.key)
    count = bounded(session, statement.where(sa_orm.with_parent(owner, attribute)), config.records_count)
    return Related(relationship.key, model.name, model.title, count, _filters(view, found, relationship, target))


def _counted(target: Seen) -> list[Any]:
    return target.key if not target.model.keyless else [target.attribute(next(iter(target.columns)))]


def _filters(view: Seen, found: rows.Found, relationship: Any, target: Seen) -> dict[str, str]:
    """`f.COLUMN.eq` for each column of its foreign key."""
    if relationship.secondary is not None:
        return {}
    filters = {}
    for local, remote in relationship.local_remote_pairs or ():
        try:
            here = view.model.mapper.get_property_by_column(local).key
            there = target.columns[target.model.mapper.get_property_by_column(remote).key]
            filters[f"f.{there.name}.eq"] = there.text(there.format(found.values[here]))
        except (KeyError, sa.exc.SQLAlchemyError):
            return {}
    return filters
