"""What does a database driver know of its connection without asking the server?"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

_SERVER_PROCESS: dict[str, Callable[[Any], Any]] = {
    "psycopg": lambda connection: connection.info.backend_pid,
    "psycopg2": lambda connection: connection.info.backend_pid,
    "asyncpg": lambda connection: connection.get_server_pid(),
    "pymysql": lambda connection: connection.thread_id(),
    "MySQLdb": lambda connection: connection.thread_id(),
    "aiomysql": lambda connection: connection.thread_id(),
    "asyncmy": lambda connection: connection.thread_id(),
}


def server_process(record: Any) -> int | None:
    """The database's own number of the connection in this record: a process of PostgreSQL, a thread of MySQL.

    A driver that is not known here is not touched: a method of the same name might speak to its server.
    """
    with suppress(Exception):
        connection = record.driver_connection
        ask = _SERVER_PROCESS.get(type(connection).__module__.partition(".")[0])
        number = ask(connection) if ask is not None else None
        return number if isinstance(number, int) and number > 0 else None
    return None
