"""How is a query bounded in time, and what is a person told when the database stops it, refuses it, or is away?"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
import sqlalchemy.orm as sa_orm

from ..refusal import Refusal
from ..writable import disk_trouble
from . import codes

if TYPE_CHECKING:
    from .models import Model

STEPS = 10_000
"""Of SQLite's machine between two looks at the clock."""
_AWAY = ("08", "57P", "53", "3D", "28")
_LIMITS = {
    "postgresql": "SET LOCAL statement_timeout = {milliseconds}",
    "mysql": "SET SESSION max_execution_time = {milliseconds}",
    "mariadb": "SET SESSION max_statement_time = {seconds}",
}

_NO_LIMITS = {
    "postgresql": "SET LOCAL statement_timeout TO DEFAULT",
    "mysql": "SET SESSION max_execution_time = DEFAULT",
    "mariadb": "SET SESSION max_statement_time = DEFAULT",
}


class Stopped(Exception):
    """The database was told to stop, because the query took longer than it may."""


@contextmanager
def limited(session: sa_orm.Session, seconds: float, model: Model) -> Iterator[None]:
    """Inside, no query of this Session where the model's table lies takes longer than so; its transaction is rolled
    back at the end.

    Raises Stopped, or the Refusal for what else the database says.
    """
    try:
        with _limit(_connection(session, model), seconds):
            yield
    except (sa.exc.SQLAlchemyError, OSError) as error:
        if is_stopped(error):
            raise Stopped from error
        raise refusal(error, model.database) from error
    finally:
        with suppress(sa.exc.SQLAlchemyError):  # of a connection that broke meanwhile
            session.rollback()


@contextmanager
def a_while(session: sa_orm.Session, seconds: float, model: Model) -> Iterator[None]:
    """Within `limited`, for its last statements: they are stopped sooner, which is raised as it is (`is_stopped`)."""
    connection = _connection(session, model)
    try:
        with _limit(connection, seconds):
            yield
    finally:
        if connection.dialect.name in ("mysql", "mariadb"):  # elsewhere the limit ends with the transaction
            with suppress(sa.exc.SQLAlchemyError):
                connection.exec_driver_sql(_NO_LIMITS[_kind(connection)])


@contextmanager
def in_time(connection: sa.Connection, seconds: float, ours: AbstractContextManager[None]) -> Iterator[None]:
    """The same for a transaction that goes on afterwards; what the database says is raised as it is. ours: around the
    statements that are not the person's."""
    with ExitStack() as stack:
        with ours:
            stack.enter_context(_limit(connection, seconds))
        yield
        reset = _NO_LIMITS.get(_kind(connection))
        if reset is not None:
            connection.exec_driver_sql(reset)


def _connection(session: sa_orm.Session, model: Model) -> sa.Connection:
    """A Session's `binds` may have it elsewhere."""
    return session.connection(bind_arguments={"mapper": model.mapper})


@contextmanager
def _limit(connection: sa.Connection, seconds: float) -> Iterator[None]:
    name = connection.dialect.name
    if name != "sqlite":
        statement = _LIMITS.get(_kind(connection))
        if statement is not None:
            milliseconds = max(1, int(seconds * 1000))
            connection.exec_driver_sql(statement.format(milliseconds=milliseconds, seconds=seconds))
        yield
        return
    driver: Any = connection.connection.driver_connection
    end = time.monotonic() + seconds
    driver.set_progress_handler(lambda: time.monotonic() > end, STEPS)
    try:
        yield
    finally:
        driver.set_progress_handler(None, 0)


def _kind(connection: sa.Connection) -> str:
    """A MariaDB may well be addressed as `mysql+pymysql://`; it has another limit than MySQL."""
    return "mariadb" if getattr(connection.dialect, "is_mariadb", False) else connection.dialect.name


def is_stopped(error: BaseException) -> bool:
    return isinstance(error, sa.exc.DBAPIError) and codes.code(error) in codes.STOPPED


def does_not_fit(error: BaseException) -> bool:
    """Whether a value that was read does not belong to its column's type: it can be shown as found."""
    if isinstance(error, sa.exc.DBAPIError):
        return isinstance(error, sa.exc.DataError) and not error.connection_invalidated and not codes.code(error)
    return isinstance(error, (ValueError, TypeError, ArithmeticError, LookupError))


def refusal(error: Exception, database: str) -> Refusal:
    """In words for the person; never the driver's own."""
    if isinstance(error, sa.exc.TimeoutError):
        message = "All connections for records are in use just now."
        return Refusal("overloaded", message, remedy="Try again in a moment.")
    if not isinstance(error, sa.exc.DBAPIError) or error.connection_invalidated:
        return _away(database) if isinstance(error, (sa.exc.DBAPIError, OSError)) else _failed(error)
    if codes.is_forbidden(error):
        message = "The database does not let Poolhouse's account read this."
        return Refusal("failed", message, remedy="Ask whoever runs the database for the right to it.")
    if codes.is_busy(error):
        return Refusal("busy", "Somebody else has it locked just now.", remedy="Try again in a moment.")
    if isinstance(error, sa.exc.DataError):
        message = "A value does not fit its column."
        return Refusal("invalid", message, remedy="Look at the filters.")
    if codes.lacks_schema(error):
        message = "The database does not have what the models say."
        return Refusal("failed", message, remedy="Bring its schema up to date.")
    disk = disk_trouble(error.orig)
    if disk is not None:
        message = f"The database {database!r} cannot be read just now: {disk.sentence}."
        return Refusal("database_away", message, remedy=disk.remedy)
    if isinstance(error, (sa.exc.OperationalError, sa.exc.InterfaceError)) or codes.code(error).startswith(_AWAY):
        return _away(database)
    return _failed(error)


def _away(database: str) -> Refusal:
    remedy = "See that it runs and that its URL is right; `flask dashboard doctor` says what is wrong."
    return Refusal("database_away", f"The database {database!r} cannot be reached just now.", remedy=remedy)


def _failed(error: Exception) -> Refusal:
    return Refusal("failed", f"The database did not understand the query ({type(error).__name__}).")
