"""Is the server still busy with what a killed worker sent it last? Its COMMIT may be written after its death."""

from __future__ import annotations

import time

import sqlalchemy as sa

from ..refusal import Refusal
from ..telemetry.drivers import server_process
from .live import Live

AGAIN_SECONDS = 0.02
_BUSY = {
    "postgresql": "SELECT count(*) FROM pg_stat_activity WHERE pid = :number AND state <> 'idle'",
    "mysql": "SELECT count(*) FROM information_schema.processlist WHERE id = :number AND command <> 'Sleep'",
}
_BUSY["mariadb"] = _BUSY["mysql"]


def server_of(live: Live) -> int | None:
    """The database's own number of the connection by which a commit is sent; None where it has none (SQLite)."""
    connection = live.connections().get(live.registry.main.engine)
    return None if connection is None else server_process(connection.connection)


def wait(engine: sa.Engine, number: int | None, seconds: float) -> None:
    """Until the server has done with that connection. Raises Refusal("busy") after so many seconds."""
    query = _BUSY.get(engine.dialect.name)
    if number is None or query is None:
        return
    deadline = time.monotonic() + seconds
    with engine.connect() as connection:
        while connection.scalar(sa.text(query), {"number": number}):
            connection.rollback()  # PostgreSQL shows one transaction the same again and again
            if time.monotonic() >= deadline:
                message = "The database is still busy with a commit whose worker ended."
                raise Refusal("busy", message, remedy="Look at it again in a moment.")
            time.sleep(AGAIN_SECONDS)
