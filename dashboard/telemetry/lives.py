"""What has happened to one connection, from connect to close? A short tape for each, and one for its pool.

A finished hold is kept as the list that it already is: it costs the checkin one append, and becomes events only when
somebody looks."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import suppress
from itertools import islice
from types import CodeType
from typing import Any

from ..config import Config
from .lines import line_of
from .scopes import endpoint_of
from .watches import (
    CODE,
    ENDED,
    ENDS,
    LEAK,
    LIFE,
    OFFSET,
    SCOPE,
    SINCE,
    TRANSACTION,
    TRANSACTION_SINCE,
    PoolWatch,
    records_of,
)  # fmt: skip

HOLDS_KEPT = 20
MARKS_KEPT = 10
EVENTS_UNASKED = 3
"""Events of a connection that are published while nobody looks at its pool."""
TAPE_UNASKED = 20
OUTCOMES = {position: outcome for outcome, position in TRANSACTION.items()}
pc = time.perf_counter

Event = tuple[float, str, Any, "str | None", "float | None", "str | None"]
"""(moment, kind, Place, endpoint, seconds, detail); the moment is perf_counter's."""


class Life:
    """One DBAPI connection. number: small, of its pool in its process. holds: lists of `new_holder`, and transactions
    that were followed by another in the same hold; marks: what happens seldom, so that holds do not push it out."""

    __slots__ = ("closed", "connection", "holds", "marks", "number", "opened", "server_process", "uses")

    def __init__(self, number: int, opened: float, connection: Any) -> None:
        self.number = number
        self.opened = opened
        self.closed = False
        self.connection = id(connection)
        self.server_process: int | None = None
        self.uses = 0
        self.holds: deque[Any] = deque(maxlen=HOLDS_KEPT)
        self.marks: deque[Event] = deque(maxlen=MARKS_KEPT)


def begin(watch: PoolWatch, record: Any, is_new: bool = False) -> Life:
    """is_new: it is opened just now; else it was opened before its pool was watched."""
    opened = pc() if is_new else pc() - max(0.0, time.time() - record.starttime)
    life = Life(next(watch.numbers), opened, record.dbapi_connection)
    setattr(record, LIFE, life)
    if is_new:
        note(watch, life, "opened")
    return life


def of(watch: PoolWatch, record: Any) -> Life:
    life: Life | None = record.__dict__.get(LIFE)
    return life or begin(watch, record)


def number_of(record: Any) -> int | None:
    """Of the record's connection, where it has one that is known."""
    life: Life | None = record.__dict__.get(LIFE)
    return None if life is None else life.number


def note(watch: PoolWatch, life: Life, kind: str, detail: str | None = None, holder: list[Any] | None = None) -> None:
    """An event that is rare. holder: who had it then."""
    now = pc()
    event: Event = (now, kind, None, None, None, detail)
    if holder is not None:
        event = (now, kind, _place(holder), endpoint_of(holder[SCOPE]), now - holder[SINCE], detail)
    life.marks.append(event)
    watch.tape.append((life.number, event))


def end(watch: PoolWatch, life: Life | None, reason: str) -> None:
    if life is not None and not life.closed:
        life.closed = True
        note(watch, life, "closed", reason)
        watch.closed.append(life)


def keep_transaction(watch: PoolWatch, record: Any, holder: list[Any]) -> None:
    """The hold has a second transaction, and remembers one only. record: None where nothing is known of it."""
    if record is not None:
        of(watch, record).holds.append((holder[ENDS], _place(holder), endpoint_of(holder[SCOPE])))
    holder[ENDS] = None


def connections_said(watch: PoolWatch, clock: float, config: Config, looked: bool) -> list[dict[str, Any]]:
    """The connections there are, and the last that were closed. looked: with all events that are known."""
    held = watch.held.copy()
    others = held if watch.foreign is None else {*held, *watch.foreign}  # idle ones of the parent are not ours
    idle = (record for pool in watch.all_pools() for record in records_of(pool) if record not in others)
    found: list[tuple[Life, str, Any]] = [(life, "closed", None) for life in watch.closed.copy()]
    found += [(life, "detached", None) for _, life in watch.detached.copy().values() if life is not None]
    found += [(of(watch, record), "idle", None) for record in idle if record.dbapi_connection is not None]
    found += [(of(watch, record), "used", holder) for record, holder in held.items()]
    found.sort(key=lambda one: one[0].number)
    most = None if looked else EVENTS_UNASKED
    lines = _Lines()
    return [
        {
            "number": life.number,
            "state": state,
            "opened": clock + life.opened,
            "uses": life.uses + (state == "used"),
            "server_process": life.server_process,
            "events": events_said(_last(_events(life, holder), most), clock, lines),
        }
        for life, state, holder in found[-config.holders_shown :]
    ]


def tape_said(watch: PoolWatch, clock: float, looked: bool) -> list[list[Any]]:
    """What happened seldom in this pool, the last at the end: [connection, *event]."""
    tape = list(watch.tape.copy())[-(len(watch.tape) if looked else TAPE_UNASKED) :]
    said = events_said((event for _, event in tape), clock, _Lines())
    return [[number, *event] for (number, _), event in zip(tape, said, strict=True)]


class _Lines(dict[Any, "str | None"]):
    """The line of each place, for as long as one answer takes: most events have the same few."""

    def of(self, place: Any) -> str | None:
        if place is None:
            return None
        key = (id(place[0]), place[1]) if isinstance(place[0], CodeType) else id(place)
        if key not in self:
            self[key] = line_of(place)
        return self[key]


def events_said(events: Iterable[Event], clock: float, lines: _Lines) -> list[list[Any]]:
    return [
        [clock + moment, kind, lines.of(place), endpoint, seconds, detail]
        for moment, kind, place, endpoint, seconds, detail in events
    ]


def _last(events: Iterable[Event], most: int | None) -> list[Event]:
    ordered = sorted(events, key=lambda event: event[0])
    return ordered if most is None else ordered[-most:]


def _events(life: Life, holder: list[Any] | None) -> Iterator[Event]:
    yield from life.marks.copy()
    if holder is not None:
        yield from _of_hold(holder)
    for kept in _copied(life.holds):
        if isinstance(kept, list):
            yield from _of_hold(kept)
        else:
            yield from _of_transaction(*kept)


def _copied(holds: deque[Any]) -> list[Any]:
    """Its connection is in use: another thread may append at any moment."""
    for _ in range(3):
        with suppress(RuntimeError):
            return list(holds)
    return list(islice(holds.copy(), HOLDS_KEPT))


def _of_hold(holder: list[Any]) -> Iterator[Event]:
    place, endpoint = _place(holder), endpoint_of(holder[SCOPE])
    yield holder[SINCE], "checked_out", place, endpoint, None, None
    if holder[ENDS] is not None:
        yield from _of_transaction(holder[ENDS], place, endpoint)
    if holder[TRANSACTION_SINCE]:
        yield holder[TRANSACTION_SINCE], "transaction_begun", place, endpoint, None, None
    if holder[LEAK] is not None:
        kind, at = holder[LEAK]
        yield at, "leak", place, endpoint, at - holder[SINCE], kind
    if holder[ENDED]:
        yield holder[ENDED], "given_back", place, endpoint, holder[ENDED] - holder[SINCE], None


def _of_transaction(ends: tuple[float, float, int], place: Any, endpoint: str | None) -> Iterator[Event]:
    since, seconds, position = ends
    yield since, "transaction_begun", place, endpoint, None, None
    yield since + seconds, "transaction_ended", place, endpoint, seconds, OUTCOMES[position]


def _place(holder: list[Any]) -> Any:
    return (holder[CODE], holder[OFFSET]) if holder[OFFSET] else holder[CODE]
