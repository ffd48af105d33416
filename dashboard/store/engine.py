"""Where is the store, is its schema the one we know, and how is it read and written?"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from importlib import import_module
from typing import Any

import sqlalchemy as sa

from ..writable import drop_read_only
from .away import Away

SCHEMA_VERSION = 1
metadata = sa.MetaData()
"""Every table of the store; each module of this room adds its own. Their names begin with `poolhouse_`."""
TABLES = (
    ".accounts",
    ".tokens",
    ".sign_ins",
    ".workspace_rows",
    ".change_sets",
    ".audit",
    ".list_views",
    ".progress",
)
"""The modules that have tables in the store."""
CONNECT_SECONDS = 5
BUSY_SECONDS = 10.0
"""How long a file is waited for while others write into it."""
LIMITS: Mapping[str, tuple[str, ...]] = {
    "mysql": (
        "SET SESSION max_execution_time = {milliseconds}",
        "SET SESSION lock_wait_timeout = {whole}, innodb_lock_wait_timeout = {whole}",
    ),
    "mariadb": ("SET SESSION max_statement_time = {seconds}",),
}
"""What a session says first, so that the server gives a statement up by itself."""

schema_table = sa.Table("poolhouse_schema", metadata, sa.Column("version", sa.Integer, primary_key=True))


class Store:
    """The store's engine, with one way to read and one to write. Both raise Refusal("store_away") when it cannot be
    reached, and "busy" where others write into its file all the while.

    seconds: that one statement may take on a server; None for a command, which may take its time.

    >>> store = Store("sqlite://")
    >>> store.create()
    >>> with store.reading() as connection:
    ...     connection.scalar(sa.select(schema_table.c.version))
    1
    """

    def __init__(self, url: str, seconds: float | None = None) -> None:
        parsed = sa.make_url(url)
        patience = {name: value for name, value in _patience(parsed, seconds).items() if name not in parsed.query}
        is_file = parsed.get_backend_name() == "sqlite"
        # a server that was started anew is noticed before anybody is told that the store is away
        options: dict[str, Any] = {"hide_parameters": True, "pool_pre_ping": not is_file}
        self.engine = sa.create_engine(parsed, connect_args=patience, **options)
        drop_read_only(self.engine)
        self._away = Away(None if is_file else seconds)
        self._seconds = seconds
        if is_file:
            sa.event.listen(self.engine, "connect", _prepare_sqlite)
        elif seconds is not None:
            sa.event.listen(self.engine, "connect", _limit(self.engine.dialect, seconds))

    def _keep_private(self) -> None:
        """The file holds password hashes: it is its owner's alone before it holds anything.
        SQLite's log beside it takes its mode."""
        file = self.engine.url.database
        if self.engine.dialect.name == "sqlite" and file and file != ":memory:" and not file.startswith("file:"):
            with suppress(OSError):
                os.close(os.open(file, os.O_CREAT | os.O_RDWR, 0o600))

    def create(self) -> None:
        """Makes what is missing; where all is there it only reads. Callers hold the instance folder's first-start
        lock."""
        _import_tables()
        self._keep_private()
        if self.schema_version() is not None and not (self.missing() or self.missing_columns()):
            return
        with self._away.told():
            metadata.create_all(self.engine)
        self._add_missing_columns()
        with self.writing() as connection:
            if connection.scalar(sa.select(schema_table.c.version)) is None:
                connection.execute(schema_table.insert().values(version=SCHEMA_VERSION))

    def missing(self) -> list[sa.Table]:
        """The tables that an older Poolhouse did not make."""
        _import_tables()
        with self.reading() as connection:
            there = set(sa.inspect(connection).get_table_names())
        return [table for table in metadata.sorted_tables if table.name not in there]

    def missing_columns(self) -> list[sa.Column[Any]]:
        """The columns that an older Poolhouse did not make, of the tables that are there. Each may be NULL."""
        _import_tables()
        with self.reading() as connection:
            inspector = sa.inspect(connection)
            there = set(inspector.get_table_names())
            found = {name: inspector.get_columns(name) for name in metadata.tables if name in there}
        known = {table: {column["name"] for column in columns} for table, columns in found.items()}
        return [
            column
            for table in metadata.sorted_tables
            for column in table.columns
            if table.name in known and column.name not in known[table.name]
        ]

    def _add_missing_columns(self) -> None:
        missing = self.missing_columns()
        if missing:
            with self.writing() as connection:
                for column in missing:
                    connection.exec_driver_sql(self.to_add(column))

    def to_add(self, column: sa.Column[Any]) -> str:
        """The statement that adds a column."""
        table = self.engine.dialect.identifier_preparer.format_table(column.table)
        return f"ALTER TABLE {table} ADD COLUMN {sa.schema.CreateColumn(column).compile(self.engine)}"

    def schema_version(self) -> int | None:
        """The version that the store was made with; None when it was not made yet."""
        with self.reading() as connection:
            if not sa.inspect(connection).has_table(schema_table.name):
                return None
            return connection.scalar(sa.select(schema_table.c.version))

    def must_be_written(self) -> None:
        """Raises Refusal where nothing can be: its disk may be full, or its server a standby."""
        with self.writing() as connection:
            connection.execute(schema_table.update().values(version=schema_table.c.version))

    @contextmanager
    def reading(self) -> Iterator[sa.Connection]:
        with self._away.told(), self.engine.connect() as connection:
            self._bound(connection)
            yield connection

    @contextmanager
    def writing(self) -> Iterator[sa.Connection]:
        """One transaction, committed at the end. On SQLite it begins IMMEDIATE: a read first and a write later could
        otherwise fail with "locked"."""
        with self._away.told(), self.engine.connect() as connection:
            if self.engine.dialect.name == "sqlite":
                _begin_at_once(connection)
            self._bound(connection)
            with connection.begin() if not connection.in_transaction() else connection.get_transaction() as _:  # type: ignore[union-attr]
                yield connection

    def _bound(self, connection: sa.Connection) -> None:
        """PostgreSQL is told for each transaction: a pooler in between may give its connection to others."""
        if self._seconds is not None and connection.dialect.name == "postgresql":
            connection.exec_driver_sql(f"SET LOCAL statement_timeout = {_milliseconds(self._seconds)}")


def _patience(url: sa.URL, seconds: float | None) -> dict[str, Any]:
    """How the driver is told how many seconds to wait, where the URL does not say that itself. It waits longer than the
    server, whose word says more."""
    driver, whole = url.get_driver_name(), None if seconds is None else 2 * math.ceil(seconds)
    if driver in ("psycopg", "psycopg2"):
        silent = {"tcp_user_timeout": whole * 1000, "keepalives_idle": whole, "keepalives_interval": 2} if whole else {}
        return {"connect_timeout": CONNECT_SECONDS, **silent}
    if driver in ("pymysql", "mysqldb"):
        silent = {"read_timeout": whole, "write_timeout": whole} if whole else {}
        return {"connect_timeout": CONNECT_SECONDS, **silent}
    return {"timeout": BUSY_SECONDS} if driver == "pysqlite" else {}


def _begin_at_once(connection: sa.Connection) -> None:
    """A pooled connection that was opened while nothing could be written says so once more, and is thrown away then."""
    try:
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    except sa.exc.DBAPIError as error:
        if not error.connection_invalidated:
            raise
        connection.rollback()
        connection.exec_driver_sql("BEGIN IMMEDIATE")


def _milliseconds(seconds: float) -> int:
    return max(1, int(seconds * 1000))


def _import_tables() -> None:
    """Each module brings its tables into the metadata; whoever calls may have imported none. On MySQL their texts are
    compared as everywhere else: `W` is not `w`."""
    for module in TABLES:
        import_module(module, __package__)
    for table in metadata.tables.values():
        table.dialect_kwargs.update(mysql_collate="utf8mb4_bin", mariadb_collate="utf8mb4_bin")


def _limit(dialect: sa.Dialect, seconds: float) -> Callable[[Any, object], None]:
    """A server that hangs, or a table that somebody has locked, shall not keep a thread of ours for good."""

    def connected(connection: Any, record: object) -> None:
        kind = "mariadb" if getattr(dialect, "is_mariadb", False) else dialect.name
        cursor = connection.cursor()
        for statement in LIMITS.get(kind, ()):
            words = {"seconds": seconds, "whole": max(1, round(seconds)), "milliseconds": _milliseconds(seconds)}
            cursor.execute(statement.format_map(words))
        cursor.close()
        connection.commit()

    return connected


def _prepare_sqlite(connection: Any, record: object) -> None:
    connection.isolation_level = None  # we send BEGIN ourselves: the driver would begin late
    cursor = connection.cursor()
    # FULL: what was acknowledged, and the word that a COMMIT is about to be sent, outlive a power cut as well
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()
