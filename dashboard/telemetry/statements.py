"""How long do statements take, and how do they end? Listeners on an Engine's connections, with those of
transactions.py."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable
from time import perf_counter as pc
from typing import Any

from sqlalchemy.engine.interfaces import CacheStats

from . import loads, transactions
from .commits import refuse_commit
from .faults import Listener, fault
from .loads import FOR
from .own_acts import SAMPLED, listened
from .recorder import STATEMENT_SECONDS
from .scopes import NONE, endpoint_of
from .tables import LONG, STATEMENT_SUM, fingerprint_of, operation_of
from .watches import (
    CACHE,
    CODE,
    COMMIT,
    ERRORS,
    MARK,
    OFFSET,
    SCOPE,
    SLOW,
    STATEMENT_ENDED,
    STATEMENT_SINCE,
    STATEMENT_TEXT,
    TEXTS,
    TRANSACTION_SINCE,
    USE,
    WATCH,
)  # fmt: skip

_HIT, _MISS = CacheStats.CACHE_HIT, CacheStats.CACHE_MISS
_CACHE_HIT, _CACHE_MISS, _CACHE_NO_KEY = CACHE["hit"], CACHE["miss"], CACHE["no_key"]


def listeners(root: Any) -> dict[str, Listener]:
    """Listeners for an Engine."""
    return {
        **transactions.listeners(root),
        "before_cursor_execute": _before_cursor_execute(),
        "after_cursor_execute": _after_cursor_execute(),
        "handle_error": _handle_error(root),
    }


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
    place = (holder[CODE], holder[OFFSET]) if holder[OFFSET] else holder[CODE]
    bucket = bisect_left(STATEMENT_SECONDS, seconds)
    holder[WATCH].note_slow(family, bucket, seconds, endpoint, fingerprint_of(statement[:LONG]), place)


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
    elif holder is None:
        pass
    elif error.connection._transaction is None:  # it could not even begin
        holder[TRANSACTION_SINCE] = 0.0
    elif holder[COMMIT] is not None:
        refuse_commit(holder)
