"""Where is the store, is its schema the one we know, and how is it read and written?"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from importlib import import_module
from typing import Any

import sqlalchemy as sa

from ..refusal import Refusal

SCHEMA_VERSION = 1
metadata = sa.MetaData()
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
"""Every table of the store; each module of this room adds its own. Their names begin with `poolhouse_`."""

SECONDS = 10.0
"""That one question may take: who only asks whether we are ready must not keep a thread, which may be a host's, for as
long as a server is silent."""
CONNECT_SECONDS = 5

schema_table = sa.Table("poolhouse_schema", metadata, sa.Column("version", sa.Integer, primary_key=True))


class Store:
    """The store's engine, with one way to read and one to write. Both raise Refusal("store_away") when it cannot be
    reached, and "busy" where others write into its file all the while.

    >>> store = Store("sqlite://")
    >>> store.create()
    >>> with store.reading() as connection:
    ...     connection.scalar(sa.select(schema_table.c.version))
    1
    """

    def __init__(self, url: str) -> None:
        parsed = sa.make_url(url)
        patience = {name: value for name, value in _patience(parsed).items() if name not in parsed.query}
        self.engine = sa.create_engine(parsed, connect_args=patience, hide_parameters=True)
        if self.engine.dialect.name == "sqlite":
            sa.event.listen(self.engine, "connect", _prepare_sqlite)

    def _keep_private(self) -> None:
        """The file holds password hashes: it is its owner's alone before it holds anything.
        SQLite's log beside it takes its mode."""
        file = self.engine.url.database
        if self.engine.dialect.name == "sqlite" and file and file != ":memory:" and not file.startswith("file:"):
            with suppress(OSError):
                os.close(os.open(file, os.O_CREAT | os.O_RDWR, 0o600))

    def create(self) -> None:
        """Makes what is missing; harmless when all is there. Callers hold the instance folder's first-start lock."""
        _import_tables()
        self._keep_private()
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

    @contextmanager
    def reading(self) -> Iterator[sa.Connection]:
        with _away_is_a_refusal(), self.engine.connect() as connection:
            _bound(connection)
            yield connection

    @contextmanager
    def writing(self) -> Iterator[sa.Connection]:
        """One transaction, committed at the end. On SQLite it begins IMMEDIATE: a read first and a write later could
        otherwise fail with "locked"."""
        with _away_is_a_refusal(), self.engine.connect() as connection:
            if self.engine.dialect.name == "sqlite":
                connection.exec_driver_sql("BEGIN IMMEDIATE")
            _bound(connection)
            with connection.begin() if not connection.in_transaction() else connection.get_transaction() as _:  # type: ignore[union-attr]
                yield connection


def _patience(url: sa.URL) -> Mapping[str, Any]:
    """How the driver is told how many seconds to wait, where the URL does not say that itself."""
    driver, milliseconds = url.get_driver_name(), int(SECONDS * 1000)
    if driver in ("psycopg", "psycopg2"):
        gone = {"tcp_user_timeout": milliseconds, "keepalives_idle": 5, "keepalives_interval": 2, "keepalives_count": 3}
        return {"connect_timeout": CONNECT_SECONDS, **gone}
    if driver in ("pymysql", "mysqldb"):
        seconds = max(1, int(SECONDS))  # mysqlclient takes whole ones
        return {"connect_timeout": CONNECT_SECONDS, "read_timeout": seconds, "write_timeout": seconds}
    return {"timeout": SECONDS} if driver == "pysqlite" else {}


def _bound(connection: sa.Connection) -> None:
    """For this transaction alone: a pooler in between may give the connection to others."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(f"SET LOCAL statement_timeout = {int(SECONDS * 1000)}")


def _import_tables() -> None:
    """Each module brings its tables into the metadata; whoever calls may have imported none. On MySQL their texts are
    compared as everywhere else: `W` is not `w`."""
    for module in TABLES:
        import_module(module, __package__)
    for table in metadata.tables.values():
        table.dialect_kwargs.update(mysql_collate="utf8mb4_bin", mariadb_collate="utf8mb4_bin")


@contextmanager
def _away_is_a_refusal() -> Iterator[None]:
    try:
        yield
    except (sa.exc.DBAPIError, sa.exc.TimeoutError) as error:
        if isinstance(error, sa.exc.DataError):  # a NUL, of which PostgreSQL keeps none
            message = "This holds a character that cannot be kept, or is too long; nothing was changed."
            raise Refusal("not_understood", message) from error
        if not _is_away(error):
            raise
        if "database is locked" in str(getattr(error, "orig", "")):
            raise Refusal(
                "busy",
                "Others are writing into the store just now; nothing was changed.",
                remedy="Try again in a moment.",
            ) from error
        if _lacks_tables(error):
            raise Refusal(
                "store_away",
                "The store's tables are missing, or not as they were made; nothing was changed.",
                remedy="`flask dashboard store create` makes those that are missing; `doctor` says what is wrong.",
            ) from error
        raise Refusal(
            "store_away",
            "The store cannot be reached just now; nothing was changed.",
            remedy="Try again in a moment; `flask dashboard doctor` says what is wrong.",
        ) from error


def _is_away(error: Any) -> bool:
    """Not what a row's own values cause: a broken file, a missing table, a right that is missing, a standby that is
    read only."""
    if _number(error) in _MYSQL_VALUES:
        return False
    if isinstance(error, (sa.exc.OperationalError, sa.exc.InterfaceError, sa.exc.TimeoutError)):
        return True
    return type(error) is sa.exc.DatabaseError or _state(error) in ("42501", "25006") or _lacks_tables(error)


def _state(error: Any) -> str:
    orig = getattr(error, "orig", None)
    return str(getattr(orig, "sqlstate", None) or getattr(orig, "pgcode", None) or "")


_MYSQL_VALUES = (1364, 3819, 4025)
"""A column without a value, and two kinds of CHECK: PyMySQL calls them OperationalError, as it calls a lost server."""


def _number(error: Any) -> Any:
    """MySQL's number of the error; another driver's first argument is a text."""
    return (getattr(getattr(error, "orig", None), "args", None) or ("",))[0]


def _lacks_tables(error: Any) -> bool:
    text = str(getattr(error, "orig", None))
    missing = text.startswith(("no such table", "no such column")) or "has no column named" in text
    return missing or _state(error) in ("42P01", "42703", "3F000") or _number(error) in (1054, 1146)


def _prepare_sqlite(connection: Any, record: object) -> None:
    connection.isolation_level = None  # we send BEGIN ourselves: the driver would begin late
    cursor = connection.cursor()
    # FULL: what was acknowledged, and the word that a COMMIT is about to be sent, outlive a power cut as well
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()
