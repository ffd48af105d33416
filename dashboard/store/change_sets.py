"""What did each commit change? One table, in the store or in the data's own database; each row is one change set."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import mysql

from .engine import metadata
from .texts import text_of

UNCERTAIN, COMMITTED, LOST = "uncertain", "committed", "lost"
"""What became of the commit: nobody knows yet; it was written; it was not."""
TRIM_EVERY = 32
LARGE = 200_000
"""Characters of a change set's objects that are read where only one of them is asked for."""

_long = sa.Text().with_variant(mysql.LONGTEXT(), "mysql", "mariadb")


def table_in(where: sa.MetaData) -> sa.Table:
    return sa.Table(
        "poolhouse_change_set",
        where,
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("token", sa.String(32), nullable=False, unique=True, doc="what a worker knows its own one by"),
        sa.Column("database", sa.String(255), nullable=False),
        sa.Column("workspace", sa.String(64), nullable=False),
        sa.Column("version", sa.Integer, nullable=False, doc="of the workspace, that it was made from"),
        sa.Column("author", sa.String(255), nullable=False),
        sa.Column("at", sa.String(32), nullable=False),
        sa.Column("note", _long),
        sa.Column("outcome", sa.String(16), nullable=False),
        sa.Column("how", sa.String(255), nullable=False, doc="how the outcome was found, where that is worth telling"),
        sa.Column("changes", sa.Integer, nullable=False, doc="how many objects it changed"),
        sa.Column("models", _long, nullable=False),
        sa.Column("objects", _long, nullable=False),
    )


change_set_table = table_in(metadata)
data_table = table_in(sa.MetaData())
"""The same in a database that is looked at (DASHBOARD_CHANGE_SETS=database)."""


@dataclass(frozen=True)
class ChangeSet:
    """One commit of a workspace. number: 0 before it is kept. objects: an entry for each object as `workspaces.changes`
    makes them; empty in a list. models: how many of each model. Times are ISO 8601 in UTC."""

    number: int
    token: str
    database: str
    workspace: str
    version: int
    author: str
    at: str
    note: str
    outcome: str
    how: str
    changes: int
    models: Mapping[str, int]
    objects: tuple[Mapping[str, Any], ...] = ()

    @cached_property
    def text(self) -> str:
        """The entries as they are kept."""
        return text_of(self.objects)


_LISTED = [column for column in change_set_table.c if column.name != "objects"]


def insert(connection: sa.Connection, table: sa.Table, change_set: ChangeSet) -> int:
    """Keeps it; answers its number."""
    values = {column.name: getattr(change_set, column.name) for column in table.c if column.name != "number"}
    values |= {"models": text_of(change_set.models), "objects": change_set.text}
    key = connection.execute(table.insert().values(values)).inserted_primary_key
    assert key is not None
    return int(key[0])


def newest(
    connection: sa.Connection, table: sa.Table, *, before: int | None, most: int, database: str | None = None
) -> list[ChangeSet]:
    """The newest first, without what is certainly lost. before: only those with a smaller number."""
    listed = sa.select(*(table.c[column.name] for column in _LISTED)).where(table.c.outcome != LOST)
    if before is not None:
        listed = listed.where(table.c.number < before)
    if database is not None:
        listed = listed.where(table.c.database == database)
    return [_read(row) for row in connection.execute(listed.order_by(table.c.number.desc()).limit(most))]


def of_record(
    connection: sa.Connection,
    table: sa.Table,
    database: str,
    model: str,
    key: str,
    *,
    before: int | None,
    most: int,
    looked: int,
) -> list[ChangeSet]:
    """The newest first of those that changed this record. looked: how many of the newest are looked at. Of one that is
    larger than LARGE its objects are left out; of the others they may name the record within a value only."""
    columns, find = table.c, sa.func.strpos if connection.dialect.name == "postgresql" else sa.func.instr
    entry = f'"model":{text_of(model)},"key":{text_of(key)},'
    newest_number = connection.scalar(sa.select(sa.func.max(columns.number))) or 0
    floor = newest_number - looked
    small = sa.case((sa.func.length(columns.objects) <= LARGE, columns.objects), else_="[]").label("objects")
    found = (
        sa.select(*(columns[column.name] for column in _LISTED), small)
        .where(columns.number > floor, columns.outcome != LOST, columns.database == database)
        .where(find(columns.models, f"{text_of(model)}:") > 0, find(columns.objects, entry) > 0)
    )
    if before is not None:
        found = found.where(columns.number < before)
    return [_read(row) for row in connection.execute(found.order_by(columns.number.desc()).limit(most))]


def by_number(connection: sa.Connection, table: sa.Table, number: int) -> ChangeSet | None:
    found = connection.execute(table.select().where(table.c.number == number)).first()
    return None if found is None else _read(found)


def by_token(connection: sa.Connection, table: sa.Table, token: str) -> ChangeSet | None:
    found = connection.execute(table.select().where(table.c.token == token)).first()
    return None if found is None else _read(found)


def end(connection: sa.Connection, intent: Mapping[str, Any] | None, outcome: str, how: str) -> None:
    """Settles the change set that an intent has in the store, if it has one there."""
    if outcome and intent and "change_set" in intent and not intent.get("token"):
        settle(connection, intent["change_set"], outcome, how)


def settle(connection: sa.Connection, number: int, outcome: str, how: str) -> None:
    """What became of one that the store keeps."""
    columns = change_set_table.c
    same = change_set_table.update().where(columns.number == number)
    connection.execute(same.values(outcome=outcome, how=how[:255]))


def trim(connection: sa.Connection, number: int, most: int) -> None:
    """Now and then, with a new number: forgets what is older than what the store keeps."""
    if number % TRIM_EVERY == 0:
        connection.execute(change_set_table.delete().where(change_set_table.c.number <= number - most))


def _read(found: Any) -> ChangeSet:
    values = dict(found._mapping)
    objects = tuple(json.loads(values.pop("objects", "[]")))
    return ChangeSet(
        **{**values, "note": values["note"] or "", "models": json.loads(values["models"])}, objects=objects
    )
