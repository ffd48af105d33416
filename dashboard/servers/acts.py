"""What can be done to a session of a database server? Its statement is cancelled, or all of it is ended."""

from __future__ import annotations

import sqlalchemy as sa

from ..refusal import Refusal
from . import mysql, postgresql, view
from .aside import aside

_KINDS = {"postgresql": postgresql, "mysql": mysql, "mariadb": mysql}


def cancel(engine: sa.Engine, process: int, started: str, seconds: float) -> None:
    """Raises Refusal: "not_found" for a session that is gone, "database_away"."""
    _act(engine, "cancel", process, started, seconds)


def end(engine: sa.Engine, process: int, started: str, seconds: float) -> None:
    """The server rolls its transaction back and closes its connection. Raises Refusal as `cancel` does."""
    _act(engine, "end", process, started, seconds)


def _act(engine: sa.Engine, what: str, process: int, started: str, seconds: float) -> None:
    act = getattr(_KINDS[engine.dialect.name], what)
    done = aside(engine, lambda connection: act(connection, process, started), seconds)
    view.forget(engine)
    if not done:
        raise Refusal(
            "not_found",
            f"The server has no session {process} any more; nothing was done.",
            remedy="Look again: who waits now?",
        )
