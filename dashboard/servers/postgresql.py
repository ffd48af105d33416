"""What does PostgreSQL say of its sessions, and how does one end what a session does?"""

from __future__ import annotations

import sqlalchemy as sa

from .session import STANDARD, ServerSession, ServerSessions, numbers, without_values

MOST = 2_000
SESSIONS = sa.text("""
    SELECT pid, extract(epoch FROM backend_start)::text, usename, application_name,
           coalesce(host(client_addr), 'this machine'), datname,
           state, CASE WHEN wait_event IS NOT NULL THEN wait_event_type || ': ' || wait_event END, query,
           extract(epoch FROM clock_timestamp() - state_change), extract(epoch FROM clock_timestamp() - xact_start),
           CASE WHEN wait_event_type = 'Lock' THEN pg_blocking_pids(pid) END
    FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid() LIMIT :most
""")
LIMIT = sa.text("""
    SELECT current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int
""")
THIS_ONE = "FROM pg_stat_activity WHERE pid = :process AND extract(epoch FROM backend_start)::text = :started"
CANCEL = sa.text(f"SELECT pg_cancel_backend(pid) {THIS_ONE}")
END = sa.text(f"SELECT pg_terminate_backend(pid) {THIS_ONE}")


def read(connection: sa.Connection) -> ServerSessions:
    sessions = tuple(
        ServerSession(
            process, started, user, program or None, client, database, state, wait, without_values(query, STANDARD),
            _seconds(in_state), _seconds(in_transaction), numbers(blockers),
        )
        for process, started, user, program, client, database, state, wait, query, in_state, in_transaction, blockers
        in connection.execute(SESSIONS, {"most": MOST})
    )  # fmt: skip
    return ServerSessions(sessions, len(sessions), connection.scalar(LIMIT))


def cancel(connection: sa.Connection, process: int, started: str) -> bool:
    return bool(connection.scalar(CANCEL, {"process": process, "started": started}))


def end(connection: sa.Connection, process: int, started: str) -> bool:
    return bool(connection.scalar(END, {"process": process, "started": started}))


def _seconds(value: object) -> float | None:
    return None if value is None else round(max(0.0, float(str(value))), 3)
