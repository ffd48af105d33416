"""What are the names of OpenTelemetry for what we count? Its semantic conventions of database client metrics."""

from __future__ import annotations

from .exposition import Metric
from .recorder import SECONDS, STATEMENT_SECONDS
from .samples import can_wait, gauge, gauges, histogram, histograms, observations
from .tables import OPERATIONS

_POOL = ("db_client_connection_pool_name",)

# fmt: off
OTEL: tuple[Metric, ...] = (
    Metric("db_client_connection_count", "gauge", (*_POOL, "db_client_connection_state"),
           "Connections of the pool by state.",
           "the pool itself and the set of records", gauges("counts", ("used", "idle"))),
    Metric("db_client_connection_max", "gauge", _POOL, "Connections that the pool may have; +Inf without a limit.",
           "pool configuration", gauge(lambda pool: pool.limits.total)),
    Metric("db_client_connection_pending_requests", "gauge", _POOL, "Who waits for a connection now.",
           "timed queue", gauge(lambda pool: pool.counts.waiters)),
    Metric("db_client_connection_timeouts_total", "counter", _POOL, "Checkouts that gave up waiting.",
           "timed queue", observations("wait|timeout", can_wait)),
    Metric("db_client_connection_create_time_seconds", "histogram", _POOL, "How long opening a connection took.",
           "the pool's creator", histogram("create|ok", SECONDS), buckets=SECONDS),
    Metric("db_client_connection_wait_time_seconds", "histogram", _POOL, "Wait for a connection.",
           "timed queue", histogram("wait|ok", SECONDS, can_wait), buckets=SECONDS),
    Metric("db_client_connection_use_time_seconds", "histogram", _POOL, "How long a connection was held.",
           "checkout to checkin or detach", histogram("hold", SECONDS), buckets=SECONDS),
    Metric("db_client_operation_duration_seconds", "histogram", (*_POOL, "db_operation_name"),
           "How long statements took.",
           "before/after_cursor_execute", histograms("statement", OPERATIONS, STATEMENT_SECONDS),
           buckets=STATEMENT_SECONDS),
)
# fmt: on
REPLACED = frozenset(
    {
        "sqlalchemy_pool_connections",
        "sqlalchemy_pool_limit_connections",
        "sqlalchemy_pool_waiters",
        "sqlalchemy_pool_timeouts_total",
        "sqlalchemy_connection_create_seconds",
        "sqlalchemy_pool_wait_seconds",
        "sqlalchemy_connection_hold_seconds",
        "sqlalchemy_statement_seconds",
    }
)
"""Names of ours that are not told under `otel`: OpenTelemetry has its own."""
