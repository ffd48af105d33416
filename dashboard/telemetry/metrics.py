"""Which Prometheus metrics are there, and what are their values now? One list, METRICS, and a Collector over the ledger.

Only file that imports prometheus_client."""

from __future__ import annotations

import platform
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from importlib import metadata
from math import inf
from typing import Any

import sqlalchemy
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import Metric as Family
from prometheus_client.utils import floatToGoString

from ..config import Config
from .ledger import Ledger, joined_ledger
from .merging import alone, count_of
from .reading import PoolReading, Reading, RegistryReading
from .recorder import AGE_SECONDS, SECONDS, STATEMENT_SECONDS
from .sessions import KINDS, OUTCOMES, TRANSITIONS
from .snapshot import own
from .watches import CACHE, CLOSE_REASONS, ERRORS, INVALIDATIONS, LEAKS, OPERATIONS, TRANSACTION_OUTCOMES

Sample = tuple[tuple[str, ...], Any]
"""Label values in the order of the metric's labels, and the value; a histogram's value is its bucket counts with the sum behind them."""
Read = Callable[[Reading], Iterable[Sample]]


@dataclass(frozen=True)
class Metric:
    """One entry of the catalogue.

    type: counter, gauge or histogram. unit: only where the name ends in it. source: where the value comes from. merge: how
    the workers' values become one (sum, max, or "once" for what is read once). buckets: a histogram's upper bounds.
    """

    name: str
    type: str
    labels: tuple[str, ...]
    help: str
    source: str
    read: Read
    merge: str = "sum"
    buckets: tuple[float, ...] = ()

    @property
    def unit(self) -> str:
        stem = self.name.removesuffix("_total")
        return next((unit for unit in ("seconds", "ratio") if stem.endswith("_" + unit)), "")


def _of_pools(value: Callable[[PoolReading], float | None]) -> Read:
    """A gauge of each pool; absent where the pool has no such thing."""

    def read(reading: Reading) -> Iterator[Sample]:
        for pool in reading.pools:
            found = value(pool)
            if pool.class_ and found is not None:
                yield (pool.name,), found

    return read


def _states(values: Callable[[PoolReading], Mapping[str, float | None]]) -> Read:
    def read(reading: Reading) -> Iterator[Sample]:
        for pool in reading.pools:
            for state, value in values(pool).items():
                if pool.class_ and value is not None:
                    yield (pool.name, state), value

    return read


def _counter(family: str) -> Read:
    return lambda reading: (((pool.name,), pool.numbers.get(family, 0)) for pool in reading.pools)


def _counters(family: str, values: Iterable[str]) -> Read:
    """A counter for each known label value: zero is said too, so that the first increase is one. `a|b` are two labels."""
    known = tuple(values)
    return lambda reading: (
        ((pool.name, *value.split("|")), pool.numbers.get(f"{family}|{value}", 0)) for pool in reading.pools for value in known
    )


def _counts(family: str, values: Iterable[str] = ()) -> Read:
    """How many observations a histogram has, as a counter."""
    known = tuple(values)

    def read(reading: Reading) -> Iterator[Sample]:
        for pool in reading.pools:
            for value in known:
                yield (pool.name, value), count_of(pool.numbers.get(f"{family}|{value}"))

    return read


def _open_counters(family: str) -> Read:
    """A counter for each label value that occurred."""
    prefix = family + "|"
    return lambda reading: (
        ((pool.name, name.removeprefix(prefix)), count)
        for pool in reading.pools
        for name, count in sorted(pool.numbers.items())
        if name.startswith(prefix)
    )


def _histogram(family: str, buckets: tuple[float, ...], only: Callable[[PoolReading], bool] = lambda pool: True) -> Read:
    empty = [0] * (len(buckets) + 2)
    return lambda reading: (((pool.name,), pool.numbers.get(family, empty)) for pool in reading.pools if only(pool))


def _histograms(
    family: str, values: Iterable[str], buckets: tuple[float, ...], only: Callable[[PoolReading], bool] = lambda pool: True
) -> Read:
    empty, known = [0] * (len(buckets) + 2), tuple(values)
    return lambda reading: (
        ((pool.name, value), pool.numbers.get(f"{family}|{value}", empty)) for pool in reading.pools if only(pool) for value in known
    )


def _can_wait(pool: PoolReading) -> bool:
    return pool.counts.waiters is not None or any(name.startswith("wait|") for name in pool.numbers)


def _oldest(what: str) -> Read:
    """The greatest age over the workers; zero when there is none, so that an alert's `min_over_time` sees it end."""
    return _of_pools(lambda pool: max((part.numbers[f"oldest {what}"] or 0.0 for part in pool.workers), default=0.0))


def _worst_ratio(pool: PoolReading) -> float | None:
    ratios = [part.counts.used / part.limits.total for part in pool.workers if part.limits.total]
    return max(ratios, default=None)


def _registries(value: Callable[[RegistryReading], Iterable[Sample]]) -> Read:
    return lambda reading: (
        ((registry.name, *labels), found) for registry in reading.sessions.registries for labels, found in value(registry)
    )


def _registry_counters(family: str, values: Iterable[str]) -> Read:
    known = tuple(values)
    return _registries(lambda r: ((tuple(value.split("|")), r.numbers.get(f"{family}|{value}", 0)) for value in known))


def _info(_: Reading) -> Iterator[Sample]:
    yield (version(), sqlalchemy.__version__, platform.python_version()), 1


def version() -> str:
    """Poolhouse's own; "unknown" in a checkout that was never installed."""
    try:
        return metadata.version("poolhouse")
    except metadata.PackageNotFoundError:
        return "unknown"


def _workers(reading: Reading) -> Iterator[Sample]:
    for state in ("live", "stale"):
        yield (state,), sum(worker.state == state for worker in reading.workers)


_POOL = ("pool",)
_SET = "the set of records that are out"
_QUEUE = "timed queue"

METRICS: tuple[Metric, ...] = (
    Metric(
        "sqlalchemy_pool_connections", "gauge", (*_POOL, "state"),
        "Connections of the pool by state; dead_slot is a place whose connection is gone.", f"the pool itself and {_SET}",
        _states(lambda pool: {state: getattr(pool.counts, state) for state in ("used", "idle", "dead_slot", "detached")}),
    ),
    Metric(
        "sqlalchemy_pool_limit_connections", "gauge", (*_POOL, "kind"),
        "Connections that the pool may have; +Inf where it is not limited.", "pool configuration",
        _states(lambda pool: {kind: getattr(pool.limits, kind) for kind in ("size", "max_overflow", "total")}),
    ),
    Metric(
        "sqlalchemy_pool_timeout_seconds", "gauge", _POOL, "How long a checkout may wait for a connection.",
        "pool configuration", _of_pools(lambda pool: pool.limits.timeout_seconds), "max",
    ),
    Metric(
        "sqlalchemy_pool_overflow_connections", "gauge", _POOL, "Connections beyond the pool's size.", "max(0, overflow)",
        _of_pools(lambda pool: pool.counts.overflow),
    ),
    Metric(
        "sqlalchemy_pool_used_connections_peak", "gauge", _POOL,
        "Most connections of one worker in use at once in the last 60 seconds.", _SET, _of_pools(lambda pool: pool.counts.peak), "max",
    ),
    Metric(
        "sqlalchemy_pool_worst_worker_used_ratio", "gauge", _POOL, "Share of its limit that the worst worker has in use.", _SET,
        _of_pools(_worst_ratio), "max",
    ),
    Metric("sqlalchemy_pool_waiters", "gauge", _POOL, "Who waits for a connection now.", _QUEUE, _of_pools(lambda pool: pool.counts.waiters)),
    Metric(
        "sqlalchemy_pool_oldest_wait_seconds", "gauge", _POOL, "Age of the longest wait that goes on.", _QUEUE,
        lambda reading: (sample for pool in reading.pools if _can_wait(pool) for sample in _oldest("wait")(Reading((pool,)))), "max",
    ),
    Metric(
        "sqlalchemy_pool_wait_seconds", "histogram", (*_POOL, "outcome"), "Wait for a connection; none counts as zero.", _QUEUE,
        _histograms("wait", ("ok", "timeout"), SECONDS, _can_wait), buckets=SECONDS,
    ),
    Metric(
        "sqlalchemy_pool_timeouts_total", "counter", _POOL, "Checkouts that gave up waiting.", _QUEUE,
        lambda reading: (((p.name,), count_of(p.numbers.get("wait|timeout"))) for p in reading.pools if _can_wait(p)),
    ),
    Metric("sqlalchemy_pool_checkouts_total", "counter", _POOL, "Connections taken.", "checkout", _counter("checkouts")),
    Metric("sqlalchemy_pool_checkins_total", "counter", _POOL, "Connections given back.", "matched checkin", _counter("checkins")),
    Metric(
        "sqlalchemy_connection_hold_seconds", "histogram", _POOL, "How long a connection was held.", "checkout to checkin or detach",
        _histogram("hold", SECONDS), buckets=SECONDS,
    ),
    Metric(
        "sqlalchemy_connection_oldest_hold_seconds", "gauge", _POOL, "Age of the longest hold that goes on.", _SET, _oldest("hold"), "max",
    ),
    Metric(
        "sqlalchemy_connection_create_seconds", "histogram", (*_POOL, "outcome"), "How long opening a connection took.",
        "the pool's creator", _histograms("create", ("ok", "error"), SECONDS), buckets=SECONDS,
    ),
    Metric(
        "sqlalchemy_connections_opened_total", "counter", _POOL, "Connections opened.", "the pool's creator",
        lambda reading: (((pool.name,), count_of(pool.numbers.get("create|ok"))) for pool in reading.pools),
    ),
    Metric(
        "sqlalchemy_connections_closed_total", "counter", (*_POOL, "reason"), "Connections closed.", "the pool's close, and who called it",
        _counters("closed", CLOSE_REASONS),
    ),
    Metric(
        "sqlalchemy_connection_errors_total", "counter", (*_POOL, "phase", "disconnect"), "Errors of the driver.",
        "the pool's creator, invalidate, handle_error",
        _counters("connection errors", (f"{phase}|{'true' if away else 'false'}" for phase, away in ERRORS)),
    ),
    Metric(
        "sqlalchemy_connection_invalidations_total", "counter", (*_POOL, "kind"), "Connections declared unusable.",
        "invalidate, soft_invalidate", _counters("invalidations", INVALIDATIONS),
    ),
    Metric(
        "sqlalchemy_connection_leaks_total", "counter", (*_POOL, "kind"), "Connections that were not given back as they should.",
        "own flags", _counters("leaks", LEAKS),
    ),
    Metric(
        "sqlalchemy_connection_age_seconds", "histogram", _POOL, "Age that connections reached.", "at close",
        _histogram("age", AGE_SECONDS), buckets=AGE_SECONDS,
    ),
    Metric(
        "sqlalchemy_transactions_total", "counter", (*_POOL, "outcome"), "Transactions ended.", "begin, commit, rollback, own flag at checkin",
        _counts("transaction", TRANSACTION_OUTCOMES),
    ),
    Metric(
        "sqlalchemy_transaction_seconds", "histogram", (*_POOL, "outcome"), "How long transactions took.",
        "begin, commit, rollback, own flag at checkin", _histograms("transaction", TRANSACTION_OUTCOMES, SECONDS), buckets=SECONDS,
    ),
    Metric(
        "sqlalchemy_idle_in_transaction_connections", "gauge", _POOL, "Connections with an open transaction and no statement running.",
        "live set", _of_pools(lambda pool: sum(part.numbers["idle_in_transaction"] for part in pool.workers)),
    ),
    Metric(
        "sqlalchemy_oldest_idle_in_transaction_seconds", "gauge", _POOL, "Longest time without a statement in an open transaction.",
        "live set", _oldest("idle_in_transaction"), "max",
    ),
    Metric(
        "sqlalchemy_oldest_running_statement_seconds", "gauge", _POOL, "Age of the statement that runs longest.", "live set",
        _oldest("statement"), "max",
    ),
    Metric(
        "sqlalchemy_statement_seconds", "histogram", (*_POOL, "operation"), "How long statements took.", "before/after_cursor_execute",
        _histograms("statement", OPERATIONS, STATEMENT_SECONDS), buckets=STATEMENT_SECONDS,
    ),
    Metric(
        "sqlalchemy_statement_errors_total", "counter", (*_POOL, "error"), "Statements that failed, by the driver's error class.",
        "handle_error", _open_counters("statement errors"),
    ),
    Metric(
        "sqlalchemy_statement_cache_total", "counter", (*_POOL, "result"), "Lookups in SQLAlchemy's cache of compiled statements.",
        "context.cache_hit", _counters("cache", CACHE),
    ),
    Metric(
        "sqlalchemy_sessions", "gauge", ("registry", "state"), "Sessions that are alive.", "sampled",
        _registries(lambda r: (((state,), getattr(r, state)) for state in ("idle", "in_transaction", "needs_rollback"))),
    ),
    Metric(
        "sqlalchemy_session_transactions_total", "counter", ("registry", "outcome"), "Root transactions of Sessions ended.",
        "after_commit, after_rollback, after_transaction_end", _registry_counters("session transactions", OUTCOMES),
    ),
    Metric(
        "sqlalchemy_session_flush_seconds", "histogram", ("registry",), "How long flushes took.", "before_flush, after_flush_postexec",
        _registries(lambda r: [((), r.numbers.get("flush", [0] * (len(SECONDS) + 2)))]), buckets=SECONDS,
    ),
    Metric(
        "sqlalchemy_session_flushed_objects_total", "counter", ("registry", "kind"), "Objects written by flushes.", "after_flush",
        _registry_counters("flushed", KINDS),
    ),
    Metric(
        "sqlalchemy_object_transitions_total", "counter", ("registry", "from", "to"), "Objects that went from one state to another.",
        "SessionEvents, InstanceEvents", _registry_counters("transitions", (f"{before}|{after}" for before, after in TRANSITIONS)),
    ),
    Metric(
        "sqlalchemy_identity_map_objects", "gauge", ("registry",), "Objects in the identity maps of live Sessions.", "sampled",
        _registries(lambda r: [((), r.identity_map_objects)]),
    ),
    Metric("poolhouse_info", "gauge", ("version", "sqlalchemy", "python"), "Versions of the answering process.", "itself", _info, "max"),
    Metric("poolhouse_workers", "gauge", ("state",), "Processes that publish.", "ledger", _workers, "once"),
    Metric(
        "poolhouse_published_age_seconds", "gauge", (), "Age of the oldest live worker's last word.", "ledger",
        lambda reading: [((), reading.published_age_seconds)], "max",
    ),
    Metric(
        "poolhouse_internal_errors_total", "counter", ("listener",), "Faults inside telemetry; the program never sees them.", "guards",
        lambda reading: (((listener,), count) for listener, count in sorted(reading.faults.items())),
    ),
)  # fmt: skip
"""The whole catalogue, in the order of the exposition."""


class Collector:
    """For a prometheus_client registry: `REGISTRY.register(Collector())`.

    ledger: whose sum is told; without one, the ledger that this process publishes in, else this process alone.
    """

    def __init__(self, ledger: Ledger | None = None) -> None:
        self._ledger = ledger

    def collect(self) -> Iterator[Family]:
        return families(_read(self._ledger))

    def describe(self) -> Iterator[Family]:
        """Names for the registry's check against duplicates, without reading anything."""
        return (_family(metric) for metric in METRICS)


def render(accept: str = "", reading: Reading | None = None) -> tuple[bytes, str]:
    """The exposition and its content type, in the format that the Accept header asks for.

    >>> body, content_type = render()
    >>> content_type.split(";")[0], b"poolhouse_info" in body
    ('text/plain', True)
    """
    encode, content_type = choose_encoder(accept)
    return encode(_Families(reading or _read(None))), content_type


class _Families:
    def __init__(self, reading: Reading) -> None:
        self._reading = reading

    def collect(self) -> Iterator[Family]:
        return families(self._reading)


def families(reading: Reading) -> Iterator[Family]:
    """prometheus_client's families with all samples."""
    for metric in METRICS:
        family = _family(metric)
        for labels, value in metric.read(reading):
            _add(family, metric, dict(zip(metric.labels, labels, strict=True)), value)
        yield family


def _family(metric: Metric) -> Family:
    return Family(metric.name.removesuffix("_total"), metric.help, metric.type, metric.unit)


def _add(family: Family, metric: Metric, labels: dict[str, str], value: Any) -> None:
    if metric.type != "histogram":
        family.add_sample(metric.name, labels, value)
        return
    running = 0
    for bound, count in zip((*metric.buckets, inf), value, strict=False):
        running += count
        family.add_sample(metric.name + "_bucket", {**labels, "le": floatToGoString(bound)}, running)
    family.add_sample(metric.name + "_count", labels, running)
    family.add_sample(metric.name + "_sum", labels, value[-1])


def _read(ledger: Ledger | None) -> Reading:
    ledger = ledger or joined_ledger()
    if ledger is not None:
        return ledger.read()
    config = Config()
    return alone(own(config), config, 0.0, None)
