"""How do the words of many processes about their Sessions become a reading?"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from .live_sessions import ORM
from .loads import BY_PATH, KINDS_OF_LOADS, N_PLUS_ONE, REFRESHES
from .orm_errors import KINDS_OF_ERRORS
from .parts import age_of, count_of
from .sessions import KINDS, OUTCOMES, TRANSITIONS
from .sessions_reading import (
    Example,
    LiveSession,
    Load,
    NPlusOne,
    OrmError,
    RegistryReading,
    SessionError,
    SessionsReading,
    Survivor,
    Transition,
)
from .snapshot import Said

Word = tuple[int, Said]
"""(worker, what it said)"""
LIVE = ("registry", "state", "new", "modified", "deleted", "identity_map", "endpoint", "line", "connection", "survived")


def sessions_of(sums: Said, words: list[Word], now: float) -> SessionsReading:
    """sums: the counts of all processes, dead ones included."""
    registries: Mapping[str, Any] = sums.get("registries", {})
    numbers: Mapping[str, Any] = sums.get("own", {}).get(ORM, {}).get("numbers", {})
    read = tuple(_registry(name, registries[name]["numbers"], words) for name in sorted(registries))
    live = (_live(worker, one, now) for worker, said in words for one in said["live_sessions"])
    transitions = tuple(
        Transition(registry.name, before, after, count)
        for registry in read
        for before, after in TRANSITIONS
        if (count := registry.numbers.get(f"transitions|{before}|{after}", 0))
    )
    return SessionsReading(
        registries=read,
        live=tuple(sorted(live, key=lambda one: -one.age)),
        transitions=transitions,
        survivors=tuple(_survivor(*item) for item in _newest("survivors", words)),
        loads=tuple(_loads(read, numbers)),
        n_plus_one=tuple(_n_plus_one(numbers, words)),
        refreshes=_examples(REFRESHES, words).get("", ()),
        errors=tuple(_error(*item) for item in _newest("orm_errors", words)),
        error_counts={kind: numbers.get(f"orm errors|{kind}", 0) for kind in KINDS_OF_ERRORS},
    )


def _registry(name: str, numbers: Mapping[str, Any], words: list[Word]) -> RegistryReading:
    said = [word["registries"].get(name, {}) for _, word in words]
    states = {
        state: sum(one.get(state, 0) for one in said)
        for state in ("idle", "in_transaction", "needs_rollback", "identity_map_objects")
    }
    totals = {
        **{f"transactions_{outcome}": numbers.get(f"session transactions|{outcome}", 0) for outcome in OUTCOMES},
        **{f"flushed_{kind}": numbers.get(f"flushed|{kind}", 0) for kind in KINDS},
        "flushes": count_of(numbers.get("flush")),
        "survivors": numbers.get("survivors", 0),
        **{f"loads_{kind}": numbers.get(f"loads|{kind}", 0) for kind in KINDS_OF_LOADS},
    }
    return RegistryReading(name, **states, totals=totals, _numbers=numbers)


def _live(worker: int, said: Said, now: float) -> LiveSession:
    return LiveSession(
        worker=worker,
        age=age_of(said["since"], now) or 0.0,
        transaction_seconds=age_of(said.get("transaction_since"), now),
        error=_first_error(said.get("error")),
        **{name: said[name] for name in LIVE if name in said},
    )


def _first_error(said: Said | None) -> SessionError | None:
    return None if said is None else SessionError(**said)


def _newest(subject: str, words: list[Word]) -> list[tuple[int, Said]]:
    """What the workers remember of it: (worker, what it said), the newest first."""
    found = [(worker, one) for worker, said in words for one in said.get("last", {}).get(subject, ())]
    return sorted(found, key=lambda item: -item[1]["at"])


def _survivor(worker: int, said: Said) -> Survivor:
    return Survivor(worker=worker, **{**said, "at": _moment(said["at"])})


def _error(worker: int, said: Said) -> OrmError:
    return OrmError(worker=worker, **{**said, "at": _moment(said["at"]), "first": _first_error(said.get("first"))})


def _loads(registries: Iterable[RegistryReading], numbers: Mapping[str, Any]) -> Iterable[Load]:
    for kind in KINDS_OF_LOADS:
        if kind not in BY_PATH:
            count = sum(registry.numbers.get(f"loads|{kind}", 0) for registry in registries)
            yield Load(kind, None, count)
            continue
        yield from sorted(
            (Load(kind, path, count) for path, count in _by_path(f"loads|{kind}|", numbers)),
            key=lambda load: -load.count,
        )


def _n_plus_one(numbers: Mapping[str, Any], words: list[Word]) -> Iterable[NPlusOne]:
    """The most frequent first, each with its examples."""
    known = _examples(N_PLUS_ONE, words)
    for path, count in sorted(_by_path(f"{N_PLUS_ONE}|", numbers), key=lambda item: -item[1]):
        examples = known.get(path)
        if examples is None:
            yield NPlusOne(path, count)
        else:
            one = examples[0]
            yield NPlusOne(path, count, one.endpoint, one.stack, one.cure, one.at, examples)


def _examples(subject: str, words: list[Word]) -> dict[str, tuple[Example, ...]]:
    """By path, the newest of each endpoint over all workers, with what all of them have counted there."""
    found: dict[str, dict[str, Example]] = {}
    for worker, one in _newest(subject, words):
        its = found.setdefault(one["path"], {})
        before = its.get(one["endpoint"])
        if before is None:
            stack, at = tuple(one["stack"]), _moment(one["at"])
            its[one["endpoint"]] = Example(one["endpoint"], stack, at, one["count"], worker, one["cure"])
        else:
            its[one["endpoint"]] = replace(before, count=before.count + one["count"])
    return {path: tuple(its.values()) for path, its in found.items()}


def _by_path(prefix: str, numbers: Mapping[str, Any]) -> list[tuple[str, int]]:
    return [(name.removeprefix(prefix), count) for name, count in numbers.items() if name.startswith(prefix)]


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
