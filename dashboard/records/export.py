"""How does what a list shows become a file, row by row in constant memory, as CSV, JSON or JSON Lines?"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from dataclasses import dataclass
from json.encoder import encode_basestring
from time import monotonic
from typing import Any

import sqlalchemy as sa
import sqlalchemy.orm as sa_orm

from ..config import Config
from ..refusal import Refusal
from .columns import Column
from .cursors import raw
from .kinds import Boolean, Kind
from .listing import Asked, Page
from .models import Model, Models
from .numbers import Float, Integer, Numeric
from .reading import Stopped, does_not_fit, limited
from .sight import Sight, seen

FORMATS = {"csv": "text/csv", "json": "application/json", "jsonl": "application/x-ndjson"}
ROWS = 1_000
"""That are fetched and written at once."""
GUARD = "'"
"""In front of a text that a spreadsheet would take for a formula, of an empty text, and of one that begins so."""
_RISKY = ("=", "+", "-", "@", "\t", "\r", "\n", GUARD)


@dataclass(frozen=True)
class Export:
    """columns: those of the list. rows: of values in their order, some at a time; reading them sends the query."""

    model: Model
    columns: tuple[Column, ...]
    rows: Generator[list[Any]]

    def written(self, form: str) -> Generator[bytes]:
        """The file, in parts. form: a key of FORMATS."""
        write = {"csv": _csv, "json": _json, "jsonl": _json_lines}[form]
        with closing(self.rows):  # gives back what the query holds, also where nobody wants the rest
            for part in write(self.columns, self.rows):
                yield part.encode("utf-8", "replace")


def export(
    session: sa_orm.Session, model: Model, models: Models, sight: Sight, asked: Asked, config: Config, secret: str
) -> Export:
    """Everything that is wrong with what is asked is refused at once. The Session is used until the last row.

    Raises Refusal: not_understood, invalid, forbidden, database_away; while rows are read also overloaded.
    """
    page = Page(session, seen(model, models, sight), asked, config, secret)
    return Export(model, page.columns, _rows(session, page, model, config))


def _rows(session: sa_orm.Session, page: Page, model: Model, config: Config) -> Generator[list[Any]]:
    """However long each part takes to be sent: the whole of it keeps a connection, and a transaction open."""
    end = monotonic() + config.export_seconds
    try:
        with limited(session, config.export_seconds, model):
            _must_not_idle(session, page, config.export_seconds)
            for part in _read(session, page):
                if monotonic() > end:
                    raise Stopped
                yield part
    except Stopped:
        message = f"The export takes too long: stopped after {config.export_seconds:g} s."
        raise Refusal("overloaded", message, remedy="Narrow it with a filter.") from None


def _must_not_idle(session: sa_orm.Session, page: Page, seconds: float) -> None:
    """Who stops reading altogether keeps this thread; the server ends the transaction by itself, which would keep it
    from cleaning up. MySQL does so after a minute, by its net_write_timeout."""
    if page.dialect == "postgresql":
        connection = session.connection(bind_arguments={"mapper": page.view.model.mapper})
        connection.exec_driver_sql(f"SET LOCAL idle_in_transaction_session_timeout = {int(seconds * 1000)}")


def _read(session: sa_orm.Session, page: Page) -> Iterator[list[Any]]:
    """Where a value does not belong to its column's type, the rest is read as the database has it."""
    done = 0
    try:
        for part in _parts(session, page, 0, as_found=False):
            yield part
            done += len(part)
        return
    except Exception as error:
        if not does_not_fit(error):
            raise
    yield from _parts(session, page, done, as_found=True)


def _parts(session: sa_orm.Session, page: Page, skipped: int, *, as_found: bool) -> Iterator[list[Any]]:
    attributes = [getattr(page.view.model.class_, column.name) for column in page.columns]
    expressions = [raw(each, page.dialect) for each in attributes] if as_found else attributes
    labelled = [each.label(f"column_{number}") for number, each in enumerate(expressions)]
    statement = page.statement(page.parts).add_columns(*labelled)
    statement = statement.offset(skipped) if skipped else statement
    connection = session.connection(bind_arguments={"mapper": page.view.model.mapper})
    with connection.execution_options(yield_per=ROWS).execute(statement) as result:
        try:
            for part in result.partitions():
                yield list(part)
        except GeneratorExit:
            _leave(connection, result)
            raise


def _leave(connection: sa.Connection, result: sa.CursorResult[Any]) -> None:
    """Nobody wants the rest. PyMySQL would read all of it before it lets go of the cursor: the connection goes
    instead."""
    unread = getattr(result.cursor, "_result", None)
    if connection.dialect.driver == "pymysql" and unread is not None:
        unread.unbuffered_active = False
        connection.invalidate()


# as CSV


def _csv(columns: tuple[Column, ...], rows: Iterator[list[Any]]) -> Iterator[str]:
    cells = [_cell(column) for column in columns]
    kept = io.StringIO()
    write = csv.writer(kept).writerows
    write([[guarded(column.name) for column in columns]])
    for part in rows:
        write([[cell(value) for cell, value in zip(cells, row, strict=True)] for row in part])
        yield kept.getvalue()
        kept.seek(0)
        kept.truncate()
    yield kept.getvalue()


def _cell(column: Column) -> Callable[[Any], Any]:
    """NULL is an empty field; empty text is the guard alone."""
    if isinstance(column.kind, (Integer, Numeric, Float, Boolean)):

        def number(value: Any) -> Any:
            if value is None or type(value) is int:
                return value
            given = column.format(value)
            if isinstance(given, str):
                return given if isinstance(value, column.kind.native) else guarded(given)
            return ("true" if given else "false") if isinstance(given, bool) else given

        return number

    def text(value: Any) -> Any:
        if value is None:
            return None
        return guarded(value if type(value) is str else column.text(column.format(value)))

    return text


def guarded(text: str) -> str:
    """Harmless in a spreadsheet; an import takes the guard away again.

    >>> guarded("=1+1"), guarded(""), guarded("plain")
    ("'=1+1", "'", 'plain')
    """
    return GUARD + text if not text or text.startswith(_RISKY) else text


# as JSON


def _json(columns: tuple[Column, ...], rows: Iterator[list[Any]]) -> Iterator[str]:
    separator = "[\n"
    for part in _objects(columns, rows):
        yield separator + ",\n".join(part)
        separator = ",\n"
    yield "[]\n" if separator == "[\n" else "\n]\n"


def _json_lines(columns: tuple[Column, ...], rows: Iterator[list[Any]]) -> Iterator[str]:
    for part in _objects(columns, rows):
        yield "\n".join(part) + "\n"


def _objects(columns: tuple[Column, ...], rows: Iterator[list[Any]]) -> Iterator[list[str]]:
    """Column by column: a dictionary for each row would take longer than all else."""
    writers = [_json_text(column) for column in columns]
    row = ", ".join(_encode(column.name).replace("%", "%%") + ": %s" for column in columns)
    row = "{" + row + "}"
    for part in rows:
        texts = (map(write, values) for write, values in zip(writers, zip(*part, strict=True), strict=True))
        yield [row % each for each in zip(*texts, strict=True)]


_encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False).encode


def _json_text(column: Column) -> Callable[[Any], str]:
    """Writes a value as JSON."""
    null, as_it_is = _encode(column.format(None)), type(column.kind).format is Kind.format
    shown, quoted = column.format, encode_basestring

    def text(value: Any) -> str:
        if value is None:
            return null
        if not (as_it_is and type(value) is str):
            value = shown(value)
        if type(value) is str:
            return quoted(value)
        return repr(value) if type(value) is int else _encode(value)

    return text
