"""Which of SQLAlchemy's mistakes ended a request? Found in the chain of its exception, for no event tells of them."""

from __future__ import annotations

import re
import threading
import time
from collections import deque
from collections.abc import Iterator
from types import FrameType
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import exc as orm_exc

from .detachments import DETACHED
from .first_errors import first_error, place_of, said_of
from .lines import line_of
from .uses import USE

KINDS_OF_ERRORS = ("detached", "pending_rollback", "stale_data", "pool_timeout", "other")
TYPES = {
    orm_exc.DetachedInstanceError: "detached",
    sa.exc.PendingRollbackError: "pending_rollback",
    orm_exc.StaleDataError: "stale_data",
    sa.exc.TimeoutError: "pool_timeout",
}
CHAIN = 50
"""Exceptions of a chain that are looked at."""
FRAMES = 200
REMEMBERED = 50
COUNTED = "_poolhouse_counted"
"""An attribute of an exception that was counted, as it may pass through several scopes."""
_ATTRIBUTE = re.compile(r"operation of attribute '(\w+)'")

_counts: dict[str, int] = {}
_last: deque[dict[str, Any]] = deque(maxlen=REMEMBERED)
_lock = threading.RLock()


def note(error: BaseException, endpoint: str) -> None:
    """A request, job or command of this endpoint has failed with `error`: counted once, where it is SQLAlchemy's."""
    chain = list(chain_of(error))
    if any(getattr(each, COUNTED, False) for each in chain):
        return
    found = next((each for each in chain if kind_of(each) not in (None, "other")), None)
    found = found or next((each for each in chain if kind_of(each) is not None), None)
    kind = None if found is None else kind_of(found)
    if found is None or kind is None:
        return
    found.__dict__[COUNTED] = True
    said = _said(found, kind, endpoint)
    with _lock:
        _counts[kind] = _counts.get(kind, 0) + 1
        _last.append(said)


def chain_of(error: BaseException) -> Iterator[BaseException]:
    """The exception, what it was raised from, or during, and so on. Bounded; a cycle ends it.

    >>> try:
    ...     raise KeyError from ValueError()
    ... except KeyError as error:
    ...     [type(each).__name__ for each in chain_of(error)]
    ['KeyError', 'ValueError']
    """
    seen: set[int] = set()
    each: BaseException | None = error
    while each is not None and id(each) not in seen and len(seen) < CHAIN:
        seen.add(id(each))
        yield each
        each = each.__cause__ if each.__cause__ is not None or each.__suppress_context__ else each.__context__


def kind_of(error: BaseException) -> str | None:
    """Which of KINDS_OF_ERRORS it is; None for what is not SQLAlchemy's."""
    for type_, kind in TYPES.items():
        if isinstance(error, type_):
            return kind
    return "other" if isinstance(error, sa.exc.SQLAlchemyError) else None


def _said(error: BaseException, kind: str, endpoint: str) -> dict[str, Any]:
    line = line_of(place_of(error))
    said: dict[str, Any] = {
        "kind": kind,
        "error": type(error).__name__,
        "endpoint": endpoint,
        "line": line,
        "at": time.time(),
    }
    if kind == "detached":
        said.update(_detached(error))
    elif kind == "pending_rollback":
        said["first"] = _first(error)
    return said


def _locals(error: BaseException) -> list[dict[str, Any]]:
    """The variables of the frames that the error came through, innermost first."""
    found: list[FrameType] = []
    traceback = error.__traceback__
    while traceback is not None and len(found) < FRAMES:
        found.append(traceback.tb_frame)
        traceback = traceback.tb_next
    return [frame.f_locals for frame in reversed(found) if frame.f_globals.get("__name__", "").startswith("sqlalchemy")]


def _detached(error: BaseException) -> dict[str, Any]:
    """Of which class the object was, which attribute was asked for, and where it had been detached."""
    frames = _locals(error)
    state = next((f["state"] for f in frames if hasattr(f.get("state"), "manager")), None)
    keys = (getattr(f.get("self"), "key", None) for f in frames if "state" in f)
    told = _ATTRIBUTE.search(str(error))
    attribute = told[1] if told else next((key for key in keys if isinstance(key, str)), None)
    place = None if state is None else getattr(state, DETACHED, None)
    return {
        "model": None if state is None else state.class_.__name__,
        "attribute": attribute,
        "detached_at": line_of(place),
    }


def _first(error: BaseException) -> dict[str, Any] | None:
    """The error that made the rollback necessary."""
    for variables in _locals(error):
        transaction: Any = variables.get("self")
        if hasattr(transaction, "_rollback_exception"):
            use = transaction.session.__dict__.get(USE)
            return said_of(first_error(transaction), None if use is None else use.endpoint)
    return None


def numbers() -> dict[str, int]:
    """By name: `orm errors|detached`, since this process began."""
    with _lock:
        return {f"orm errors|{kind}": count for kind, count in _counts.items()}


def said() -> list[dict[str, Any]]:
    """The last ones as plain data."""
    return list(_last.copy())


def begin_at_zero() -> None:
    """In a forked child."""
    global _lock
    _lock = threading.RLock()
    _counts.clear()
    _last.clear()
