"""Who has a connection, since when, from which line? Listeners on a pool that keep a set of the records that are out.

A set, not a count: `checkin` may come without `checkout`, and a detached connection never comes back."""

from __future__ import annotations

import sys
from bisect import bisect_left
from contextlib import suppress
from threading import get_ident
from time import perf_counter as pc
from typing import Any

from . import instruments, lines, lives, scopes
from .commits import end_transaction, loosen, settle_commit
from .drivers import server_process
from .faults import Listener, fault
from .own_acts import SAMPLED, listened
from .recorder import SECONDS
from .scopes import NONE, endpoint_of
from .tables import HOLD_SECONDS, HOLDS
from .watches import (
    CHECKINS,
    CHECKOUTS,
    COMMIT,
    ENDED,
    ERRORS,
    FAIRY,
    HOLD,
    HOLD_SUM,
    IN_USE,
    INVALIDATIONS,
    LIFE,
    LOST_CHECKOUTS,
    MARK,
    MOST_TOLD,
    SCOPE,
    SINCE,
    SLOW,
    STATEMENT_TEXT,
    TEXTS,
    TRANSACTION,
    TRANSACTION_SINCE,
    PoolWatch,
    first_use,
    new_holder,
    reason_of_invalidation,
)  # fmt: skip

DETACHED_KEPT = 1_000


def listeners(root: Any) -> dict[str, Listener]:
    """One set of listeners for one registration. root decides about pools that nobody has attached yet
    (`root.adopt`)."""
    return {
        "connect": _connect(root),
        "checkout": _checkout(root),
        "checkin": _checkin(root),
        "detach": _detach(root),
        "close_detached": _close_detached(root),
        "invalidate": _invalidate(root, "hard"),
        "soft_invalidate": _invalidate(root, "soft"),
    }


def watch_of(pool: Any, root: Any) -> PoolWatch | None:
    """The pool's watch if this registration counts it; off the hot path."""
    watch: PoolWatch | None = pool.__dict__.get(MARK)
    if watch is None:
        watch = root.adopt(pool)
    return watch if watch is not None and watch.root is root else None


def _is_attached(record: Any) -> bool:
    with suppress(AttributeError):
        return MARK in record._ConnectionRecord__pool.__dict__
    return True


def _checkout(root: Any) -> Listener:
    outside, scope, getframe = lines.first_outside, scopes.current, sys._getframe

    def checkout(dbapi_connection: Any, record: Any, fairy: Any) -> None:
        try:
            watch = record._ConnectionRecord__pool._poolhouse
            if watch.root is not root:  # SQLAlchemy copied this listener into somebody else's pool
                return
            held = watch.held
            if record in held and _is_known(watch, record):
                return
            if lines.keep != "line":
                _checkout_the_long_way(root, record)
                return
            cells = watch.local.cells  # before the hold begins: so a thread is never younger than what it holds
            now = pc()
            frame = outside(getframe)
            told = scope()
            if told is None and scopes.reader is not None:
                told = scopes.reader()
            held[record] = [
                now, get_ident(), frame.f_code, frame.f_lasti, told, record.fairy_ref,
                0.0, 0.0, None, 0.0, None, watch, None, None, False, 0.0, None, None,
            ]  # fmt: skip
            cells[CHECKOUTS] = number = cells[CHECKOUTS] + 1
            if not number & SAMPLED:
                listened("pools", now, pc())
            out = len(held)
            cells[IN_USE + (out if out < MOST_TOLD else MOST_TOLD)] += 1
            if out > watch.top:
                watch.top = out
            if watch.foreign is not None and record in watch.foreign:
                watch.note_leak("foreign_process", held[record])
        except Exception:
            try:
                _checkout_the_long_way(root, record)
            except Exception:
                fault("checkout")

    return checkout


def _checkout_the_long_way(root: Any, record: Any) -> None:
    """Where the quick way found no frame of the program (a greenlet's stack ends early), or the pool is new to us."""
    watch = watch_of(record._ConnectionRecord__pool, root)
    if watch is None:
        return
    place = lines.acquiring(sys._getframe(2))
    cells = watch.local.cells
    watch.held[record] = holder = new_holder(watch, get_ident(), place, scopes.here(), record.fairy_ref)
    cells[CHECKOUTS] += 1
    cells[IN_USE + min(len(watch.held), MOST_TOLD)] += 1
    watch.top = max(watch.top, len(watch.held))
    if watch.foreign is not None and record in watch.foreign:
        watch.note_leak("foreign_process", holder)


def _is_known(watch: PoolWatch, record: Any) -> bool:
    """The record is out already. Either this is the same checkout once more (a listener asked for another
    connection), or a StaticPool gives its one connection to a second taker: then the first one's hold ends here, for
    it has no checkin."""
    holder = watch.held[record]
    if holder[FAIRY] is record.fairy_ref:
        return True
    _end_hold(watch, holder)
    return False


def _end_hold(watch: PoolWatch, holder: list[Any]) -> None:
    loosen(holder)
    local = watch.local
    cells = local.cells
    seconds = pc() - holder[SINCE]
    cells[HOLD + bisect_left(SECONDS, seconds)] += 1
    cells[HOLD_SUM] += seconds
    row = local.endpoints[endpoint_of(holder[SCOPE]) or NONE]
    row[HOLDS] += 1
    row[HOLD_SECONDS] += seconds


def _checkin(root: Any) -> Listener:
    def checkin(dbapi_connection: Any, record: Any) -> None:
        try:
            watch = record._ConnectionRecord__pool._poolhouse
            if watch.root is not root:
                return
            holder = watch.held.pop(record, None)
            local = watch.local
            cells = local.cells
            if holder is None:
                if dbapi_connection is None:  # a slot whose reconnect failed goes back without ever having been out
                    cells[LOST_CHECKOUTS] += 1
                return
            if holder[COMMIT] is not None:
                settle_commit(holder)
            holder[ENDED] = seconds = pc()
            seconds -= holder[SINCE]
            cells[CHECKINS] = number = cells[CHECKINS] + 1
            cells[HOLD + bisect_left(SECONDS, seconds)] += 1
            cells[HOLD_SUM] += seconds
            scope = holder[SCOPE]
            endpoint = None if scope is None else scope.endpoint
            row = local.endpoints[endpoint or NONE]
            row[HOLDS] += 1
            row[HOLD_SECONDS] += seconds
            if holder[FAIRY]() is None or holder[TRANSACTION_SINCE]:
                _note_neglect(watch, holder, dbapi_connection)
            holder[SCOPE] = endpoint  # what is kept of a hold shall not keep its request, nor a text of megabytes
            holder[TEXTS] = holder[STATEMENT_TEXT] = None
            try:
                life = record._poolhouse_life
            except AttributeError:
                life = lives.begin(watch, record)
            life.uses += 1
            life.holds.append(holder)
            if seconds >= SLOW:
                watch.note_slow("hold", bisect_left(SECONDS, seconds), seconds, endpoint or NONE)
            if not number & SAMPLED:
                listened("pools", holder[ENDED], pc())
        except Exception:
            if _is_attached(record):
                fault("checkin")

    return checkin


def _note_neglect(watch: PoolWatch, holder: list[Any], dbapi_connection: Any) -> None:
    """The garbage collector brought it back, or its transaction was neither committed nor rolled back."""
    is_dropped = holder[FAIRY]() is None
    if is_dropped:
        watch.note_leak("garbage_collected", holder)
    since = holder[TRANSACTION_SINCE]
    if since and (is_dropped or dbapi_connection is not None):  # else an invalidated connection's rollback is to come
        holder[TRANSACTION_SINCE] = 0.0
        end_transaction(holder, (since, pc() - since, TRANSACTION["abandoned"]))


def _connect(root: Any) -> Listener:
    def connect(dbapi_connection: Any, record: Any) -> None:
        try:
            pool = record._ConnectionRecord__pool
            is_new = MARK not in pool.__dict__
            watch = watch_of(pool, root)
            if watch is not None:
                if is_new:
                    instruments.count_first_creation(watch, record)
                if watch.foreign is not None:
                    watch.foreign.discard(record)
                lives.begin(watch, record, is_new=True).server_process = server_process(record)
                first_use()
        except Exception:
            fault("connect")

    return connect


def _detach(root: Any) -> Listener:
    def detach(dbapi_connection: Any, record: Any) -> None:
        try:
            watch = watch_of(record._ConnectionRecord__pool, root)
            if watch is None:
                return
            holder = watch.held.pop(record, None)
            if holder is None:
                return
            proxy = holder[FAIRY]
            _end_hold(watch, holder)
            if proxy() is None:  # asyncio: the garbage collector may not await, so it detaches
                watch.note_leak("garbage_collected", holder)
            else:
                life = record.__dict__.get(LIFE)
                if life is None or life.connection != id(dbapi_connection):  # the record has a new connection already
                    life = None
                else:
                    lives.note(watch, life, "detached", holder=holder)
                if len(watch.detached) >= DETACHED_KEPT:  # else only a reader drops those that are gone
                    watch.detached_connections()
                watch.detached[id(dbapi_connection)] = (proxy, life)
        except Exception:
            fault("detach")

    return detach


def _close_detached(root: Any) -> Listener:
    def close_detached(dbapi_connection: Any) -> None:
        try:
            for watch in root.watches():
                _, life = watch.detached.pop(id(dbapi_connection), (None, None))
                lives.end(watch, life, "detached")
        except Exception:
            fault("close_detached")

    return close_detached


def _invalidate(root: Any, kind: str) -> Listener:
    def invalidate(dbapi_connection: Any, record: Any, exception: BaseException | None) -> None:
        try:
            pool = record._ConnectionRecord__pool
            watch = watch_of(pool, root)
            if watch is not None:
                watch.local.cells[INVALIDATIONS[kind]] += 1
                reason = "soft"
                if kind == "hard":
                    watch.local.invalidating = reason = reason_of_invalidation(pool, exception)
                    if reason == "pre_ping":  # handle_error does not say whose ping it was
                        watch.local.cells[ERRORS["ping", True]] += 1
                lives.note(watch, lives.of(watch, record), "invalidated", reason, watch.held.get(record))
        except Exception:
            fault(f"{kind}_invalidate")

    return invalidate
