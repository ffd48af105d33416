"""What does a database server say of its sessions? Plain frozen data, over one extra connection outside the pools."""

from __future__ import annotations

import threading
import time
import weakref
from collections.abc import Collection, Iterable
from dataclasses import dataclass

import sqlalchemy as sa

from . import mysql, postgresql
from .aside import aside
from .session import ServerSession, ServerSessions

FRESH_SECONDS = 1.0
"""Whoever looks within so long sees what the last one saw: many who look are one connection."""
SESSIONS_SHOWN = 200
_READERS = {"postgresql": postgresql.read, "mysql": mysql.read, "mariadb": mysql.read}


@dataclass(frozen=True)
class ServerView:
    """Sessions: ours, and those that block any of them. connections, limit: of the whole server; None where it does not
    say."""

    dialect: str
    sessions: tuple[ServerSession, ...]
    connections: int
    limit: int | None
    problem: str | None = None


_looks: weakref.WeakKeyDictionary[sa.Engine, tuple[float, ServerSessions]] = weakref.WeakKeyDictionary()
_lock = threading.Lock()


def is_known(dialect: str) -> bool:
    """Whether this kind of database tells anything here."""
    return dialect in _READERS


def look(engine: sa.Engine, ours: Collection[int], seconds: float) -> ServerView:
    """ours: the server's numbers of our connections. Raises Refusal("database_away") after so many seconds."""
    found = _sessions(engine, seconds)
    by_process = {one.process: one for one in found.sessions}
    wanted = [by_process[process] for process in _with_blockers(by_process, ours)]
    return ServerView(engine.dialect.name, tuple(wanted[:SESSIONS_SHOWN]), found.connections, found.limit)


def _sessions(engine: sa.Engine, seconds: float) -> ServerSessions:
    with _lock:
        at, known = _looks.get(engine, (0.0, None))
        if known is None or not 0 <= time.monotonic() - at < FRESH_SECONDS:
            known = aside(engine, _READERS[engine.dialect.name], seconds)
            _looks[engine] = (time.monotonic(), known)
        return known


def forget(engine: sa.Engine) -> None:
    """After an act: the next look shows what it did."""
    with _lock:
        _looks.pop(engine, None)


def _with_blockers(by_process: dict[int, ServerSession], ours: Iterable[int]) -> list[int]:
    """Ours first, then who blocks them, then who blocks those."""
    found, ahead = [], [process for process in ours if process in by_process]
    while ahead:
        process = ahead.pop(0)
        if process not in found:
            found.append(process)
            ahead += [other for other in by_process[process].blocked_by if other in by_process]
    return found
