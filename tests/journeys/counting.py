"""How often did a program really speak to its database? A DBAPI driver around sqlite3 that counts, below SQLAlchemy.

`sqlite:///FILE?plugin=counting` uses it; each process counts in a file of its own, which also outlives a SIGKILL."""

from __future__ import annotations

import mmap
import os
import re
import sqlite3
import struct
import threading
from collections import Counter
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import CreateEnginePlugin

FOLDER = "COUNTING_FOLDER"
PING = "SELECT 1"
NAMES = ("connects", "pings", "commits", "failed", "pragma", "select", "insert", "update", "delete", "ddl", "other")
WORDS = {word: word for word in ("pragma", "select", "insert", "update", "delete")} | {
    "create": "ddl",
    "replace": "insert",
    "with": "select",  # the shop's only one is
}
LOCK = threading.Lock()
_tallies: dict[int, mmap.mmap] = {}


def counted(folder: Path) -> Counter[str]:
    """What all processes have counted until now."""
    total: Counter[str] = Counter()
    for file in folder.glob("*.tally"):
        total.update(dict(zip(NAMES, struct.unpack(f"={len(NAMES)}q", file.read_bytes()), strict=True)))
    return total


def count(name: str) -> None:
    with LOCK:
        tally = _tallies.get(os.getpid()) or _tally()
        place = NAMES.index(name) * 8
        struct.pack_into("=q", tally, place, struct.unpack_from("=q", tally, place)[0] + 1)


def _tally() -> mmap.mmap:
    file = Path(os.environ[FOLDER]) / f"{os.getpid()}.tally"
    with file.open("w+b") as opened:
        opened.write(bytes(len(NAMES) * 8))
        opened.flush()
        tally = _tallies[os.getpid()] = mmap.mmap(opened.fileno(), 0)
    return tally


def operation(statement: str) -> str:
    if statement == PING:
        return "pings"
    word = re.match(r"\w*", statement.lstrip())
    return WORDS.get(word.group().lower() if word else "", "other")


class CountingCursor(sqlite3.Cursor):
    """A statement counts when the database has done it."""

    def execute(self, statement: str, *parameters: Any) -> Any:
        return self._counted(statement, super().execute, *parameters)

    def executemany(self, statement: str, *parameters: Any) -> Any:
        return self._counted(statement, super().executemany, *parameters)

    def _counted(self, statement: str, send: Any, *parameters: Any) -> Any:
        try:
            answer = send(statement, *parameters)
        except sqlite3.Error:
            count("failed")
            raise
        count(operation(statement))
        return answer


class CountingConnection(sqlite3.Connection):
    def cursor(self, factory: Any = CountingCursor) -> Any:
        return super().cursor(factory)

    def commit(self) -> None:
        super().commit()
        count("commits")


class Driver:
    """The module sqlite3, but for what it connects with."""

    def __getattr__(self, name: str) -> Any:
        return getattr(sqlite3, name)

    def connect(self, *arguments: Any, **options: Any) -> Any:
        connection = sqlite3.connect(*arguments, **options, factory=CountingConnection)
        count("connects")
        return connection


class Counting(CreateEnginePlugin):
    """Each checkout of a connection that is not new sends a ping: checkouts are connects and pings."""

    def handle_dialect_kwargs(self, dialect_cls: Any, dialect_args: dict[str, Any]) -> None:
        dialect_args["dbapi"] = Driver()

    def handle_pool_kwargs(self, pool_cls: Any, pool_args: dict[str, Any]) -> None:
        pool_args["pre_ping"] = True

    def update_url(self, url: sa.URL) -> sa.URL:
        return url.difference_update_query(["plugin"])


sa.dialects.plugins.register("counting", __name__, "Counting")
