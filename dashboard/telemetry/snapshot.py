"""What has this process to say? Its numbers, holders, waiters and Sessions as plain JSON data, the shape of a row of
the ledger."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterable
from math import inf
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm.session import _sessions

from ..config import Config
from . import faults, sessions, watching
from .instruments import has_queue
from .lines import line_of
from .recorder import SECONDS, Numbers
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
    records_of,
)  # fmt: skip

Said = dict[str, Any]
"""{"pools": {label: {...}}, "registries": {name: {...}}, "live_sessions": [...], "faults": {listener: count}}.
Moments are seconds since 1970."""

_ended: dict[str, dict[str, Numbers]] = {"pools": {}, "registries": {}}
_lock = threading.RLock()


def own(config: Config) -> Said:
    """Everything of this process, since it began. Touches no connection and asks no pool for one."""
    with _lock:
        _bury()
        clock = time.time() - time.perf_counter()
        names = {thread.ident: thread.name for thread in threading.enumerate()}
        pools: dict[str, Any] = {name: {"numbers": dict(numbers)} for name, numbers in _ended["pools"].items()}
        for watch in list(watching.active):
            _merge_pool(pools.setdefault(watch.name, {"numbers": {}}), _pool(watch, clock, names, config))
        registries: dict[str, Any] = {
            name: {"numbers": dict(numbers)} for name, numbers in _ended["registries"].items()
        }
        for session_watch in list(sessions.registered.values()):
            said = registries.setdefault(session_watch.registry, {"numbers": {}})
            add(said["numbers"], session_watch.recorder.numbers())
        live = _live_sessions(registries, config)
        return {"pools": pools, "registries": registries, "live_sessions": live, "faults": faults.counts()}


def add(sums: Numbers, numbers: Numbers, sign: int = 1) -> Numbers:
    """Adds numbers to sums, in place: counts, and histograms place by place.

    >>> add({"checkouts": 2}, {"checkouts": 1, "hold": [1, 0.5]})
    {'checkouts': 3, 'hold': [1, 0.5]}
    """
    for name, value in numbers.items():
        if isinstance(value, list):
            before = sums.get(name) or [0] * len(value)
            sums[name] = [a + sign * b for a, b in zip(before, value, strict=True)]
        else:
            sums[name] = sums.get(name, 0) + sign * value
    return sums


def _bury() -> None:
    """What is no longer watched keeps its counts: they were scraped, and a counter must not fall."""
    for watch in [w for w in watching.active if w.spent or w.is_gone()]:
        watching.active.remove(watch)
        watch.root.forget(watch)
        add(_ended["pools"].setdefault(watch.name, {}), _numbers(watch, watch.recorder.rows("statements")))
    while watching.ended_sessions:
        session_watch = watching.ended_sessions.pop()
        add(_ended["registries"].setdefault(session_watch.registry, {}), session_watch.recorder.numbers())


def _numbers(watch: PoolWatch, statements: dict[Any, list[Any]]) -> Numbers:
    merged = watch.recorder.merged()
    numbers = watch.recorder.layout.named(merged)
    if watch.can_wait and (zeros := watch.waits_of_zero(merged)):
        waits = numbers.setdefault("wait|ok", [0] * (len(SECONDS) + 2))
        waits[0] += zeros
    for name, count in watch.error_names.copy().items():
        numbers[f"statement errors|{name}"] = count
    for endpoint, row in watch.recorder.rows("endpoints").items():
        numbers[f"endpoint|{endpoint}"] = row
    for (endpoint, operation, _), row in statements.items():
        add(numbers, {f"statement|{operation}": row})
        calls = sum(row[:-1])
        add(numbers, {f"endpoint statements|{endpoint}": [calls, row[-1]]})
    return numbers


def _pool(watch: PoolWatch, clock: float, names: dict[int | None, str], config: Config) -> Said:
    pool = watch.current_pool()
    # copies: while a list is made of a dictionary, the garbage collector may give a connection back, and so change it
    held = list(watch.held.copy().items())
    waiters = list(watch.waiting.copy().values())
    queued = pool is not None and has_queue(pool)
    records = [record for each in watch.all_pools() for record in records_of(each) if record not in watch.held]
    idle = sum(record.dbapi_connection is not None for record in records)
    pooled = pool is not None and not isinstance(pool, sa.pool.NullPool)
    limits = _limits(pool) if queued else None
    _note_overdue(watch, held, config)
    statements = watch.recorder.rows("statements")
    return {
        "class": watch.pool_class,
        "limits": limits,
        "timeout": pool._timeout if queued else None,
        "used": len(held),
        "idle": idle if pooled else None,
        "dead_slot": len(records) - idle if pooled else None,
        "detached": watch.detached_connections(),
        "overflow": max(0, pool.overflow()) if queued else None,
        "waiters": len(waiters) if queued else None,
        "peak": watch.peak(),
        "holders": [_holder(record, holder, clock, names, config) for record, holder in _oldest(held, config)],
        "waiting": [
            _waiter(waiter, clock, names) for waiter in sorted(waiters, key=lambda w: w[0])[: config.holders_shown]
        ],
        "idle_in_transaction": sum(bool(_idle_since(holder)) for _, holder in held),
        "oldest": _oldest_ages(held, waiters, clock),
        "leaks": [_leak(leak) for leak in watch.leaks.copy()],
        "endpoints": _held_by_endpoint(watch, held),
        "statements": _fingerprints(statements, config),
        "numbers": _numbers(watch, statements),
    }


def _limits(pool: Any) -> list[float]:
    size, overflow = pool.size(), pool._max_overflow
    if overflow < 0 or size == 0:
        return [size, inf, inf]
    return [size, overflow, size + overflow]


def _oldest(held: list[tuple[Any, list[Any]]], config: Config) -> list[tuple[Any, list[Any]]]:
    return sorted(held, key=lambda item: item[1][SINCE])[: config.holders_shown]


def _idle_since(holder: list[Any]) -> float:
    """When the open transaction last had a statement, or began; 0 without a transaction, or while a statement runs."""
    if not holder[TRANSACTION_SINCE] or holder[STATEMENT_SINCE]:
        return 0.0
    return float(max(holder[TRANSACTION_SINCE], holder[STATEMENT_ENDED]))


def _oldest_ages(
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
        "idle_in_transaction": earliest(_idle_since(holder) for _, holder in held),
        "statement": earliest(holder[STATEMENT_SINCE] for _, holder in held),
    }


def _holder(record: Any, holder: list[Any], clock: float, names: dict[int | None, str], config: Config) -> Said:
    idle, running = _idle_since(holder), holder[STATEMENT_SINCE]
    statement = holder[STATEMENT_TEXT]
    return {
        "since": clock + holder[SINCE],
        "endpoint": endpoint_of(holder[SCOPE]),
        "thread": names.get(holder[THREAD], f"thread {holder[THREAD]}"),
        "line": line_of((holder[CODE], holder[OFFSET]) if holder[OFFSET] else holder[CODE]),
        "in_transaction": bool(holder[TRANSACTION_SINCE]),
        "idle_since": clock + idle if idle else None,
        "running_since": clock + running if running else None,
        "statement": None if statement is None else statement[: config.statement_characters],
        "server_process": record.info.get("poolhouse_server_process"),
    }


def _waiter(waiter: tuple[float, int, Any, Scope | None], clock: float, names: dict[int | None, str]) -> Said:
    since, thread, place, scope = waiter
    return {
        "since": clock + since,
        "endpoint": endpoint_of(scope),
        "line": line_of(place),
        "thread": names.get(thread, f"thread {thread}"),
    }


def _note_overdue(watch: PoolWatch, held: list[tuple[Any, list[Any]]], config: Config) -> None:
    """Held for longer than anybody should: counted once for each hold, when somebody looks or publishes."""
    begun = time.perf_counter() - config.overdue_seconds
    for _, holder in held:
        if holder[SINCE] < begun and not holder[OVERDUE]:
            holder[OVERDUE] = True
            watch.note_leak("overdue", holder)


def _leak(leak: Leak) -> Said:
    return {
        "kind": leak.kind,
        "at": leak.at,
        "seconds": leak.seconds,
        "line": line_of(leak.place),
        "endpoint": leak.endpoint,
    }


def _held_by_endpoint(watch: PoolWatch, held: list[tuple[Any, list[Any]]]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for _, holder in held:
        name = endpoint_of(holder[SCOPE]) or NONE
        name = name if watch.endpoints.admits(name) else OTHER
        counts[name] = counts.get(name, 0) + 1
    return counts


def _fingerprints(statements: dict[Any, list[Any]], config: Config) -> list[Said]:
    """The statements that took the most time, over all endpoints."""
    found: dict[str, Said] = {}
    for (endpoint, operation, fingerprint), row in statements.items():
        one = found.setdefault(
            fingerprint if fingerprint != OTHER else f"{OTHER} {operation}",
            {"operation": operation, "row": [0] * len(row), "endpoints": {}},
        )
        one["row"] = [a + b for a, b in zip(one["row"], row, strict=True)]
        one["endpoints"][endpoint] = sum(row[:-1])
    most = sorted(found.items(), key=lambda item: -item[1]["row"][-1])[: config.statements_shown]
    return [{"statement": text[: config.statement_characters], **one} for text, one in most]


def _merge_pool(said: Said, more: Said) -> None:
    """Two pools of this process under one label: their numbers and gauges add up."""
    numbers = add(said["numbers"], more.pop("numbers"))
    if "class" not in said:
        said.update(more)
    else:
        said["limits"] = _summed(said["limits"], more["limits"])
        for name in ("used", "idle", "dead_slot", "detached", "overflow", "waiters", "idle_in_transaction"):
            said[name] = None if said[name] is None and more[name] is None else (said[name] or 0) + (more[name] or 0)
        said["timeout"] = max((t for t in (said["timeout"], more["timeout"]) if t is not None), default=None)
        said["peak"] += more["peak"]
        said["holders"] += more["holders"]
        said["leaks"] += more["leaks"]
        said["statements"] += more["statements"]
        add(said["endpoints"], more["endpoints"])
        said["waiting"] += more["waiting"]
        for name, moment in more["oldest"].items():
            moments = [m for m in (said["oldest"][name], moment) if m is not None]
            said["oldest"][name] = min(moments, default=None)
    said["numbers"] = numbers


def _summed(left: list[float] | None, right: list[float] | None) -> list[float] | None:
    if left is None or right is None:
        return left or right
    return [a + b for a, b in zip(left, right, strict=True)]


def _live_sessions(registries: dict[str, Any], config: Config) -> list[Said]:
    """Samples every Session that SQLAlchemy knows to be alive; counts all, describes the oldest."""
    live = []
    for said in registries.values():
        said.update(idle=0, in_transaction=0, needs_rollback=0, identity_map_objects=0)
    for reference in _sessions.valuerefs():
        session = reference()
        watch = None if session is None else sessions.by_class[session.__class__]
        if session is None or watch is None or sessions.GONE in session.__dict__:
            continue
        state = _state_of(session)
        objects = len(session.identity_map._dict)
        registries[watch.registry][state] += 1
        registries[watch.registry]["identity_map_objects"] += objects
        live.append(
            {
                "registry": watch.registry,
                "since": session.__dict__.setdefault("_poolhouse_since", time.time()),
                "state": state,
                "new": len(session._new),
                "modified": len(session.identity_map._modified),
                "deleted": len(session._deleted),
                "identity_map": objects,
            }
        )
    live.sort(key=lambda said: said["since"])
    return live[: config.holders_shown]


def _state_of(session: Any) -> str:
    """`in_transaction` is one that holds a connection: a Session begins with the first object that is added to it, and
    the database knows nothing of that."""
    transaction = session._transaction
    if transaction is None:
        return "idle"
    if not transaction.is_active:
        return "needs_rollback"
    while transaction._parent is not None:
        transaction = transaction._parent
    return "in_transaction" if transaction._connections else "idle"


def _after_fork() -> None:
    global _lock
    _lock = threading.RLock()
    for kind in _ended.values():
        kind.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
