"""How many connections did each worker want at once, minute by minute of the last hour? What the advisor reads.

The ledger keeps what each worker's counters had come to at each minute; what happened is the difference of two."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

from .parts import count_of
from .points import Points
from .recorder import SECONDS
from .rows import Row, dump
from .snapshot import Said
from .watches import MOST_TOLD

SECONDS_ADVISED = 3_600
SECONDS_KEPT = 3_900
STEP = 60
_HISTOGRAM = len(SECONDS) + 2
_COUNTERS = MOST_TOLD + 1
Counts = list[float]
"""Checkouts, timeouts; buckets and sum of the holds; buckets and sum of the waits that ended well; `IN_USE`; `WANTED`.
Without the zeros at their ends."""
Moment = tuple[float, str, int, str]
"""(at, process, worker, what its counters had come to as JSON)"""
_WIDTHS = (1, 1, _HISTOGRAM, _HISTOGRAM, _COUNTERS, _COUNTERS)


@dataclass(frozen=True)
class Asked:
    """What one worker asked of a pool in a minute or less, which ended at `at` (seconds since 1970).

    hold, wait: buckets and sum as the recorder has them. in_use: by n, how many checkouts had n connections out, their
    own included, the last for so many or more; wanted: the same for those that waited, with all who waited.
    """

    worker: int
    process: str
    at: float
    seconds: float
    checkouts: float
    timeouts: float
    hold: tuple[float, ...]
    wait: tuple[float, ...]
    in_use: tuple[float, ...]
    wanted: tuple[float, ...]

    @cached_property
    def asks(self) -> float:
        """Whoever got none asked as well."""
        return self.checkouts + self.timeouts

    @cached_property
    def mean_hold(self) -> float:
        """Seconds; never zero."""
        return max(self.hold[-1] / (sum(self.hold[:-1]) or 1.0), 1e-6)

    @cached_property
    def busy(self) -> float:
        """Connections in use on average, by Little's law."""
        return self.asks / self.seconds * self.mean_hold

    @cached_property
    def peak(self) -> int:
        """Most that were wanted at once; `MOST_TOLD` for so many or more."""
        counts = (self.in_use, self.wanted)
        return max((number for one in counts for number, count in enumerate(one) if count), default=0)


def brief(item: Said) -> list[Counts]:
    """Of a pool's numbers, what this room needs."""
    numbers = item["numbers"]
    counts = (
        [numbers.get("checkouts", 0)],
        [count_of(numbers.get("wait|timeout"))],
        *(numbers.get(name, ()) for name in ("hold", "wait|ok", "in use", "wanted")),
    )
    return [_stripped(one) for one in counts]


def note(points: Points, now: float, rows: Iterable[tuple[Row, Said]]) -> None:
    """Keeps what every worker's counters have come to. rows: with their briefs, by pool."""
    known = points.asking()
    for row, pools in rows:
        for pool in pools:
            for moment in _moments(pool, row, pools, now, (pool, dump(row.key)) in known):
                points.add_asked(pool, *moment)
    points.forget_asked(now - SECONDS_KEPT, now)


def present(pool: str, rows: Iterable[tuple[Row, Said]], kept: Iterable[Moment], now: float) -> list[Moment]:
    """What of one pool would be kept now, if the minute were over."""
    known = {process for _, process, *_ in kept}
    return [
        moment
        for row, pools in rows
        if pool in pools
        for moment in _moments(pool, row, pools, now, dump(row.key) in known)
    ]


def _moments(pool: str, row: Row, pools: Said, now: float, is_known: bool) -> Iterator[Moment]:
    """A process that is younger than a minute began at zero."""
    if not is_known and now - row.started_at <= 2 * STEP:
        yield row.started_at, dump(row.key), row.worker, "[]"
    yield now, dump(row.key), row.worker, dump(pools[pool])


def asked(kept: Iterable[Moment], present: Iterable[Moment], now: float) -> tuple[Asked, ...]:
    """What happened from one moment of a process to its next, in the last hour."""
    by_process: dict[str, list[Moment]] = {}
    for moment in sorted((*kept, *present)):
        by_process.setdefault(moment[1], []).append(moment)
    pairs = (pair for one in by_process.values() for pair in pairwise(one))
    return tuple(_difference(*pair) for pair in pairs if pair[1][0] > now - SECONDS_ADVISED)


def _difference(before: Moment, after: Moment) -> Asked:
    one, other = (json.loads(counts) or [[]] * len(_WIDTHS) for *_, counts in (before, after))
    checkouts, timeouts, *others = (
        tuple(max(0, b - a) for a, b in zip(_filled(first, width), _filled(second, width), strict=True))
        for first, second, width in zip(one, other, _WIDTHS, strict=True)
    )
    at, process, worker, _ = after
    return Asked(worker, process, at, max(at - before[0], 0.001), checkouts[0], timeouts[0], *others)


def _stripped(counts: Iterable[float]) -> Counts:
    kept = list(counts)
    while kept and not kept[-1]:
        kept.pop()
    return kept


def _filled(counts: Counts, width: int) -> Counts:
    return counts + [0] * (width - len(counts))
