"""Who did what, when and from where? Rows that are added and read, and never changed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from .engine import Store, metadata

DONE, REFUSED, FAILED = "done", "refused", "failed"
"""What became of it. An act of consequence is written down as done before it is done: none is without its row."""
TRIM_EVERY = 64

audit_table = sa.Table(
    "poolhouse_audit",
    metadata,
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("at", sa.String(32), nullable=False, index=True),
    sa.Column("who", sa.String(255), nullable=False, index=True),
    sa.Column("role", sa.String(20), nullable=False),
    sa.Column("address", sa.String(64), nullable=False, doc="from where it was asked"),
    sa.Column("act", sa.String(64), nullable=False, index=True),
    sa.Column("subject", sa.String(255), nullable=False, doc="to what it was done"),
    sa.Column("outcome", sa.String(16), nullable=False),
    sa.Column("details", sa.JSON, nullable=False),
)


@dataclass(frozen=True)
class Deed:
    """What somebody did, or was refused. at: ISO 8601 in UTC. who: a name, empty where nobody is signed in. address:
    of the client. act: a noun and a verb, like "connection.cancel". subject: to what. details: plain data, no secret
    and no value of a record. number: 0 before it is kept."""

    at: str
    who: str
    role: str
    address: str
    act: str
    subject: str = ""
    outcome: str = DONE
    details: Mapping[str, Any] = field(default_factory=dict)
    number: int = 0


def moment() -> str:
    """This one, as a Deed has it."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


_COLUMNS = [column.name for column in audit_table.c]
_WIDTHS = {column.name: column.type.length for column in audit_table.c if isinstance(column.type, sa.String)}


def insert(connection: sa.Connection, deed: Deed) -> int:
    """Keeps it within somebody's transaction; answers its number. Texts are cut to what their columns hold; PostgreSQL
    holds no NUL, and nobody gets out of the audit by one."""
    values = {name: getattr(deed, name) for name in _COLUMNS if name != "number"}
    values |= {name: values[name].replace("\0", "\ufffd")[:width] for name, width in _WIDTHS.items()}
    key = connection.execute(audit_table.insert().values(values)).inserted_primary_key
    assert key is not None
    return int(key[0])


class Audit:
    """The audit of one store. most: the newest so many are kept, of what was done and of what was refused."""

    def __init__(self, store: Store, most: int) -> None:
        self._store, self._most = store, most

    def add(self, deed: Deed) -> int:
        """Answers its number. Raises Refusal("store_away")."""
        with self._store.writing() as connection:
            number = insert(connection, deed)
            if number % TRIM_EVERY == 0:
                self._trim(connection, audit_table.c.outcome == REFUSED)
                self._trim(connection, audit_table.c.outcome != REFUSED)
        return number

    def _trim(self, connection: sa.Connection, kind: sa.ColumnElement[bool]) -> None:
        """Of what was done and of what was refused the newest so many each: whoever is refused a hundred thousand times
        does not push out what was done."""
        number = audit_table.c.number
        first_gone = sa.select(number).where(kind).order_by(number.desc()).offset(self._most).limit(1)
        gone = connection.scalar(first_gone)
        if gone is not None:
            connection.execute(audit_table.delete().where(kind, number <= gone))

    def newest(
        self, *, most: int, before: int | None = None, who: str | None = None, act: str | None = None
    ) -> list[Deed]:
        """The newest first. before: only those with a smaller number; act: an act, or how it begins ("connection.")."""
        columns = audit_table.c
        asked = sa.select(*(columns[name] for name in _COLUMNS))
        if before is not None:
            asked = asked.where(columns.number < before)
        if who is not None:
            asked = asked.where(columns.who == who)
        if act is not None:
            asked = asked.where(columns.act.startswith(act, autoescape=True))
        with self._store.reading() as connection:
            rows = connection.execute(asked.order_by(columns.number.desc()).limit(most))
            return [Deed(**row._mapping) for row in rows]
