"""Which findings are there? One table, cause before consequence: the page, the metric and the alerts are made of it."""

from __future__ import annotations

from ..config import Config
from . import database_rules, orm_rules, ours, pool_rules
from .rule import Rule


def _leak(config: Config) -> str:
    held = f"min_over_time(sqlalchemy_connection_oldest_hold_seconds{_NOT_OURS}[5m]) > {config.overdue_seconds:g}"
    kinds = '{pool!="workspaces",kind!="foreign_process"}'
    return f"{held} or sum by (pool) (increase(sqlalchemy_connection_leaks_total{kinds}[15m])) > 0"


_ENDED = "sqlalchemy_session_transactions_total"
_NOT_OURS = '{pool!="workspaces"}'
_NO_REGISTRY_OF_OURS = f'registry!~"{ours.PATTERN}"'
_EXHAUSTED = (
    "See on the page of the pool who holds the connections, and give them back sooner; what pool_size the last hour "
    "would have needed stands there too."
)
_HELD_FOREVER = "Give the connection back on every way out of that code (`with engine.connect() as connection:`)."

# fmt: off
RULES: tuple[Rule, ...] = (
    Rule("DatabaseAway", "critical",
         lambda c: 'sum by (pool) (increase(sqlalchemy_connection_errors_total{phase="connect"}[1m])) > 0',
         database_rules.away,
         "Pool {{ $labels.pool }}: {{ $value | humanize }} connections could not be opened",
         "See whether the database runs and answers, and whether its address, password and limit of connections are "
         "right.", cause=True),
    Rule("DatabaseFlapping", "critical",
         lambda c: 'increase(sqlalchemy_connection_invalidations_total{kind="hard"}[5m]) '
                   f'> {database_rules.FLAPS}',
         database_rules.flapping,
         "Pool {{ $labels.pool }}: {{ $value | humanize }} connections broke",
         "See the database's log and what lies between (proxy, firewall, failover); `pool_pre_ping=True` and a "
         "`pool_recycle` below its idle limit spare the requests.", cause=True),
    Rule("ForkSharing", "critical",
         lambda c: 'increase(sqlalchemy_connection_leaks_total{kind="foreign_process"}[1h]) > 0',
         pool_rules.fork_shared,
         "Pool {{ $labels.pool }}: a connection is used in a process that did not open it",
         "Call `engine.dispose(close=False)` in the child after the fork, or make the engine there: two processes on "
         "one connection mix up their answers.", cause=True),
    Rule("ConnectionLeak", "critical", _leak, pool_rules.leaked,
         "Pool {{ $labels.pool }}: a connection is not given back", _HELD_FOREVER, cause=True),
    Rule("StatementStuck", "critical",
         lambda c: f"sqlalchemy_oldest_running_statement_seconds > {c.stuck_seconds:g}", database_rules.stuck,
         "Pool {{ $labels.pool }}: a statement has been running for {{ $value | humanizeDuration }}",
         "See what it waits for in the database (a lock that somebody else holds?), and cancel it or end whoever "
         "blocks it.", cause=True),
    Rule("IdleInTransaction", "warning",
         lambda c: f"sqlalchemy_oldest_idle_in_transaction_seconds{_NOT_OURS} > {c.idle_in_transaction_seconds:g}",
         database_rules.idle_in_transaction,
         "Pool {{ $labels.pool }}: a transaction is idle for {{ $value | humanizeDuration }}",
         "Commit or roll back before anything slow is done: an open transaction keeps its locks and its connection.",
         cause=True),
    Rule("SlowStatements", "warning",
         lambda c: "max by (pool) (histogram_quantile(0.99, sum by (pool, operation, le) "
                   f"(rate(sqlalchemy_statement_seconds_bucket[5m])))) > {c.slow_seconds:g}",
         database_rules.slow,
         "Pool {{ $labels.pool }}: one statement in a hundred takes {{ $value | humanizeDuration }}",
         "Ask the database how it executes the statement (the page Statements explains a SELECT): an index is "
         "missing, or too much is read.",
         cause=True),
    Rule("PoolSaturated", "critical",
         lambda c: "min_over_time(sqlalchemy_pool_waiters[1m]) > 0", pool_rules.saturated,
         "Pool {{ $labels.pool }}: {{ $value }} requests wait for a connection",
         _EXHAUSTED, consequence=True),
    Rule("PoolTimeouts", "critical",
         lambda c: "increase(sqlalchemy_pool_timeouts_total[5m]) > 0", pool_rules.timed_out,
         "Pool {{ $labels.pool }}: {{ $value | humanize }} requests got no connection",
         _EXHAUSTED, consequence=True),
    Rule("PoolWaitNearTimeout", "warning",
         lambda c: "histogram_quantile(0.99, sum by (pool, le) (rate(sqlalchemy_pool_wait_seconds_bucket[5m]))) "
                   f"> {pool_rules.NEAR_TIMEOUT:g} * max by (pool) (sqlalchemy_pool_timeout_seconds)",
         pool_rules.waits_near_timeout,
         "Pool {{ $labels.pool }}: one request in a hundred waits {{ $value | humanizeDuration }}",
         "Give connections back sooner, or raise pool_size, before requests begin to fail.", consequence=True),
    Rule("PoolUndersized", "warning",
         lambda c: f"sum by (pool) (rate(sqlalchemy_connection_hold_seconds_sum{_NOT_OURS}[5m])) "
                   f'> {pool_rules.BUSY:g} * sum by (pool) (sqlalchemy_pool_limit_connections{{kind="total"}})',
         pool_rules.undersized,
         "Pool {{ $labels.pool }}: {{ $value | humanize }} connections are busy on average",
         "Raise pool_size where the database's limit allows it, or hold connections for less time.", consequence=True),
    Rule("RollbackRatio", "warning",
         lambda c: f'sum by (registry) (increase({_ENDED}{{{_NO_REGISTRY_OF_OURS},outcome="rollback"}}[5m])) '
                   f">= {orm_rules.ROLLBACKS_LEAST} and "
                   f'sum by (registry) (rate({_ENDED}{{{_NO_REGISTRY_OF_OURS},outcome="rollback"}}[5m])) '
                   f"> {orm_rules.ROLLBACKS:g} * sum by (registry) "
                   f'(rate({_ENDED}{{{_NO_REGISTRY_OF_OURS},outcome=~"commit|rollback"}}[5m]))',
         orm_rules.rollbacks,
         "Registry {{ $labels.registry }}: {{ $value | humanize }} transactions were rolled back",
         "See why that line takes back what it has written (errors of the ORM stand on the page Sessions, others in "
         "the program's log), and check before it writes."),
    Rule("SessionSurvivors", "warning",
         lambda c: "increase(sqlalchemy_session_survivors_total[10m]) > 0", orm_rules.survived,
         "Registry {{ $labels.registry }}: {{ $value | humanize }} Sessions outlived their request",
         "Close the Session when the request ends: `with Session() as session:`, or `remove()` of a scoped_session."),
    Rule("DetachedErrors", "warning",
         lambda c: 'increase(sqlalchemy_orm_errors_total{error="detached"}[5m]) > 0', orm_rules.detached_errors,
         "{{ $value | humanize }} requests ended with DetachedInstanceError",
         "Load what is needed before the Session is closed, or use the object while it is open."),
    Rule("ExporterBlind", "warning",
         lambda c: "absent(poolhouse_info) or sum(increase(poolhouse_internal_errors_total[5m])) > 0", orm_rules.blind,
         "Poolhouse is not scraped, or its telemetry fails",
         "See that Poolhouse runs and that its instance folder can be written; the log of `poolhouse` has the "
         "traceback."),
    Rule("ListenerOff", "warning",
         lambda c: 'sum(poolhouse_findings{finding="ListenerOff"}) > 0', orm_rules.listener_off,
         "A listener of Poolhouse is switched off",
         "See the traceback in the log of `poolhouse` and report it; a restart of that worker switches the listener "
         "on again."),
    Rule("NPlusOne", "warning",
         lambda c: f"sum by (path) (rate(sqlalchemy_n_plus_one_total[10m])) > {orm_rules.N_PLUS_ONE_RATE:g}",
         orm_rules.n_plus_one,
         "{{ $labels.path }} is loaded lazily ten times or more in {{ $value | humanize }} requests a second",
         "Load the relationship with the query that loads its owners."),
    Rule("RefreshStorm", "warning",
         lambda c: 'sum(rate(sqlalchemy_orm_loads_total{kind="refresh"}[5m])) '
                   f"> {orm_rules.REFRESHES:g} * sum(rate({_ENDED}{{outcome=\"commit\"}}[5m])) and "
                   f'sum(rate(sqlalchemy_orm_loads_total{{kind="refresh"}}[5m])) > {orm_rules.REFRESH_RATE:g}',
         orm_rules.refresh_storm,
         "{{ $value | humanize }} expired objects a second are read again, one by one",
         "Use the objects before the commit, read them again in one query, or set `expire_on_commit=False` where what "
         "was read may be shown."),
    Rule("ConnectionChurn", "notice",
         lambda c: 'rate(sqlalchemy_connections_closed_total{reason="overflow"}[10m]) '
                   f"> {database_rules.CHURN:g}",
         database_rules.churning,
         "Pool {{ $labels.pool }}: {{ $value | humanize }} connections a second are opened and closed",
         "Raise pool_size to what is in use most of the time: a connection beyond it is closed when it is given back."),
    Rule("PoolHeadroomLow", "notice",
         lambda c: f"max_over_time(sqlalchemy_pool_worst_worker_used_ratio{_NOT_OURS}[10m]) > {pool_rules.HEADROOM:g}",
         pool_rules.without_headroom,
         "Pool {{ $labels.pool }}: its fullest worker uses {{ $value | humanizePercentage }} of its limit",
         "Raise pool_size, or hold connections for less time.", consequence=True),
    Rule("TwoEngines", "notice",
         lambda c: "max by (database) (sqlalchemy_engines) > 1", database_rules.two_engines,
         "The program has {{ $value }} engines on one database",
         "Make one engine and share it: each has a pool, and the database sees the sum."),
)
# fmt: on
