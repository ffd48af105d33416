"""What does a form show of one record? Its values, what its foreign keys point to, and its small sets of related
records: never a collection whole."""

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
from .labels import stand_in
from .models import Model, Models, Relationship
from .reading import Stopped, limited
from .references import Reference, References, references
from .rows import found_row
from .sight import Seen, Sight, seen


@dataclass(frozen=True)
class Chosen:
    """The records that a many-to-many relationship holds. members: None where they are too many for a form."""

    relationship: Relationship
    members: tuple[Reference, ...] | None


@dataclass(frozen=True)
class Editable:
    """One record, or a new one (key None). values: Python's, by attribute; absent ones are not known."""

    model: Model
    key: str | None
    label: str
    columns: tuple[Column, ...]
    values: Mapping[str, Any]
    references: References
    sets: tuple[Chosen, ...]
    relationships: tuple[Relationship, ...]


def editable(
    session: sa_orm.Session,
    model: Model,
    models: Models,
    sight: Sight,
    key: str,
    config: Config,
    *,
    whole: bool = False,
) -> Editable:
    """The record with this KEY. whole: binary data too, to be copied. Raises Refusal: not_found, forbidden,
    overloaded, database_away."""
    view = seen(model, models, sight)
    if model.keyless:
        raise keys.no_such_key(key, model)
    identity = keys.identity_of(model, key)
    columns = tuple(view.columns.values())
    try:
        with limited(session, config.records_seconds, model):
            found = found_row(session, view, columns, identity, key, whole=whole)
            pointed = references(session, view, columns, [found], models, sight)
            sets = tuple(_sets(session, view, found, models, sight, config))
    except Stopped:
        message = f"The record takes too long to read: stopped after {config.records_seconds:g} s."
        raise Refusal("overloaded", message, remedy="Try again in a moment.") from None
    shown = _relationships(view, models, sight)
    return Editable(model, key, rows.text_of(model, found.values), columns, found.values, pointed, sets, shown)


def blank(model: Model, models: Models, sight: Sight) -> Editable:
    """A new record."""
    view = seen(model, models, sight)
    shown = _relationships(view, models, sight)
    sets = tuple(Chosen(each, ()) for each in shown if each.direction == "MANYTOMANY" and each.uselist)
    return Editable(model, None, f"New {model.title}", tuple(view.columns.values()), {}, {}, sets, shown)


def _relationships(view: Seen, models: Models, sight: Sight) -> tuple[Relationship, ...]:
    """Those whose other side the person may see."""
    found = []
    for each in view.model.relationships:
        if each.viewonly or each.name in sight.hidden(view.model):
            continue
        try:
            seen(models.find(each.target), models, sight)
        except Refusal:
            continue
        found.append(each)
    return tuple(found)


def _sets(
    session: sa_orm.Session, view: Seen, found: rows.Found, models: Models, sight: Sight, config: Config
) -> list[Chosen]:
    owner = stand_in(view.model, found.values)
    sets = []
    for each in _relationships(view, models, sight):
        if each.direction == "MANYTOMANY" and each.uselist:
            target = seen(models.find(each.target), models, sight)
            attribute = getattr(view.model.class_, each.name)
            statement = target.narrow(sa.select().select_from(target.model.class_))
            statement = statement.where(sa_orm.with_parent(owner, attribute)).limit(config.form_members + 1)
            sets.append(Chosen(each, _members(session, target, statement, config.form_members)))
    return sets


def _members(session: sa_orm.Session, target: Seen, statement: Any, most: int) -> tuple[Reference, ...] | None:
    found = labelled(session, target, statement)
    return None if len(found) > most else tuple(found)


def labelled(session: sa_orm.Session, target: Seen, statement: Any) -> list[Reference]:
    """The records of a statement, by name."""
    model = target.model
    dialect = session.get_bind(mapper=model.mapper).dialect.name
    wanted = rows.selected(target, model.key_columns, (), dialect)
    made = []
    for each in rows.fetch(session, statement, wanted):
        key = rows.identity(model, each.values)
        if key is not None:
            made.append(Reference(model.name, key, rows.text_of(model, each.values)))
    return made
