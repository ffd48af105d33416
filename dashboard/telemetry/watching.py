"""How is a pool or a Session class watched, once, and let go again without a trace?"""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from . import (
    detachments,
    flushes,
    instruments,
    orm_errors,
    pools,
    requests,
    scopes,
    sessions,
    statements,
    survivors,
    uses,
)
from .commits import end_holds
from .faults import Listener, fault
from .watches import MARK, PoolWatch

DEFAULT_NAME = "default"
scopes.at_end += [requests.add_up, survivors.scope_ended]
scopes.at_error.append(orm_errors.note)
ROOMS = (sessions, flushes, detachments, uses)  # whose listeners a Session class gets


class Watch:
    """What `watch` and `watch_sessions` return. `name`: the pool's label, or the registry's. `stop()` ends it; its
    counts stay."""

    def __init__(self, name: str, registration: Root | sessions.SessionWatch) -> None:
        self.name = name
        self._registration = registration

    def stop(self) -> None:
        """Takes every listener and every wrapper away again. Harmless when it is done twice."""
        with _lock:
            if isinstance(self._registration, Root):
                self._registration.end()
            elif self._registration.end():
                ended_sessions.append(self._registration)

    def __repr__(self) -> str:
        return f"<Watch {self.name!r}>"


class Root:
    """One registration on an Engine, a Pool, or the class of either: its listeners, and the pools that they count."""

    def __init__(self, target: Any, name: str | None) -> None:
        self.name = name
        self.is_class = isinstance(target, type)
        self._engine: weakref.ref[Any] | None = None
        self._listening: list[tuple[weakref.ref[Any] | type, str, Listener]] = []
        self._pool_watches: list[PoolWatch] = []
        self.watch = Watch(name or DEFAULT_NAME, self)

    def watches(self) -> list[PoolWatch]:
        return self._pool_watches

    def begin_on_pool(self, pool: Any) -> None:
        self._attach(pool)
        self._listen(pool, pools.listeners(self))

    def begin_on_class(self, class_: type) -> None:
        self._listen(class_, pools.listeners(self))
        if issubclass(class_, sa.Engine):
            self._listen(class_, statements.listeners(self))

    def begin_on_engine(self, engine: sa.Engine) -> None:
        """Also for a pool that is watched already: then only what the Engine adds to it."""
        if not self._pool_watches:
            self._attach(engine.pool)
            self._listen(engine, pools.listeners(self))
        self._engine = weakref.ref(engine)
        self._listen(engine, {**statements.listeners(self), "engine_disposed": self._engine_disposed})

    @property
    def has_engine(self) -> bool:
        return self._engine is not None or self.is_class

    def engine(self) -> sa.Engine | None:
        """The engine that is watched; None where it is a pool, a class, or gone."""
        return None if self._engine is None else self._engine()

    def adopt(self, pool: Any) -> PoolWatch | None:
        """A pool whose events come here though nobody attached it: the next one of a class, else somebody's copy."""
        if not self.is_class:
            return None
        with _lock:
            known: PoolWatch | None = pool.__dict__.get(MARK)
            return known or self._attach(pool)

    def forget(self, watch: PoolWatch) -> None:
        """A pool of this registration that is gone."""
        if watch in self._pool_watches:
            self._pool_watches.remove(watch)

    def _attach(self, pool: Any) -> PoolWatch:
        name = self.name or getattr(pool, "_orig_logging_name", None) or DEFAULT_NAME
        watch = PoolWatch(name, self)
        instruments.attach(pool, watch)
        self._pool_watches.append(watch)
        active.append(watch)
        if not self.is_class:
            self.watch.name = name
        return watch

    def _engine_disposed(self, engine: Any) -> None:
        """A pool class whose recreate() we could not follow."""
        try:
            with _lock:
                if MARK not in engine.pool.__dict__ and self._pool_watches:
                    instruments.attach(engine.pool, self._pool_watches[0])
        except Exception:
            fault("engine_disposed")

    def _listen(self, target: Any, listeners: Mapping[str, Listener]) -> None:
        for name, listener in listeners.items():
            sa.event.listen(target, name, listener, **({"retval": True} if name == "before_cursor_execute" else {}))
            self._listening.append((target if isinstance(target, type) else weakref.ref(target), name, listener))

    def end(self) -> None:
        for reference, name, listener in self._listening:
            target = reference if isinstance(reference, type) else reference()
            if target is not None:
                with suppress(sa.exc.InvalidRequestError):  # SQLAlchemy dropped it with a pool that is gone
                    sa.event.remove(target, name, listener)
        for watch in self._pool_watches:
            for pool in watch.all_pools():
                for name, listener in self._left_in(pool):
                    getattr(pool.dispatch, name).listeners.remove(listener)
                instruments.release(pool)
            end_holds(watch)
            watch.waiting.clear()
            watch.detached.clear()
            watch.spent = True
        self._listening = []
        engine = self.engine()
        if engine is not None:
            _forget_events(engine)
            _forget_events(engine.dialect)

    def _left_in(self, pool: Any) -> Iterator[tuple[str, Listener]]:
        """What SQLAlchemy can no longer remove: listeners of a Pool, in the pool that was recreated from it."""
        for _, name, listener in self._listening:
            collection = getattr(pool.dispatch, name, None)
            if collection is not None and listener in tuple(getattr(collection, "listeners", ())):
                yield name, listener


def _forget_events(target: Any) -> None:
    """SQLAlchemy raises this flag with the first listener and never lowers it; it slows each statement down."""
    if "_has_events" in target.__dict__ and not any(
        bool(collection) for collection in target.dispatch._event_descriptors
    ):
        del target.__dict__["_has_events"]


active: list[PoolWatch] = []
ended_sessions: list[sessions.SessionWatch] = []
_class_roots: dict[type, Root] = {}
_lock = threading.RLock()


def _after_fork() -> None:
    """Another thread of the parent may have held them; a watched class asks for one at a checkout."""
    global _lock
    _lock = threading.RLock()
    sessions.lock = threading.RLock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


def watch(target: Any, *, name: str | None = None, publish: str | Path | None = None) -> Watch:
    """From now on the pool's events are counted, and its holders and waiters known; not who has one already.

    target: an Engine, AsyncEngine or Pool, or the class Engine or Pool: then every pool of the process, future ones
    too. name: the label `pool`; else the pool's `pool_logging_name`, else "default". publish: the folder of a Poolhouse
    that runs beside this program; the process joins its ledger, and so does a forked child that uses one.
    A pool is watched once, whatever is passed (an engine, a copy of it, its pool): the same Watch comes back.
    Raises ValueError for a second name of the same pool, TypeError for any other target.

    >>> engine = sa.create_engine("sqlite://")
    >>> watched = watch(engine, name="shop")
    >>> watch(engine.pool) is watched
    True
    >>> watched.stop()
    """
    with _lock:
        root = _watch_class(target, name) if isinstance(target, type) else _watch_instance(_plain(target), name)
    if publish is not None:
        from .ledger import Ledger  # here, because the ledger reads what is watched

        Ledger(Path(publish)).join(children=True)
    return root.watch


def _plain(target: Any) -> Any:
    """The engine behind an AsyncEngine or behind an `execution_options` copy; a pool as it is."""
    target = getattr(target, "sync_engine", target)
    while isinstance(target, sa.Engine) and hasattr(target, "_proxied"):
        target = target._proxied
    return target


def _watch_instance(target: Any, name: str | None) -> Root:
    if not isinstance(target, (sa.Engine, sa.Pool)):
        raise TypeError(f"watch takes an Engine, an AsyncEngine, a Pool, or the class Engine or Pool, not {target!r}")
    pool = target.pool if isinstance(target, sa.Engine) else target
    known: PoolWatch | None = pool.__dict__.get(MARK)
    if known is not None and _is_anothers(target, known):
        instruments.release(pool)
        known = None
    if known is None:
        root = Root(target, name)
        root.begin_on_engine(target) if isinstance(target, sa.Engine) else root.begin_on_pool(target)
        return root
    _insist(known.name, name)
    found: Root = known.root
    if isinstance(target, sa.Engine) and not found.has_engine:
        found.begin_on_engine(target)
    return found


def _is_anothers(target: Any, known: PoolWatch) -> bool:
    """A pool that was recreated from a watched Engine's, and that another Engine has been built on."""
    engine = known.root.engine()
    return (
        isinstance(target, sa.Engine) and engine is not None and engine is not target and engine.pool is not target.pool
    )


def _watch_class(class_: type, name: str | None) -> Root:
    if not issubclass(class_, (sa.Engine, sa.Pool)):
        raise TypeError(f"watch takes the class Engine or Pool, not {class_!r}")
    known = _class_roots.get(class_)
    if known is not None and known._listening:
        _insist(known.name or DEFAULT_NAME, name)
        return known
    root = _class_roots[class_] = Root(class_, name)
    root.begin_on_class(class_)
    return root


def _insist(known: str, name: str | None) -> None:
    if name is not None and name != known:
        raise ValueError(f"this pool is watched already, as {known!r}; it cannot be {name!r} as well")


def watch_sessions(target: Any, *, registry: str | None = None) -> Watch:
    """From now on root transactions, flushes and changes of state of these Sessions are counted.

    target: a sessionmaker, a scoped_session (or their async ones) or a Session class. registry: the label, else
    "default". Where a Session class and a sessionmaker or subclass of it are both watched, an event counts once, for
    the more specific.
    Raises ValueError for a second registry name of the same target, TypeError for any other target.
    """
    class_ = sessions.class_of(target)
    with _lock:
        known = sessions.registered.get(class_)
        if known is not None:
            if registry is not None and registry != known.registry:
                raise ValueError(f"these Sessions are watched already, as {known.registry!r}; not {registry!r} as well")
            return Watch(known.registry, known)
        session_watch = sessions.SessionWatch(class_, registry or DEFAULT_NAME)
        for room in ROOMS:
            session_watch.listeners.update(room.listeners(session_watch))
        session_watch.begin()
        return Watch(session_watch.registry, session_watch)


def unwatch(target: Any) -> None:
    """Ends what `watch` or `watch_sessions` began on this target; nothing happens where neither did."""
    with _lock:
        root = _class_roots.pop(target, None) if isinstance(target, type) else None
        plain = _plain(target)
        pool = plain.pool if isinstance(plain, sa.Engine) else plain
        known = None if isinstance(target, type) else getattr(pool, "__dict__", {}).get(MARK)
        found = root or (known.root if known is not None else None)
        if found is not None:
            found.watch.stop()
            return
        with suppress(TypeError):
            session_watch = sessions.registered.get(sessions.class_of(target))
            if session_watch is not None:
                Watch(session_watch.registry, session_watch).stop()
