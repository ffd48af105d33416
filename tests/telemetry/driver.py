"""What did the database driver really see? sqlite3 that counts for itself, and that can go away and come back."""

from __future__ import annotations

import itertools
import sqlite3
import threading
import weakref
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

GONE = "Cannot operate on a closed database."  # what SQLAlchemy's dialect takes for a lost connection


class Driver:
    """Counts connects, failed connects, closes, commits, rollbacks and executes, under a lock of its own."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.counts: Counter[str] = Counter()
        self.is_away = False
        self.commits_fail = False
        self.before_commit: Callable[[], None] = lambda: None
        self._alive: weakref.WeakSet[CountedConnection] = weakref.WeakSet()
        self._lock = threading.Lock()
        self._generation = itertools.count(1)
        self.generation = 0

    def count(self, name: str) -> None:
        with self._lock:
            self.counts[name] += 1

    @property
    def open(self) -> int:
        """Connections that are neither closed nor collected as garbage."""
        return sum(not connection.is_closed for connection in list(self._alive))

    def drop_all(self) -> None:
        """Every connection that is open now is lost: its next use fails."""
        self.generation = next(self._generation)

    def connect(self, *arguments: Any) -> sqlite3.Connection:
        if self.is_away:
            self.count("failed connects")
            raise sqlite3.OperationalError("unable to open database file")
        connection = sqlite3.connect(self.path, factory=CountedConnection, check_same_thread=False, timeout=20)
        connection.driver = self
        connection.generation = self.generation
        self._alive.add(connection)
        self.count("connects")
        return connection


class CountedConnection(sqlite3.Connection):
    driver: Driver
    generation: int
    is_closed = False

    def check(self) -> None:
        if self.generation != self.driver.generation or self.driver.is_away:
            raise sqlite3.ProgrammingError(GONE)

    def cursor(self, *arguments: Any) -> CountedCursor:
        return super().cursor(CountedCursor)

    def commit(self) -> None:
        self.check()
        self.driver.before_commit()
        if self.driver.commits_fail:
            self.driver.count("failed commits")
            raise sqlite3.OperationalError("disk I/O error")
        super().commit()
        self.driver.count("commits")

    def rollback(self) -> None:
        self.driver.count("rollbacks")
        super().rollback()

    def close(self) -> None:
        if not self.is_closed:
            self.is_closed = True
            self.driver.count("closes")
        super().close()

    def __del__(self) -> None:
        super().close()  # CPython 3.13 warns of one that is only dropped, and here many are


class CountedCursor(sqlite3.Cursor):
    def execute(self, statement: str, *arguments: Any) -> Any:
        connection: Any = self.connection
        connection.check()
        connection.driver.count("executes")
        try:
            result = super().execute(statement, *arguments)
        except SystemError as lost:
            # CPython asks SQLite for the error in a second step; a cursor of this connection that another thread's
            # garbage collector frees in between has overwritten it
            raise sqlite3.OperationalError("an error that was lost") from lost
        connection.driver.count("executed " + statement.split()[0].lower())
        return result
