"""How does the ledger lie on the disk? One SQLite file of rows by process, retired sums by generation, and who it is.

Opened anew when the file behind its name is another one: SQLite would go on writing to a deleted file without a
word."""

from __future__ import annotations

import fcntl
import json
import os
import sqlite3
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .processes import Process

FILE = "ledger.db"
BUSY_SECONDS = 5.0
_SCHEMA = (
    "CREATE TABLE ledger (id TEXT NOT NULL)",
    "CREATE TABLE process (host TEXT, boot TEXT, pid INTEGER, started INTEGER, epoch INTEGER, worker INTEGER NOT NULL,"
    " started_at REAL NOT NULL, said_at REAL NOT NULL, said TEXT NOT NULL,"
    " PRIMARY KEY (host, boot, pid, started, epoch))",
    "CREATE TABLE retired (generation TEXT PRIMARY KEY, version INTEGER NOT NULL, sums TEXT NOT NULL)",
)
_KEY = "host = ? AND boot = ? AND pid = ? AND started = ? AND epoch = ?"

Key = tuple[str, str, int, int, int]


@dataclass(frozen=True)
class Row:
    """What one process last said. said: JSON text, parsed only by who needs it."""

    key: Key
    worker: int
    started_at: float
    said_at: float
    said: str

    @property
    def process(self) -> Process:
        return Process(*self.key[:4])


@dataclass(frozen=True)
class Retired:
    """The sums of the dead of one generation of the file. version: how often something was folded into them."""

    generation: str
    version: int
    sums: str


class Rows:
    """The open file. One at a time may use it (`with rows.writing()`), within this process and among all of them."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / FILE
        self._lock = threading.RLock()
        self._connection: sqlite3.Connection | None = None
        self._inode: int | None = None

    @contextmanager
    def writing(self) -> Iterator[Transaction]:
        """A transaction that nobody can come between. Raises sqlite3.Error or OSError where the file cannot be used."""
        with self._lock:
            connection = self._opened()
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield Transaction(connection)
                connection.execute("COMMIT")
            except BaseException:
                with suppress(sqlite3.Error):
                    connection.execute("ROLLBACK")
                raise

    def close(self) -> None:
        with self._lock:
            if self._connection is not None:
                self._connection.close()
            self._connection = self._inode = None

    def forget(self) -> None:
        """In a forked child: SQLite forbids to use or even to close a connection that came over a fork."""
        if self._connection is not None:
            _inherited.append(self._connection)
        self._connection = self._inode = None
        self._lock = threading.RLock()

    def _opened(self) -> sqlite3.Connection:
        inode = _inode(self.path)
        if self._connection is not None and inode == self._inode:
            return self._connection
        self.close()
        if inode is None:
            _create(self.path)
        connection = sqlite3.connect(self.path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
        connection.execute("PRAGMA synchronous=NORMAL")
        self._connection, self._inode = connection, _inode(self.path)
        return connection


class Transaction:
    """What can be done to the rows within one transaction."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._execute = connection.execute

    def generation(self) -> str:
        """Who this file is: another one after it was deleted."""
        return str(self._execute("SELECT id FROM ledger").fetchone()[0])

    def rows(self) -> list[Row]:
        found = self._execute("SELECT * FROM process ORDER BY worker").fetchall()
        return [Row((host, boot, pid, started, epoch), *rest) for host, boot, pid, started, epoch, *rest in found]

    def row_keys(self) -> list[Key]:
        return list(self._execute("SELECT host, boot, pid, started, epoch FROM process").fetchall())

    def update(self, key: Key, said: str) -> bool:
        """Whether the row is still there."""
        return (
            self._execute(f"UPDATE process SET said = ?, said_at = ? WHERE {_KEY}", (said, time.time(), *key)).rowcount
            == 1
        )

    def insert(self, key: Key, worker: int | None, started_at: float, said_at: float, said: str) -> int:
        """The worker number: the wanted one where it is free, else the smallest free one."""
        taken = {row[0] for row in self._execute("SELECT worker FROM process")}
        if worker is None or worker in taken:
            worker = next(number for number in range(1, len(taken) + 2) if number not in taken)
        values = (*key, worker, started_at, said_at, said)
        self._execute("INSERT INTO process VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", values)
        return worker

    def take(self, key: Key) -> str | None:
        """Deletes a row and answers what it said."""
        row = self._execute(f"DELETE FROM process WHERE {_KEY} RETURNING said", key).fetchone()
        return None if row is None else str(row[0])

    def retired(self) -> list[Retired]:
        return [Retired(*row) for row in self._execute("SELECT generation, version, sums FROM retired")]

    def retire(self, retired: Retired) -> None:
        """Keeps the sums unless a later version of them is there."""
        self._execute(
            "INSERT INTO retired VALUES (?, ?, ?) ON CONFLICT (generation) DO UPDATE"
            " SET version = excluded.version, sums = excluded.sums WHERE excluded.version > version",
            (retired.generation, retired.version, retired.sums),
        )


_inherited: list[sqlite3.Connection] = []


def dump(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"))


def _inode(path: Path) -> int | None:
    try:
        return path.stat().st_ino
    except FileNotFoundError:
        return None


def _create(path: Path) -> None:
    """Makes the file whole under another name and then links it: nobody ever sees half a ledger, and one of many
    makes it.

    A write-ahead log that a deleted ledger left behind would be played into the new file, so it goes first.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with (path.parent / "ledger.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if path.exists():
            return
        for suffix in ("-wal", "-shm"):
            path.with_name(path.name + suffix).unlink(missing_ok=True)
        made = path.with_name(f"{path.name}.{os.getpid()}")
        made.unlink(missing_ok=True)
        connection = sqlite3.connect(made, isolation_level=None)
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            for statement in _SCHEMA:
                connection.execute(statement)
            connection.execute("INSERT INTO ledger VALUES (?)", (uuid.uuid4().hex,))
        finally:
            connection.close()
        made.rename(path)
