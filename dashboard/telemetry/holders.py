"""Who has a connection of this process, since when, doing what; who waits, and what leaked? As plain JSON data."""

from __future__ import annotations

import time
from collections.abc import Iterable
from math import inf
from typing import Any

from ..config import Config
from ..masks import told
from .drivers import server_process
from .lines import doing, line_of
from .lives import number_of
from .scopes import NONE, Scope, endpoint_of
from .tables import OTHER
from .watches import (
    CODE,
    OFFSET,
    OVERDUE,
    SCOPE,
    SINCE,
    STATEMENT_ENDED,
    STATEMENT_SINCE,
    STATEMENT_TEXT,
    THREAD,
    TRANSACTION_SINCE,
    Leak,
    PoolWatch,
)  # fmt: skip

Said = dict[str, Any]
Works = dict[int, tuple[str | None, tuple[str, ...]]]
"""By the id of a holder or waiter, what its thread does: its line, its stack."""


def oldest(held: list[tuple[Any, list[Any]]], config: Config) -> list[tuple[Any, list[Any]]]:
    return sorted(held, key=lambda item: item[1][SINCE])[: config.holders_shown]


def idle_since(holder: list[Any]) -> float:
    """When the open transaction last had a statement, or began; 0 without a transaction, or while a statement runs."""
    if not holder[TRANSACTION_SINCE] or holder[STATEMENT_SINCE]:
        return 0.0
    return float(max(holder[TRANSACTION_SINCE], holder[STATEMENT_ENDED]))


def oldest_ages(
    held: list[tuple[Any, list[Any]]], waiters: Iterable[tuple[float, Any, Any, Any]], clock: float
) -> dict[str, float | None]:
    """The moments at which the longest hold, wait, idle transaction and running statement began: of all, not only of
    those shown."""

    def earliest(moments: Iterable[float]) -> float | None:
        first = min((moment for moment in moments if moment), default=None)
        return None if first is None else clock + first

    return {
        "hold": earliest(holder[SINCE] for _, holder in held),
        "wait": earliest(waiter[0] for waiter in waiters),
        "idle_in_transaction": earliest(idle_since(holder) for _, holder in held),
        "statement": earliest(holder[STATEMENT_SINCE] for _, holder in held),
    }


def at_work(watch: PoolWatch, pool: Any, held: Iterable[list[Any]], waiters: Iterable[Any]) -> Works:
    """What the threads of these holders and waiters do at this moment. Without those that have ended: their numbers
    may be another thread's by now. Nothing where tasks share a thread."""
    if pool is None or pool._is_asyncio or getattr(pool._dialect, "is_async", False):
        return {}
    begun = watch.recorder.threads()
    threads = {id(holder): holder[THREAD] for holder in held if begun.get(holder[THREAD], inf) <= holder[SINCE]}
    threads.update((id(waiter), waiter[1]) for waiter in waiters)
    found = doing(set(threads.values()))
    return {key: found[thread] for key, thread in threads.items() if thread in found}


def holder_said(
    record: Any, holder: list[Any], clock: float, names: dict[int | None, str], config: Config, works: Works
) -> Said:
    idle, running = idle_since(holder), holder[STATEMENT_SINCE]
    statement = holder[STATEMENT_TEXT]
    now, stack = works.get(id(holder), (None, ()))
    return {
        "since": clock + holder[SINCE],
        "endpoint": endpoint_of(holder[SCOPE]),
        "thread": names.get(holder[THREAD], f"thread {holder[THREAD]}"),
        "now": now,
        "stack": stack,
        "line": line_of((holder[CODE], holder[OFFSET]) if holder[OFFSET] else holder[CODE]),
        "in_transaction": bool(holder[TRANSACTION_SINCE]),
        "idle_since": clock + idle if idle else None,
        "running_since": clock + running if running else None,
        "statement": None if statement is None else told(statement, config),
        "server_process": server_process(record),
        "connection": number_of(record),
    }


def waiter_said(
    waiter: tuple[float, int, Any, Scope | None], clock: float, names: dict[int | None, str], works: Works
) -> Said:
    since, thread, place, scope = waiter
    return {
        "since": clock + since,
        "endpoint": endpoint_of(scope),
        "line": line_of(place),
        "thread": names.get(thread, f"thread {thread}"),
        "now": works.get(id(waiter), (None, ()))[0],
    }


def note_overdue(watch: PoolWatch, held: list[tuple[Any, list[Any]]], config: Config) -> None:
    """Held for longer than anybody should: counted once for each hold, when somebody looks or publishes."""
    now = time.perf_counter()
    for _, holder in held:
        if holder[SINCE] < now - config.overdue_seconds and not holder[OVERDUE]:
            holder[OVERDUE] = True
            watch.note_leak("overdue", holder, _meanwhile(holder, now, config))


def _meanwhile(holder: list[Any], now: float, config: Config) -> str | None:
    idle, running = idle_since(holder), holder[STATEMENT_SINCE]
    if idle and now - idle > config.idle_in_transaction_seconds:
        return "idle in transaction"
    return "runs a statement" if running and now - running > config.stuck_seconds else None


def leak_said(leak: Leak) -> Said:
    return {
        "kind": leak.kind,
        "at": leak.at,
        "seconds": leak.seconds,
        "line": line_of(leak.place),
        "endpoint": leak.endpoint,
        "meanwhile": leak.meanwhile,
    }


def exemplar_said(place: tuple[str, int], slow: tuple[Any, ...], config: Config) -> list[Any]:
    """A slow observation, by its histogram and bucket."""
    *observed, statement, line = slow
    return [*place, *observed, statement and told(statement, config), line_of(line)]


def held_by_endpoint(watch: PoolWatch, held: list[tuple[Any, list[Any]]]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for _, holder in held:
        name = endpoint_of(holder[SCOPE]) or NONE
        name = name if watch.endpoints.admits(name) else OTHER
        counts[name] = counts.get(name, 0) + 1
    return counts
