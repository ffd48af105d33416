"""One pool, as the database's own server sees it; and what an admin may do to its sessions and connections."""

from __future__ import annotations

import time
from collections.abc import Collection
from dataclasses import dataclass

import sqlalchemy as sa
from flask import Response, request
from werkzeug.wrappers import Response as WerkzeugResponse

from ..config import Config
from ..refusal import Refusal
from ..runtime import Runtime, current
from ..servers import acts, view
from ..servers.session import ServerSession
from ..servers.view import ServerView
from ..telemetry import wishes
from ..telemetry.advice import advice
from ..telemetry.engines import name_of
from ..telemetry.reading import PoolReading
from ..workspaces.engine import POOL_NAME
from . import audit, gate
from .arguments import arguments
from .html import done, page

HEARD_SECONDS = 3.0
"""Two words of a process and a half; a silent one hears it when it speaks again."""
LOOK_AGAIN_SECONDS = 0.05
STARTED_CHARACTERS = 40


@dataclass(frozen=True)
class ShownSession:
    """A session of the server. worker, connection, line, endpoint: of ours, and while it is held who holds it; None for
    another program's. blocks: the numbers of those that wait for it."""

    session: ServerSession
    worker: int | None
    connection: int | None
    line: str | None
    endpoint: str | None
    blocks: tuple[int, ...]

    @property
    def is_in_the_way(self) -> bool:
        """It makes others wait, and waits for nobody itself."""
        return bool(self.blocks) and not self.session.blocked_by


@dataclass(frozen=True)
class ServerPage:
    """problem: why the server tells nothing now. connections, limit: of the whole server, from all programs. may_ask:
    what all workers of this pool together may ask of it, None without bound; would_ask: what the advisor would let
    them."""

    pool: str
    dialect: str
    sessions: tuple[ShownSession, ...]
    connections: int | None
    limit: int | None
    may_ask: int | None
    would_ask: int | None
    problem: str | None
    _may_act: bool


@dataclass(frozen=True)
class Replaced:
    """workers: how many have heard it by now; connections: how many are replaced when they are next taken."""

    pool: str
    workers: int
    connections: int


@gate.needs(gate.READ, database=True)
def show(name: str) -> Response:
    return page("pools/server.html", _server(name))


@gate.needs(gate.ADMINISTER, database=True)
def cancel(name: str, process: int) -> WerkzeugResponse:
    engine, started = _of_a_session(name, process)
    audit.note("connection.cancel", name, process=process)
    acts.cancel(engine, process, started, _config().server_seconds)
    return done("pools.server", _server(name), name=name)


@gate.needs(gate.ADMINISTER, database=True)
def end(name: str, process: int) -> WerkzeugResponse:
    engine, started = _of_a_session(name, process)
    audit.note("connection.end", name, process=process)
    acts.end(engine, process, started, _config().server_seconds)
    return done("pools.server", _server(name), name=name)


@gate.needs(gate.ADMINISTER)
def replace(name: str, worker: int, number: int) -> WerkzeugResponse:
    pool = _pool(name)
    if not any((one.worker, one.number) == (worker, number) for one in pool.connections if one.state != "closed"):
        raise Refusal("not_found", f"Worker {worker} has no connection {number} of pool {name} any more.")
    audit.note("connection.replace", name, worker=worker, connection=number)
    return done("pools.show", _replaced(name, {worker}, worker=worker, connection=number), name=name)


@gate.needs(gate.ADMINISTER)
def refresh(name: str) -> WerkzeugResponse:
    pool = _pool(name)
    audit.note("pool.refresh", name)
    having = {one.worker for one in pool.connections if one.state != "closed"}
    return done("pools.show", _replaced(name, having), name=name)


# what is asked of the rooms


def _server(name: str) -> ServerPage:
    pool = _pool(name)
    engine = _engine(pool)
    try:
        seen = view.look(engine, _processes(pool), _config().server_seconds)
    except Refusal as away:
        seen = ServerView(engine.dialect.name, (), 0, None, f"{away.message} {away.remedy}")
    shown = (_shown(one, pool, seen) for one in seen.sessions)
    sessions = tuple(sorted(shown, key=lambda one: (not one.is_in_the_way, not one.blocks)))
    connections = None if seen.problem else seen.connections
    advised = advice(pool, current().ledger.asked(name))
    may = gate.may(gate.ADMINISTER, None)
    return ServerPage(
        name, seen.dialect, sessions, connections, seen.limit, advised.asked_now, advised.asked, seen.problem, may
    )


def _of_a_session(name: str, process: int) -> tuple[sa.Engine, str]:
    """The engine, and what the page said of the session. Raises Refusal for a session that is neither of this pool nor
    in its way: it is none of ours to end."""
    pool, started = _pool(name), _started()
    engine = _engine(pool)
    seen = view.look(engine, _processes(pool), _config().server_seconds)
    if process not in {session.process for session in seen.sessions}:
        message = f"The session {process} is neither of pool {name} nor blocks any of its sessions."
        raise Refusal("not_found", message, remedy="Look again: who waits now?")
    return engine, started


def _processes(pool: PoolReading) -> list[int]:
    """The server's numbers of this pool's connections."""
    every = [*(one.server_process for one in pool.connections), *(one.server_process for one in pool.holders)]
    return list(dict.fromkeys(process for process in every if process is not None))


def _shown(session: ServerSession, pool: PoolReading, seen: ServerView) -> ShownSession:
    process = session.process
    life = next((one for one in pool.connections if one.server_process == process and one.state != "closed"), None)
    holder = next((one for one in pool.holders if one.server_process == process), None)
    return ShownSession(
        session=session,
        worker=life.worker if life else holder.worker if holder else None,
        connection=life.number if life else None,
        line=holder.line if holder else None,
        endpoint=holder.endpoint if holder else None,
        blocks=tuple(one.process for one in seen.sessions if process in one.blocked_by),
    )


def _pool(name: str) -> PoolReading:
    pool = current().ledger.read().pool(name)
    if pool is None:
        raise Refusal("not_found", "No pool of this name is watched.", remedy="The page Pools lists those there are.")
    return pool


def has_one(pool: PoolReading, runtime: Runtime | None = None) -> bool:
    """Whether the database of this pool can be asked here."""
    try:
        return _engine(pool, runtime) is not None
    except Refusal:
        return False


def glance(runtime: Runtime, pool: PoolReading, ours: Collection[int]) -> ServerView | None:
    """What the database of this pool said a moment ago of these sessions; None where it tells nothing here."""
    try:
        return view.glance(_engine(pool, runtime), ours, runtime.config.server_seconds)
    except Refusal:
        return None


def engine_of(pool: str, runtime: Runtime | None = None) -> sa.Engine:
    """Of the database that this pool leads to, on a synchronous driver. Raises Refusal where there is none here."""
    runtime = runtime or current()
    database = _database_of(runtime, pool)
    if database is None or runtime.workspaces is None:
        message = f"The database of pool {pool} is not looked at here."
        raise Refusal("unavailable", message, remedy="Its own program's Poolhouse can ask it.")
    return runtime.workspaces.engine(database)


def _engine(pool: PoolReading, runtime: Runtime | None = None) -> sa.Engine:
    """The same, where its kind of server tells anything of its sessions."""
    engine = engine_of(pool.name, runtime)
    if not view.is_known(engine.dialect.name):
        message = f"{engine.dialect.name} has no sessions that could be looked at."
        raise Refusal("unavailable", message, remedy="PostgreSQL, MySQL and MariaDB have.")
    return engine


def _database_of(runtime: Runtime, pool: str) -> str | None:
    names = [name for name, database in runtime.databases.items() if name_of(database.engine) == pool]
    if pool == POOL_NAME and len(runtime.databases) == 1:
        names = list(runtime.databases)
    return names[0] if names else None


def _replaced(pool: str, workers: set[int], *, worker: int | None = None, connection: int | None = None) -> Replaced:
    """Waits a moment for the workers to say what they did."""
    ledger = current().ledger
    number = wishes.wish(ledger, pool, worker=worker, connection=connection)
    if number is None:
        raise Refusal("unavailable", "The ledger cannot be used just now; nothing was done.")
    deadline = time.monotonic() + HEARD_SECONDS
    while len(done_by := wishes.answers(ledger, number)) < len(workers) and time.monotonic() < deadline:
        ledger.read()  # this worker hears it at once
        time.sleep(LOOK_AGAIN_SECONDS)
    return Replaced(pool, len(done_by), sum(done_by.values()))


def _started() -> str:
    """What the page said of the session: its number may be another one's by now."""
    started = arguments(request).get("started", "")
    if not isinstance(started, str) or len(started) > STARTED_CHARACTERS:
        raise Refusal("not_understood", "Say `started` as the page does.", fields={"started": "Text is expected."})
    return started


def _config() -> Config:
    return current().config
