"""Which Sessions were left open by the request that used them? Judged a moment after its end, at the next word.

A Session that was closed in between has another identity map and another transaction, whoever uses it now."""

from __future__ import annotations

import time
import weakref
from collections import deque
from dataclasses import dataclass
from typing import Any

from . import own_acts
from .lines import line_of
from .scopes import Scope
from .sessions import GONE, SESSION, SessionWatch
from .uses import SESSIONS, USE, is_empty, remember, root_of

SURVIVORS = SESSION.counter("survivors")
SURVIVED = "_poolhouse_survived"
"""An attribute of a Session that was counted: once is enough."""
OURS = "workspaces"
"""A workspace's Session lives on between requests; that is what it is for."""
CANDIDATES = 1_000
REMEMBERED = 50


@dataclass(frozen=True)
class Candidate:
    """A Session at the end of a scope that used it, with what was in it then. at: monotonic."""

    session: weakref.ref[Any]
    watch: SessionWatch
    endpoint: str
    at: float
    identity_map: weakref.ref[Any]
    had_objects: bool
    transaction: weakref.ref[Any] | None

    def has_survived(self, session: Any) -> bool:
        if self.had_objects and session.identity_map is self.identity_map() and not is_empty(session):
            return True
        transaction = None if self.transaction is None else self.transaction()
        return transaction is not None and root_of(session) is transaction


@dataclass(frozen=True)
class Found:
    session: weakref.ref[Any]
    registry: str
    endpoint: str
    place: Any
    at: float


_candidates: deque[Candidate] = deque()
_found: deque[Found] = deque(maxlen=REMEMBERED)


def scope_ended(scope: Scope) -> None:
    """Takes down what the scope's Sessions still hold. Those of a scope within another go over to that one."""
    sessions = scope.marks.pop(SESSIONS, ())
    if scope.outer is not None:
        if sessions:
            remember(scope.outer, sessions)
        return
    for reference, watch in sessions:
        session = reference()
        if session is not None and watch.registry != OURS and SURVIVED not in session.__dict__:
            _take_down(session, reference, watch, scope.endpoint)


def _take_down(session: Any, reference: weakref.ref[Any], watch: SessionWatch, endpoint: str) -> None:
    transaction, had_objects = root_of(session), not is_empty(session)
    if transaction is None and not had_objects:
        return
    if len(_candidates) >= CANDIDATES:
        own_acts.dropped("survivors")
        return
    held = None if transaction is None else weakref.ref(transaction)
    identity_map = weakref.ref(session.identity_map)
    _candidates.append(Candidate(reference, watch, endpoint, time.monotonic(), identity_map, had_objects, held))


def judge(seconds: float) -> None:
    """Counts the candidates of `seconds` ago and before that have not been closed since."""
    now = time.monotonic()
    before = now - seconds
    while _candidates and _candidates[0].at <= before:
        candidate = _candidates.popleft()
        session = candidate.session()
        if session is None or GONE in session.__dict__ or SURVIVED in session.__dict__:
            continue
        if candidate.has_survived(session):
            session.__dict__[SURVIVED] = True
            candidate.watch.local.cells[SURVIVORS] += 1
            use = session.__dict__.get(USE)
            place = None if use is None else use.place
            registry = candidate.watch.registry
            at = time.time() - (now - candidate.at)
            _found.append(Found(candidate.session, registry, candidate.endpoint, place, at))


def said() -> list[dict[str, Any]]:
    """The last ones as plain data, with what each still holds."""
    return [
        {
            "registry": one.registry,
            "endpoint": one.endpoint,
            "line": line_of(one.place),
            "at": one.at,
            **_held(one.session()),
        }
        for one in _found.copy()
    ]


def _held(session: Any) -> dict[str, Any]:
    if session is None:
        return {"objects": 0, "connection": False, "alive": False}
    objects = len(session.identity_map._dict) + len(session._new)
    return {"objects": objects, "connection": root_of(session) is not None, "alive": True}


def begin_at_zero() -> None:
    """In a forked child."""
    _candidates.clear()
    _found.clear()
