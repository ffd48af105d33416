"""How long do flushes take, and how many objects do they write?"""

from __future__ import annotations

import time
from bisect import bisect_left
from typing import Any

from sqlalchemy.orm import PassiveFlag, RelationshipDirection
from sqlalchemy.orm.base import PASSIVE_NO_RESULT

from .faults import Listener, fault
from .recorder import SECONDS
from .sessions import EXPIRED, FLUSH, FLUSHED, TRANSITION, SessionWatch, by_class, is_expired


def listeners(watch: SessionWatch) -> dict[str, Listener]:
    return {
        "before_flush": _before_flush(watch),
        "after_flush": _after_flush(watch),
        "after_flush_postexec": _after_flush_postexec(watch),
    }


def _before_flush(watch: SessionWatch) -> Listener:
    # with defaults, because who fires the event by hand, as SQLAlchemy's own tests do, may leave its arguments out
    def before_flush(session: Any = None, flush_context: Any = None, instances: Any = None) -> None:
        try:
            session._poolhouse_flush = time.perf_counter()
        except Exception:
            fault("before_flush")

    return before_flush


def _after_flush(watch: SessionWatch) -> Listener:
    def after_flush(session: Any, flush_context: Any) -> None:
        try:
            if by_class[session.__class__] is not watch:
                return
            cells = watch.local.cells
            for state, (is_deleted, only_listed) in flush_context.states.items():
                if only_listed:
                    continue
                if is_deleted:
                    cells[FLUSHED["deleted"]] += 1
                elif state.key is None:
                    cells[FLUSHED["new"]] += 1
                elif _is_written(state):
                    cells[FLUSHED["modified"]] += 1
        except Exception:
            fault("after_flush")

    return after_flush


def _is_written(state: Any) -> bool:
    """`session.is_modified(include_collections=False)`, which asks the database for what a one-to-one was that was set
    unloaded."""
    for key, was in list(state.committed_state.items()):
        impl = state.manager[key].impl
        if hasattr(impl, "get_collection") or not hasattr(impl, "get_history"):
            continue
        if was is PASSIVE_NO_RESULT:
            if state.mapper.relationships[key].direction is RelationshipDirection.MANYTOONE:
                return True
        elif impl.get_history(state, state.dict, PassiveFlag.NO_CHANGE).has_changes():
            return True
    return False


def _after_flush_postexec(watch: SessionWatch) -> Listener:
    local = watch.local

    def after_flush_postexec(session: Any, flush_context: Any) -> None:
        try:
            if by_class[session.__class__] is not watch:
                return
            seconds = time.perf_counter() - session._poolhouse_flush
            cells = local.cells
            cells[FLUSH + bisect_left(SECONDS, seconds)] += 1
            cells[FLUSH + len(SECONDS) + 1] += seconds
            for state in flush_context.states:
                if state.__dict__.get(EXPIRED) and not is_expired(state):  # what was missing was set, and written
                    state.__dict__[EXPIRED] = False
                    cells[TRANSITION["expired", "persistent"]] += 1
        except Exception:
            fault("after_flush_postexec")

    return after_flush_postexec
