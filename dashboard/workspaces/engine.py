"""On which connections do workspaces work? A small pool of their own,
made from the host's engine so that all the host set up for its connections holds."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from threading import RLock
from typing import Any

import sqlalchemy as sa
import sqlalchemy.orm as sa_orm

from ..records.nulls import tell_nulls_apart
from ..refusal import Refusal
from ..telemetry import watch
from ..writable import drop_read_only

POOL_NAME = "workspaces"
SYNC_DRIVERS = {
    "aiosqlite": "pysqlite",
    "asyncpg": "psycopg",
    "psycopg": "psycopg",
    "psycopg_async": "psycopg",
    "aiomysql": "pymysql",
    "asyncmy": "pymysql",
    "aioodbc": "pyodbc",
    "oracledb_async": "oracledb",
}
"""The driver that workspaces use where the host's is asynchronous."""

_TELEMETRY = __name__.rpartition(".workspaces.")[0] + ".telemetry"


class WorkspaceEngine:
    """One engine of the host, as workspaces use it.

    engine: where statements go. shared: it is the host's own,
    because its database or its connection exists only once; then one workspace at a time works on it.
    """

    def __init__(
        self,
        host: sa.Engine,
        *,
        connections: int,
        seconds: float,
        name: str = POOL_NAME,
        mappers: Callable[[], Iterable[sa_orm.Mapper[Any]]] = tuple,
    ) -> None:
        self.shared = is_shared(host)
        self.seconds = seconds
        self.turn = RLock()
        self.user: Any = None
        self.engine = host if self.shared else _twin(host, connections, seconds)
        self._count = itertools.count(1)
        if not self.shared:
            sa.event.listen(self.engine, "connect", _impatient(host.dialect.name, seconds))
            drop_read_only(self.engine)
            tell_nulls_apart(self.engine, mappers)
        self._watch = None if self.shared else watch(self.engine, name=name)
        self._listeners: list[tuple[str, Callable[..., None]]] = []

    def listen(self, event: str, listener: Callable[..., None]) -> None:
        sa.event.listen(self.engine, event, listener)
        self._listeners.append((event, listener))

    def number(self, connection: sa.Connection) -> int:
        """A small number that stays with the connection to the database as long as it lives: 1, 2, 3."""
        info = connection.info
        if "poolhouse_connection" not in info:
            info["poolhouse_connection"] = next(self._count)
        return int(info["poolhouse_connection"])

    @contextmanager
    def taken_by(self, user: Any) -> Iterator[None]:
        """Where the host's one connection is shared, one workspace at a time works on it, and one alone may have a
        transaction open (`user.wrote`)."""
        if not self.shared:
            yield
            return
        message = "Another workspace is using the one connection to this database."
        busy = Refusal("busy", message, remedy="Commit or roll back there, or try again in a moment.")
        if not self.turn.acquire(timeout=self.seconds):
            raise busy
        try:
            if self.user is not None and self.user is not user and self.user.wrote:
                raise busy
            self.user = user
            yield
        finally:
            self.turn.release()

    def close(self) -> None:
        """Gives everything back. The host's own engine only loses our listeners."""
        for event, listener in self._listeners:
            sa.event.remove(self.engine, event, listener)
        if self._watch is not None:
            self._watch.stop()
            self.engine.dispose()

    def forget(self) -> None:
        """In a forked child: the parent's connections are not ours to close."""
        if not self.shared:
            self.engine.dispose(close=False)


def _impatient(dialect: str, seconds: float) -> Callable[[Any, Any], None]:
    """A person waits for the answer: a row that somebody else has locked is told as busy,
    not waited for without end."""
    milliseconds = max(1, int(seconds * 1000))
    statement = {
        "sqlite": f"PRAGMA busy_timeout = {milliseconds}",
        "postgresql": f"SET lock_timeout = {milliseconds}",
        "mysql": f"SET SESSION innodb_lock_wait_timeout = {max(1, round(seconds))}",
        "mariadb": f"SET SESSION innodb_lock_wait_timeout = {max(1, round(seconds))}",
    }.get(dialect)

    def connected(connection: Any, record: Any) -> None:
        if statement is not None:
            cursor = connection.cursor()
            cursor.execute(statement)
            cursor.close()
            if dialect != "sqlite" and not getattr(connection, "autocommit", False):
                connection.commit()

    return connected


def is_shared(host: sa.Engine) -> bool:
    """Whether a second pool would see another database, or none:
    a database in memory, or a pool of exactly one connection for all (or for each thread)."""
    if isinstance(host.pool, (sa.pool.StaticPool, sa.pool.SingletonThreadPool)):
        return True
    return host.dialect.name == "sqlite" and _in_memory(host.url)


def _in_memory(url: sa.URL) -> bool:
    database = url.database or ""
    return (
        database in ("", ":memory:")
        or "mode=memory" in database
        or url.query.get("mode") == "memory"
        or database.startswith("file::memory:")
    )


def _twin(host: sa.Engine, connections: int, seconds: float) -> sa.Engine:
    if host.dialect.is_async:
        return _sync_twin(host, connections, seconds)
    twin = sa.Engine(
        _pool(host.pool, connections, seconds),
        host.dialect,
        host.url,
        execution_options=host.get_execution_options(),
        hide_parameters=True,  # an error that is logged holds no value of a record
    )
    _copy_listeners(host.pool.dispatch, twin.pool.dispatch)
    # also the engine's: a host's `begin` listener may be what begins its transactions at all (SQLite's recipe for
    # savepoints)
    original: Any = host
    while original is not None:
        _copy_listeners(original.dispatch, twin.dispatch)
        original = getattr(original, "_proxied", None)
    twin._has_events = getattr(host, "_has_events", False)
    return twin


def _pool(host: sa.Pool, connections: int, seconds: float) -> sa.Pool:
    arguments: dict[str, Any] = {
        "recycle": host._recycle,
        "reset_on_return": host._reset_on_return,
        "pre_ping": True,
        "dialect": host._dialect,
    }
    if isinstance(host, (sa.pool.NullPool, sa.pool.AssertionPool)):
        return type(host)(host._creator, **arguments)
    return sa.pool.QueuePool(host._creator, pool_size=connections, max_overflow=0, timeout=seconds, **arguments)


def _sync_twin(host: sa.Engine, connections: int, seconds: float) -> sa.Engine:
    driver = SYNC_DRIVERS.get(host.dialect.driver)
    remedy = "Install the driver beside it (psycopg, PyMySQL), or give Poolhouse an Engine that is not asynchronous."
    if driver is None:
        raise Refusal("unavailable", f"Workspaces have no synchronous driver for {host.dialect.driver}.", remedy=remedy)
    url = host.url.set(drivername=f"{host.url.get_backend_name()}+{driver}")
    try:
        return sa.create_engine(
            url,
            pool_size=connections,
            max_overflow=0,
            pool_timeout=seconds,
            pool_pre_ping=True,
            hide_parameters=True,
        )
    except ModuleNotFoundError:
        message = f"The host's engine is asynchronous; workspaces would use {driver}, which is not installed."
        raise Refusal("unavailable", message, remedy=remedy) from None


def _copy_listeners(source: Any, target: Any) -> None:
    """All but telemetry's, which count the host's own pool: a workspace's work is counted as the pool `workspaces`.
    What the host removes later leaves both."""
    for collection in source._event_descriptors:
        wanted = [listener for listener in getattr(collection, "listeners", ()) if not _is_telemetry(listener)]
        if wanted:
            copy = getattr(target, collection.name).for_modify(target)
            copy.listeners.extend(wanted)
            sa.event.registry._stored_in_collection_multi(copy, collection, wanted)


def _is_telemetry(listener: Any) -> bool:
    """SQLAlchemy wraps some listeners: then the original is in the wrapper's closure."""
    if str(getattr(listener, "__module__", "")).startswith(_TELEMETRY):
        return True
    cells = (cell.cell_contents for cell in getattr(listener, "__closure__", None) or ())
    return any(callable(inner) and str(getattr(inner, "__module__", "")).startswith(_TELEMETRY) for inner in cells)
