"""What do Sessions and their objects do? Root transactions, flushes and every change of state, by registry.

The Sessions that live are not tracked at all: SQLAlchemy keeps all of them, weakly,
and they are sampled when somebody looks."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from time import perf_counter as pc
from typing import Any

import sqlalchemy as sa
from sqlalchemy import orm as sa_orm

from .faults import Listener, fault
from .own_acts import SAMPLED, listened
from .recorder import SECONDS, Layout, Recorder, Table

SESSION = Layout()
OUTCOMES = ("commit", "rollback", "released")
ENDED = {outcome: SESSION.counter(f"session transactions|{outcome}") for outcome in OUTCOMES}
FLUSH = SESSION.histogram("flush", SECONDS)
KINDS = ("new", "modified", "deleted")
FLUSHED = {kind: SESSION.counter(f"flushed|{kind}") for kind in KINDS}
EVENTS = {
    "transient_to_pending": ("transient", "pending"),
    "pending_to_transient": ("pending", "transient"),
    "persistent_to_transient": ("persistent", "transient"),
    "pending_to_persistent": ("pending", "persistent"),
    "deleted_to_persistent": ("deleted", "persistent"),
    "persistent_to_deleted": ("persistent", "deleted"),
    "deleted_to_detached": ("deleted", "detached"),
    "persistent_to_detached": ("persistent", "detached"),
    "detached_to_persistent": ("detached", "persistent"),
    "loaded_as_persistent": ("database", "persistent"),
}
"""SQLAlchemy's ten transitions, by event: from which state to which."""
TRANSITIONS = (*EVENTS.values(), ("persistent", "expired"), ("expired", "persistent"))
TRANSITION = {pair: SESSION.counter(f"transitions|{pair[0]}|{pair[1]}") for pair in TRANSITIONS}
INTO_PERSISTENT = ("pending_to_persistent", "detached_to_persistent", "deleted_to_persistent")
OUT_OF_PERSISTENT = ("persistent_to_transient", "persistent_to_deleted")
EXPIRED = "_poolhouse_expired"
"""An attribute of an InstanceState: the object is persistent, and was counted as expired."""
GONE = "_poolhouse_gone"
"""An attribute of a Session whose owner will not use it again."""
UNUSED = "unused"
"""The outcome of a transaction that is not counted."""
CLASSES_REMEMBERED = 1_000
TABLES: dict[str, Callable[[], Table]] = {}
"""Tables of the recorders, by the modules that fill them."""


class SessionWatch:
    """One registration: a Session class with its name and numbers."""

    def __init__(self, class_: type, registry: str) -> None:
        self.class_ = class_
        self.registry = registry
        self.recorder = Recorder(SESSION, TABLES)
        self.local = self.recorder.local
        self.listeners: dict[str, Listener] = {}

    def begin(self) -> None:
        with lock:
            registered[self.class_] = self
            by_class.clear()
            for name, listener in self.listeners.items():
                sa.event.listen(self.class_, name, listener, **({"raw": True} if name in EVENTS else {}))
            if len(registered) == 1:
                sa.event.listen(sa_orm.Mapper, "expire", _expired, raw=True)
                sa.event.listen(sa_orm.Mapper, "refresh", _refreshed, raw=True)

    def end(self) -> bool:
        """Whether it had not ended before."""
        with lock:
            if registered.get(self.class_) is not self:
                return False
            del registered[self.class_]
            by_class.clear()
            ours = [(self.class_, name, listener) for name, listener in self.listeners.items()]
            if not registered:
                ours += [(sa_orm.Mapper, "expire", _expired), (sa_orm.Mapper, "refresh", _refreshed)]
            for listening in ours:
                with suppress(sa.exc.InvalidRequestError):  # the program has cleared all listeners
                    sa.event.remove(*listening)
            return True


class _ByClass(dict[type, SessionWatch | None]):
    """The registration that counts a Session of this class: the most specific one.
    The others' listeners fire too, and return."""

    def __missing__(self, class_: type) -> SessionWatch | None:
        if len(self) >= CLASSES_REMEMBERED:  # a program may make a sessionmaker for each request
            self.clear()
        found = next((registered[base] for base in class_.__mro__ if base in registered), None)
        self[class_] = found
        return found


registered: dict[type, SessionWatch] = {}
by_class = _ByClass()
lock = threading.RLock()


def class_of(target: Any) -> type[sa_orm.Session]:
    """The Session class that a sessionmaker, scoped_session (also their async ones) or Session class makes."""
    # By their attributes: importing sqlalchemy.ext.asyncio fails where greenlet is not installed.
    target = getattr(target, "session_factory", target)
    if hasattr(target, "class_") and hasattr(target, "kw"):
        target = target.kw.get("sync_session_class") or target.class_
    target = getattr(target, "sync_session_class", target)
    if not (isinstance(target, type) and issubclass(target, sa_orm.Session)):
        raise TypeError(f"watch_sessions takes a sessionmaker, a scoped_session or a Session class, not {target!r}")
    return target


def listeners(watch: SessionWatch) -> dict[str, Listener]:
    return {
        "after_commit": _after_commit(watch),
        "after_rollback": _after_rollback(watch),
        "after_transaction_end": _after_transaction_end(watch),
        **{event: _transition(watch, event, TRANSITION[pair]) for event, pair in EVENTS.items()},
        **{event: _arrival(watch, event, TRANSITION[EVENTS[event]]) for event in INTO_PERSISTENT},
        **{event: _departure(watch, event, TRANSITION[EVENTS[event]]) for event in OUT_OF_PERSISTENT},
    }


def _transition(watch: SessionWatch, event: str, cell: int) -> Listener:
    local = watch.local

    def transition(session: Any, state: Any) -> None:
        try:
            if by_class[session.__class__] is watch:
                cells = local.cells
                cells[cell] = number = cells[cell] + 1
                if not number & SAMPLED:
                    _sample(watch, session.__class__, cell)
        except Exception:
            fault(event)

    return transition


def _sample(watch: SessionWatch, class_: type, cell: int) -> None:
    """Times the work of a transition by doing it once more with nothing to add: to ask the clock each time would cost
    as much as the work."""
    begun = pc()
    if by_class[class_] is watch:
        cells = watch.local.cells
        cells[cell] = number = cells[cell] + 0
        if not number & SAMPLED:
            listened("sessions", begun, pc())


def _arrival(watch: SessionWatch, event: str, cell: int) -> Listener:
    local = watch.local

    def arrival(session: Any, state: Any) -> None:
        try:
            if by_class[session.__class__] is watch:
                local.cells[cell] += 1
                if state.expired_attributes and is_expired(state):  # a server's default, or it was expired before
                    state.__dict__[EXPIRED] = True
                    local.cells[TRANSITION["persistent", "expired"]] += 1
        except Exception:
            fault(event)

    return arrival


def _departure(watch: SessionWatch, event: str, cell: int) -> Listener:
    local = watch.local

    def departure(session: Any, state: Any) -> None:
        try:
            if by_class[session.__class__] is watch:
                local.cells[cell] += 1
                state.__dict__.pop(EXPIRED, None)
        except Exception:
            fault(event)

    return departure


def _after_commit(watch: SessionWatch) -> Listener:
    def after_commit(session: Any) -> None:
        try:
            session._transaction._poolhouse = "commit"
        except Exception:
            fault("after_commit")

    return after_commit


def _after_rollback(watch: SessionWatch) -> Listener:
    def after_rollback(session: Any) -> None:
        try:
            transaction = session._transaction
            while not transaction.nested and transaction._parent is not None:
                transaction = (
                    transaction._parent
                )  # a flush works in a transaction of its own; what is rolled back is around it
            transaction._poolhouse = "rollback"
        except Exception:
            fault("after_rollback")

    return after_rollback


def _after_transaction_end(watch: SessionWatch) -> Listener:
    local = watch.local

    def after_transaction_end(session: Any, transaction: Any) -> None:
        try:
            if transaction._parent is None and by_class[session.__class__] is watch:
                outcome = getattr(transaction, "_poolhouse", "released")
                if outcome is not UNUSED:
                    local.cells[ENDED[outcome]] += 1
        except Exception:
            fault("after_transaction_end")

    return after_transaction_end


def _expired(state: Any, attributes: Any) -> None:
    """Commit and rollback expire every object again, also one that is expired already:
    only the first time it changes state."""
    try:
        if state.key is None or state.session_id is None or state._deleted or getattr(state, EXPIRED, False):
            return
        if attributes is not None and not is_expired(state):  # a relationship or a deferred column alone
            return
        watch = by_class[state.session.__class__]
        if watch is not None:
            setattr(state, EXPIRED, True)
            watch.local.cells[TRANSITION["persistent", "expired"]] += 1
    except Exception:
        fault("expire")


def _refreshed(state: Any, context: Any, attributes: Any) -> None:
    try:
        if not getattr(state, EXPIRED, False) or (attributes is not None and is_expired(state, attributes)):
            return
        setattr(state, EXPIRED, False)
        watch = by_class[state.session.__class__]
        if watch is not None:
            watch.local.cells[TRANSITION["expired", "persistent"]] += 1
    except Exception:
        fault("refresh")


def is_expired(state: Any, loaded: Any = ()) -> bool:
    """Whether a column that is loaded on access, and not deferred, is still missing after `loaded` came."""
    missing = state.expired_attributes.difference(loaded)
    return bool(missing) and any(state.manager[key].impl.load_on_unexpire for key in missing)
