"""What did the pools do in the last 15 minutes, and the last 24 hours? One process at a time appends it to the ledger.

Each process says a few numbers in front of its word, so that the one that has the lease reads those alone. A point is
what happened since the one before; the sums that it started from are kept beside the points."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import repeat
from math import inf
from typing import Any

from ..refusal import Refusal
from . import demand
from .digests import quantile
from .parts import count_of
from .points import Points
from .recorder import SECONDS
from .rows import Key, Row, dump
from .snapshot import Said

SPANS = {"minute": (1, 60), "minutes": (60, 900), "15m": (1, 900), "24h": (60, 86_400)}
"""By name: seconds from one point to the next, and seconds told."""
KEPT = {1: 900, 60: 86_400}
"""By the seconds from one point to the next: how long points are kept."""
POOLS_KEPT = 50
LEASE_SECONDS = 3.0
FORGOTTEN = 5
"""After so many missing points the sums before are too old to take a difference from."""
BRIEF = "history"
_FRONT = '{"' + BRIEF + '":'
_decode = json.JSONDecoder().raw_decode

GAUGES = ("used", "idle", "waiters", "limit", "idle_in_transaction", "sessions_in_transaction")
COUNTERS = ("checkouts", "statements", "commits", "rollbacks", "timeouts", "errors")
TIMES = ("wait", "hold")
_BUCKETS = len(SECONDS) + 2
SHARES = {"p50": 0.5, "p95": 0.95, "p99": 0.99}
SERIES = (
    *GAUGES,
    "used_most",
    "waiters_most",
    *COUNTERS,
    *(f"{what}_{how}" for what in TIMES for how in ("mean", *SHARES)),
)
"""The series of every pool, in the order in which a point has them."""
MOST = {"used_most": "used", "waiters_most": "waiters"}

Point = list[float | None]
Sums = dict[str, tuple[Point, list[float]]]
"""By pool its gauges, and what its counters and histograms have come to."""


@dataclass(frozen=True)
class History:
    """The series of one pool over a span that ends now. at: seconds since 1970, evenly apart by `step`, oldest first.

    series: by name, a value for each of `at`; None where nobody wrote or there was nothing to tell.
    Gauges (means over the step): used, idle, waiters, limit (None: unlimited), idle_in_transaction,
    sessions_in_transaction (of the whole program); used_most and waiters_most: the most within the step.
    Rates a second: checkouts, statements, commits, rollbacks, timeouts, errors (of the driver).
    Seconds: wait_mean, wait_p50, wait_p95, wait_p99, and the same of hold; estimated within a bucket.
    """

    pool: str
    span: str
    step: int
    at: tuple[float, ...]
    series: Mapping[str, tuple[float | None, ...]]


def steps_of(span: str) -> tuple[int, int]:
    """Seconds from one point to the next, and seconds told. Raises Refusal for a span that there is not."""
    if span not in SPANS:
        message = f"There is no history over {span}."
        raise Refusal("not_understood", message, remedy=f"Ask for {' or '.join(SPANS)}.")
    return SPANS[span]


def brief(said: Said) -> Said:
    """The few numbers of a process's word that the history is made of: by pool its gauges, counters and buckets."""
    sessions = sum(one.get("in_transaction", 0) for one in said.get("registries", {}).values())
    pools, asked = {}, {}
    for name, item in list(said.get("pools", {}).items())[:POOLS_KEPT]:
        if "class" in item:
            limit = item["limits"][2] if item["limits"] else None
            gauges = [item["used"], item["idle"], item["waiters"], None if limit == inf else limit]
            pools[name] = [*gauges, item["idle_in_transaction"], *_sums(item["numbers"])]
            asked[name] = demand.brief(item)
        else:
            pools[name] = [*repeat(None, 5), *_sums(item["numbers"])]
    return {"sessions": sessions, "pools": pools, "asked": asked}


def word(said: Said) -> str:
    """The text of a row, with its brief in front."""
    return dump({BRIEF: brief(said), **said})


def _sums(numbers: Mapping[str, Any]) -> list[float]:
    """Counters, then the buckets and sum of waits and of holds. They only grow."""
    counts = [
        numbers.get("checkouts", 0),
        sum(count_of(row) for name, row in numbers.items() if name.startswith("statement|")),
        count_of(numbers.get("transaction|commit")),
        count_of(numbers.get("transaction|rollback")),
        count_of(numbers.get("wait|timeout")),
        sum(count for name, count in numbers.items() if name.startswith("connection errors|")),
    ]
    waits = _added(numbers.get("wait|ok") or [0] * _BUCKETS, numbers.get("wait|timeout") or [0] * _BUCKETS)
    return [*counts, *waits, *(numbers.get("hold") or [0] * _BUCKETS)]


def append(points: Points, key: Key, now: float, rows: list[Row], retired: Iterable[Said]) -> bool:
    """Writes the point of this second where this process has the lease, and of the last minute when it is over;
    whether it has it.

    retired: the sums of the dead. Deletes what has become too old in the same transaction.
    """
    alive = {dump(row.key) for row in rows}
    if not points.take_lease("history", dump(key), alive, now, LEASE_SECONDS):
        return False
    at = int(now)
    newest = points.newest(1)
    if newest == at:
        return True
    sums = _now(rows, retired)
    if newest is None or newest < at - at % 60 or newest > at:
        _end_minute(points, newest, now, sums)
        demand.note(points, now, asked_now(rows))
    for name, (gauges, counts) in sums.items():
        point = [*gauges, gauges[0], gauges[2], *_since(points, 1, name, now, counts)]
        points.add(1, at, name, dump(point))
    for step, kept in KEPT.items():
        points.forget(step, at - kept, at)
    return True


def asked_now(rows: Iterable[Row]) -> list[tuple[Row, Said]]:
    """What the living have asked since they began, by pool, as `demand` reads it."""
    return [(row, said.get("asked", {})) for row, said in _briefs(rows)]


def _briefs(rows: Iterable[Row]) -> Iterator[tuple[Row, Said]]:
    for row in rows:
        if row.said.startswith(_FRONT):  # else an earlier version's word
            yield row, _decode(row.said, len(_FRONT))[0]


def _now(rows: Iterable[Row], retired: Iterable[Said]) -> Sums:
    """By pool that somebody has now: the sum of the gauges of all processes, and of all counters."""
    found: Sums = {}
    dead: dict[str, list[float]] = {}
    sessions = 0
    for _, said in _briefs(rows):
        sessions += said["sessions"]
        for name, (used, idle, waiters, limit, in_transaction, *sums) in said["pools"].items():
            if used is None:
                dead[name] = _added(dead.get(name), sums)
                continue
            gauges = [used, idle, waiters, limit, in_transaction]
            before = found.get(name)
            if before is not None:
                gauges = [a if b is None else b if a is None else a + b for a, b in zip(before[0], gauges, strict=True)]
            found[name] = (gauges, _added(before and before[1], sums))
    for one in retired:
        for name, item in one.get("pools", {}).items():
            if name in found:
                dead[name] = _added(dead.get(name), _sums(item["numbers"]))
    return {
        name: ([*gauges, sessions], _added(sums, dead[name]) if name in dead else sums)
        for name, (gauges, sums) in list(found.items())[:POOLS_KEPT]
    }


def _end_minute(points: Points, newest: int | None, now: float, sums: Sums) -> None:
    """The minute that was over before this second is made of its seconds, and of the sums at its ends."""
    minute = 0 if newest is None else newest - newest % 60
    seconds = points.between(1, minute, minute + 60)
    for name, (_, counts) in sums.items():
        columns = list(zip(*(json.loads(said) for _, pool, said in seconds if pool == name), strict=True))
        rates = _since(points, 60, name, now, counts)
        if columns:
            gauges = [_mean(column) for column in columns[: len(GAUGES)]]
            most = [_largest(columns[SERIES.index(what)]) for what in MOST.values()]
            points.add(60, minute, name, dump([*gauges, *most, *rates]))
    points.forget_sums(now)


def _since(points: Points, step: int, pool: str, now: float, sums: list[float]) -> Point:
    """Rates and times since the sums of the last point. A sum that fell is of another ledger, and tells nothing."""
    before = points.sums(step, pool)
    points.set_sums(step, pool, now, dump(sums))
    nothing: Point = [None] * (len(SERIES) - len(GAUGES) - len(MOST))
    if before is None or not 0 < now - before[0] <= FORGOTTEN * step:
        return nothing
    more = [a - b for a, b in zip(sums, json.loads(before[1]), strict=True)]
    rates: Point = [round(max(0.0, count) / (now - before[0]), 4) for count in more[: len(COUNTERS)]]
    for place in range(len(TIMES)):
        start = len(COUNTERS) + place * _BUCKETS
        rates += _times([max(0, number) for number in more[start : start + _BUCKETS]])
    return rates


def _times(row: list[float]) -> Point:
    buckets, total = row[:-1], sum(row[:-1])
    if not total:
        return [None] * (1 + len(SHARES))
    times = (row[-1] / total, *(quantile(share, buckets, SECONDS) for share in SHARES.values()))
    return [round(seconds, 6) for seconds in times]


def read(points: Iterable[tuple[int, str]], pool: str, span: str, now: float) -> History:
    """Points as (at, text), put on their places; the span ends with the last whole step before now."""
    step, kept = SPANS[span]
    last = int(now) - int(now) % step - step
    found = {at: json.loads(text) for at, text in points}
    if last + step in found:
        last += step
    at = range(last - kept + step, last + step, step)
    empty: Point = [None] * len(SERIES)
    columns = zip(*(found.get(one, empty) for one in at), strict=True)
    return History(pool, span, step, tuple(float(one) for one in at), dict(zip(SERIES, columns, strict=True)))


def _added(left: list[float] | None, right: list[float]) -> list[float]:
    return right if left is None else [a + b for a, b in zip(left, right, strict=True)]


def _mean(values: Iterable[float | None]) -> float | None:
    given = [value for value in values if value is not None]
    return round(sum(given) / len(given), 3) if given else None


def _largest(values: Iterable[float | None]) -> float | None:
    return max((value for value in values if value is not None), default=None)
