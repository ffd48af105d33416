"""What does a database server say of its sessions? Plain frozen data, over one extra connection outside the pools."""

from __future__ import annotations

import threading
import time
import weakref
from collections.abc import Collection, Iterable
from contextlib import suppress
from dataclasses import dataclass
from math import inf

import sqlalchemy as sa

from ..refusal import Refusal
from . import mysql, postgresql
from .aside import aside
from .session import ServerSession, ServerSessions

FRESH_SECONDS = 1.0
"""Whoever looks within so long sees what the last one saw: many who look are one connection."""
GLANCED_SECONDS = 5.0
"""A glance asks so seldom, and what was told three times as long ago is not told any more."""
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
_glances: weakref.WeakKeyDictionary[sa.Engine, tuple[float, ServerSessions]] = weakref.WeakKeyDictionary()
_glancing: weakref.WeakSet[sa.Engine] = weakref.WeakSet()
_lock = threading.Lock()


def is_known(dialect: str) -> bool:
    """Whether this kind of database tells anything here."""
    return dialect in _READERS


def look(engine: sa.Engine, ours: Collection[int], seconds: float) -> ServerView:
    """ours: the server's numbers of our connections. Raises Refusal("database_away") after so many seconds."""
    return _of(_sessions(engine, seconds), engine, ours)


def glance(engine: sa.Engine, ours: Collection[int], seconds: float) -> ServerView | None:
    """The same as it was a moment ago, for a page that must not wait for a database: None where nobody has been told
    yet. The server is asked beside it, at most once at a time."""
    at, known = _glances.get(engine, (-inf, None))
    age = time.monotonic() - at
    if age >= GLANCED_SECONDS and engine not in _glancing:
        _glancing.add(engine)
        threading.Thread(target=_look_beside, args=(engine, seconds), name="poolhouse-glance", daemon=True).start()
    return None if known is None or age > 3 * GLANCED_SECONDS else _of(known, engine, ours)


def _look_beside(engine: sa.Engine, seconds: float) -> None:
    found = ServerSessions((), 0, None)
    try:
        with suppress(Refusal):
            found = aside(engine, _READERS[engine.dialect.name], seconds)
    finally:
        _glances[engine] = (time.monotonic(), found)
        _glancing.discard(engine)


def _of(found: ServerSessions, engine: sa.Engine, ours: Collection[int]) -> ServerView:
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
        _glances.pop(engine, None)


def _with_blockers(by_process: dict[int, ServerSession], ours: Iterable[int]) -> list[int]:
    """Ours first, then who blocks them, then who blocks those."""
    found, ahead = [], [process for process in ours if process in by_process]
    while ahead:
        process = ahead.pop(0)
        if process not in found:
            found.append(process)
            ahead += [other for other in by_process[process].blocked_by if other in by_process]
    return found
