"""How is the value of a metric read from a Reading? One small reader for each shape that the catalogue has."""

from __future__ import annotations

import platform
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import sqlalchemy

from .. import __version__
from .merging import count_of
from .reading import PoolReading, Reading, RegistryReading

Sample = tuple[tuple[str, ...], Any]
"""Label values in the order of the metric's labels, and the value: a number, or for a histogram its bucket counts
with the sum behind them."""
Read = Callable[[Reading], Iterable[Sample]]


def gauge(value: Callable[[PoolReading], float | None]) -> Read:
    """One value for each pool that lives; absent where the pool has no such thing."""
    return lambda reading: (
        ((pool.name,), found) for pool in reading.pools if pool.class_ and (found := value(pool)) is not None
    )


def gauges(group: str, names: Iterable[str]) -> Read:
    """A value for each of the fields of a pool's counts or limits, the field's name being the last label."""
    known = tuple(names)
    return lambda reading: (
        ((pool.name, name), found)
        for pool in reading.pools
        for name in known
        if pool.class_ and (found := getattr(getattr(pool, group), name)) is not None
    )


def oldest(what: str, only: Callable[[PoolReading], bool] = lambda pool: True) -> Read:
    """The greatest age over the workers; zero when there is none, so that a rule over a window sees it end."""
    return gauge(
        lambda pool: (
            max((part.numbers[f"oldest {what}"] or 0.0 for part in pool.workers), default=0.0) if only(pool) else None
        )
    )


def worst_ratio(pool: PoolReading) -> float | None:
    """How much of its limit the fullest worker uses."""
    return max((part.counts.used / part.limits.total for part in pool.workers if part.limits.total), default=None)


def counter(family: str) -> Read:
    return lambda reading: (((pool.name,), pool.numbers.get(family, 0)) for pool in reading.pools)


def counters(family: str, values: Iterable[str]) -> Read:
    """A counter for each known label value, zeros too: else a first increase is not seen. `a|b` are two labels."""
    known = tuple(values)
    return lambda reading: (
        ((pool.name, *value.split("|")), pool.numbers.get(f"{family}|{value}", 0))
        for pool in reading.pools
        for value in known
    )


def open_counters(family: str) -> Read:
    """A counter for each label value that has occurred."""
    prefix = family + "|"
    return lambda reading: (
        ((pool.name, name.removeprefix(prefix)), count)
        for pool in reading.pools
        for name, count in sorted(pool.numbers.items())
        if name.startswith(prefix)
    )


def observations(family: str, only: Callable[[PoolReading], bool] = lambda pool: True) -> Read:
    """How much was observed by a histogram, as a counter."""
    return lambda reading: (((pool.name,), count_of(pool.numbers.get(family))) for pool in reading.pools if only(pool))


def observations_of(family: str, values: Iterable[str]) -> Read:
    known = tuple(values)
    return lambda reading: (
        ((pool.name, value), count_of(pool.numbers.get(f"{family}|{value}")))
        for pool in reading.pools
        for value in known
    )


def histogram(family: str, buckets: tuple[float, ...]) -> Read:
    empty = [0] * (len(buckets) + 2)
    return lambda reading: (((pool.name,), pool.numbers.get(family, empty)) for pool in reading.pools)


def histograms(
    family: str,
    values: Iterable[str],
    buckets: tuple[float, ...],
    only: Callable[[PoolReading], bool] = lambda pool: True,
) -> Read:
    empty, known = [0] * (len(buckets) + 2), tuple(values)
    return lambda reading: (
        ((pool.name, value), pool.numbers.get(f"{family}|{value}", empty))
        for pool in reading.pools
        if only(pool)
        for value in known
    )


def can_wait(pool: PoolReading) -> bool:
    """Whether one waits for this pool at all; known from its numbers when no process has it any more."""
    return pool.counts.waiters is not None or any(name.startswith("wait|") for name in pool.numbers)


def registries(value: Callable[[RegistryReading], Iterable[Sample]]) -> Read:
    return lambda reading: (
        ((registry.name, *labels), found)
        for registry in reading.sessions.registries
        for labels, found in value(registry)
    )


def registry_counters(family: str, values: Iterable[str]) -> Read:
    known = tuple(values)
    return registries(lambda r: ((tuple(value.split("|")), r.numbers.get(f"{family}|{value}", 0)) for value in known))


def registry_states(r: RegistryReading) -> Iterator[Sample]:
    for state in ("idle", "in_transaction", "needs_rollback"):
        yield (state,), getattr(r, state)


def registry_histogram(family: str, buckets: tuple[float, ...]) -> Read:
    empty = [0] * (len(buckets) + 2)
    return registries(lambda r: [((), r.numbers.get(family, empty))])


def faults(reading: Reading) -> Iterator[Sample]:
    for listener, count in sorted(reading.faults.items()):
        yield (listener,), count


def workers(reading: Reading) -> Iterator[Sample]:
    for state in ("live", "stale"):
        yield (state,), sum(worker.state == state for worker in reading.workers)


def published_age(reading: Reading) -> Iterator[Sample]:
    yield (), reading.published_age_seconds


def info(_: Reading) -> Iterator[Sample]:
    yield (__version__, sqlalchemy.__version__, platform.python_version()), 1
