"""Why can the store not be asked, and what does a person do now? Never a driver's own words."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa

from ..refusal import Refusal
from ..writable import disk_trouble, is_read_only

DOCTOR = "Try again in a moment; `flask dashboard doctor` says what is wrong."


class Away:
    """What the users of one store are told while it is. One that hung, and was given up after `seconds`, is not asked
    again for as long: else a page that asks four times would hang four times.

    seconds: None where it may take as long as it takes. clock: seconds.
    """

    def __init__(self, seconds: float | None, clock: Callable[[], float] = time.monotonic) -> None:
        self._seconds, self._clock = seconds, clock
        self._hung_until = float("-inf")

    @contextmanager
    def told(self) -> Iterator[None]:
        """Around each use of the store. Raises Refusal for what its driver says."""
        began = self._clock()
        if began < self._hung_until:
            raise Refusal("store_away", "The store did not answer in time; nothing was changed.", remedy=DOCTOR)
        try:
            yield
        except (sa.exc.DBAPIError, sa.exc.TimeoutError) as error:
            if self._seconds is not None and _is_away(error) and self._clock() - began >= self._seconds / 2:
                self._hung_until = self._clock() + self._seconds
            refusal = _refusal(error)
            if refusal is None:
                raise
            raise refusal from error


def _refusal(error: Any) -> Refusal | None:
    """None for a fault of our own."""
    if isinstance(error, sa.exc.DataError):  # a NUL, of which PostgreSQL keeps none
        message = "This holds a character that cannot be kept, or is too long; nothing was changed."
        return Refusal("not_understood", message)
    if not _is_away(error):
        return None
    if "database is locked" in str(getattr(error, "orig", "")):
        message = "Others are writing into the store just now; nothing was changed."
        return Refusal("busy", message, remedy="Try again in a moment.")
    if _lacks_tables(error):
        return Refusal(
            "store_away",
            "The store's tables are missing, or not as they were made; nothing was changed.",
            remedy="`flask dashboard store create` makes those that are missing; `doctor` says what is wrong.",
        )
    if getattr(getattr(error, "orig", None), "sqlite_errorname", "") in ("SQLITE_NOTADB", "SQLITE_CORRUPT"):
        message = "The store's file is no database, or a broken one; nothing was changed."
        remedy = "Bring it back from a copy; or move it away: then a new one is made, with no account in it."
        return Refusal("unavailable", message, remedy=remedy)
    if is_read_only(getattr(error, "orig", None)):
        message = "The store can only be read just now; nothing was changed."
        return Refusal("store_away", message, remedy="See why its server, or its file, takes nothing that is written.")
    disk = disk_trouble(getattr(error, "orig", None))
    if disk is not None:
        message = f"The store cannot be used just now: {disk.sentence}; nothing was changed."
        return Refusal("store_away", message, remedy=disk.remedy)
    return Refusal("store_away", "The store cannot be reached just now; nothing was changed.", remedy=DOCTOR)


def _is_away(error: Any) -> bool:
    """Not what a row's own values cause: a broken file, a missing table, a right that is missing, a standby that is
    read only."""
    if _number(error) in _MYSQL_VALUES:
        return False
    if isinstance(error, (sa.exc.OperationalError, sa.exc.InterfaceError, sa.exc.TimeoutError)):
        return True
    return type(error) is sa.exc.DatabaseError or _state(error) in ("42501", "25006") or _lacks_tables(error)


def _state(error: Any) -> str:
    orig = getattr(error, "orig", None)
    return str(getattr(orig, "sqlstate", None) or getattr(orig, "pgcode", None) or "")


_MYSQL_VALUES = (1364, 3819, 4025)
"""A column without a value, and two kinds of CHECK: PyMySQL calls them OperationalError, as it calls a lost server."""


def _number(error: Any) -> Any:
    """MySQL's number of the error; another driver's first argument is a text."""
    return (getattr(getattr(error, "orig", None), "args", None) or ("",))[0]


def _lacks_tables(error: Any) -> bool:
    text = str(getattr(error, "orig", None))
    missing = text.startswith(("no such table", "no such column")) or "has no column named" in text
    return missing or _state(error) in ("42P01", "42703", "3F000") or _number(error) in (1054, 1146)
