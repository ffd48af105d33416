"""What has this process to say? Its numbers, holders, waiters and Sessions as plain JSON data, the shape of a row of
the ledger."""

from __future__ import annotations

import json
import os
import threading
import time
import weakref
from collections import deque
from collections.abc import Collection
from functools import partial
from math import inf
from typing import Any

from ..config import Config
from ..masks import told
from . import faults, live_sessions, loads, own_acts, sessions, survivors, watching
from .commits import add_late, end_holds, settle_loose
from .engines import engines
from .holders import (
    at_work,
    exemplar_said,
    held_by_endpoint,
    holder_said,
    idle_since,
    leak_said,
    note_overdue,
    oldest,
    oldest_ages,
    waiter_said,
)
from .instruments import has_queue
from .lives import connections_said, tape_said
from .recorder import SECONDS, Numbers
from .tables import OTHER
from .watches import LEAKS_REMEMBERED, POOLS, STATEMENT_SINCE, PoolWatch, records_of

Said = dict[str, Any]
"""{"pools": {label: {...}}, "registries": {name: {...}}, "live_sessions": [...], "faults": {listener: count}}.
Moments are seconds since 1970."""
OWN = "poolhouse"
"""The one name below "own", where the numbers of `own_acts` stand."""

_ended: dict[str, dict[str, Numbers]] = {"pools": {}, "registries": {}}
_ended_leaks: dict[str, deque[Said]] = {}
_lock = threading.RLock()
STATEMENTS_SAID_AT_ONCE = 200
STATEMENTS_SECONDS = 1.0
_worded: weakref.WeakKeyDictionary[PoolWatch, tuple[float, str]] = weakref.WeakKeyDictionary()


def own(config: Config, looked: Collection[str] = ()) -> Said:
    """Everything of this process, since it began. Touches no connection and asks no pool for one.

    looked: the pools that somebody looks at just now, of which more is said; and so it is where somebody waits.
    """
    with _lock:
        _bury()
        survivors.judge(config.survivor_seconds)
        clock = time.time() - time.perf_counter()
        names = {thread.ident: thread.name for thread in threading.enumerate()}
        pools: dict[str, Any] = {
            name: {"numbers": dict(numbers), "leaks": list(_ended_leaks[name])}
            for name, numbers in _ended["pools"].items()
        }
        for watch in list(watching.active):
            is_looked = watch.name in looked or bool(watch.waiting)
            said = _pool_if_possible(watch, clock, names, config, is_looked)
            _merge_pool(pools.setdefault(watch.name, {"numbers": {}}), said)
        registries: dict[str, Any] = {
            name: {"numbers": dict(numbers)} for name, numbers in _ended["registries"].items()
        }
        for session_watch in list(sessions.registered.values()):
            its = registries.setdefault(session_watch.registry, {"numbers": {}})
            add(its["numbers"], session_watch.recorder.numbers())
        live = live_sessions.live_sessions(registries, config)
        return {
            "pools": pools,
            "registries": registries,
            "live_sessions": live,
            "faults": faults.counts(),
            "switched_off": dict(faults.off),
            "own": {OWN: {"numbers": own_acts.numbers()}, live_sessions.ORM: {"numbers": live_sessions.numbers()}},
            "last": live_sessions.last(),
            "engines": engines(),
        }


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
        leaks = _ended_leaks.setdefault(watch.name, deque(maxlen=LEAKS_REMEMBERED))
        leaks.extend(leak_said(leak) for leak in watch.leaks.copy())
    while watching.ended_sessions:
        session_watch = watching.ended_sessions.pop()
        add(_ended["registries"].setdefault(session_watch.registry, {}), session_watch.recorder.numbers())
        loads.bury(session_watch)


def tapes(config: Config) -> Said:
    """All that is known of what each connection did, by pool: the flight recorder's, now and then."""
    clock = time.time() - time.perf_counter()
    found: Said = {}
    for watch in list(watching.active):
        found.setdefault(watch.name, []).extend(connections_said(watch, clock, config, looked=True))
    return {name: connections for name, connections in found.items() if connections}


def _numbers(watch: PoolWatch, statements: dict[Any, list[Any]]) -> Numbers:
    settle_loose(watch)
    merged = watch.recorder.merged(partial(add_late, watch))
    numbers = watch.recorder.layout.named(merged)
    if watch.can_wait and (zeros := watch.waits_of_zero(merged)):
        waits = numbers.setdefault("wait|ok", [0] * (len(SECONDS) + 2))
        waits[0] += zeros
    for name, count in watch.error_names.copy().items():
        numbers[f"statement errors|{name}"] = count
    for endpoint, row in watch.recorder.rows("endpoints").items():
        numbers[f"endpoint|{endpoint}"] = row
    groups: dict[tuple[str, str], list[list[Any]]] = {}
    for (endpoint, operation, _), row in statements.items():
        groups.setdefault((endpoint, operation), []).append(row)
    for (endpoint, operation), rows in groups.items():
        row = _columns(rows)
        add(numbers, {f"statement|{operation}": row, f"endpoint statements|{endpoint}": [sum(row[:-1]), row[-1]]})
    return numbers


def _columns(rows: list[list[Any]]) -> list[Any]:
    """The sum of rows of one length: there may be a thousand of them."""
    return list(rows[0]) if len(rows) == 1 else [sum(column) for column in zip(*rows, strict=True)]


def _pool_if_possible(watch: PoolWatch, *how: Any) -> Said:
    """A pool that cannot be described, for it is the program's own, keeps its counts, and the others are told."""
    try:
        return _pool(watch, *how)
    except Exception:
        faults.fault("pool word")
        return {"numbers": _numbers(watch, watch.recorder.rows("statements"))}


def _pool(watch: PoolWatch, clock: float, names: dict[int | None, str], config: Config, looked: bool) -> Said:
    pool = watch.current_pool()
    _drop_what_nobody_ends(watch)
    # copies: while a list is made of a dictionary, the garbage collector may give a connection back, and so change it
    held = list(watch.held.copy().items())
    waiters = list(watch.waiting.copy().values())
    queued = pool is not None and has_queue(pool)
    records = [record for each in watch.all_pools() for record in records_of(each) if record not in watch.held]
    idle = sum(record.dbapi_connection is not None for record in records)
    pooled = isinstance(pool, POOLS)
    limits = _limits(pool) if queued else None
    note_overdue(watch, held, config)
    works = at_work(watch, pool, (holder for _, holder in held), waiters) if looked else {}
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
        "holders": [
            holder_said(record, holder, clock, names, config, works) for record, holder in oldest(held, config)
        ],
        "waiting": [
            waiter_said(waiter, clock, names, works)
            for waiter in sorted(waiters, key=lambda w: w[0])[: config.holders_shown]
        ],
        "idle_in_transaction": sum(bool(idle_since(holder)) for _, holder in held),
        "oldest": oldest_ages(held, waiters, clock),
        "connections": connections_said(watch, clock, config, looked),
        "tape": tape_said(watch, clock, looked),
        "leaks": [leak_said(leak) for leak in watch.leaks.copy()],
        "endpoints": held_by_endpoint(watch, held),
        # as a text within the text: it is most of a row, and a scrape has no use for it
        "statements": [_statements_said(watch, statements, config)],
        "exemplars": [exemplar_said(*one, config) for one in watch.exemplars.copy().items()],
        "numbers": _numbers(watch, statements),
    }


def _drop_what_nobody_ends(watch: PoolWatch) -> None:
    """What a listener that is switched off would have taken out again."""
    if faults.off.keys() & {"checkin", "detach"}:
        end_holds(watch)
    if "wait" in faults.off:
        watch.waiting.clear()
    if "after_cursor_execute" in faults.off:
        for holder in watch.held.copy().values():
            holder[STATEMENT_SINCE] = 0.0


def _limits(pool: Any) -> list[float]:
    size, overflow = pool.size(), pool._max_overflow
    if overflow < 0 or size == 0:
        return [size, inf, inf]
    return [size, overflow, size + overflow]


def _statements_said(watch: PoolWatch, statements: dict[Any, list[Any]], config: Config) -> str:
    """The statements as JSON. Many of them are put into words once a second, not at each scrape as well."""
    now = time.monotonic()
    made_at, text = _worded.get(watch, (-inf, ""))
    if len(statements) <= STATEMENTS_SAID_AT_ONCE or now - made_at > STATEMENTS_SECONDS:
        text = json.dumps(_fingerprints(statements, config), separators=(",", ":"))
        _worded[watch] = (now, text)
    return text


def _fingerprints(statements: dict[Any, list[Any]], config: Config) -> list[Said]:
    """The statements that took the most time, over all endpoints."""
    found: dict[tuple[str, str], list[tuple[str, list[Any]]]] = {}
    for (endpoint, operation, fingerprint), row in statements.items():
        text = fingerprint if fingerprint != OTHER else f"{OTHER} {operation}"
        found.setdefault((text, operation), []).append((endpoint, row))
    most = sorted(found.items(), key=lambda item: -sum(row[-1] for _, row in item[1]))[: config.statements_shown]
    return [
        {
            "statement": told(text, config),
            "operation": operation,
            "row": _columns([row for _, row in rows]),
            "endpoints": {endpoint: sum(row[:-1]) for endpoint, row in rows},
        }
        for (text, operation), rows in most
    ]


def _merge_pool(said: Said, more: Said) -> None:
    """Two pools of this process under one label: their numbers and gauges add up."""
    numbers = add(said["numbers"], more.pop("numbers"))
    if "class" not in more:
        pass
    elif "class" not in said:
        said.update({**more, "leaks": said.get("leaks", []) + more["leaks"]})
    else:
        said["limits"] = _summed(said["limits"], more["limits"])
        for name in ("used", "idle", "dead_slot", "detached", "overflow", "waiters", "idle_in_transaction"):
            said[name] = None if said[name] is None and more[name] is None else (said[name] or 0) + (more[name] or 0)
        said["timeout"] = max((t for t in (said["timeout"], more["timeout"]) if t is not None), default=None)
        said["peak"] += more["peak"]
        said["holders"] += more["holders"]
        said["leaks"] += more["leaks"]
        said["connections"] += more["connections"]
        said["tape"] = sorted(said["tape"] + more["tape"], key=lambda event: event[1])
        said["statements"] += more["statements"]
        said["exemplars"] += more["exemplars"]
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


def _after_fork() -> None:
    global _lock
    _lock = threading.RLock()
    _worded.clear()
    for kind in _ended.values():
        kind.clear()
    _ended_leaks.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
