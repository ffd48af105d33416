"""Which pool_size, max_overflow and timeout would the last hour have needed? By Little's law and by the peak.

Two views of each worker's minutes, and the worse one counts. Measured: how many connections were out at each checkout,
which knows bursts, but not what a pool that is full holds back. Little's law: checkouts a second times the seconds that
one is held are the connections that are busy on average; by Erlang's formula these tell who would have had to wait."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, exp, isinf

from .demand import Asked
from .digests import quantile
from .reading import PoolReading
from .recorder import SECONDS
from .rule import number_of
from .watches import MOST_TOLD

WAIT_SECONDS = 0.001
"""Who waits less does not wait."""
SHARE = 0.01
"""Of the checkouts so many may wait for longer."""
LEAST_CHECKOUTS = 200
"""Of fewer, one in a hundred tells nothing."""
MOST_ADVISED = 1_000
TIMEOUTS = (1, 2, 5, 10, 30, 60, 120, 300)


@dataclass(frozen=True)
class WorkerNeed:
    """busy: mean connections in use, by Little's law. peak: most wanted at once, those that
    waited included; pool_size: what this worker's own load would have needed."""

    worker: int
    checkouts: int
    timeouts: int
    busy: float
    peak: int
    pool_size: int


@dataclass(frozen=True)
class Advice:
    """What every worker's pool would have needed in the last hour. sentence: the same in words, or why there is none.

    pool_size: with so many connections 99 of 100 checkouts wait less than 1 ms; with max_overflow beyond them the peak
    waits neither; timeout_seconds: after so long a wait something else is wrong. None where there is no advice.
    asked_now, asked: what all workers together may ask of the database, as they are set and as advised; None: without
    bound. workers: how many live.
    """

    sentence: str
    checkouts: int = 0
    minutes: int = 0
    pool_size: int | None = None
    max_overflow: int | None = None
    timeout_seconds: int | None = None
    workers: int = 0
    asked_now: int | None = None
    asked: int | None = None
    by_worker: tuple[WorkerNeed, ...] = ()


def advice(pool: PoolReading, asked: Sequence[Asked]) -> Advice:
    """asked: of the last hour, as `Ledger.asked` tells it."""
    checkouts, workers = int(sum(one.asks for one in asked)), len(pool.workers)
    minutes = ceil((max(one.at for one in asked) - min(one.at - one.seconds for one in asked)) / 60) if asked else 0
    total = pool.limits.total
    asked_now = None if total is None or isinf(total) else int(total)
    if total is None:
        word = f"A {pool.class_ or 'pool of a worker that has ended'} has no size that could be advised."
        return Advice(word, checkouts, minutes, workers=workers)
    if checkouts < LEAST_CHECKOUTS:
        word = f"It takes {LEAST_CHECKOUTS} checkouts to advise; the last {minutes} min had {checkouts}."
        return Advice(word, checkouts, minutes, workers=workers, asked_now=asked_now)
    size, peak = needed(asked), max(one.peak for one in asked)
    overflow, timeout = max(0, peak - size), _timeout(asked)
    by_worker = {one.worker: [each for each in asked if each.worker == one.worker] for one in asked}
    return Advice(
        f"For the last {minutes} min each worker would have needed pool_size={size}, max_overflow={overflow}, "
        f"pool_timeout={timeout}: with {number_of(size, 'connection', 'connections')} 99 of 100 checkouts wait less "
        f"than 1 ms; the most that one worker wanted at once were {peak}{' or more' if peak == MOST_TOLD else ''}.",
        checkouts, minutes, size, overflow, timeout, workers, asked_now, workers * (size + overflow),
        tuple(_of_worker(worker, its) for worker, its in sorted(by_worker.items())),
    )  # fmt: skip


def needed(asked: Sequence[Asked]) -> int:
    """The fewest connections in each worker with which at most one checkout in a hundred waits for 1 ms or longer."""
    most = SHARE * sum(one.asks for one in asked)

    def are_enough(connections: int) -> bool:
        return sum(one.asks * waiting_share(one, connections) for one in asked) <= most

    peak = max(one.peak for one in asked)
    upper = peak if peak < MOST_TOLD else MOST_ADVISED
    return bisect_left(range(upper), True, lo=1, key=are_enough)


def waiting_share(asked: Asked, connections: int) -> float:
    """Which share of these checkouts would wait for 1 ms or longer, with so many connections."""
    if MOST_TOLD > asked.peak <= connections:
        return 0.0
    held = asked.mean_hold
    return min(1.0, max(_by_measure(asked, connections, held), _by_erlang(asked.busy, connections, held)))


def _by_measure(asked: Asked, connections: int, held: float) -> float:
    """Who found n connections out, its own included, would have waited until n - connections others came back."""
    number = sum(asked.in_use)
    out = enumerate(asked.in_use[connections + 1 :], 1)
    expected = connections * WAIT_SECONDS / held
    return sum(count * _later(place, expected) for place, count in out) / number if number else 0.0


def _later(departures: int, expected: float) -> float:
    """The chance that fewer than so many connections come back, where so many are expected (Poisson)."""
    term, total = exp(-expected), 0.0
    for number in range(departures):
        total += term
        term *= expected / (number + 1)
    return total


def _by_erlang(busy: float, connections: int, held: float) -> float:
    """Erlang's C formula: the chance that all are taken, and that none of them comes back within 1 ms."""
    if busy >= connections:
        return 1.0
    blocked = 1.0
    for number in range(1, connections + 1):
        blocked = busy * blocked / (number + busy * blocked)
    load = busy / connections
    return blocked / (1 - load * (1 - blocked)) * exp(-(connections - busy) * WAIT_SECONDS / held)


def _timeout(asked: Sequence[Asked]) -> int:
    """The shortest usual one within which two of the longest holds end."""
    buckets = [sum(column) for column in zip(*(one.hold[:-1] for one in asked), strict=True)]
    longest = quantile(1 - SHARE, buckets, SECONDS)
    return next((seconds for seconds in TIMEOUTS if seconds >= 2 * longest), TIMEOUTS[-1])


def _of_worker(worker: int, asked: Sequence[Asked]) -> WorkerNeed:
    return WorkerNeed(
        worker=worker,
        checkouts=int(sum(one.checkouts for one in asked)),
        timeouts=int(sum(one.timeouts for one in asked)),
        busy=round(sum(one.busy * one.seconds for one in asked) / sum(one.seconds for one in asked), 2),
        peak=max(one.peak for one in asked),
        pool_size=needed(asked),
    )
