"""How does the ledger lie on the disk? One SQLite file of rows by process, retired sums by generation, and who it is.

Opened anew when the file behind its name is another one: SQLite would go on writing to a deleted file without a
word."""

from __future__ import annotations

import json
import sqlite3
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from . import forks, incident_rows, points
from .ledger_file import FILE, inode_of, make, renew
from .processes import Process

BUSY_SECONDS = 1.0
STUCK_SECONDS = 0.05
"""How long one waits for another who writes; and how long once that was in vain."""
MOST_SECONDS = 5.0
"""How long one waits where many are writing, one after the other."""
GIVEN_UP_SECONDS = 3.0
"""When nobody could write for so long, whoever is writing has been stopped amid it, and all go on without him."""
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
        self._is_spoilt = False
        self._stuck: tuple[float, float] | None = None
        forks.holding.add(self)

    @contextmanager
    def writing(self) -> Iterator[Transaction]:
        """A transaction that nobody can come between. Raises sqlite3.Error or OSError where the file cannot be used."""
        with self._lock:
            connection = self._opened()
            self._begin(connection)
            try:
                yield Transaction(connection)
                connection.execute("COMMIT")
            except BaseException:
                with suppress(sqlite3.Error):
                    connection.execute("ROLLBACK")
                raise

    @contextmanager
    def looking(self) -> Iterator[Transaction]:
        """All as it lies there at one moment, whoever is writing. Raises as `writing` does."""
        with self._lock:
            connection = self._opened()
            connection.execute("BEGIN")
            try:
                yield Transaction(connection)
            finally:
                with suppress(sqlite3.Error):
                    connection.execute("ROLLBACK")

    def _begin(self, connection: sqlite3.Connection) -> None:
        seconds = BUSY_SECONDS if self._stuck is None else STUCK_SECONDS
        connection.execute(f"PRAGMA busy_timeout = {1000 * seconds:.0f}")
        until = time.monotonic() + MOST_SECONDS
        while True:
            began = time.time()
            try:
                connection.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode != sqlite3.SQLITE_BUSY:
                    raise
                if self._is_in_vain(connection, began) or time.monotonic() > until:
                    raise
            else:
                self._stuck = None
                return

    def _is_in_vain(self, connection: sqlite3.Connection, began: float) -> bool:
        """Whether it is always the same one who is writing: nobody's word has come in since we began to wait."""
        said_at = connection.execute("SELECT max(said_at) FROM process").fetchone()[0] or 0.0
        if said_at >= began:
            self._stuck = None
            return False
        now = time.monotonic()
        if self._stuck is None or self._stuck[1] != said_at:
            self._stuck = (now, said_at)
        elif now - self._stuck[0] > GIVEN_UP_SECONDS:
            self._stuck = None
            renew(self.path, self._inode)
        return True

    def close(self) -> None:
        with self._lock:
            if self._connection is not None:
                self._connection.close()
            self._connection = self._inode = None

    def pause(self, seconds: float) -> bool:
        """Before a fork: waits until nobody is in the file, and closes it. False where that takes longer."""
        if not self._lock.acquire(timeout=seconds):
            return False
        if self._connection is not None and self._connection.in_transaction:  # this very thread's
            self._lock.release()
            return False
        with suppress(sqlite3.Error):
            self.close()
        return True

    def go_on(self) -> None:
        """After the fork, in the parent."""
        self._lock.release()

    def forget(self, was_paused: bool) -> None:
        """After the fork, in the child. Where the parent was in the file, or had it open, this process is not to touch
        it: SQLite takes the parent's locks for its own, and forbids even to close what came over a fork."""
        self._is_spoilt |= not was_paused
        if self._connection is not None:
            _inherited.append(self._connection)
        self._connection = self._inode = None
        self._lock = threading.RLock()

    def _opened(self) -> sqlite3.Connection:
        if self._is_spoilt:
            raise sqlite3.OperationalError("this process was forked while its parent was in the ledger, for too long")
        while True:
            inode = inode_of(self.path)
            if self._connection is not None and inode == self._inode:
                return self._connection
            self.close()
            if inode is None:
                make(self.path)
                continue
            connection = sqlite3.connect(self.path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
            try:
                connection.execute("PRAGMA synchronous=NORMAL")
                if connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'ledger'").fetchone():
                    for statement in (_LABELS, *points.SCHEMA, *incident_rows.SCHEMA):
                        connection.execute(statement)  # a ledger that an earlier version has made
            except BaseException:
                connection.close()
                raise
            self._connection, self._inode = connection, inode  # the next look tells whether it was this file


class Transaction:
    """What can be done to the rows within one transaction."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.execute = self._execute = connection.execute
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

    def last_words(self) -> list[tuple[Key, float]]:
        """When each process spoke last."""
        found = self._execute("SELECT host, boot, pid, started, epoch, said_at FROM process").fetchall()
        return [((host, boot, pid, started, epoch), said_at) for host, boot, pid, started, epoch, said_at in found]

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
