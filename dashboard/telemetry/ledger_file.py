"""How is the ledger's file made, by one of many who start at once? Only its owner's account may look into it."""

from __future__ import annotations

import fcntl
import os
import sqlite3
import time
import uuid
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

FILE = "ledger.db"
LOCK_SECONDS = 2.0
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
        made = _new_name(path)
        _fill(made)
        with suppress(FileExistsError):  # the lock may have been deleted a moment ago, with all the folder
            path.symlink_to(made.name)
        _remove_others(path)


def renew(path: Path, inode: int | None) -> None:
    """Puts a copy in the place of a file that cannot be written, because whoever began to write has been stopped. When
    he goes on, he finds another file behind the name, as if it had been deleted; what he writes till then is not lost,
    for it is his own word."""
    with _locked(path.parent / "ledger.lock"):
        if inode_of(path) != inode:  # another process has done it
            return
        made = _new_name(path)
        try:
            _copy(path, made)
        except BaseException:
            made.unlink()
            raise
        link = path.with_name(f"{made.stem}.link")
        link.symlink_to(made.name)
        link.replace(path)
        _remove_others(path)


def _new_name(path: Path) -> Path:
    made = path.with_name(f"{path.stem}-{uuid.uuid4().hex}.db")
    os.close(os.open(made, os.O_CREAT | os.O_EXCL, 0o600))  # SQLite's log and index beside it take its mode
    return made


def _wait_for(descriptor: int) -> None:
    """A moment at most: who has the lock may have been stopped. The lock spares work, and nothing depends on it: each
    makes a file of its own name, and whichever the name ends at, all bring back into it what they know."""
    until = time.monotonic() + LOCK_SECONDS
    while time.monotonic() < until:
        with suppress(BlockingIOError):
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        time.sleep(LOCK_SECONDS / 100)


def _copy(path: Path, made: Path) -> None:
    """With an identity of its own."""
    with closing(sqlite3.connect(path, isolation_level=None)) as source:
        source.execute("VACUUM INTO ?", (str(made),))  # only reads, which nobody can keep one from
    with closing(sqlite3.connect(made, isolation_level=None)) as copy:
        copy.execute("PRAGMA journal_mode=WAL")
        copy.execute("UPDATE ledger SET id = ?, created_at = ?", (uuid.uuid4().hex, time.time()))


def _remove_others(path: Path) -> None:
    for other in path.parent.glob(f"{path.stem}-*.db*"):
        if not other.name.startswith(path.readlink().name):
            other.unlink(missing_ok=True)


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    descriptor = os.open(path, os.O_CREAT | os.O_RDWR, 0o600)
    try:
        _wait_for(descriptor)
        yield
    finally:
        fcntl.flock(descriptor, fcntl.LOCK_UN)  # a child that was forked meanwhile has the descriptor too
        os.close(descriptor)


def _fill(path: Path) -> None:
    connection = sqlite3.connect(path, isolation_level=None)
    try:
        connection.execute("PRAGMA journal_mode=WAL")
        for statement in _SCHEMA:
            connection.execute(statement)
        connection.execute("INSERT INTO ledger VALUES (?, ?)", (uuid.uuid4().hex, time.time()))
    finally:
        connection.close()
