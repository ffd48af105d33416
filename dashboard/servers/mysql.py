"""What do MySQL and MariaDB say of their sessions, and how does one end what a session does?"""

from __future__ import annotations

from collections.abc import Iterable

import sqlalchemy as sa

from .session import MYSQL, ServerSession, ServerSessions, numbers, without_values

MOST = 2_000
SESSIONS = sa.text("""
    SELECT p.id, p.user, p.host, p.db, p.command, p.time, p.state, p.info,
           t.trx_state, timestampdiff(SECOND, t.trx_started, now())
    FROM information_schema.processlist p
    LEFT JOIN information_schema.innodb_trx t ON t.trx_mysql_thread_id = p.id
    WHERE p.id <> connection_id() AND p.command <> 'Daemon' LIMIT :most
""")
WAITS_OF_MARIADB = sa.text("""
    SELECT r.trx_mysql_thread_id, b.trx_mysql_thread_id FROM information_schema.innodb_lock_waits w
    JOIN information_schema.innodb_trx r ON r.trx_id = w.requesting_trx_id
    JOIN information_schema.innodb_trx b ON b.trx_id = w.blocking_trx_id
""")
WAITS_OF_MYSQL = sa.text("""
    SELECT r.trx_mysql_thread_id, b.trx_mysql_thread_id FROM performance_schema.data_lock_waits w
    JOIN information_schema.innodb_trx r ON r.trx_id = w.requesting_engine_transaction_id
    JOIN information_schema.innodb_trx b ON b.trx_id = w.blocking_engine_transaction_id
""")
LOCK_WAIT = "LOCK WAIT"


def read(connection: sa.Connection) -> ServerSessions:
    rows = connection.execute(SESSIONS, {"most": MOST}).all()
    waits = _waits(connection) if any(row[8] == LOCK_WAIT for row in rows) else ()
    sessions = tuple(
        ServerSession(
            process, "", user, None, client, database, "in transaction" if trx and command == "Sleep" else command,
            "row lock" if trx == LOCK_WAIT else state or None, without_values(statement, MYSQL),
            seconds, in_transaction,
            numbers(blocker for waiter, blocker in waits if waiter == process),
        )
        for process, user, client, database, command, seconds, state, statement, trx, in_transaction in rows
    )  # fmt: skip
    return ServerSessions(sessions, len(sessions), connection.scalar(sa.text("SELECT @@max_connections")))


def _waits(connection: sa.Connection) -> Iterable[tuple[int, int]]:
    version = str(connection.scalar(sa.text("SELECT version()"))).lower()
    query = WAITS_OF_MARIADB if "mariadb" in version else WAITS_OF_MYSQL
    return [(waiter, blocker) for waiter, blocker in connection.execute(query)]


def cancel(connection: sa.Connection, process: int, started: str) -> bool:
    return _kill(connection, "QUERY", process)


def end(connection: sa.Connection, process: int, started: str) -> bool:
    return _kill(connection, "CONNECTION", process)


def _kill(connection: sa.Connection, what: str, process: int) -> bool:
    """Numbers are never used again here: what is gone is not found."""
    there = sa.text("SELECT count(*) FROM information_schema.processlist WHERE id = :process")
    if not connection.scalar(there, {"process": process}):
        return False
    connection.exec_driver_sql(f"KILL {what} {int(process)}")
    return True
