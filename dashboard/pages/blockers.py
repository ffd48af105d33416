"""Who blocks a statement that is stuck? Added to the finding while somebody looks, where its database knows it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from ..runtime import Runtime
from ..servers.session import ServerSession
from ..servers.view import ServerView
from ..telemetry.findings import Finding
from ..telemetry.reading import PoolReading, Reading
from ..telemetry.rule import whose
from . import servers


def told(runtime: Runtime, reading: Reading, found: tuple[Finding, ...]) -> tuple[Finding, ...]:
    return tuple(_told(runtime, reading, one) if one.finding == "StatementStuck" else one for one in found)


def _told(runtime: Runtime, reading: Reading, finding: Finding) -> Finding:
    pool = reading.pool(finding.pool or "")
    stuck = _stuck(pool) if pool else None
    seen = servers.glance(runtime, pool, [stuck]) if pool and stuck else None
    words = " ".join(_words(seen, stuck, pool)) if pool and seen and stuck else ""
    return replace(finding, sentence=f"{finding.sentence} {words}") if words else finding


def _stuck(pool: PoolReading) -> int | None:
    """The server's process of the statement that has been running for longest, which the finding tells of."""
    running = max(pool.holders, key=lambda one: one.running_statement_seconds or 0.0, default=None)
    return running.server_process if running else None


def _words(seen: ServerView, stuck: int, pool: PoolReading) -> Iterator[str]:
    by_process = {session.process: session for session in seen.sessions}
    waiting = by_process.get(stuck)
    if waiting is None:
        return
    if not waiting.blocked_by and waiting.wait:
        yield f"Its database says that it waits for {waiting.wait}."
    for blocker in _first_blockers(by_process, waiting):
        yield f"It is blocked by {_who(blocker, pool)}, {_does(blocker)}."


def _first_blockers(by_process: dict[int, ServerSession], waiting: ServerSession) -> list[ServerSession]:
    """Those that wait for nobody themselves: who blocks a blocker is who is to be asked."""
    seen, ahead = [waiting.process], list(waiting.blocked_by)
    found = []
    while ahead:
        process = ahead.pop(0)
        if process in seen or process not in by_process:
            continue
        seen.append(process)
        ahead += by_process[process].blocked_by
        if not by_process[process].blocked_by:
            found.append(by_process[process])
    return found


def _who(session: ServerSession, pool: PoolReading) -> str:
    """Of this pool by who holds it; another program by how it calls itself."""
    holder = next((one for one in pool.holders if one.server_process == session.process), None)
    if holder is not None:
        return f"process {session.process}, {whose(holder)}"
    program = session.program or "a program without a name"
    return f"process {session.process}, {program} ({session.user or 'nobody'} from {session.client or 'nowhere known'})"


def _does(session: ServerSession) -> str:
    state = session.state or "in a state that is not known"
    return state if session.state_seconds is None else f"{state} for {session.state_seconds:.1f} s"
