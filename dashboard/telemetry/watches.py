"""What is known of one watched pool in this process? Its numbers, who holds its connections, who waits, which were
detached."""

from __future__ import annotations

import os
import threading
import time
import weakref
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import count
from typing import Any

import sqlalchemy as sa

from .recorder import AGE_SECONDS, COUNTS, SECONDS, Layout, Local, Recorder, Table
from .scopes import Scope, endpoint_of
from .tables import ENDPOINTS, ERROR_NAMES, FINGERPRINTS, OTHER, Endpoints, Names, Statements

POOL = Layout()
CHECKOUTS = POOL.counter("checkouts")
CHECKINS = POOL.counter("checkins")
HOLD = POOL.histogram("hold", SECONDS)
HOLD_SUM = HOLD + len(SECONDS) + 1
WAIT = {outcome: POOL.histogram(f"wait|{outcome}", SECONDS) for outcome in ("ok", "timeout")}
LOST_CHECKOUTS = POOL.counter("lost checkouts")
CREATE = {outcome: POOL.histogram(f"create|{outcome}", SECONDS) for outcome in ("ok", "error")}
CLOSE_REASONS = ("overflow", "recycle", "invalidated", "pre_ping", "dispose", "detached", "error")
CLOSED = {reason: POOL.counter(f"closed|{reason}") for reason in CLOSE_REASONS}
AGE = POOL.histogram("age", AGE_SECONDS)
ERRORS = {
    (phase, away): POOL.counter(f"connection errors|{phase}|{'true' if away else 'false'}")
    for phase in ("connect", "ping", "execute")
    for away in (True, False)
}
INVALIDATIONS = {kind: POOL.counter(f"invalidations|{kind}") for kind in ("hard", "soft")}
LEAKS = {kind: POOL.counter(f"leaks|{kind}") for kind in ("garbage_collected", "overdue", "foreign_process")}
TRANSACTION_OUTCOMES = ("commit", "rollback", "released", "abandoned")
TRANSACTION = {outcome: POOL.histogram(f"transaction|{outcome}", SECONDS) for outcome in TRANSACTION_OUTCOMES}
REQUEST_STATEMENTS = POOL.histogram("request statements", COUNTS)
REQUEST_SECONDS = POOL.histogram("request seconds", SECONDS)
MOST_TOLD = 32
"""From so many on, connections in use at once are not told apart."""
IN_USE = POOL.counters("in use", MOST_TOLD + 1)
"""How many of the pool's connections were out at each checkout, itself included: the cell of n is `IN_USE + n`."""
WANTED = POOL.counters("wanted", MOST_TOLD + 1)
"""The same at the beginning of each wait, with all who wait."""
CACHE = {result: POOL.counter(f"cache|{result}") for result in ("hit", "miss", "no_key")}

MARK = "_poolhouse"
"""The attribute of a pool under which its PoolWatch is found. An attribute, not a table by pool: it goes when the
pool goes."""
LIFE = "_poolhouse_life"
"""The attribute of a connection record under which the Life of its connection is found."""
POOLS = (sa.pool.QueuePool, sa.pool.SingletonThreadPool, sa.pool.StaticPool, sa.pool.AssertionPool)
"""SQLAlchemy's classes that keep connections, and so what is made from them."""
SLOW = 0.1
"""Seconds from which on an observation is remembered as an example of its bucket."""
PEAK_SECONDS = 60.0
PEAK_STEP = 0.25
LEAKS_REMEMBERED = 20
TAPE = 100
CLOSED_REMEMBERED = 10

# A holder is a list, not an object: making one is on the hot path. These are its places.
SINCE, THREAD, CODE, OFFSET, SCOPE, FAIRY = range(6)
TRANSACTION_SINCE, STATEMENT_ENDED, STATEMENT_TEXT, STATEMENT_SINCE, COMMIT, WATCH = range(6, 12)
TEXTS, USE, OVERDUE, ENDED, ENDS, LEAK = range(12, 18)


def new_holder(watch: PoolWatch | None, thread: int, place: Any, scope: Scope | None, fairy: Any) -> list[Any]:
    """A holder off the hot path; `checkout` writes the same list out. place: a Place of `lines`, or what else was
    kept."""
    code, offset = place if place is not None and len(place) == 2 else (place, 0)
    return [
        time.perf_counter(), thread, code, offset, scope, fairy, 0.0, 0.0, None, 0.0, None, watch, None, None, False,
        0.0, None, None,
    ]  # fmt: skip


@dataclass(frozen=True)
class Leak:
    """A connection that was not given back as it should be. at: seconds since 1970; place: what `lines` kept.
    meanwhile: what an overdue hold did then, where that has a finding of its own."""

    kind: str
    at: float
    seconds: float
    place: Any
    endpoint: str | None
    meanwhile: str | None = None


class PoolWatch:
    """One watched pool, through all the pools that dispose() puts in its place.

    held: by connection record, who has it. waiting: by thread (or greenlet), since when and who. detached: by the id of
    the DBAPI connection, the proxy that still has it, and its Life. numbers: of its connections; tape: what happened
    seldom, by them; closed: the lives that ended last. loose_commits: by their id, holders that are in nobody's hold
    and remember a commit. root: the registration whose listeners count this pool. autocommits: its Engine was made with
    the isolation level AUTOCOMMIT.
    """

    __slots__ = (
        "__weakref__", "autocommits", "can_wait", "closed", "detached", "endpoints", "error_names", "errors",
        "exemplars", "foreign", "held", "leaks", "local", "lock", "loose_commits", "name", "numbers", "pairs", "peaks",
        "pool_class", "pools", "recorder", "root", "spent", "tape", "top", "waiting", "zero_waits",
    )  # fmt: skip

    def __init__(self, name: str, root: Any) -> None:
        self.name = name
        self.root = root
        self.endpoints = Names(ENDPOINTS)
        self.errors = Names(ERROR_NAMES)
        self.pairs = Names(FINGERPRINTS, "statements")
        tables: dict[str, Callable[[], Table]] = {
            "endpoints": lambda: Endpoints(self.endpoints),
            "statements": lambda: Statements(self.endpoints, self.pairs),
        }
        self.recorder = Recorder(POOL, tables)
        self.local: Local = self.recorder.local
        self.held: dict[Any, list[Any]] = {}
        self.waiting: dict[Any, tuple[float, int, Any, Scope | None]] = {}
        self.loose_commits: dict[int, list[Any]] = {}
        self.leaks: deque[Leak] = deque(maxlen=LEAKS_REMEMBERED)
        self.exemplars: dict[tuple[str, int], tuple[float, float, str, str | None, Any]] = {}
        self.detached: dict[int, tuple[Any, Any]] = {}
        self.numbers = count(1)
        self.tape: deque[tuple[int | None, Any]] = deque(maxlen=TAPE)
        self.closed: deque[Any] = deque(maxlen=CLOSED_REMEMBERED)
        self.foreign: weakref.WeakSet[Any] | None = (
            None  # None, not empty: asking a WeakSet for its length costs too much
        )
        self.pools: list[weakref.ref[Any]] = []
        self.pool_class = ""
        self.autocommits = False
        self.can_wait = False
        self.error_names: dict[str, int] = {}
        self.lock = threading.RLock()
        self.top = 0
        self.peaks: deque[tuple[float, int]] = deque()
        self.zero_waits = 0
        self.spent = False
        _watches.add(self)

    def current_pool(self) -> Any:
        """The pool that gives out connections now; the earlier ones only take theirs back. None when all are gone."""
        engine = self.root.engine()
        if engine is not None and engine.pool.__dict__.get(MARK) is self:
            return engine.pool
        return next((pool for reference in reversed(self.pools) if (pool := reference()) is not None), None)

    def is_gone(self) -> bool:
        """The program has dropped its engine and its pool: nothing can happen here any more."""
        return not any(True for _ in self.all_pools())

    def peak(self) -> int:
        """The most connections in use at once in the last 60 s; exact where this is asked more often than that."""
        now = time.monotonic()
        with self.lock:
            top = max(self.top, len(self.held))
            if self.peaks and now - self.peaks[-1][0] < PEAK_STEP:  # however often somebody asks
                now, top = self.peaks[-1][0], max(top, self.peaks.pop()[1])
            self.peaks.append((now, top))
            self.top = len(self.held)
            while self.peaks and self.peaks[0][0] < now - PEAK_SECONDS:
                self.peaks.popleft()
            return max(count for _, count in self.peaks)

    def detached_connections(self) -> int:
        """Detached ones that the program still has: a dropped proxy takes its connection along without any event."""
        for key, (proxy, _) in self.detached.copy().items():
            if proxy() is None:
                self.detached.pop(key, None)
        return len(self.detached)

    def note_leak(self, kind: str, holder: list[Any], meanwhile: str | None = None) -> None:
        """Counts it, and remembers whose line it was."""
        self.local.cells[LEAKS[kind]] += 1
        place = (holder[CODE], holder[OFFSET]) if holder[OFFSET] else holder[CODE]
        seconds = time.perf_counter() - holder[SINCE]
        holder[LEAK] = (kind, time.perf_counter())
        self.leaks.append(Leak(kind, time.time(), seconds, place, endpoint_of(holder[SCOPE]), meanwhile))
        if kind == "foreign_process":
            first_use()

    def note_slow(
        self, family: str, bucket: int, seconds: float, endpoint: str, statement: str | None = None, place: Any = None
    ) -> None:
        """The last observation that fell into a bucket of a histogram, and whose it was; for the slow ones only.
        statement, place: of a statement, its fingerprint, and where its connection was taken."""
        self.exemplars[family, bucket] = (seconds, time.time(), endpoint, statement, place)

    def count_error(self, name: str) -> None:
        """By the class of the driver's error; the first 30 classes by name, the others together."""
        with self.lock:
            name = name if self.errors.admits(name) else OTHER
            self.error_names[name] = self.error_names.get(name, 0) + 1

    def waits_of_zero(self, merged: list[Any]) -> int:
        """Acquisitions that did not wait: all that ended, less those whose wait was timed.

        A wait is counted before its checkout, so that between the two this would be one too low: it never falls.
        """
        timed = sum(merged[WAIT["ok"] : WAIT["ok"] + len(SECONDS) + 1])
        with self.lock:
            self.zero_waits = max(self.zero_waits, merged[CHECKOUTS] + merged[LOST_CHECKOUTS] - timed)
            return self.zero_waits

    def begin_at_zero(self) -> None:
        """In a forked child: whoever held or waited did so in the parent; the connections are the parent's too."""
        self.foreign = weakref.WeakSet(self.held)
        for pool in self.all_pools():
            self.foreign.update(records_of(pool))
        self.lock = threading.RLock()
        for holder in (*self.held.values(), *self.loose_commits.values()):
            holder[COMMIT] = None
        self.held.clear()
        self.loose_commits.clear()
        self.waiting.clear()
        self.detached.clear()
        self.error_names.clear()
        self.leaks.clear()
        self.tape.clear()
        self.closed.clear()
        self.exemplars.clear()
        self.errors.begin_at_zero()
        self.endpoints.begin_at_zero()
        self.pairs.begin_at_zero()
        self.peaks.clear()
        self.top = self.zero_waits = 0

    def all_pools(self) -> Iterator[Any]:
        return (pool for reference in self.pools if (pool := reference()) is not None)


def records_of(pool: Any) -> list[Any]:
    """The connection records that lie in the pool, ready to be taken. The pool is looked at, never asked for one.
    Nothing is known of where a class that the program has made from scratch keeps its own."""
    if not isinstance(pool, POOLS):
        return []
    queue = getattr(pool, "_pool", None)
    if queue is not None:
        if "queue" in queue.__dict__:
            return list(queue.queue)
        waiting_line = queue.__dict__.get("_queue")  # asyncio's, made on its first use
        return [] if waiting_line is None else list(waiting_line._queue)
    every = getattr(pool, "_all_conns", None)
    if every is not None:
        return list(every)
    one = pool.__dict__.get("connection") or pool.__dict__.get("_conn")
    return [] if one is None else [one]


def is_disconnect(pool: Any, error: BaseException) -> bool:
    """Whether the dialect takes the error for a lost connection; False for a pool without a dialect."""
    with suppress(Exception):
        dialect = pool._dialect
        if isinstance(error, dialect.loaded_dbapi.Error):
            return bool(dialect.is_disconnect(error, None, None))
    return False


def reason_of_invalidation(pool: Any, error: BaseException | None) -> str:
    """Which reason of CLOSED an invalidation is."""
    if error is None:
        return "invalidated"
    if isinstance(error, sa.exc.InvalidatePoolError) and pool._pre_ping:
        return "pre_ping"
    if isinstance(error, sa.exc.DisconnectionError):
        return "invalidated"
    return "invalidated" if is_disconnect(pool, error) else "error"


at_first_use: list[Callable[[], None]] = []
"""Told once, when a forked child opens a connection of a watched pool, or uses one of its parent."""


def first_use() -> None:
    while at_first_use:
        at_first_use.pop()()


_watches: weakref.WeakSet[PoolWatch] = weakref.WeakSet()


def _after_fork() -> None:
    at_first_use.clear()
    for watch in list(_watches):
        watch.begin_at_zero()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
