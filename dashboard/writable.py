"""What keeps a database from being written: its disk, or that it can only be read?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa


@dataclass(frozen=True)
class DiskTrouble:
    """sentence: the end of one, without a full stop. remedy: what to do now."""

    sentence: str
    remedy: str


FULL = DiskTrouble("its disk is full", "Make room on it, then try again.")
FAILS = DiskTrouble(
    "its disk does not take what is written (I/O error)",
    "See whether it is full, over a quota, or broken; then try again.",
)
_FULL = ("SQLITE_FULL", "53100", 1021, 1114)
_FAILS = ("58030", 1026)
_READ_ONLY = ("25006", 1290, 1792, 1836)
MOVED = "SQLITE_READONLY_DBMOVED"
"""SQLite's file is not where it was opened: it is gone, rather than read only."""


def disk_trouble(error: BaseException | None) -> DiskTrouble | None:
    """What a driver's error tells of the disk; None where it is something else."""
    names = list(_names(error))
    if any(name in _FULL for name in names):
        return FULL
    if any(name in _FAILS or str(name).startswith("SQLITE_IOERR") for name in names):
        return FAILS
    return None


def is_read_only(error: BaseException | None) -> bool:
    """Whether a driver's error says that nothing can be written there now."""
    names = list(_names(error))
    if MOVED in names:
        return False
    return any(name in _READ_ONLY or str(name).startswith("SQLITE_READONLY") for name in names)


def drop_read_only(engine: sa.Engine) -> None:
    """Connections of this engine on which nothing can be written are thrown away. They would stay so for good: SQLite's
    file may have been opened while it could only be read, a server may have become a standby, and another one its
    primary. What was opened before a file was moved away is as useless when a file is there again."""
    sa.event.listen(engine, "handle_error", _drop)


def _drop(context: sa.ExceptionContext) -> None:
    error = context.original_exception
    if is_read_only(error) or MOVED in _names(error):
        context.is_disconnect = True


def _names(error: Any) -> Iterator[Any]:
    """By which a driver calls it: SQLite's name, an SQLSTATE, MySQL's number."""
    yield from (getattr(error, name, None) for name in ("sqlite_errorname", "sqlstate", "pgcode"))
    yield from getattr(error, "args", ())[:1]
