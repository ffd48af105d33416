"""How does the ledger lie on the disk? One SQLite file of rows by process, retired sums by generation, and who it is.

Opened anew when the file behind its name is another one: SQLite would go on writing to a deleted file without a
word."""

from __future__ import annotations

import fcntl
import json
import sqlite3
import threading
import time
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from . import points
from .processes import Process

FILE = "ledger.db"
BUSY_SECONDS = 5.0
_SCHEMA = (
    "CREATE TABLE ledger (id TEXT NOT NULL, created_at REAL NOT NULL)",
    "CREATE TABLE process (host TEXT, boot TEXT, pid INTEGER, started INTEGER, epoch INTEGER, worker INTEGER NOT NULL,"
    " started_at REAL NOT NULL, said_at REAL NOT NULL, said TEXT NOT NULL,"
    " PRIMARY KEY (host, boot, pid, started, epoch))",
    "CREATE TABLE retired (generation TEXT PRIMARY KEY, version INTEGER NOT NULL, sums TEXT NOT NULL,"
    " folded TEXT NOT NULL)",
    "CREATE TABLE settled (process TEXT PRIMARY KEY, said TEXT NOT NULL)",
)
_LABELS = (
    "CREATE TABLE IF NOT EXISTS label (register TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (register, value))"
    " WITHOUT ROWID"
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
    """The sums of the dead of one generation of the file.

    version: how often they were changed. folded: whose rows are in them, the last ones at the end.
    """

    generation: str
    version: int = 0
    sums: str = "{}"
    folded: tuple[Key, ...] = ()


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
        while True:
            inode = _inode(self.path)
            if self._connection is not None and inode == self._inode:
                return self._connection
            self.close()
            if inode is None:
                _create(self.path)
                continue
            connection = sqlite3.connect(self.path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
            try:
                connection.execute("PRAGMA synchronous=NORMAL")
                if connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'ledger'").fetchone():
                    for statement in (_LABELS, *points.SCHEMA):
                        connection.execute(statement)  # a ledger that an earlier version has made
            except BaseException:
                connection.close()
                raise
            self._connection, self._inode = connection, inode  # the next look tells whether it was this file


class Transaction:
    """What can be done to the rows within one transaction."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._execute = connection.execute
        self.points = points.Points(connection.execute)

    def generation(self) -> str:
        """Who this file is: another one after it was deleted."""
        return str(self._execute("SELECT id FROM ledger").fetchone()[0])

    def created_at(self) -> float:
        return float(self._execute("SELECT created_at FROM ledger").fetchone()[0])

    def rows(self) -> list[Row]:
        found = self._execute("SELECT * FROM process ORDER BY worker").fetchall()
        return [Row((host, boot, pid, started, epoch), *rest) for host, boot, pid, started, epoch, *rest in found]

    def row_keys(self) -> list[Key]:
        return list(self._execute("SELECT host, boot, pid, started, epoch FROM process").fetchall())

    def update(self, key: Key, said: str) -> bool:
        """Whether the row is still there."""
        values = (said, time.time(), *key)
        return self._execute(f"UPDATE process SET said = ?, said_at = ? WHERE {_KEY}", values).rowcount == 1

    def insert(self, row: Row) -> int:
        """The worker number: the row's where it is free, else the smallest free one."""
        taken = {row[0] for row in self._execute("SELECT worker FROM process")}
        worker = row.worker
        if worker < 1 or worker in taken:
            worker = next(number for number in range(1, len(taken) + 2) if number not in taken)
        values = (*row.key, worker, row.started_at, row.said_at, row.said)
        self._execute("INSERT INTO process VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", values)
        return worker

    def take(self, key: Key) -> Row | None:
        """Deletes a row and answers it."""
        found = self._execute(f"DELETE FROM process WHERE {_KEY} RETURNING *", key).fetchone()
        return None if found is None else Row(key, *found[len(key) :])

    def retired(self) -> dict[str, Retired]:
        """The sums of every generation, by generation."""
        found = self._execute("SELECT generation, version, sums, folded FROM retired").fetchall()
        return {name: Retired(name, version, sums, _keys(folded)) for name, version, sums, folded in found}

    def retire(self, retired: Retired) -> None:
        values = (retired.generation, retired.version, retired.sums, dump(retired.folded))
        self._execute("INSERT OR REPLACE INTO retired VALUES (?, ?, ?, ?)", values)

    def settled(self) -> set[Key]:
        """Processes older than this file that are in its own sums."""
        return {_key(text) for (text,) in self._execute("SELECT process FROM settled")}

    def settle(self, key: Key, said: str) -> None:
        self._execute("INSERT OR REPLACE INTO settled VALUES (?, ?)", (dump(key), said))

    def labels(self) -> dict[str, set[str]]:
        """The values of each register, by the register's name."""
        registers: dict[str, set[str]] = {}
        for register, value in self._execute("SELECT register, value FROM label"):
            registers.setdefault(register, set()).add(value)
        return registers

    def add_labels(self, entries: Iterable[tuple[str, str]]) -> None:
        for entry in entries:
            self._execute("INSERT OR IGNORE INTO label VALUES (?, ?)", entry)

    def unsettle(self, key: Key) -> str | None:
        """What was settled for this process, which it is no more."""
        found = self._execute("DELETE FROM settled WHERE process = ? RETURNING said", (dump(key),)).fetchone()
        return None if found is None else str(found[0])


_inherited: list[sqlite3.Connection] = []


def dump(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"))


@lru_cache(maxsize=8)
def _keys(text: str) -> tuple[Key, ...]:
    return tuple((host, boot, pid, started, epoch) for host, boot, pid, started, epoch in json.loads(text))


def _key(text: str) -> Key:
    host, boot, pid, started, epoch = json.loads(text)
    return host, boot, pid, started, epoch


def _inode(path: Path) -> int | None:
    try:
        return path.stat().st_ino
    except FileNotFoundError:
        return None


def _create(path: Path) -> None:
    """Makes a file of a new name whole, and then points to it: nobody sees half a ledger, and one of many makes it.

    The name is new each time because who deletes a ledger deletes three files one after the other, for SQLite keeps a
    log and an index beside it: of the same name, the new ledger would lose its log to that.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with (path.parent / "ledger.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if path.exists():
            return
        path.unlink(missing_ok=True)  # it points to a file that is gone
        made = path.with_name(f"{path.stem}-{uuid.uuid4().hex}.db")
        _fill(made)
        with suppress(FileExistsError):  # the lock may have been deleted a moment ago, with all the folder
            path.symlink_to(made.name)
        for other in path.parent.glob(f"{path.stem}-*.db*"):
            if not other.name.startswith(path.readlink().name):
                other.unlink(missing_ok=True)


def _fill(path: Path) -> None:
    connection = sqlite3.connect(path, isolation_level=None)
    try:
        connection.execute("PRAGMA journal_mode=WAL")
        for statement in _SCHEMA:
            connection.execute(statement)
        connection.execute("INSERT INTO ledger VALUES (?, ?)", (uuid.uuid4().hex, time.time()))
    finally:
        connection.close()
