"""Who had a connection from when to when, and what of it was a transaction? Read from what is kept of each connection's
life, of now or of an incident."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from datetime import datetime
from typing import Any, TypeVar

from ..telemetry.reading import ConnectionReading, Event, Holder, PoolReading, Waiter

ENDS = frozenset(("given_back", "closed", "detached"))
T = TypeVar("T")


@dataclass(frozen=True)
class Stretch:
    """From one moment to another, in seconds since 1970. outcome: commit, rollback, released, abandoned; of a
    transaction that goes on, None."""

    since: float
    until: float
    outcome: str | None = None


@dataclass(frozen=True)
class Hold:
    """One checkout. until: the present where it goes on. idle_since: since when its open transaction does nothing.
    leak: its kind, where it is one. ended: how: given_back, closed or detached."""

    worker: int
    connection: int
    since: float
    until: float
    endpoint: str | None = None
    line: str | None = None
    ended: str | None = None
    transactions: tuple[Stretch, ...] = ()
    idle_since: float | None = None
    leak: str | None = None

    @property
    def seconds(self) -> float:
        return self.until - self.since

    @property
    def is_open(self) -> bool:
        return self.ended is None


@dataclass(frozen=True)
class Wait:
    """Somebody without a connection. gave_up: after the pool's timeout; else they still wait."""

    worker: int
    since: float
    until: float
    endpoint: str | None = None
    line: str | None = None
    thread: str = ""
    gave_up: bool = False

    @property
    def seconds(self) -> float:
        return self.until - self.since


@dataclass(frozen=True)
class Life:
    """What is known of one connection. known: since when all its checkouts are kept; before that there were more."""

    worker: int
    number: int
    state: str
    opened: float
    closed: float | None
    known: float
    uses: int
    holds: tuple[Hold, ...] = ()


@dataclass(frozen=True)
class Watched:
    """A pool as its pictures need it: of now, or as an incident froze it. sizes: by worker, where its pool has one."""

    name: str
    at: float
    lives: tuple[Life, ...]
    holders: tuple[Holder, ...]
    waits: tuple[Wait, ...]
    sizes: Mapping[int, int]
    limits: Mapping[int, float]

    @property
    def holds(self) -> list[Hold]:
        """The newest first."""
        return sorted((hold for life in self.lives for hold in life.holds), key=lambda hold: -hold.since)

    def holder_of(self, hold: Hold) -> Holder | None:
        """More of a hold that goes on."""
        if not hold.is_open:
            return None
        place = (hold.worker, hold.connection)
        return next((one for one in self.holders if (one.worker, one.connection) == place), None)


def of_pool(pool: PoolReading, at: float) -> Watched:
    """at: of the reading."""
    limits = {part.worker or 0: part.limits for part in pool.workers}
    return Watched(
        pool.name,
        at,
        tuple(_life(one, pool.holders, at) for one in pool.connections),
        pool.holders,
        _waits(pool.waiters, pool.events, at),
        {worker: int(one.size) for worker, one in limits.items() if one.size and one.size < 1e300},
        {worker: one.total for worker, one in limits.items() if one.total},
    )


def of_picture(pool: Mapping[str, Any], at: str) -> Watched:
    """pool: as an incident keeps it; what an older version kept less of has its defaults."""
    moment = seconds_of(at)
    holders = tuple(_made(Holder, one) for one in pool["holders"])
    events = [_made(Event, one) for one in pool["events"]]
    waiters = [_made(Waiter, one) for one in pool["waiters"]]
    connections = [
        replace(_made(ConnectionReading, one), events=tuple(_made(Event, event) for event in one["events"]))
        for one in pool["connections"]
    ]
    lives = tuple(_life(one, holders, moment) for one in connections)
    return Watched(pool["name"], moment, lives, holders, _waits(waiters, events, moment), {}, {})


def seconds_of(iso: str) -> float:
    return datetime.fromisoformat(iso).timestamp()


def _made(kind: type[T], said: Mapping[str, Any]) -> T:
    names = {field.name for field in fields(kind)}  # type: ignore[arg-type]  # every kind given is a dataclass
    return kind(**{name: tuple(v) if isinstance(v, list) else v for name, v in said.items() if name in names})


def _life(one: ConnectionReading, holders: Iterable[Holder], at: float) -> Life:
    opened = seconds_of(one.opened_at)
    holds = list(_holds(one, at))
    closed = next(
        (seconds_of(event.at) for event in reversed(one.events) if event.kind in ("closed", "detached")), None
    )
    mine = next((each for each in holders if (each.worker, each.connection) == (one.worker, one.number)), None)
    if mine is not None and (not holds or not holds[-1].is_open):  # all that is known of it is that it goes on
        since = at - mine.seconds
        holds = [hold for hold in holds if hold.since < since - 0.005]
        holds.append(Hold(one.worker, one.number, since, at, mine.endpoint, mine.line))
    if mine is not None and holds[-1].is_open and mine.idle_in_transaction_seconds is not None:
        holds[-1] = replace(holds[-1], idle_since=at - mine.idle_in_transaction_seconds)
    known = opened if one.uses <= len(holds) else holds[0].since if holds else closed or at
    return Life(one.worker, one.number, one.state, opened, closed, known, one.uses, tuple(holds))


def _holds(one: ConnectionReading, at: float) -> Iterable[Hold]:
    hold: Hold | None = None
    begun: float | None = None
    for event in one.events:
        moment = seconds_of(event.at)
        if event.kind == "checked_out":
            hold, begun = Hold(one.worker, one.number, moment, at, event.endpoint, event.line), None
        elif event.kind == "transaction_begun":
            begun = moment
        elif hold is None and event.seconds is None:
            continue
        elif event.kind == "transaction_ended":
            hold = hold or _known_by_its_end(event, one, moment)
            since = moment - (event.seconds or 0.0)
            hold, begun = replace(hold, transactions=(*hold.transactions, Stretch(since, moment, event.detail))), None
        elif event.kind == "leak" and hold is not None:
            hold = replace(hold, leak=event.detail)
        elif event.kind in ENDS:
            if hold is not None or event.kind == "given_back":
                yield _ended(hold or _known_by_its_end(event, one, moment), event.kind, moment, begun)
            hold, begun = None, None
    if hold is not None and one.state == "used":
        open_one = () if begun is None else (Stretch(begun, at),)
        yield replace(hold, until=at, transactions=(*hold.transactions, *open_one))


def _known_by_its_end(event: Event, one: ConnectionReading, moment: float) -> Hold:
    """Its beginning is no longer kept."""
    return Hold(one.worker, one.number, moment - (event.seconds or 0.0), moment, event.endpoint, event.line)


def _ended(hold: Hold, how: str, moment: float, begun: float | None) -> Hold:
    cut = () if begun is None else (Stretch(begun, moment, "abandoned"),)
    return replace(hold, until=moment, ended=how, transactions=(*hold.transactions, *cut))


def _waits(waiters: Iterable[Waiter], events: Iterable[Event], at: float) -> tuple[Wait, ...]:
    """Those who wait, and those who gave up: the longest first."""
    now = [Wait(one.worker, at - one.seconds, at, one.endpoint, one.line, one.thread) for one in waiters]
    gone = [
        Wait(one.worker, (moment := seconds_of(one.at)) - one.seconds, moment, one.endpoint, one.line, gave_up=True)
        for one in events
        if one.kind == "timed_out" and one.seconds is not None
    ]
    return tuple(sorted((*now, *gone), key=lambda wait: wait.since))
