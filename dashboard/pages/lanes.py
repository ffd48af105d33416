"""Where does each checkout of the last minute stand on the picture of its pool? Plain geometry.

A lane is a place of the pool. Checkouts that are too short to be told apart are one bar with their number."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import count

from ..telemetry.history import History
from .holds import Hold, Life, Wait, Watched
from .lane_shapes import Bar, Column, Endpoint, Lane, Lanes, Part, Row, WaitBar, WorkerLanes

SECONDS = 60
APART = 0.25
"""Percent of the width: bars that are narrower and nearer to each other are drawn as one."""
THINNEST = 0.4
"""Percent: one that has just begun, and can be chosen already, is a point of a telephone's screen wide."""
LANES_MOST = 96
WAITERS_MOST = 12
"""Rows of those who wait, in one worker."""
ROWS_MOST = 100
HUES = 8
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def lanes(watched: Watched, overdue: float, names: Iterable[str] = (), history: History | None = None) -> Lanes:
    """overdue: seconds after which a checkout is red. names: endpoints that keep their colours while others come and
    go. history: of the last minute."""
    window = Window(watched.at, overdue, endpoints_of(watched, names))
    workers, left_out = [], 0
    room = LANES_MOST
    for worker in sorted(
        {*watched.sizes, *(life.worker for life in watched.lives), *(w.worker for w in watched.waits)}
    ):
        made = window.worker(watched, worker)
        left_out += max(0, len(made.lanes) - room)
        if room > 0:
            workers.append(made if len(made.lanes) <= room else _cut(made, room))
        room -= len(made.lanes)
    seen = [hold for hold in watched.holds if hold.until >= window.start]
    shown = {hold.endpoint for hold in seen}
    return Lanes(
        pool=watched.name,
        at=watched.at,
        workers=tuple(workers),
        endpoints=tuple(one for name, one in window.endpoints.items() if name in shown),
        columns=_columns(history) if history else (),
        highest=_highest(history) if history else 0.0,
        rows=tuple(Row(key_of(hold), hold, told(hold.seconds), hold.seconds > overdue) for hold in seen[:ROWS_MOST]),
        left_out=left_out,
    )


def key_of(hold: Hold, last: Hold | None = None) -> str:
    """`WORKER-CONNECTION-FROM-TO`, in milliseconds; TO is 0 while it goes on."""
    last = last or hold
    until = 0 if last.is_open else round(last.until * 1000)
    return f"{hold.worker}-{hold.connection}-{round(hold.since * 1000)}-{until}"


def endpoints_of(watched: Watched, names: Iterable[str]) -> dict[str | None, Endpoint]:
    known = sorted({*names, *(hold.endpoint for hold in watched.holds if hold.endpoint)})
    found: dict[str | None, Endpoint] = {
        name: Endpoint(name, place % HUES + 1, LETTERS[place] if place < len(LETTERS) else "")
        for place, name in enumerate(known)
    }
    return {**found, None: Endpoint(None)}


@dataclass(frozen=True)
class Window:
    """The minute that is shown. at: its end."""

    at: float
    overdue: float
    endpoints: Mapping[str | None, Endpoint]

    @property
    def start(self) -> float:
        return self.at - SECONDS

    def percent(self, moment: float) -> float:
        return round(min(100.0, max(0.0, (moment - self.start) / SECONDS * 100)), 3)

    def span(self, since: float, until: float) -> tuple[float, float]:
        left = self.percent(since)
        return left, round(max(0.0, self.percent(until) - left), 3)

    def worker(self, watched: Watched, worker: int) -> WorkerLanes:
        lives = [life for life in watched.lives if life.worker == worker and (life.closed or self.at) >= self.start]
        places = in_places(lives)
        made = [self.lane(each) for each in places]
        made += [Lane("", "free", 0.0, 0.0, 0.0)] * max(0, watched.sizes.get(worker, 0) - len(made))
        waits = [wait for wait in watched.waits if wait.worker == worker and wait.until >= self.start]
        drawn = stacked(waits)[: 10 * WAITERS_MOST]
        bars = tuple(self.wait(wait, row) for wait, row in drawn if row < WAITERS_MOST)
        used = sum(life.state == "used" for life in lives)
        return WorkerLanes(worker, used, watched.limits.get(worker), bars, len(waits) - len(bars), tuple(made))

    def lane(self, lives: Sequence[Life]) -> Lane:
        """Of the connections that had one place after another."""
        last = lives[-1]
        left, width = self.span(lives[0].opened, last.closed or self.at)
        holds = [hold for life in lives for hold in life.holds if hold.until >= self.start]
        bars = tuple(self.bar(group) for group in self.together(holds))
        return Lane(str(last.number), last.state, left, width, max(self.percent(life.known) for life in lives), bars)

    def together(self, holds: Sequence[Hold]) -> list[list[Hold]]:
        """Those that cannot be told apart on the picture, of one endpoint or of several."""
        groups: list[list[Hold]] = []
        for hold in sorted(holds, key=lambda one: one.since):
            last = groups[-1] if groups else None
            if (
                last
                and not hold.is_open
                and self._is_small(hold)
                and self._is_small(last[-1])
                and self._is_near(last[-1], hold)
            ):
                last.append(hold)
            else:
                groups.append([hold])
        return groups

    def _is_small(self, hold: Hold) -> bool:
        return hold.seconds < SECONDS * APART / 100

    def _is_near(self, hold: Hold, following: Hold) -> bool:
        return following.since - hold.until < SECONDS * APART / 100

    def bar(self, holds: Sequence[Hold]) -> Bar:
        first, last = holds[0], holds[-1]
        names = {hold.endpoint for hold in holds}
        endpoint = self.endpoints[first.endpoint] if len(names) == 1 else self.endpoints[None]
        is_overdue = len(holds) == 1 and first.seconds > self.overdue
        left, width = self.span(first.since, last.until)
        if last.is_open and width < THINNEST:
            left, width = min(left, 100.0 - THINNEST), THINNEST
        return Bar(
            key=key_of(first, last),
            left=left,
            width=width,
            endpoint=endpoint,
            parts=tuple(self.parts(first)) if len(holds) == 1 else (),
            words=_words(holds),
            label=_label(first, endpoint) if len(holds) == 1 else f"{endpoint.letter} ×{len(holds)}".strip(),
            is_open=last.is_open,
            is_overdue=is_overdue,
        )

    def parts(self, hold: Hold) -> Iterable[Part]:
        if hold.seconds > self.overdue:
            yield Part("overdue", *self.span(hold.since + self.overdue, hold.until))
        for one in hold.transactions:
            if one.until >= self.start:
                yield Part("transaction", *self.span(one.since, one.until))
        if hold.idle_since is not None:
            yield Part("idle", *self.span(hold.idle_since, hold.until))

    def wait(self, wait: Wait, row: int) -> WaitBar:
        who = wait.endpoint or wait.line or wait.thread or "somebody"
        words = f"{who} {'gave up after' if wait.gave_up else 'has waited for'} {told(wait.seconds)}"
        key = f"{wait.worker}-wait-{round(wait.since * 1000)}-{round(wait.until * 1000) if wait.gave_up else 0}"
        return WaitBar(key, row, *self.span(wait.since, wait.until), words, wait.gave_up)


def in_places(lives: Iterable[Life]) -> list[list[Life]]:
    """Which connections had the same place of the pool, one after another: those that live keep their order, and what
    was closed before stands in front of them where it fits."""
    living = sorted((life for life in lives if life.closed is None), key=lambda life: life.number)
    closed = sorted((life for life in lives if life.closed is not None), key=lambda life: -(life.closed or 0.0))
    places = [[life] for life in living]
    for life in closed:
        fitting = next((place for place in places if place[0].opened >= (life.closed or 0.0)), None)
        if fitting is None:
            places.append([life])
        else:
            fitting.insert(0, life)
    return places


def stacked(waits: Sequence[Wait]) -> list[tuple[Wait, int]]:
    """Each with the lowest row that is free when it begins: who waits behind others stands above them."""
    ends: dict[int, float] = {}
    found = []
    for wait in sorted(waits, key=lambda one: one.since):
        row = next(row for row in count() if ends.get(row, 0.0) <= wait.since)
        ends[row] = wait.until
        found.append((wait, row))
    return found


def told(seconds: float) -> str:
    """
    >>> told(0.0005), told(0.042), told(4.2), told(91), told(720)
    ('0.5 ms', '42 ms', '4.2 s', '91 s', '12 min')
    """
    if seconds < 0.01:
        return f"{seconds * 1000:.1f} ms" if seconds >= 0.00005 else "0 ms"
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"


def _words(holds: Sequence[Hold]) -> str:
    first, last = holds[0], holds[-1]
    names = sorted({hold.endpoint or "no endpoint" for hold in holds})
    if len(holds) > 1:
        busy = told(sum(hold.seconds for hold in holds))
        return f"{len(holds)} checkouts of {', '.join(names[:3])}, {busy} together, connection {first.connection}"
    held = (
        f"{names[0]} {'has held' if first.is_open else 'held'} connection {first.connection} for {told(first.seconds)}"
    )
    if first.idle_since is not None:
        held += f", its transaction idle for {told(last.until - first.idle_since)}"
    elif first.transactions and first.transactions[-1].outcome in (None, "abandoned"):
        held += ", in a transaction" if first.is_open else ", its transaction abandoned"
    return held


def _label(hold: Hold, endpoint: Endpoint) -> str:
    return f"{endpoint.letter} {hold.endpoint or hold.line or ''} {told(hold.seconds)}".strip()


def _cut(worker: WorkerLanes, room: int) -> WorkerLanes:
    return WorkerLanes(worker.worker, worker.used, worker.limit, worker.waiters, worker.more, worker.lanes[:room])


def _highest(history: History) -> float:
    series = history.series
    limits = [limit for limit in series["limit"] if limit]
    totals = [
        (used or 0) + (waiting or 0) for used, waiting in zip(series["used_most"], series["waiters_most"], strict=True)
    ]
    return max(limits[-1] if limits and limits[-1] < 1000 else 0, *totals, 1.0)


def _columns(history: History) -> tuple[Column, ...]:
    """A column for each second that somebody wrote, of what was used at most within it and who waited."""
    highest, number = _highest(history), len(history.at)
    return tuple(
        Column(
            left=round(place / number * 100, 3),
            used=round(used / highest * 100, 2),
            waiting=round((waiting or 0) / highest * 100, 2),
            words=f"{number - place} s ago: {used:g} in use, {waiting or 0:g} waiting",
        )
        for place, (used, waiting) in enumerate(
            zip(history.series["used_most"], history.series["waiters_most"], strict=True)
        )
        if used is not None
    )
