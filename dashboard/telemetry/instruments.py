"""What of a pool is in no event? Waits, timeouts, failed connects and what is really closed: wrapped on the pool
instance.

Wait time, waiters and the pool's TimeoutError reach no listener; a failed connect reaches none without an Engine; and a
connection that a `connect` listener refused is closed without `close`. So the instance's own methods are wrapped, and
put back."""

from __future__ import annotations

import sys
import threading
import time
import weakref
from bisect import bisect_left
from collections.abc import Callable, Hashable
from functools import cache
from threading import get_ident
from typing import Any, cast

import sqlalchemy as sa
from sqlalchemy.util import queue as sa_queue

from . import lines, lives, scopes
from .faults import fault
from .recorder import AGE_SECONDS, SECONDS
from .scopes import NONE
from .tables import WAIT_SECONDS
from .watches import (
    AGE,
    CLOSED,
    CREATE,
    ERRORS,
    LIFE,
    MARK,
    MOST_TOLD,
    SLOW,
    WAIT,
    WANTED,
    PoolWatch,
    is_disconnect,
    records_of,
)

WRAPPED = ("_do_get", "_invoke_creator", "_close_connection", "recreate")
REASONS_BY_CALLER = {
    "_do_return_conn": "overflow",
    "_cleanup": "overflow",
    "dispose": "dispose",
    "_finalize_fairy": "detached",
    "__connect": "error",
}
CLOSING_FRAMES = 8


def attach(pool: Any, watch: PoolWatch) -> None:
    """From now on this pool's waits, connects and closes count for the watch."""
    pool.__dict__[MARK] = watch
    watch.pools = [reference for reference in watch.pools if reference() is not None]
    watch.pools.append(weakref.ref(pool))
    watch.pool_class = type(pool).__name__
    watch.autocommits = getattr(pool._dialect, "_on_connect_isolation_level", None) == "AUTOCOMMIT"
    before = {name: pool.__dict__.get(name) for name in WRAPPED}
    pool.__dict__[MARK + "_before"] = before
    pool._invoke_creator = _timed_creator(weakref.ref(pool), watch, pool._invoke_creator)
    pool._close_connection = _counted_close(weakref.ref(pool), watch, before["_close_connection"])
    pool.recreate = _followed(weakref.ref(pool), watch, before["recreate"])
    queue = getattr(pool, "_pool", None)
    if isinstance(queue, sa_queue.QueueCommon):
        watch.can_wait = True
        pool._do_get = _settled_get(weakref.ref(pool), watch, before["_do_get"])
        timed = _timed(queue)
        timed.poolhouse_original = type(timed)
        timed.poolhouse_watch = watch
        timed.__class__ = _TimedCondition if timed is not queue else _timed_class(cast(Hashable, type(queue)))


def release(pool: Any) -> None:
    """Puts back everything that `attach` touched."""
    before = pool.__dict__.pop(MARK + "_before", None)
    watch = pool.__dict__.pop(MARK, None)
    for record in (*records_of(pool), *(watch.held.copy() if watch is not None else ())):
        if record._ConnectionRecord__pool is pool:
            record.__dict__.pop(LIFE, None)
    if before is None:
        return
    for name in WRAPPED:
        if before[name] is None:
            pool.__dict__.pop(name, None)
        else:
            pool.__dict__[name] = before[name]
    timed = _timed(getattr(pool, "_pool", None))
    if "poolhouse_original" in getattr(timed, "__dict__", ()):
        timed.__class__ = timed.__dict__.pop("poolhouse_original")
        del timed.poolhouse_watch


def _timed(queue: Any) -> Any:
    """What tells of a wait: the condition that a thread waits on, or for asyncio the queue itself."""
    return getattr(queue, "not_empty", queue)


def has_queue(pool: Any) -> bool:
    """Whether one can wait for this pool."""
    return isinstance(getattr(pool, "_pool", None), sa_queue.QueueCommon)


class _TimedCondition(threading.Condition):
    """What a thread waits on in SQLAlchemy's queue while no connection is free: only then is `wait` called."""

    def wait(self, timeout: float | None = None) -> bool:
        _begin_wait(self, get_ident)
        return super().wait(timeout)


@cache
def _timed_class(original: Any) -> Any:
    """For an AsyncEngine: a subclass of its pool's queue. Only get(block=True) with nothing to be had waits."""

    def get(self: Any, block: bool = True, timeout: float | None = None) -> Any:
        if block:
            try:
                return original.get(self, False)
            except sa_queue.Empty:
                _begin_wait(self, _greenlet)
        return original.get(self, block, timeout)

    return type(original.__name__, (original,), {"get": get, "__module__": __name__})


def _greenlet() -> Any:
    return sys.modules["greenlet"].getcurrent()  # it is there wherever an AsyncEngine works


def _begin_wait(timed: Any, key: Callable[[], Any]) -> None:
    try:
        place = lines.acquiring(sys._getframe(2))
        # an Empty is not yet a timeout: _do_get may call itself and wait again, and that is one wait
        waiter = (time.perf_counter(), get_ident(), place, scopes.here())
        watch = timed.poolhouse_watch
        if watch.waiting.setdefault(key(), waiter) is waiter:
            watch.local.cells[WANTED + min(len(watch.held) + len(watch.waiting), MOST_TOLD)] += 1
    except AttributeError:  # unwatched a moment ago
        pass
    except Exception:
        fault("wait")


def _settled_get(pool: Any, watch: PoolWatch, before: Callable[[], Any] | None) -> Callable[[], Any]:
    original = type(pool())._do_get if before is None else lambda _: before()
    waiting = watch.waiting
    key = get_ident if isinstance(pool()._pool, sa_queue.Queue) else _greenlet

    def _do_get() -> Any:
        try:
            record = original(pool())
        except BaseException as error:
            if waiting:
                _settle(watch, key(), "timeout" if isinstance(error, sa.exc.TimeoutError) else None)
            raise
        if waiting:
            _settle(watch, key(), "ok")
        return record

    return _do_get


def _settle(watch: PoolWatch, key: Any, outcome: str | None) -> None:
    """The calling thread's wait is over, if it waited. The innermost _do_get gets here first, the outer ones find
    nothing. outcome: None where it ended with neither a connection nor a timeout: its task was cancelled, or no
    connection could be made."""
    try:
        waiter = watch.waiting.pop(key, None)
        if waiter is None:
            return
        seconds = time.perf_counter() - waiter[0]
        local = watch.local
        scope = waiter[3]
        local.endpoints[NONE if scope is None else scope.endpoint][WAIT_SECONDS] += seconds
        if scope is not None:
            scope.use_of(watch)[2] += seconds
        if outcome is None:
            return
        cells, base = local.cells, WAIT[outcome]
        bucket = bisect_left(SECONDS, seconds)
        cells[base + bucket] += 1
        cells[base + len(SECONDS) + 1] += seconds
        if seconds >= SLOW:
            watch.note_slow(f"wait|{outcome}", bucket, seconds, scopes.endpoint_of(scope) or NONE)
        if outcome == "timeout":
            event = (time.perf_counter(), "timed_out", waiter[2], scopes.endpoint_of(scope), seconds, None)
            watch.tape.append((None, event))
    except Exception:
        fault("wait")


def _followed(pool: Any, watch: PoolWatch, before: Callable[[], Any] | None) -> Callable[[], Any]:
    """dispose() puts a recreated pool in this one's place, and other threads use it before engine_disposed is fired."""
    original = type(pool()).recreate if before is None else lambda _: before()

    def recreate() -> Any:
        successor = original(pool())
        try:
            if not watch.spent:
                attach(successor, watch)
        except Exception:
            fault("recreate")
        return successor

    return recreate


def _timed_creator(pool: Any, watch: PoolWatch, original: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def _invoke_creator(record: Any) -> Any:
        start = time.perf_counter()
        try:
            connection = original(record)
        except BaseException as error:
            _count_creation(watch, time.perf_counter() - start, pool(), error)
            raise
        _count_creation(watch, time.perf_counter() - start, pool(), None)
        return connection

    return _invoke_creator


def _count_creation(watch: PoolWatch, seconds: float, pool: Any, error: BaseException | None) -> None:
    try:
        base = CREATE["ok" if error is None else "error"]
        cells = watch.local.cells
        cells[base + bisect_left(SECONDS, seconds)] += 1
        cells[base + len(SECONDS) + 1] += seconds
        if error is not None:
            cells[ERRORS["connect", is_disconnect(pool, error)]] += 1
            endpoint, kind = scopes.endpoint_of(scopes.here()), type(error).__name__
            asked = lines.acquiring(sys._getframe(2))
            watch.tape.append((None, (time.perf_counter(), "not_opened", asked, endpoint, seconds, kind)))
    except Exception:
        fault("create")


def count_first_creation(watch: PoolWatch, record: Any) -> None:
    """A pool that is attached by its own first `connect` event: that connection was made before the wrapper was
    there."""
    _count_creation(watch, max(0.0, time.time() - record.starttime), None, None)


def _counted_close(pool: Any, watch: PoolWatch, before: Callable[..., None] | None) -> Callable[..., None]:
    original = type(pool())._close_connection if before is None else lambda _, *a, **k: before(*a, **k)

    def _close_connection(connection: Any, *, terminate: bool = False) -> None:
        _count_close(watch, pool())
        original(pool(), connection, terminate=terminate)

    return _close_connection


def _count_close(watch: PoolWatch, pool: Any) -> None:
    try:
        reason, record = _why_closed(watch, pool)
        cells = watch.local.cells
        cells[CLOSED[reason]] += 1
        if record is not None:
            lives.end(watch, record.__dict__.get(LIFE), reason)
        if record is not None and record.starttime:
            seconds = max(0.0, time.time() - record.starttime)
            cells[AGE + bisect_left(AGE_SECONDS, seconds)] += 1
            cells[AGE + len(AGE_SECONDS) + 1] += seconds
    except Exception:
        fault("close")


def _why_closed(watch: PoolWatch, pool: Any) -> tuple[str, Any]:
    """Told by who calls: SQLAlchemy gives the reason to no event. Closing is rare enough for a look at the stack."""
    frame: Any = sys._getframe(2)
    record = None
    for _ in range(CLOSING_FRAMES):
        frame = frame.f_back
        if frame is None:
            break
        name = frame.f_code.co_name
        record = frame.f_locals.get("self") if name == "__close" else record
        if name == "invalidate":
            return watch.local.__dict__.pop("invalidating", "invalidated"), record
        if name == "get_connection":
            return _why_renewed(pool, record), record
        if name in REASONS_BY_CALLER:
            return REASONS_BY_CALLER[name], record
    return "error", record


def _why_renewed(pool: Any, record: Any) -> str:
    """A checkout closes the connection and makes a new one: it was told to be invalid before, or it is too old."""
    told = max(pool._invalidate_time, getattr(record, "_soft_invalidate_time", 0.0))
    return "invalidated" if record is not None and told > record.starttime else "recycle"
