"""How does a row of a SELECT become what is shown of a record?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
import sqlalchemy.orm as sa_orm

from . import keys
from .columns import Column
from .cursors import raw
from .kinds import Binary
from .models import Model
from .reading import does_not_fit
from .sight import Seen

BYTES_SHOWN = 32
"""Of binary data; its size is said beside them."""


@dataclass(frozen=True)
class Cut:
    """The first bytes of binary data, and how many there are."""

    start: bytes
    size: int


@dataclass(frozen=True)
class Found:
    """One row: Python values by attribute, and what tells its place in the sort."""

    values: Mapping[str, Any]
    place: tuple[Any, ...]


@dataclass(frozen=True)
class Selected:
    """What a statement selects. names: attributes; columns: theirs. places: the sort's expressions."""

    view: Seen
    columns: tuple[Column, ...]
    places: tuple[Any, ...]
    dialect: str


def selected(view: Seen, columns: Sequence[Column], places: tuple[Any, ...], dialect: str) -> Selected:
    """The columns that are shown, and beside them only what the key and the label are made of."""
    names = {column.name: column for column in columns}
    if not view.model.keyless:
        names.update({column.name: column for column in view.model.key_columns})
    for column in view.model.naming_columns:
        if column.name in view.columns and not column.deferred:
            names.setdefault(column.name, column)
    return Selected(view, tuple(names.values()), places, dialect)


def fetch(session: sa_orm.Session, statement: Any, wanted: Selected, *, whole: bool = False) -> list[Found]:
    """The rows; whole: binary data is not cut. Where a value does not belong to its column's type they are read as the
    database has them: one such row must not hide the page."""
    try:
        return _fetch(session, statement, wanted, as_found=False, whole=whole)
    except Exception as error:
        if not does_not_fit(error):
            raise
    return _fetch(session, statement, wanted, as_found=True, whole=whole)


def found_row(
    session: sa_orm.Session,
    view: Seen,
    columns: tuple[Column, ...],
    identity: tuple[Any, ...],
    key: str,
    *,
    whole: bool = False,
) -> Found:
    """The one row of a key. whole: binary data is not cut. Raises Refusal("not_found")."""
    dialect = session.get_bind(mapper=view.model.mapper).dialect.name
    statement = view.narrow(sa.select().select_from(view.model.class_))
    for attribute, value in zip(view.key, identity, strict=True):
        statement = statement.where(attribute == value)
    found = fetch(session, statement.limit(2), selected(view, columns, (), dialect), whole=whole)
    if len(found) != 1:
        raise keys.no_such_key(key, view.model)
    return found[0]


def _fetch(session: sa_orm.Session, statement: Any, wanted: Selected, *, as_found: bool, whole: bool) -> list[Found]:
    expressions: list[Any] = []
    for column in wanted.columns:
        attribute = wanted.view.attribute(column.name)
        if isinstance(column.kind, Binary) and not whole:
            plain = sa.type_coerce(attribute, sa.types.NullType())
            expressions += [sa.func.substr(plain, 1, BYTES_SHOWN), sa.func.length(plain)]
        else:
            expressions.append(raw(attribute, wanted.dialect) if as_found else attribute)
    expressions += [raw(each, wanted.dialect) for each in wanted.places]
    labelled = [each.label(f"column_{number}") for number, each in enumerate(expressions)]
    return [_found(row, wanted, whole) for row in session.execute(statement.add_columns(*labelled))]


def _found(row: Any, wanted: Selected, whole: bool) -> Found:
    values: dict[str, Any] = {}
    at = 0
    for column in wanted.columns:
        if isinstance(column.kind, Binary) and not whole:
            values[column.name] = _cut(row[at], row[at + 1])
            at += 2
        else:
            values[column.name] = row[at]
            at += 1
    return Found(values, tuple(row[at:]))


def _cut(start: Any, size: Any) -> Any:
    if start is None and size == 0:  # so SQLite's substr() says of no bytes
        return Cut(b"", 0)
    if start is None or isinstance(start, str):  # SQLite keeps any value in any column
        return start
    return Cut(bytes(start), int(size))


def identity(model: Model, values: Mapping[str, Any]) -> str | None:
    """KEY of a row; None where none can be written."""
    if model.keyless:
        return None
    try:
        return keys.key_of(model, [whole(values[column.name]) for column in model.key_columns])
    except ValueError:
        return None


def whole(value: Any) -> Any:
    """What was not cut after all."""
    return value.start if isinstance(value, Cut) and value.size == len(value.start) else value


def shown(column: Column, value: Any) -> Any:
    """As JSON says it."""
    if isinstance(value, Cut):
        return {**column.format(value.start), "size": value.size}
    return column.format(value)


def text_of(model: Model, values: Mapping[str, Any]) -> str:
    if any(type(value) is Cut for value in values.values()):
        values = {name: whole(value) for name, value in values.items() if not isinstance(whole(value), Cut)}
    return model.label(values)
