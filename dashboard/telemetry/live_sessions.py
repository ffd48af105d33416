"""Which Sessions live now, and what has the ORM done in this process? The part of its word that is about Sessions."""

from __future__ import annotations

import os
import time
from typing import Any

from sqlalchemy.orm.session import SessionTransactionState, _sessions

from ..config import Config
from . import loads, n_plus_one, orm_errors, sessions, survivors
from .faults import fault
from .first_errors import first_error, said_of
from .lines import line_of
from .recorder import Numbers
from .uses import SINCE, USE, Use, root_of

ORM = "orm"
"""The name below "own" where the numbers of all Sessions of a process stand."""


def live_sessions(registries: dict[str, Any], config: Config) -> list[dict[str, Any]]:
    """Samples every Session that SQLAlchemy knows to be alive; counts all by registry, describes the oldest."""
    live = []
    for said in registries.values():
        said.update(idle=0, in_transaction=0, needs_rollback=0, identity_map_objects=0)
    for reference in _sessions.valuerefs():
        session = reference()
        watch = None if session is None else sessions.by_class[session.__class__]
        if session is None or watch is None or sessions.GONE in session.__dict__:
            continue
        one = _said(session, watch.registry)
        if one is None:
            continue
        registries[watch.registry][one["state"]] += 1
        registries[watch.registry]["identity_map_objects"] += one["identity_map"]
        live.append((session, one))
    live.sort(key=lambda pair: pair[1]["since"])
    return [{**one, **_circumstances(session)} for session, one in live[: config.holders_shown]]


def _said(session: Any, registry: str) -> dict[str, Any] | None:
    """None for a Session of a class of the program's own that cannot be looked at: the others are told all the same."""
    try:
        return _counts_of(session, registry)
    except Exception:
        fault("session word")
        return None


def _counts_of(session: Any, registry: str) -> dict[str, Any]:
    return {
        "registry": registry,
        "since": _since(session),
        "state": _state_of(session),
        "new": len(session._new),
        "modified": len(session.identity_map._modified),
        "deleted": len(session._deleted),
        "identity_map": len(session.identity_map._dict),
    }


def _since(session: Any) -> float:
    use: Use | None = session.__dict__.get(USE)
    since: float = session.__dict__.setdefault("_poolhouse_since", time.time())
    return since if use is None else min(since, use.since)


def _circumstances(session: Any) -> dict[str, Any]:
    use: Use | None = session.__dict__.get(USE)
    root, endpoint = root_of(session), None if use is None else use.endpoint
    return {
        "endpoint": endpoint,
        "line": None if use is None else line_of(use.place),
        "transaction_since": None if root is None else root.__dict__.get(SINCE),
        "connection": root is not None,
        "survived": survivors.SURVIVED in session.__dict__,
        "error": said_of(_error_of(session), endpoint),
    }


def _error_of(session: Any) -> BaseException | None:
    transaction = session._transaction
    return first_error(transaction) if _needs_rollback(transaction) else None


def _needs_rollback(transaction: Any) -> bool:
    """Not `is_active`, which is False while the Session waits for its connection, and while it commits, too."""
    return transaction is not None and transaction._state is SessionTransactionState.DEACTIVE


def _state_of(session: Any) -> str:
    """`in_transaction` is one that holds a connection: a Session begins with the first object that is added to it, and
    the database knows nothing of that."""
    transaction = session._transaction
    if transaction is None:
        return "idle"
    if _needs_rollback(transaction):
        return "needs_rollback"
    return "idle" if root_of(session) is None else "in_transaction"


def numbers() -> Numbers:
    """What is counted over all registries: loads by relationship, N+1, errors."""
    return {**loads.numbers(sessions.registered), **orm_errors.numbers()}


def last() -> dict[str, list[dict[str, Any]]]:
    """The examples behind the counts, as plain data."""
    return {
        loads.N_PLUS_ONE: n_plus_one.examples.said(),
        loads.REFRESHES: loads.refreshes.said(),
        "survivors": survivors.said(),
        "orm_errors": orm_errors.said(),
    }


def _after_fork() -> None:
    for room in (loads, survivors, orm_errors):
        room.begin_at_zero()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
