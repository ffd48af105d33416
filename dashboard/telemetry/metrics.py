"""Which Prometheus metrics are there, and what are their values now? One list, and a Collector over the ledger.

Only file that imports prometheus_client."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache
from math import inf
from typing import Any

from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import Metric as Family
from prometheus_client.samples import Exemplar as Shown

from ..config import Config
from . import samples, session_samples
from .exposition import Metric, exemplar_labels, exemplars_of, number, observed, write
from .ledger import Ledger, joined_ledger
from .merging import alone
from .otel import OTEL, REPLACED
from .reading import Exemplar, Reading
from .recorder import AGE_SECONDS, COUNTS, SECONDS, STATEMENT_SECONDS
from .samples import (
    by_endpoint,
    can_wait,
    counter,
    counters,
    gauge,
    gauges,
    histogram,
    histograms,
    observations,
    observations_of,
    oldest,
    open_counters,
    own,
    own_known,
    registries,
    registry_counters,
    registry_histogram,
    registry_states,
    worst_ratio,
)  # fmt: skip
from .sessions import KINDS, OUTCOMES, TRANSITIONS
from .snapshot import own as own_word
from .tables import HOLD_SECONDS, OPERATIONS
from .watches import CACHE, CLOSE_REASONS, ERRORS, INVALIDATIONS, LEAKS, TRANSACTION_OUTCOMES

_POOL = ("pool",)
_NO_SECONDS = (0,) * (len(SECONDS) + 2)
_DRIVER_ERRORS = tuple(f"{phase}|{'true' if away else 'false'}" for phase, away in ERRORS)
_TRANSITIONS = tuple(f"{before}|{after}" for before, after in TRANSITIONS)

# fmt: off
METRICS: tuple[Metric, ...] = (
    Metric("sqlalchemy_pool_connections", "gauge", ("pool", "state"),
           "Connections of the pool by state; dead_slot is a place whose connection is gone. What was out before the "
           "pool was watched is in none of them until it comes back.",
           "the pool itself and the set of records", gauges("counts", ("used", "idle", "dead_slot", "detached"))),
    Metric("sqlalchemy_pool_limit_connections", "gauge", ("pool", "kind"),
           "Connections that the pool may have; +Inf where it is not limited.",
           "pool configuration", gauges("limits", ("size", "max_overflow", "total"))),
    Metric("sqlalchemy_pool_timeout_seconds", "gauge", _POOL, "How long a checkout may wait for a connection.",
           "pool configuration", gauge(lambda pool: pool.limits.timeout_seconds), "max"),
    Metric("sqlalchemy_pool_overflow_connections", "gauge", _POOL, "Connections beyond the pool's size.",
           "max(0, overflow)", gauge(lambda pool: pool.counts.overflow)),
    Metric("sqlalchemy_pool_used_connections_peak", "gauge", _POOL,
           "Most connections of one worker in use at once in the last 60 seconds.",
           "the set of records", gauge(lambda pool: pool.counts.peak), "max"),
    Metric("sqlalchemy_pool_worst_worker_used_ratio", "gauge", _POOL,
           "Share of its limit that the worst worker has in use.",
           "the set of records", gauge(worst_ratio), "max"),
    Metric("sqlalchemy_pool_waiters", "gauge", _POOL, "Who waits for a connection now.",
           "timed queue", gauge(lambda pool: pool.counts.waiters)),
    Metric("sqlalchemy_pool_oldest_wait_seconds", "gauge", _POOL, "Age of the longest wait that goes on.",
           "timed queue", oldest("wait", can_wait), "max"),
    Metric("sqlalchemy_pool_wait_seconds", "histogram", ("pool", "outcome"),
           "Wait for a connection; an acquisition that did not wait counts as zero.",
           "timed queue", histograms("wait", ("ok", "timeout"), SECONDS, can_wait), buckets=SECONDS, exemplars="wait"),
    Metric("sqlalchemy_pool_timeouts_total", "counter", _POOL, "Checkouts that gave up waiting.",
           "timed queue", observations("wait|timeout", can_wait)),
    Metric("sqlalchemy_pool_checkouts_total", "counter", _POOL, "Connections taken.", "checkout", counter("checkouts")),
    Metric("sqlalchemy_pool_checkins_total", "counter", _POOL, "Connections given back.",
           "matched checkin", counter("checkins")),
    Metric("sqlalchemy_connection_hold_seconds", "histogram", _POOL, "How long a connection was held.",
           "checkout to checkin or detach", histogram("hold", SECONDS), buckets=SECONDS, exemplars="hold"),
    Metric("sqlalchemy_endpoint_hold_seconds_total", "counter", ("pool", "endpoint"),
           "How long connections were held, by who.",
           "checkout to checkin or detach", by_endpoint("endpoint", HOLD_SECONDS)),
    Metric("sqlalchemy_connections_held_by_endpoint", "gauge", ("pool", "endpoint"),
           "Connections that are held now, by who.", "live set", samples.held_by_endpoint),
    Metric("sqlalchemy_connection_oldest_hold_seconds", "gauge", _POOL, "Age of the longest hold that goes on.",
           "live set", oldest("hold"), "max"),
    Metric("sqlalchemy_connection_create_seconds", "histogram", ("pool", "outcome"),
           "How long opening a connection took.",
           "the pool's creator", histograms("create", ("ok", "error"), SECONDS), buckets=SECONDS),
    Metric("sqlalchemy_connections_opened_total", "counter", _POOL, "Connections opened.",
           "the pool's creator", observations("create|ok")),
    Metric("sqlalchemy_connections_closed_total", "counter", ("pool", "reason"), "Connections closed.",
           "the pool's close, and who called it", counters("closed", CLOSE_REASONS)),
    Metric("sqlalchemy_connection_errors_total", "counter", ("pool", "phase", "disconnect"), "Errors of the driver.",
           "the pool's creator, invalidate, handle_error", counters("connection errors", _DRIVER_ERRORS)),
    Metric("sqlalchemy_connection_invalidations_total", "counter", ("pool", "kind"),
           "Connections that were declared unusable.",
           "invalidate, soft_invalidate", counters("invalidations", INVALIDATIONS)),
    Metric("sqlalchemy_connection_leaks_total", "counter", ("pool", "kind"),
           "Connections that were not given back as they should be, or used in a process that did not open them.",
           "own flags", counters("leaks", LEAKS)),
    Metric("sqlalchemy_connection_age_seconds", "histogram", _POOL, "Age that connections reached.",
           "at close", histogram("age", AGE_SECONDS), buckets=AGE_SECONDS),
    Metric("sqlalchemy_transactions_total", "counter", ("pool", "outcome"), "Transactions that ended.",
           "begin, commit, rollback; abandoned: own flag at checkin",
           observations_of("transaction", TRANSACTION_OUTCOMES)),
    Metric("sqlalchemy_transaction_seconds", "histogram", ("pool", "outcome"), "How long transactions took.",
           "begin, commit, rollback; abandoned: own flag at checkin",
           histograms("transaction", TRANSACTION_OUTCOMES, SECONDS), buckets=SECONDS),
    Metric("sqlalchemy_idle_in_transaction_connections", "gauge", _POOL,
           "Connections with an open transaction and no statement running.",
           "live set", gauge(lambda pool: sum(part.numbers["idle_in_transaction"] for part in pool.workers))),
    Metric("sqlalchemy_oldest_idle_in_transaction_seconds", "gauge", _POOL,
           "Longest time that an open transaction has been without a statement.",
           "live set", oldest("idle_in_transaction"), "max"),
    Metric("sqlalchemy_oldest_running_statement_seconds", "gauge", _POOL, "Age of the statement that runs longest.",
           "live set", oldest("statement"), "max"),
    Metric("sqlalchemy_statement_seconds", "histogram", ("pool", "operation"), "How long statements took.",
           "before/after_cursor_execute", histograms("statement", OPERATIONS, STATEMENT_SECONDS),
           buckets=STATEMENT_SECONDS, exemplars="statement"),
    Metric("sqlalchemy_endpoint_statements_total", "counter", ("pool", "endpoint"), "Statements, by who.",
           "before/after_cursor_execute", by_endpoint("endpoint statements", 0)),
    Metric("sqlalchemy_endpoint_statement_seconds_total", "counter", ("pool", "endpoint"),
           "How long statements took, by who.",
           "before/after_cursor_execute", by_endpoint("endpoint statements", 1)),
    Metric("sqlalchemy_statement_errors_total", "counter", ("pool", "error"),
           "Statements that failed, by the class of the driver's error.",
           "handle_error", open_counters("statement errors")),
    Metric("sqlalchemy_statement_cache_total", "counter", ("pool", "result"),
           "Lookups in SQLAlchemy's cache of compiled statements.",
           "context.cache_hit", counters("cache", CACHE)),
    Metric("sqlalchemy_request_statements", "histogram", _POOL, "Statements of one request.",
           "sum over one request", histogram("request statements", COUNTS), buckets=COUNTS),
    Metric("sqlalchemy_request_database_seconds", "histogram", _POOL,
           "How long the statements of one request took, together.",
           "sum over one request", histogram("request seconds", SECONDS), buckets=SECONDS,
           exemplars="request seconds"),
    Metric("sqlalchemy_sessions", "gauge", ("registry", "state"), "Sessions that are alive.",
           "sampled", registries(registry_states)),
    Metric("sqlalchemy_session_survivors_total", "counter", ("registry",),
           "Sessions that were still open after the request that used them.",
           "alive after its scope ended",
           registries(lambda registry: [((), registry.numbers.get("survivors", 0))])),
    Metric("sqlalchemy_session_transactions_total", "counter", ("registry", "outcome"),
           "Root transactions of Sessions that ended.",
           "after_commit, after_rollback, after_transaction_end", registry_counters("session transactions", OUTCOMES)),
    Metric("sqlalchemy_session_flush_seconds", "histogram", ("registry",), "How long flushes took.",
           "before_flush, after_flush_postexec", registry_histogram("flush", SECONDS), buckets=SECONDS),
    Metric("sqlalchemy_session_flushed_objects_total", "counter", ("registry", "kind"), "Objects written by flushes.",
           "after_flush", registry_counters("flushed", KINDS)),
    Metric("sqlalchemy_object_transitions_total", "counter", ("registry", "from", "to"),
           "Objects that went from one state to another.",
           "SessionEvents, InstanceEvents", registry_counters("transitions", _TRANSITIONS)),
    Metric("sqlalchemy_identity_map_objects", "gauge", ("registry",), "Objects in the identity maps of live Sessions.",
           "sampled", registries(lambda registry: [((), registry.identity_map_objects)])),
    Metric("sqlalchemy_orm_loads_total", "counter", ("kind", "path"),
           "SELECTs of the ORM; lazy and eager ones by relationship.",
           "after_cursor_execute: load options", session_samples.loads),
    Metric("sqlalchemy_n_plus_one_total", "counter", ("path",),
           "Requests in which one relationship was loaded lazily ten times or more.",
           "the same, by scope", session_samples.n_plus_one),
    Metric("sqlalchemy_orm_errors_total", "counter", ("error",), "Requests that ended with an error of SQLAlchemy.",
           "the cause chain of the request's exception", session_samples.orm_errors),
    Metric("sqlalchemy_engines", "gauge", ("database",),
           "Engines of the program on one database, by a hash of its URL; databases in memory are left out.",
           "what is watched", samples.engines, "max"),
    Metric("poolhouse_findings", "gauge", ("finding", "level"), "Findings that hold now.",
           "the findings", samples.findings_now, "once"),
    Metric("poolhouse_workspaces", "gauge", ("state",), "Workspaces; pinned ones have an open transaction.",
           "store", samples.workspaces, "once"),
    Metric("poolhouse_workspace_objects", "gauge", ("badge",), "Objects in all workspaces.",
           "store", samples.workspace_objects, "once"),
    Metric("poolhouse_workspace_actions_total", "counter", ("action", "outcome"), "Actions on workspaces.",
           "workspaces", own("action")),
    Metric("poolhouse_workspace_commit_seconds", "histogram", ("outcome",), "How long commits of workspaces took.",
           "workspaces", own_known("workspace commit", ("ok", "conflict", "failed"), _NO_SECONDS), buckets=SECONDS),
    Metric("poolhouse_info", "gauge", ("version", "sqlalchemy", "python"), "Versions of the process that answers.",
           "itself", samples.info, "max"),
    Metric("poolhouse_workers", "gauge", ("state",), "Processes that publish a pool.",
           "ledger", samples.workers, "once"),
    Metric("poolhouse_published_age_seconds", "gauge", (), "Age of the oldest live worker's last word.",
           "ledger", samples.published_age, "max"),
    Metric("poolhouse_internal_errors_total", "counter", ("listener",),
           "Faults inside telemetry; the program never sees them.", "the listeners' guards", samples.faults),
    Metric("poolhouse_listener_seconds_total", "counter", ("room",),
           "How long telemetry's listeners took, reckoned from a sample.",
           "one of 1,024 calls", own_known("listener", ("pools", "statements", "sessions"))),
    Metric("poolhouse_dropped_total", "counter", ("kind",),
           "What had no place of its own; series: label values that count under __other__.",
           "the bounds' own counts", own_known("dropped", ("series", "statements", "survivors"))),
    Metric("poolhouse_series", "gauge", (), "Series in this exposition.", "itself", samples.series, "once"),
)
"""The whole catalogue, in the order of the exposition."""
# fmt: on


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


def render(accept: str = "", reading: Reading | None = None, names: str = "native") -> tuple[bytes, str]:
    """The exposition and its content type, in the format that the Accept header asks for.

    names: "native", "otel" (OpenTelemetry's names in place of ours where it has any) or "both".

    >>> body, content_type = render()
    >>> content_type.split(";")[0], b"poolhouse_info" in body
    ('text/plain', True)
    """
    reading = reading or _read(None)
    encode, content_type = choose_encoder(accept)
    if content_type.endswith(("dots", "values")):  # names in the asker's own spelling
        return encode(_Once(reading, names)), content_type
    return write(named(names), reading, "openmetrics" in content_type), content_type


@cache
def named(names: str) -> tuple[Metric, ...]:
    """The metrics of one setting of DASHBOARD_METRIC_NAMES."""
    *ours, series = METRICS
    kept = ours if names != "otel" else [metric for metric in ours if metric.name not in REPLACED]
    return (*kept, *(() if names == "native" else OTEL), series)


class _Once:
    """A reading as prometheus_client's encoders want it."""

    def __init__(self, reading: Reading, names: str) -> None:
        self._reading = reading
        self._names = names

    def collect(self) -> Iterator[Family]:
        return families(self._reading, named(self._names))


def families(reading: Reading, metrics: Iterable[Metric] = METRICS) -> Iterator[Family]:
    """prometheus_client's families with all samples."""
    for metric, found in observed(metrics, reading):
        family = _family(metric)
        for labels, value in found:
            shown = exemplars_of(metric, labels, reading)
            _add(family, metric, dict(zip(metric.labels, labels, strict=True)), value, shown)
        yield family


def _family(metric: Metric) -> Family:
    return Family(metric.family, metric.help, metric.type, metric.unit)


def _add(family: Family, metric: Metric, labels: dict[str, str], value: Any, shown: dict[int, Exemplar]) -> None:
    if metric.type != "histogram":
        family.add_sample(metric.name, labels, value)
        return
    running = 0
    for place, (bound, count) in enumerate(zip((*metric.buckets, inf), value, strict=False)):
        running += count
        slow = shown.get(place)
        exemplar = None if slow is None else Shown(exemplar_labels(slow), slow.seconds, slow.at)
        family.add_sample(metric.name + "_bucket", {**labels, "le": number(bound)}, running, exemplar=exemplar)
    family.add_sample(metric.name + "_count", labels, running)
    family.add_sample(metric.name + "_sum", labels, value[-1])


def _read(ledger: Ledger | None) -> Reading:
    ledger = ledger or joined_ledger()
    if ledger is not None:
        return ledger.read()
    config = Config()
    return alone(own_word(config), config, 0.0, None)
