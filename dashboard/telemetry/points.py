"""How do the history, what the rules need, and who looks at what lie in the ledger? A few small tables, each bounded.

Beside the rows of the processes and in the same transactions, but with nothing that may not be lost."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from typing import Any

SCHEMA = (
    "CREATE TABLE IF NOT EXISTS history (step INTEGER, at INTEGER, pool TEXT, said TEXT NOT NULL,"
    " PRIMARY KEY (step, at, pool)) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS tally (step INTEGER, pool TEXT, at REAL NOT NULL, sums TEXT NOT NULL,"
    " PRIMARY KEY (step, pool)) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS lease (name TEXT PRIMARY KEY, process TEXT NOT NULL, until REAL NOT NULL)"
    " WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS recent (at REAL PRIMARY KEY, sums TEXT NOT NULL) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS finding (name TEXT PRIMARY KEY, since REAL NOT NULL, seen REAL NOT NULL) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS looked (pool TEXT PRIMARY KEY, until REAL NOT NULL) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS asked (pool TEXT, at REAL, process TEXT, worker INTEGER NOT NULL, counts TEXT NOT NULL,"
    " PRIMARY KEY (pool, at, process)) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS wish (number INTEGER PRIMARY KEY AUTOINCREMENT, at REAL NOT NULL, pool TEXT NOT NULL,"
    " worker INTEGER, connection INTEGER)",
    "CREATE TABLE IF NOT EXISTS granted (wish INTEGER, process TEXT, connections INTEGER NOT NULL,"
    " PRIMARY KEY (wish, process)) WITHOUT ROWID",
)
TALLIES_KEPT = 86_400
"""Seconds."""
LOOKS_KEPT = 100
UNSEEN_SECONDS = 5.0
"""A finding that nobody has seen for so long is over."""
LOOKED_AT = 50
"""Pools that one process holds to be looked at, at one time."""


def look(looked: dict[str, float], pool: str, now: float, seconds: float) -> float | None:
    """Until when somebody looks at the pool; None where that was told a moment ago. Names may come from a URL: of too
    many the latest are the ones that matter."""
    if looked.get(pool, 0.0) > now + seconds / 2:
        return None
    while len(looked) >= LOOKED_AT:
        del looked[min(looked, key=looked.__getitem__)]
    looked[pool] = now + seconds
    return looked[pool]


class Points:
    """What can be done to these tables within a transaction of the ledger; execute: its connection's."""

    def __init__(self, execute: Callable[..., Any]) -> None:
        self._execute = execute

    def take_lease(self, name: str, process: str, alive: Collection[str], now: float, seconds: float) -> bool:
        """Whether this process has it: it had it before, nobody has it, or who had it is gone or silent."""
        found = self._execute("SELECT process, until FROM lease WHERE name = ?", (name,)).fetchone()
        if found is not None:
            holder, left = found[0], found[1] - now
            if holder != process and holder in alive and 0 < left <= seconds:
                return False
            if holder == process and seconds / 2 < left <= seconds:
                return True
        self._execute("INSERT OR REPLACE INTO lease VALUES (?, ?, ?)", (name, process, now + seconds))
        return True

    def newest(self, step: int) -> int | None:
        found = self._execute("SELECT max(at) FROM history WHERE step = ?", (step,)).fetchone()[0]
        return None if found is None else int(found)

    def between(self, step: int, first: int, end: int) -> list[tuple[int, str, str]]:
        """(at, pool, said) of every pool."""
        query = "SELECT at, pool, said FROM history WHERE step = ? AND at >= ? AND at < ?"
        return list(self._execute(query, (step, first, end)).fetchall())

    def of(self, step: int, pool: str, first: int) -> list[tuple[int, str]]:
        """(at, said) of one pool."""
        query = "SELECT at, said FROM history WHERE step = ? AND at >= ? AND pool = ?"
        return list(self._execute(query, (step, first, pool)).fetchall())

    def add(self, step: int, at: int, pool: str, said: str) -> None:
        self._execute("INSERT OR REPLACE INTO history VALUES (?, ?, ?, ?)", (step, at, pool, said))

    def forget(self, step: int, oldest: int, newest: int) -> None:
        """What is older, and what a clock that was set back has left in the future."""
        self._execute("DELETE FROM history WHERE step = ? AND at < ?", (step, oldest))
        self._execute("DELETE FROM history WHERE step = ? AND at > ?", (step, newest))

    def sums(self, step: int, pool: str) -> tuple[float, str] | None:
        """When the last point of a pool was written, and its sums then."""
        found = self._execute("SELECT at, sums FROM tally WHERE step = ? AND pool = ?", (step, pool)).fetchone()
        return None if found is None else (found[0], found[1])

    def set_sums(self, step: int, pool: str, at: float, sums: str) -> None:
        self._execute("INSERT OR REPLACE INTO tally VALUES (?, ?, ?, ?)", (step, pool, at, sums))

    def forget_sums(self, now: float) -> None:
        self._execute("DELETE FROM tally WHERE at < ?", (now - TALLIES_KEPT,))

    def asking(self) -> set[tuple[str, str]]:
        """The pools and processes of which something is kept."""
        return set(self._execute("SELECT DISTINCT pool, process FROM asked").fetchall())

    def add_asked(self, pool: str, at: float, process: str, worker: int, counts: str) -> None:
        self._execute("INSERT OR REPLACE INTO asked VALUES (?, ?, ?, ?, ?)", (pool, at, process, worker, counts))

    def asked(self, pool: str) -> list[tuple[float, str, int, str]]:
        """(at, process, worker, counts) of one pool, oldest first."""
        query = "SELECT at, process, worker, counts FROM asked WHERE pool = ? ORDER BY at"
        return list(self._execute(query, (pool,)).fetchall())

    def forget_asked(self, oldest: float, newest: float) -> None:
        self._execute("DELETE FROM asked WHERE at < ? OR at > ?", (oldest, newest))

    def look(self, pool: str, until: float) -> None:
        self._execute("INSERT OR REPLACE INTO looked VALUES (?, ?)", (pool, until))

    def note_recent(self, at: float, sums: str, keep: float) -> None:
        """The counts of now, for the rules; those older than `keep` seconds go, and those of the future."""
        self._execute("DELETE FROM recent WHERE at < ? OR at > ?", (at - keep, at))
        self._execute("INSERT OR REPLACE INTO recent VALUES (?, ?)", (at, sums))

    def recent(self, now: float, window: float) -> tuple[float, str] | None:
        """The newest counts that are as old as the window, else the oldest there are."""
        query = "SELECT at, sums FROM recent WHERE at <= ? AND at > ? ORDER BY at"
        old = self._execute(query + " DESC LIMIT 1", (now - window, now - 2 * window)).fetchone()
        found = old or self._execute(query + " LIMIT 1", (now, now - window)).fetchone()
        return None if found is None else (found[0], found[1])

    def note_findings(self, names: Iterable[str], now: float) -> None:
        """These hold now. What nobody has seen for a while is over."""
        for name in names:
            self._execute(
                "INSERT INTO finding VALUES (?, ?, ?) ON CONFLICT (name) DO UPDATE SET seen = excluded.seen",
                (name, now, now),
            )
        self._execute("DELETE FROM finding WHERE seen < ? OR seen > ?", (now - UNSEEN_SECONDS, now))

    def findings_since(self) -> dict[str, float]:
        return dict(self._execute("SELECT name, since FROM finding").fetchall())

    def looked(self, now: float, most: float) -> dict[str, float]:
        """The pools that somebody looks at, and until when. most: seconds that a look lasts."""
        rows = self._execute("SELECT pool, until FROM looked ORDER BY until DESC").fetchall()
        found = dict(rows)
        for pool in [
            pool for place, (pool, until) in enumerate(rows) if place >= LOOKS_KEPT or not 0 < until - now <= most
        ]:
            self._execute("DELETE FROM looked WHERE pool = ?", (pool,))
            del found[pool]
        return found
