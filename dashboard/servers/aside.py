"""How is a server asked beside the pools? Over one connection of its own, within a time limit that holds also when the
server does not answer at all."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable
from typing import Any, TypeVar

import sqlalchemy as sa

from ..refusal import Refusal

T = TypeVar("T")
PATIENCE = {
    "postgresql": ("SET statement_timeout = {milliseconds}", "SET lock_timeout = {milliseconds}"),
    "mariadb": ("SET SESSION max_statement_time = {seconds}",),
    "mysql": (),
    "sqlite": (),
}
"""What a session says first, so that the server gives up by itself."""
_turns: weakref.WeakKeyDictionary[sa.Engine, threading.Lock] = weakref.WeakKeyDictionary()


def aside(engine: sa.Engine, ask: Callable[[sa.Connection], T], seconds: float) -> T:
    """What `ask` answers; its connection commits each statement by itself and is closed afterwards.

    Raises Refusal("database_away"): no answer in time, or none to an earlier question.
    """
    answer: list[Any] = []
    turn = _turns.setdefault(engine, threading.Lock())
    if not turn.acquire(timeout=seconds):
        raise _away("The database has not answered an earlier question yet.")

    def work() -> None:
        try:
            answer.append(_asked(engine, ask, seconds))
        except Exception as error:
            answer.append(error)
        finally:
            turn.release()  # by whoever asks the server, however long that takes: there is one connection at most

    thread = threading.Thread(target=work, name="poolhouse-aside", daemon=True)
    thread.start()
    thread.join(seconds)
    if not answer:
        raise _away(f"The database has not answered within {seconds:g} s.")
    if isinstance(answer[0], Exception):
        raise _away(f"The database could not be asked ({type(answer[0]).__name__}).") from answer[0]
    return answer[0]  # type: ignore[no-any-return]


def _asked(engine: sa.Engine, ask: Callable[[sa.Connection], T], seconds: float) -> T:
    with _own(engine).connect() as connection:
        _know(connection)
        connection.execution_options(isolation_level="AUTOCOMMIT")
        for statement in PATIENCE[_kind(connection)]:
            words = statement.format(seconds=seconds, milliseconds=max(1, int(seconds * 1000)))
            connection.exec_driver_sql(words)
        return ask(connection)


def _own(engine: sa.Engine) -> sa.Engine:
    """An engine whose connections are opened as the host's are, and by no pool that anybody watches."""
    pool = sa.NullPool(engine.pool._creator, dialect=engine.dialect)
    return sa.Engine(pool, engine.dialect, engine.url)


def _know(connection: sa.Connection) -> None:
    """A dialect learns of its server at an engine's first connect, which in this process may not have been yet."""
    if getattr(connection.dialect, "default_isolation_level", None) is None:
        connection.dialect.initialize(connection)
        connection.rollback()


def _kind(connection: sa.Connection) -> str:
    """An engine that was never connected does not know yet which of the two a MySQL is."""
    if connection.dialect.name not in ("mysql", "mariadb"):
        return connection.dialect.name
    version = str(connection.exec_driver_sql("SELECT version()").scalar())
    return "mariadb" if "mariadb" in version.lower() else "mysql"


def _away(message: str) -> Refusal:
    return Refusal("database_away", message, remedy="Try again in a moment; what Poolhouse itself knows is above.")
