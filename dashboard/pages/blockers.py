"""Who blocks a statement that is stuck? Added to the finding while somebody looks, where its database knows it."""

from __future__ import annotations

from dataclasses import replace

from ..runtime import Runtime
from ..servers.session import ServerSession
from ..telemetry.findings import Finding
from ..telemetry.reading import PoolReading, Reading
from ..telemetry.rule import whose
from . import servers

REMEDY = (
    "Have whoever blocks it commit or roll back. An admin can end that session: its transaction is rolled back, and "
    "those that wait for it go on."
)


def told(runtime: Runtime, reading: Reading, found: tuple[Finding, ...]) -> tuple[Finding, ...]:
    return tuple(_told(runtime, reading, one) if one.finding == "StatementStuck" else one for one in found)


def _told(runtime: Runtime, reading: Reading, finding: Finding) -> Finding:
    pool = reading.pool(finding.pool or "")
    stuck = _stuck(pool) if pool else None
    seen = servers.glance(runtime, pool, [stuck]) if pool and stuck else None
    by_process = {session.process: session for session in seen.sessions} if seen else {}
    waiting = by_process.get(stuck or 0)
    if pool is None or waiting is None:
        return finding
    blockers = _first_blockers(by_process, waiting)
    if not blockers:
        wait = f" Its database says that it waits for {waiting.wait}." if waiting.wait else ""
        return replace(finding, sentence=finding.sentence + wait)
    stands, _, rest = finding.sentence.partition(":")
    by_whom = " and ".join(f"{_who(one, pool)}, {_does(one)}" for one in blockers)
    return replace(finding, sentence=f"{stands}, blocked by {by_whom}:{rest}", remedy=REMEDY)


def _stuck(pool: PoolReading) -> int | None:
    """The server's process of the statement that has been running for longest, which the finding tells of."""
    running = max(pool.holders, key=lambda one: one.running_statement_seconds or 0.0, default=None)
    return running.server_process if running else None


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
