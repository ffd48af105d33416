"""How long do transactions and statements take, and how do they end? Listeners on an Engine's connections."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable
from threading import get_ident
from time import perf_counter as pc
from typing import Any

from sqlalchemy.engine.interfaces import CacheStats

from . import lives, loads, scopes
from .faults import fault
from .loads import FOR
from .own_acts import SAMPLED, listened
from .pools import Listener
from .recorder import SECONDS, STATEMENT_SECONDS
from .scopes import NONE, endpoint_of
from .tables import STATEMENT_SUM, operation_of
from .watches import (
    CACHE,
    COMMITTED,
    ENDS,
    ERRORS,
    MARK,
    SCOPE,
    SLOW,
    STATEMENT_ENDED,
    STATEMENT_SINCE,
    STATEMENT_TEXT,
    TEXTS,
    TRANSACTION,
    TRANSACTION_SINCE,
    USE,
    WATCH,
    new_holder,
)  # fmt: skip

RELEASING = "poolhouse_releasing"
"""A key of `connection.info`: while it is there, a rollback only ends a transaction after mere reading: `released`."""
_HIT, _MISS = CacheStats.CACHE_HIT, CacheStats.CACHE_MISS
_CACHE_HIT, _CACHE_MISS, _CACHE_NO_KEY = CACHE["hit"], CACHE["miss"], CACHE["no_key"]
_SECONDS_SUM = len(SECONDS) + 1


def listeners(root: Any) -> dict[str, Listener]:
    """Listeners for an Engine; `begin` finds the holder once and leaves it on the Connection for the others."""
    return {
        "begin": _begin(root),
        "begin_twophase": _begin(root),
        "commit": _end("commit"),
        "rollback": _end("rollback"),
        "commit_twophase": _end("commit"),
        "rollback_twophase": _end("rollback"),
        "before_cursor_execute": _before_cursor_execute(),
        "after_cursor_execute": _after_cursor_execute(),
        "handle_error": _handle_error(root),
    }


def _begin(root: Any) -> Listener:
    def begin(connection: Any, xid: Any = None) -> None:
        try:
            watch = connection.engine.pool._poolhouse
            if watch.root is not root:
                return
            holder = watch.held.get(connection._dbapi_connection._connection_record)
            if holder is None:  # detached, or out since before the watch began: it has transactions all the same
                holder = new_holder(watch, get_ident(), None, scopes.here(), None)
            scope = holder[SCOPE]
            if scope is None:
                holder[TEXTS] = watch.local.statements[NONE]
            else:
                holder[TEXTS] = watch.local.statements[scope.endpoint]
                holder[USE] = scope.uses.get(watch) or scope.use_of(watch)
            if holder[ENDS] is not None:
                lives.keep_transaction(watch, connection._dbapi_connection._connection_record, holder)
            holder[TRANSACTION_SINCE] = pc()
            holder[COMMITTED] = 0
            connection._poolhouse = holder
        except Exception:
            if MARK in connection.engine.pool.__dict__:
                fault("begin")

    return begin


def _end(outcome: str) -> Listener:
    may_be_released = outcome == "rollback"
    position = TRANSACTION[outcome]
    committed = outcome == "commit"

    def end(connection: Any, xid: Any = None, prepared: bool = False) -> None:
        try:
            holder = connection._poolhouse
            since = holder[TRANSACTION_SINCE]
            if not since:
                return
            seconds = pc() - since
            holder[TRANSACTION_SINCE] = 0.0
            cells = holder[WATCH].local.cells
            base = position
            if may_be_released and _is_released(connection):
                base = TRANSACTION["released"]
            cell = base + bisect_left(SECONDS, seconds)
            cells[cell] += 1
            cells[base + _SECONDS_SUM] += seconds
            holder[ENDS] = (since, seconds, base)
            if committed:
                holder[COMMITTED] = cell  # the event comes before the COMMIT, which may fail yet
        except AttributeError:  # the watch began within this transaction
            pass
        except Exception:
            fault(outcome)

    return end


def _is_released(connection: Any) -> bool:
    fairy = getattr(connection, "_dbapi_connection", None)  # an invalidated Connection has none
    record = None if fairy is None else fairy._connection_record
    return record is not None and RELEASING in record.__dict__.get("info", ())  # which is made when it is asked for


def _before_cursor_execute() -> Callable[..., tuple[str, Any]]:
    def before_cursor_execute(
        connection: Any, cursor: Any, statement: str, parameters: Any, context: Any, many: bool
    ) -> tuple[str, Any]:
        try:
            holder = connection._poolhouse
            holder[STATEMENT_TEXT] = statement
            holder[STATEMENT_SINCE] = pc()
        except AttributeError:  # the watch began within this transaction
            pass
        except Exception:
            fault("before_cursor_execute")
        return statement, parameters  # listened to with retval=True: that spares SQLAlchemy's wrapper around each call

    return before_cursor_execute


def _after_cursor_execute() -> Listener:
    def after_cursor_execute(
        connection: Any, cursor: Any, statement: str, parameters: Any, context: Any, many: bool
    ) -> None:
        try:
            holder = connection._poolhouse
            now = pc()
            since = holder[STATEMENT_SINCE]
            if not since:
                return
            holder[STATEMENT_SINCE] = 0.0
            holder[STATEMENT_ENDED] = now
            since = now - since
            row = holder[TEXTS][statement]
            row[bisect_left(STATEMENT_SECONDS, since)] += 1
            row[STATEMENT_SUM] += since
            use = holder[USE]
            if use is not None:
                use[0] += 1
                use[1] += since
            hit = context.cache_hit
            cells = holder[WATCH].local.cells
            cell = _CACHE_HIT if hit is _HIT else _CACHE_MISS if hit is _MISS else _CACHE_NO_KEY
            cells[cell] = number = cells[cell] + 1
            if FOR in connection.__dict__:
                loads.count(connection, context)
            if since >= SLOW:
                _note_slow(holder, statement, since)
            if not number & SAMPLED:
                listened("statements", now, pc())
        except AttributeError:
            pass
        except Exception:
            fault("after_cursor_execute")

    return after_cursor_execute


def _note_slow(holder: list[Any], statement: str, seconds: float) -> None:
    family, endpoint = f"statement|{operation_of(statement)}", endpoint_of(holder[SCOPE]) or NONE
    holder[WATCH].note_slow(family, bisect_left(STATEMENT_SECONDS, seconds), seconds, endpoint)


def _handle_error(root: Any) -> Listener:
    def handle_error(error: Any) -> None:
        try:
            if error.engine is None:
                return
            watch = error.engine.pool.__dict__.get(MARK)
            if watch is None or watch.root is not root:  # engines may share a dialect, and with it this event
                return
            if error.connection is not None:  # failed connects are counted where they fail, Engine or not
                _count_error(watch, error)
        except Exception:
            fault("handle_error")

    return handle_error


def _count_error(watch: Any, error: Any) -> None:
    holder = getattr(error.connection, "_poolhouse", None)
    watch.local.cells[ERRORS["execute", bool(error.is_disconnect)]] += 1
    if error.statement is not None:
        watch.count_error(type(error.original_exception).__name__)
        if holder is not None and holder[STATEMENT_SINCE]:
            holder[STATEMENT_SINCE] = 0.0
            holder[STATEMENT_ENDED] = pc()
    elif holder is not None and holder[COMMITTED]:
        # the COMMIT that was counted has failed: the database took nothing, so it was a rollback
        cell = holder[COMMITTED]
        holder[COMMITTED] = 0
        since, seconds, _ = holder[ENDS]
        holder[ENDS] = (since, seconds, TRANSACTION["rollback"])
        cells = watch.local.cells
        for base, sign in ((TRANSACTION["commit"], -1), (TRANSACTION["rollback"], 1)):
            cells[cell - TRANSACTION["commit"] + base] += sign
            cells[base + _SECONDS_SUM] += sign * seconds
