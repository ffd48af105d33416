"""What takes the time: which statements, and for which endpoints? Put together only when somebody looks."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from math import inf
from typing import Any

from .reading import Reading
from .recorder import SECONDS, STATEMENT_SECONDS
from .tables import HOLD_SECONDS, HOLDS, OTHER, REQUESTS, WAIT_SECONDS


@dataclass(frozen=True)
class StatementDigest:
    """One statement without its values, over all workers, since they began.

    share: of the time that all such statements of its pool took, from 0 to 1. p95: estimated within a bucket of
    sqlalchemy_statement_seconds. endpoints, workers: calls by each. workers only has those that are alive.
    """

    pool: str
    operation: str
    statement: str
    calls: int
    seconds: float
    mean: float
    p95: float
    share: float
    endpoints: dict[str, int] = field(default_factory=dict)
    workers: dict[int, int] = field(default_factory=dict)


@dataclass(frozen=True)
class EndpointDigest:
    """What one endpoint asked of a pool: how its requests spent their time waiting for a connection, and executing."""

    pool: str
    endpoint: str
    requests: int
    statements: int
    statement_seconds: float
    wait_seconds: float
    holds: int
    hold_seconds: float


@dataclass(frozen=True)
class Distribution:
    """How long something took, how often. p50, p95, p99: seconds, estimated within a bucket. buckets: (upper bound in
    seconds, count), those that are empty at either end left out; the last bound may be infinite."""

    count: int
    mean: float
    p50: float
    p95: float
    p99: float
    buckets: tuple[tuple[float, int], ...] = ()


def distribution(numbers: Mapping[str, Any], family: str, bounds: Sequence[float] = SECONDS) -> Distribution:
    """Of one histogram in the numbers of a pool or registry."""
    row = numbers.get(family) or [0] * (len(bounds) + 2)
    counts, total = row[:-1], int(sum(row[:-1]))
    filled = [place for place, count in enumerate(counts) if count]
    shown = zip((*bounds, inf), counts, strict=True)
    buckets = tuple(shown)[filled[0] : filled[-1] + 1] if filled else ()
    p50, p95, p99 = (quantile(share, counts, bounds) for share in (0.5, 0.95, 0.99))
    return Distribution(total, row[-1] / total if total else 0.0, p50, p95, p99, buckets)


def statements(reading: Reading) -> tuple[StatementDigest, ...]:
    """The statements that the workers publish, the most time first."""
    rows: dict[tuple[str, str], list[float]] = {}
    operations: dict[tuple[str, str], str] = {}
    endpoints: dict[tuple[str, str], dict[str, int]] = {}
    workers: dict[tuple[str, str], dict[int, int]] = {}
    for pool in reading.pools:
        for part in pool.workers:
            for said in chain.from_iterable(map(json.loads, part.numbers.get("statements", ()))):
                key = (pool.name, said["statement"])
                operations[key] = said["operation"]
                rows[key] = [a + b for a, b in zip(rows.get(key, [0.0] * len(said["row"])), said["row"], strict=True)]
                calls = endpoints.setdefault(key, {})
                for endpoint, count in said["endpoints"].items():
                    calls[endpoint] = calls.get(endpoint, 0) + count
                by_worker = workers.setdefault(key, {})
                by_worker[part.worker or 0] = by_worker.get(part.worker or 0, 0) + int(sum(said["row"][:-1]))
    totals: dict[str, float] = {}
    for (pool_name, _), row in rows.items():
        totals[pool_name] = totals.get(pool_name, 0.0) + row[-1]
    found = (
        _digest(pool, text, operations[pool, text], row, totals[pool], endpoints[pool, text], workers[pool, text])
        for (pool, text), row in rows.items()
    )
    return tuple(sorted(found, key=lambda digest: -digest.seconds))


def _digest(
    pool: str,
    text: str,
    operation: str,
    row: Sequence[float],
    total: float,
    endpoints: dict[str, int],
    workers: dict[int, int],
) -> StatementDigest:
    buckets, seconds = row[:-1], row[-1]
    calls = int(sum(buckets))
    mean = seconds / calls if calls else 0.0
    share = seconds / total if total else 0.0
    most = dict(sorted(endpoints.items(), key=lambda item: -item[1]))
    p95 = quantile(0.95, buckets, STATEMENT_SECONDS)
    return StatementDigest(pool, operation, text, calls, seconds, mean, p95, min(1.0, share), most, workers)


def endpoints(reading: Reading) -> tuple[EndpointDigest, ...]:
    """Every endpoint with a row of its own and the rest together, the most time first. The dead's counts are in it."""
    found = []
    for pool in reading.pools:
        names = {
            name.split("|", 1)[1] for name in pool.numbers if name.startswith(("endpoint|", "endpoint statements|"))
        }
        for name in names:
            row = pool.numbers.get(f"endpoint|{name}") or [0] * (REQUESTS + 1)
            calls, seconds = pool.numbers.get(f"endpoint statements|{name}") or (0, 0.0)
            found.append(
                EndpointDigest(
                    pool.name, name, row[REQUESTS], calls, seconds, row[WAIT_SECONDS], row[HOLDS], row[HOLD_SECONDS]
                )
            )
    return tuple(sorted(found, key=lambda digest: (digest.endpoint == OTHER, -digest.hold_seconds)))


def quantile(share: float, buckets: Sequence[float], bounds: Sequence[float]) -> float:
    """Within its bucket taken as even; what is above the last bound counts as the last bound. 0 for nothing.

    >>> quantile(0.5, [0, 4, 0], (1.0, 3.0))
    2.0
    """
    wanted = share * sum(buckets)
    if not wanted:
        return 0.0
    below, lower = 0.0, 0.0
    for count, bound in zip(buckets, bounds, strict=False):
        if below + count >= wanted:
            return lower + (bound - lower) * (wanted - below) / count
        below, lower = below + count, bound
    return float(bounds[-1])
