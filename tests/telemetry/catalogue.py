"""Which names, types, labels, merges and buckets do we promise? The whole catalogue, written out a second time."""

from __future__ import annotations

LONG = "0.0005 0.001 0.0025 0.005 0.01 0.025 0.05 0.1 0.25 0.5 1.0 2.5 5.0 10.0 30.0 60.0 300.0 +Inf"
SHORT = "0.0001 0.00025 0.0005 0.001 0.0025 0.005 0.01 0.025 0.05 0.1 0.25 0.5 1.0 2.5 5.0 10.0 +Inf"
AGES = "1.0 5.0 15.0 60.0 300.0 900.0 3600.0 14400.0 86400.0 +Inf"
COUNTS = "1.0 2.0 5.0 10.0 20.0 50.0 100.0 200.0 500.0 1000.0 +Inf"
POOL, REGISTRY, ENDPOINT = ("pool",), ("registry",), ("pool", "endpoint")

# by name: the type, the labels, how workers merge, the buckets
CATALOGUE: dict[str, tuple[str, tuple[str, ...], str, str]] = {
    "sqlalchemy_pool_connections": ("gauge", ("pool", "state"), "sum", ""),
    "sqlalchemy_pool_limit_connections": ("gauge", ("pool", "kind"), "sum", ""),
    "sqlalchemy_pool_timeout_seconds": ("gauge", POOL, "max", ""),
    "sqlalchemy_pool_overflow_connections": ("gauge", POOL, "sum", ""),
    "sqlalchemy_pool_used_connections_peak": ("gauge", POOL, "max", ""),
    "sqlalchemy_pool_worst_worker_used_ratio": ("gauge", POOL, "max", ""),
    "sqlalchemy_pool_waiters": ("gauge", POOL, "sum", ""),
    "sqlalchemy_pool_oldest_wait_seconds": ("gauge", POOL, "max", ""),
    "sqlalchemy_pool_wait_seconds": ("histogram", ("pool", "outcome"), "sum", LONG),
    "sqlalchemy_pool_timeouts_total": ("counter", POOL, "sum", ""),
    "sqlalchemy_pool_checkouts_total": ("counter", POOL, "sum", ""),
    "sqlalchemy_pool_checkins_total": ("counter", POOL, "sum", ""),
    "sqlalchemy_connection_hold_seconds": ("histogram", POOL, "sum", LONG),
    "sqlalchemy_endpoint_hold_seconds_total": ("counter", ENDPOINT, "sum", ""),
    "sqlalchemy_connections_held_by_endpoint": ("gauge", ENDPOINT, "sum", ""),
    "sqlalchemy_connection_oldest_hold_seconds": ("gauge", POOL, "max", ""),
    "sqlalchemy_connection_create_seconds": ("histogram", ("pool", "outcome"), "sum", LONG),
    "sqlalchemy_connections_opened_total": ("counter", POOL, "sum", ""),
    "sqlalchemy_connections_closed_total": ("counter", ("pool", "reason"), "sum", ""),
    "sqlalchemy_connection_errors_total": ("counter", ("pool", "phase", "disconnect"), "sum", ""),
    "sqlalchemy_connection_invalidations_total": ("counter", ("pool", "kind"), "sum", ""),
    "sqlalchemy_connection_leaks_total": ("counter", ("pool", "kind"), "sum", ""),
    "sqlalchemy_connection_age_seconds": ("histogram", POOL, "sum", AGES),
    "sqlalchemy_transactions_total": ("counter", ("pool", "outcome"), "sum", ""),
    "sqlalchemy_transaction_seconds": ("histogram", ("pool", "outcome"), "sum", LONG),
    "sqlalchemy_idle_in_transaction_connections": ("gauge", POOL, "sum", ""),
    "sqlalchemy_oldest_idle_in_transaction_seconds": ("gauge", POOL, "max", ""),
    "sqlalchemy_oldest_running_statement_seconds": ("gauge", POOL, "max", ""),
    "sqlalchemy_statement_seconds": ("histogram", ("pool", "operation"), "sum", SHORT),
    "sqlalchemy_endpoint_statements_total": ("counter", ENDPOINT, "sum", ""),
    "sqlalchemy_endpoint_statement_seconds_total": ("counter", ENDPOINT, "sum", ""),
    "sqlalchemy_statement_errors_total": ("counter", ("pool", "error"), "sum", ""),
    "sqlalchemy_statement_cache_total": ("counter", ("pool", "result"), "sum", ""),
    "sqlalchemy_request_statements": ("histogram", POOL, "sum", COUNTS),
    "sqlalchemy_request_database_seconds": ("histogram", POOL, "sum", LONG),
    "sqlalchemy_sessions": ("gauge", ("registry", "state"), "sum", ""),
    "sqlalchemy_session_survivors_total": ("counter", REGISTRY, "sum", ""),
    "sqlalchemy_session_transactions_total": ("counter", ("registry", "outcome"), "sum", ""),
    "sqlalchemy_session_flush_seconds": ("histogram", REGISTRY, "sum", LONG),
    "sqlalchemy_session_flushed_objects_total": ("counter", ("registry", "kind"), "sum", ""),
    "sqlalchemy_object_transitions_total": ("counter", ("registry", "from", "to"), "sum", ""),
    "sqlalchemy_identity_map_objects": ("gauge", REGISTRY, "sum", ""),
    "sqlalchemy_orm_loads_total": ("counter", ("kind", "path"), "sum", ""),
    "sqlalchemy_n_plus_one_total": ("counter", ("path",), "sum", ""),
    "sqlalchemy_orm_errors_total": ("counter", ("error",), "sum", ""),
    "sqlalchemy_engines": ("gauge", ("database",), "max", ""),
    "poolhouse_findings": ("gauge", ("finding", "level"), "once", ""),
    "poolhouse_workspaces": ("gauge", ("state",), "once", ""),
    "poolhouse_workspace_objects": ("gauge", ("badge",), "once", ""),
    "poolhouse_workspace_actions_total": ("counter", ("action", "outcome"), "sum", ""),
    "poolhouse_workspace_commit_seconds": ("histogram", ("outcome",), "sum", LONG),
    "poolhouse_info": ("gauge", ("version", "sqlalchemy", "python"), "max", ""),
    "poolhouse_workers": ("gauge", ("state",), "once", ""),
    "poolhouse_published_age_seconds": ("gauge", (), "max", ""),
    "poolhouse_listener_seconds_total": ("counter", ("room",), "sum", ""),
    "poolhouse_internal_errors_total": ("counter", ("listener",), "sum", ""),
    "poolhouse_dropped_total": ("counter", ("kind",), "sum", ""),
    "poolhouse_series": ("gauge", (), "once", ""),
}
_NAME = "db_client_connection_pool_name"
# by name: the type, the labels, the buckets
OTEL: dict[str, tuple[str, tuple[str, ...], str]] = {
    "db_client_connection_count": ("gauge", (_NAME, "db_client_connection_state"), ""),
    "db_client_connection_max": ("gauge", (_NAME,), ""),
    "db_client_connection_pending_requests": ("gauge", (_NAME,), ""),
    "db_client_connection_timeouts_total": ("counter", (_NAME,), ""),
    "db_client_connection_create_time_seconds": ("histogram", (_NAME,), LONG),
    "db_client_connection_wait_time_seconds": ("histogram", (_NAME,), LONG),
    "db_client_connection_use_time_seconds": ("histogram", (_NAME,), LONG),
    "db_client_operation_duration_seconds": ("histogram", (_NAME, "db_operation_name"), SHORT),
}
