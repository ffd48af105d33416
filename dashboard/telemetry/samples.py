"""How is the value of a metric read from a Reading? One small reader for each shape that the catalogue has."""

from __future__ import annotations

import platform
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import sqlalchemy

from .. import __version__
from .findings import findings
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


def histogram(family: str, buckets: tuple[float, ...], only: Callable[[PoolReading], bool] = lambda pool: True) -> Read:
    empty = [0] * (len(buckets) + 2)
    return lambda reading: (((pool.name,), pool.numbers.get(family, empty)) for pool in reading.pools if only(pool))


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


def by_endpoint(family: str, place: int) -> Read:
    """One number of the rows that a pool has for each endpoint, as a counter."""
    prefix = family + "|"
    return lambda reading: (
        ((pool.name, name.removeprefix(prefix)), row[place])
        for pool in reading.pools
        for name, row in sorted(pool.numbers.items(), key=_name)
        if name.startswith(prefix)
    )


def _name(item: tuple[str, Any]) -> str:
    return item[0]


def held_by_endpoint(reading: Reading) -> Iterator[Sample]:
    """Zero for every endpoint that has ever held a connection, so that a graph of it comes down."""
    for pool in reading.pools:
        if not pool.class_:
            continue
        held = dict.fromkeys((n.removeprefix("endpoint|") for n in pool.numbers if n.startswith("endpoint|")), 0)
        for part in pool.workers:
            for endpoint, number in part.numbers["endpoints"].items():
                held[endpoint] = held.get(endpoint, 0) + number
        for endpoint in sorted(held):
            yield (pool.name, endpoint), held[endpoint]


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


def engines(reading: Reading) -> Iterator[Sample]:
    for database, number in sorted(reading.engines.items()):
        yield (database,), number


def findings_now(reading: Reading) -> Iterator[Sample]:
    """How often each finding holds now: one may hold for several pools."""
    yield from sorted(Counter((f.finding, f.level) for f in findings(reading)).items())


def own(family: str) -> Read:
    """What Poolhouse itself did, for each label value that has occurred."""
    prefix = family + "|"
    return lambda reading: (
        (tuple(name.removeprefix(prefix).split("|")), value)
        for name, value in sorted(reading.own.items())
        if name.startswith(prefix)
    )


def own_known(family: str, values: Iterable[str], empty: Any = 0) -> Read:
    """The same for each known label value, zeros too."""
    known = tuple(values)
    return lambda reading: (((value,), reading.own.get(f"{family}|{value}", empty)) for value in known)


def workspaces(reading: Reading) -> Iterator[Sample]:
    """live: with a Session in some worker; pinned: with an open transaction; parked: only in the store."""
    if reading.kept is None:
        return
    pinned, every = reading.kept.pinned, reading.kept.workspaces
    sessions = next((r for r in reading.sessions.registries if r.name == "workspaces"), None)
    alive = sessions.idle + sessions.in_transaction + sessions.needs_rollback if sessions else 0
    live = min(max(0, alive - pinned), every - pinned)
    yield ("live",), live
    yield ("parked",), every - pinned - live
    yield ("pinned",), pinned


def workspace_objects(reading: Reading) -> Iterator[Sample]:
    for badge, number in {} if reading.kept is None else reading.kept.objects.items():
        yield (badge,), number


def faults(reading: Reading) -> Iterator[Sample]:
    for listener, count in sorted(reading.faults.items()):
        yield (listener,), count


def workers(reading: Reading) -> Iterator[Sample]:
    for state in ("live", "stale"):
        yield (state,), sum(worker.state == state for worker in reading.workers)


def published_age(reading: Reading) -> Iterator[Sample]:
    yield (), reading.published_age_seconds


def series(reading: Reading) -> Iterable[Sample]:
    """Stands for the number of all series, which only the exposition knows."""
    return ()


def info(_: Reading) -> Iterator[Sample]:
    yield (__version__, sqlalchemy.__version__, platform.python_version()), 1
