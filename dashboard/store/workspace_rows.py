"""Which rows is a workspace kept in? The tables, and the plain data that goes into them and comes out."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import mysql

from .engine import metadata
from .texts import text_of

NAME_LENGTH = 64
_json = sa.Text().with_variant(mysql.LONGTEXT(), "mysql", "mariadb")

workspace_table = sa.Table(
    "poolhouse_workspace",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("name", sa.String(NAME_LENGTH), nullable=False, unique=True),
    sa.Column("owner", sa.String(255), nullable=False),
    sa.Column("database", sa.String(255), nullable=False),
    sa.Column("settings", _json, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("tape", sa.Integer, nullable=False, doc="number of the last action on the tape"),
    sa.Column("objects", sa.Integer, nullable=False),
    sa.Column("transaction", _json, doc="the open transaction, as the contract draws it; NULL when none is open"),
    sa.Column("pin", sa.String(255), doc="the process that holds the open transaction"),
    sa.Column("intent", _json, doc="written just before a COMMIT, cleared with its outcome"),
    sa.Column("updated_at", sa.String(32), nullable=False),
)

version_table = sa.Table(
    "poolhouse_workspace_version",
    metadata,
    sa.Column("workspace", sa.Integer, sa.ForeignKey(workspace_table.c.id), primary_key=True, autoincrement=False),
    sa.Column("version", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("at", sa.String(32), nullable=False),
    sa.Column("actor", sa.String(255), nullable=False),
    sa.Column("action", sa.String(64), nullable=False),
    sa.Column("header", _json, nullable=False),
)

object_table = sa.Table(
    "poolhouse_workspace_object",
    metadata,
    sa.Column("workspace", sa.Integer, sa.ForeignKey(workspace_table.c.id), primary_key=True, autoincrement=False),
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False, doc="of the object in its workspace"),
    sa.Column("version", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("image", _json, doc="NULL from the version on in which the object left the workspace"),
)

tape_table = sa.Table(
    "poolhouse_workspace_tape",
    metadata,
    sa.Column("workspace", sa.Integer, sa.ForeignKey(workspace_table.c.id), primary_key=True, autoincrement=False),
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("entry", _json, nullable=False),
)


@dataclass(frozen=True)
class Row:
    """One workspace, without its objects. Times are ISO 8601 in UTC."""

    id: int
    name: str
    owner: str
    database: str
    settings: Mapping[str, Any]
    version: int
    tape: int
    objects: int
    transaction: Mapping[str, Any] | None
    pin: str | None
    intent: Mapping[str, Any] | None
    updated_at: str


@dataclass(frozen=True)
class Kept:
    """One version of a workspace: its header, and the image of each object by the object's number."""

    header: Mapping[str, Any]
    images: Mapping[int, Mapping[str, Any]]


@dataclass(frozen=True)
class Change:
    """What one action makes of a workspace. images: None for an object that left; the text of one may be made already.
    A change without a header makes no new version. What a header's `undo` and `redo` name (version first) is kept.
    outcome, how: what became of the change set that the intent announced. owner: who has it from now on."""

    at: str
    actor: str
    action: str
    header: Mapping[str, Any] | None = None
    images: Mapping[int, Mapping[str, Any] | str | None] = field(default_factory=dict)
    entry: Mapping[str, Any] | None = None
    objects: int = 0
    transaction: Mapping[str, Any] | None = None
    pin: str | None = None
    settings: Mapping[str, Any] | None = None
    outcome: str = ""
    how: str = ""
    owner: str | None = None


_NAMES = tuple(column.name for column in workspace_table.c)
_JSON_COLUMNS = ("settings", "transaction", "intent")


def columns_of(row: Row) -> dict[str, Any]:
    values = {name: getattr(row, name) for name in _NAMES}
    return {**values, **{name: None if values[name] is None else text_of(values[name]) for name in _JSON_COLUMNS}}


def row_of(found: Any) -> Row:
    values = dict(found._mapping)
    return Row(
        **{**values, **{name: None if values[name] is None else json.loads(values[name]) for name in _JSON_COLUMNS}}
    )
