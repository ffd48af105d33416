"""Which records may a picker offer for what was typed?"""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa
import sqlalchemy.orm as sa_orm

from ..config import Config
from ..refusal import Refusal
from . import rows
from .models import Model, Models
from .reading import Stopped, limited
from .search import Searched
from .sight import Sight, seen


@dataclass(frozen=True)
class Match:
    """One record. value: what a foreign key that points to it holds, as text; None where its key has several parts."""

    key: str
    label: str
    value: str | None


@dataclass(frozen=True)
class Matches:
    """more: there are further ones."""

    model: str
    results: tuple[Match, ...]
    more: bool


def lookup(session: sa_orm.Session, model: Model, models: Models, sight: Sight, q: str, config: Config) -> Matches:
    """The first records, by key, that match. Raises Refusal: invalid, forbidden, overloaded, database_away."""
    view = seen(model, models, sight)
    if model.keyless:
        raise Refusal("not_understood", f"{model.title} has no key to pick by: {model.keyless}")
    dialect = session.get_bind(mapper=model.mapper).dialect.name
    condition = Searched(model, view.columns, config, dialect).condition((), "", q.strip())
    statement = view.narrow(sa.select().select_from(model.class_)).order_by(*view.key)
    statement = statement if condition is None else statement.where(condition)
    wanted = rows.selected(view, model.key_columns, (), dialect)
    try:
        with limited(session, config.records_seconds, model):
            found = rows.fetch(session, statement.limit(config.lookup_rows + 1), wanted)
    except Stopped:
        message = f"The search reads too many rows: stopped after {config.records_seconds:g} s."
        raise Refusal("overloaded", message, remedy="Type more, or the whole key.") from None
    matches = [_match(model, each) for each in found[: config.lookup_rows]]
    return Matches(model.name, tuple(each for each in matches if each), len(found) > config.lookup_rows)


def _match(model: Model, found: rows.Found) -> Match | None:
    key = rows.identity(model, found.values)
    if key is None:
        return None
    value = None
    if len(model.key_columns) == 1:
        column = model.key_columns[0]
        value = column.text(column.format(rows.whole(found.values[column.name])))
    return Match(key, rows.text_of(model, found.values), value)
