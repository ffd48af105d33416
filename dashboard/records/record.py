"""One record: its fields, what it points to, and what points to it."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy.orm as sa_orm

from ..config import Config
from ..refusal import Refusal
from . import keys
from .columns import Column
from .listing import Row, drawn
from .models import Model, Models
from .reading import Stopped, limited
from .references import references
from .related import Related, all_related
from .rows import found_row, text_of
from .sight import Sight, seen


@dataclass(frozen=True)
class Record:
    model: Model
    columns: tuple[Column, ...]
    row: Row
    related: tuple[Related, ...]


def record(
    session: sa_orm.Session, model: Model, models: Models, sight: Sight, key: str, config: Config, secret: str
) -> Record:
    """The record with this KEY. Raises Refusal: not_found, forbidden, overloaded, database_away."""
    view = seen(model, models, sight)
    if model.keyless:
        raise keys.no_such_key(key, model)
    identity = keys.identity_of(model, key)
    columns = tuple(view.columns.values())
    try:
        with limited(session, config.records_seconds, model):
            found = found_row(session, view, columns, identity, key)
            pointed = references(session, view, columns, [found], models, sight)
            related = tuple(all_related(session, view, found, models, sight, config, secret))
    except Stopped:
        message = f"The record takes too long to read: stopped after {config.records_seconds:g} s."
        raise Refusal("overloaded", message, remedy="Try again in a moment.") from None
    return Record(model, columns, drawn(model, found, columns, pointed), related)


def record_of(session: sa_orm.Session, model: Model, models: Models, sight: Sight, key: str, config: Config) -> str:
    """The label of the record with this KEY. Raises as `record` does."""
    view = seen(model, models, sight)
    if model.keyless:
        raise keys.no_such_key(key, model)
    identity = keys.identity_of(model, key)
    with limited(session, config.records_seconds, model):
        return text_of(model, found_row(session, view, model.key_columns, identity, key).values)
