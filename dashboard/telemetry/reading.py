"""What does a reader of telemetry get? Plain frozen data: pools, sessions and workers, summed over all processes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from math import isinf
from typing import Any

from ..config import Config
from .recent import Memory
from .sessions_reading import LiveSession as LiveSession
from .sessions_reading import RegistryReading as RegistryReading
from .sessions_reading import SessionsReading as SessionsReading
from .sessions_reading import Transition as Transition


@dataclass(frozen=True)
class Limits:
    """What the pool may hold, added up over the workers; None where the pool class has no such limit, infinite where
    it is unlimited."""

    size: float | None = None
    max_overflow: float | None = None
    total: float | None = None
    timeout_seconds: float | None = None

    @property
    def most(self) -> int | None:
        """Connections at once; None where nothing limits them.

        >>> Limits(total=15.0).most, Limits(total=float("inf")).most, Limits().most
        (15, None, None)
        """
        return None if self.total is None or isinf(self.total) else int(self.total)


@dataclass(frozen=True)
class Counts:
    """Connections by state, and who waits. None: this pool class has no such thing. peak: most in use at once within
    60 s, in one worker."""

    used: int = 0
    idle: int | None = None
    dead_slot: int | None = None
    detached: int = 0
    overflow: int | None = None
    waiters: int | None = None
    peak: int = 0


@dataclass(frozen=True)
class Slot:
    """A place of a worker's pool. state: used, overflow (used, beyond the size), idle, dead_slot, or free (never
    filled yet)."""

    worker: int
    state: str


@dataclass(frozen=True)
class Holder:
    """Who has a connection out. line: where the program took it. server_process: the database's own number of it.
    connection: its number in its worker's pool, as ConnectionReading has it.

    now: the line where its thread is at this moment, and stack that thread's lines, innermost first; only while
    somebody looks at the pool (`Ledger.look`), and None for a thread that has ended and for asyncio.
    """

    worker: int
    seconds: float
    endpoint: str | None
    thread: str
    line: str | None
    in_transaction: bool
    idle_in_transaction_seconds: float | None
    statement: str | None
    server_process: int | None
    running_statement_seconds: float | None = None
    now: str | None = None
    stack: tuple[str, ...] = ()
    connection: int | None = None


@dataclass(frozen=True)
class Waiter:
    worker: int
    seconds: float
    endpoint: str | None
    line: str | None
    thread: str = ""
    now: str | None = None


@dataclass(frozen=True)
class Event:
    """Something that happened to a connection. at: ISO 8601. connection: its number, None where it had none.

    kind: opened, checked_out, transaction_begun, transaction_ended (detail: its outcome), given_back, leak (detail: its
    kind), invalidated (detail: the reason), detached, closed (detail: the reason); timed_out: nobody got one;
    not_opened: the database gave none (detail: the error's class). seconds:
    of the hold, the transaction or the wait that this ends.
    """

    at: str
    kind: str
    line: str | None
    endpoint: str | None
    seconds: float | None
    detail: str | None
    worker: int = 0
    connection: int | None = None


@dataclass(frozen=True)
class ConnectionReading:
    """The life of one connection. number: of its worker's pool. state: used, idle, detached or closed. opened_at: ISO
    8601, age: seconds since then. uses: how often it was taken. events: oldest first; all that are known while somebody
    looks at the pool (`Ledger.look`), else the last three."""

    worker: int
    number: int
    state: str
    opened_at: str
    age: float
    uses: int
    server_process: int | None
    events: tuple[Event, ...] = ()


@dataclass(frozen=True)
class LeakReading:
    """A connection that was not given back as it should be. kind: garbage_collected, overdue or foreign_process. at:
    ISO 8601, when it was noticed; seconds: held by then; line: where it was taken. worker: None where it has ended.
    meanwhile: what an overdue hold did then ("idle in transaction", "runs a statement"), where that has a finding of
    its own."""

    worker: int | None
    kind: str
    at: str
    seconds: float
    line: str | None
    endpoint: str | None
    meanwhile: str | None = None


@dataclass(frozen=True)
class KeptCounts:
    """What the store has of workspaces. pinned: those with an open transaction. objects: by badge, all badges."""

    workspaces: int
    pinned: int
    objects: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Exemplar:
    """The last slow observation of a histogram's bucket, and whose it was. at: seconds since 1970. statement, line: of
    a statement, without its values, and where its connection was taken."""

    seconds: float
    at: float
    endpoint: str
    worker: int
    statement: str | None = None
    line: str | None = None


@dataclass(frozen=True)
class PoolReading:
    """One pool by its label, over all workers; `workers` has the same for each. totals: counts since ever, by name.

    connections: those there are, and each worker's last closed ones; leaks: the last of each worker, and the last of
    all that have ended; events: what happens seldom (not each checkout), oldest first.
    """

    name: str
    class_: str
    limits: Limits
    counts: Counts
    slots: tuple[Slot, ...] = ()
    holders: tuple[Holder, ...] = ()
    waiters: tuple[Waiter, ...] = ()
    totals: Mapping[str, float] = field(default_factory=dict)
    connections: tuple[ConnectionReading, ...] = ()
    leaks: tuple[LeakReading, ...] = ()
    events: tuple[Event, ...] = ()
    worker: int | None = None
    workers: tuple[PoolReading, ...] = ()
    _numbers: Mapping[str, Any] = field(
        default_factory=dict
    )  # every counter and histogram, for the metrics; underscored: not for JSON

    @property
    def numbers(self) -> Mapping[str, Any]:
        return self._numbers


@dataclass(frozen=True)
class WorkerReading:
    """A process that publishes what it watches. seconds: age of its last word. state: live, or stale when it has been
    silent for long."""

    worker: int
    pid: int
    host: str
    started_at: str
    state: str
    seconds: float


@dataclass(frozen=True)
class SwitchedOff:
    """A listener of Poolhouse that failed too often in one worker, and does nothing there any more."""

    worker: int
    listener: str
    faults: int


@dataclass(frozen=True)
class Reading:
    """All that is known at one moment. problem: why these are this process's own numbers only, or None."""

    pools: tuple[PoolReading, ...] = ()
    sessions: SessionsReading = field(default_factory=SessionsReading)
    workers: tuple[WorkerReading, ...] = ()
    published_age_seconds: float = 0.0
    problem: str | None = None
    faults: Mapping[str, int] = field(default_factory=dict)
    switched_off: tuple[SwitchedOff, ...] = ()
    _own: Mapping[str, Any] = field(default_factory=dict)
    _engines: Mapping[str, int] = field(default_factory=dict)
    _kept: KeptCounts | None = None
    _at: float = 0.0
    _memory: Memory = field(default_factory=Memory)
    _config: Config = field(default_factory=Config)

    @property
    def own(self) -> Mapping[str, Any]:
        """What Poolhouse itself did and dropped, for the metrics: `own_acts.numbers`, over all workers."""
        return self._own

    @property
    def engines(self) -> Mapping[str, int]:
        """Engines of the program on one database, by the hash of its URL, in the worker that has the most."""
        return self._engines

    @property
    def kept(self) -> KeptCounts | None:
        """What the store has of workspaces; None where nobody said it, or the store is away."""
        return self._kept

    @property
    def at(self) -> float:
        """When it was read, in seconds since 1970."""
        return self._at

    @property
    def memory(self) -> Memory:
        return self._memory

    @property
    def config(self) -> Config:
        """The thresholds by which it is judged."""
        return self._config

    def since_of(self, finding: str) -> str:
        """ISO 8601: since when the finding of this key holds, now where nobody has seen it before."""
        began = datetime.fromtimestamp(self._memory.begun.get(finding, self._at), UTC)
        return began.isoformat(timespec="seconds").replace("+00:00", "Z")

    def with_kept(self, kept: KeptCounts | None) -> Reading:
        return replace(self, _kept=kept)

    def pool(self, name: str) -> PoolReading | None:
        return next((pool for pool in self.pools if pool.name == name), None)
