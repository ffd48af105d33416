"""How is the ledger's file made, by one of many who start at once? Only its owner's account may look into it."""

from __future__ import annotations

import fcntl
import os
import sqlite3
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

FILE = "ledger.db"
_SCHEMA = (
    "CREATE TABLE ledger (id TEXT NOT NULL, created_at REAL NOT NULL)",
    "CREATE TABLE process (host TEXT, boot TEXT, pid INTEGER, started INTEGER, epoch INTEGER, worker INTEGER NOT NULL,"
    " started_at REAL NOT NULL, said_at REAL NOT NULL, said TEXT NOT NULL,"
    " PRIMARY KEY (host, boot, pid, started, epoch))",
    "CREATE TABLE retired (generation TEXT PRIMARY KEY, version INTEGER NOT NULL, sums TEXT NOT NULL,"
    " folded TEXT NOT NULL)",
    "CREATE TABLE settled (process TEXT PRIMARY KEY, said TEXT NOT NULL)",
)


def inode_of(path: Path) -> int | None:
    try:
        return path.stat().st_ino
    except FileNotFoundError:
        return None


def make(path: Path) -> None:
    """Makes a file of a new name whole, and then points to it: nobody sees half a ledger, and one of many makes it.

    The name is new each time because who deletes a ledger deletes three files one after the other, for SQLite keeps a
    log and an index beside it: of the same name, the new ledger would lose its log to that.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with _locked(path.parent / "ledger.lock"):
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


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    descriptor = os.open(path, os.O_CREAT | os.O_RDWR, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        fcntl.flock(descriptor, fcntl.LOCK_UN)  # a child that was forked meanwhile has the descriptor too
        os.close(descriptor)


def _fill(path: Path) -> None:
    os.close(os.open(path, os.O_CREAT | os.O_EXCL, 0o600))  # SQLite's log and index beside it take its mode
    connection = sqlite3.connect(path, isolation_level=None)
    try:
        connection.execute("PRAGMA journal_mode=WAL")
        for statement in _SCHEMA:
            connection.execute(statement)
        connection.execute("INSERT INTO ledger VALUES (?, ?)", (uuid.uuid4().hex, time.time()))
    finally:
        connection.close()
