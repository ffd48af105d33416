"""How do the words of many processes become one reading? Counters and histograms add up; moments become ages."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from ..config import Config
from .parts import count_of as count_of
from .parts import leak_of, part_of, totals_of
from .processes import this_process
from .reading import (
    Counts,
    Exemplar,
    LeakReading,
    Limits,
    PoolReading,
    Reading,
    SwitchedOff,
    WorkerReading,
)  # fmt: skip
from .recent import Memory
from .rows import Retired, Row
from .session_parts import sessions_of
from .snapshot import OWN, Said, add
from .watches import LEAKS_REMEMBERED

ROWS_PARSED = 32
COUNTED = ("pools", "registries", "own")
"""What of a process's word has counters: {name: {"numbers": ...}} each."""


@lru_cache(maxsize=ROWS_PARSED)
def _parsed(text: str) -> Said:
    said: Said = json.loads(text)
    return said


def parsed(text: str) -> Said:
    """The JSON of a row. The same text gives the same object, which nobody changes: a silent process is parsed once."""
    return _parsed(text)


def counted(said: Said) -> Said:
    """What of a process outlives it: its counters and histograms, and its last leaks."""
    kept: Said = {kind: {name: _kept(item) for name, item in said.get(kind, {}).items()} for kind in COUNTED}
    return {**kept, "faults": said.get("faults", {})}


def _kept(item: Said) -> Said:
    return {name: item[name] for name in ("numbers", "leaks") if name in item}


def plus(*saids: Said) -> Said:
    """A new sum of what all of them have counted.

    >>> one = {"pools": {"shop": {"numbers": {"checkouts": 2, "hold": [1, 0.5]}}}}
    >>> plus(one, one, {"pools": {}})["pools"]
    {'shop': {'numbers': {'checkouts': 4, 'hold': [2, 1.0]}}}
    """
    sums: Said = {"faults": _total([said.get("faults", {}) for said in saids])}
    for kind in COUNTED:
        items: dict[str, list[Said]] = {}
        for said in saids:
            for name, item in said.get(kind, {}).items():
                items.setdefault(name, []).append(item)
        sums[kind] = {name: _sum_of(found) for name, found in items.items()}
    return sums


def _sum_of(items: list[Said]) -> Said:
    total: Said = {"numbers": _total([item["numbers"] for item in items])}
    leaks = [item["leaks"] for item in items if "leaks" in item]
    return {**total, "leaks": _last_leaks(leaks)} if leaks else total


def _total(many: list[dict[str, Any]]) -> dict[str, Any]:
    """Family by family over all of them: a hundred thousand additions are a scrape's dearest part."""
    values: dict[str, list[Any]] = {}
    for numbers in many:
        for family, value in numbers.items():
            values.setdefault(family, []).append(value)
    return {family: _added(found) for family, found in values.items()}


def _added(values: list[Any]) -> Any:
    if len(values) == 1:
        return values[0]
    return list(map(sum, zip(*values, strict=True))) if isinstance(values[0], list) else sum(values)


def _last_leaks(many: list[list[Said]]) -> list[Said]:
    """The last of all, each once."""
    found: list[Said] = []
    for leaks in many:
        found += [leak for leak in leaks if leak not in found]
    return sorted(found, key=lambda leak: leak["at"])[-LEAKS_REMEMBERED:]


def minus(said: Said, baseline: Said) -> Said:
    """`said` with its counters less those of the baseline, without its leaks; gauges and holders as they are."""
    less: Said = {**said, "faults": add(dict(said.get("faults", {})), baseline.get("faults", {}), -1)}
    for kind in COUNTED:
        before = baseline.get(kind, {})
        less[kind] = {name: _without(item, before.get(name, {})) for name, item in said.get(kind, {}).items()}
    return less


def _without(item: Said, before: Said) -> Said:
    rest = {**item, "numbers": add(dict(item["numbers"]), before.get("numbers", {}), -1)}
    if "leaks" in item:
        rest["leaks"] = [leak for leak in item["leaks"] if leak not in before.get("leaks", ())]
    return rest


def with_counts_of(said: Said, published: Said) -> Said:
    """`said`, but for its counters, which are those that were published."""
    still: Said = {**said, "faults": published.get("faults", {})}
    for kind in COUNTED:
        before = published.get(kind, {})
        still[kind] = {
            name: {**item, "numbers": before.get(name, {}).get("numbers", {})}
            for name, item in said.get(kind, {}).items()
        }
    return still


def alone(said: Said, config: Config, started_at: float, problem: str | None) -> Reading:
    """The reading of a process that can, or shall, speak for itself only."""
    process = this_process()
    now = datetime.now(UTC).timestamp()
    return _reading([(1, process.host, process.pid, started_at, now, said)], {}, config, now, problem)


def merge(
    rows: Iterable[Row],
    retired: Iterable[Retired],
    config: Config,
    now: float,
    memory: Memory | None = None,
    problem: str | None = None,
) -> Reading:
    """One reading of the whole ledger. Stale rows count like live ones: silence is not death."""
    sums = plus(*(parsed(generation.sums) for generation in retired))
    words = [(row.worker, row.key[0], row.key[2], row.started_at, row.said_at, parsed(row.said)) for row in rows]
    return replace(_reading(words, sums, config, now, problem), _memory=memory or Memory())


Word = tuple[int, str, int, float, float, Said]
"""(worker, host, pid, started_at, said_at, what it said)"""


def _reading(words: list[Word], retired: Said, config: Config, now: float, problem: str | None) -> Reading:
    sums = plus(retired, *(said for *_, said in words))
    pools = sorted(sums.get("pools", {}))
    workers = tuple(_worker(word, config, now) for word in words if _watches(word[-1]))
    live_ages = [worker.seconds for worker in workers if worker.state == "live"]
    return Reading(
        pools=tuple(_pool(name, sums["pools"][name], words, now) for name in pools),
        sessions=sessions_of(sums, [(worker, said) for worker, *_, said in words], now),
        workers=workers,
        published_age_seconds=max(live_ages, default=0.0),
        problem=problem,
        faults=sums.get("faults", {}),
        switched_off=_switched_off(words),
        _own=sums.get("own", {}).get(OWN, {}).get("numbers", {}),
        _engines=_engines(words),
        _at=now,
        _config=config,
    )


def _engines(words: list[Word]) -> Mapping[str, int]:
    """Each program has its engines in each of its workers: the worker with the most tells."""
    most: dict[str, int] = {}
    for *_, said in words:
        for database, number in said.get("engines", {}).items():
            most[database] = max(most.get(database, 0), number)
    return most


def _switched_off(words: list[Word]) -> tuple[SwitchedOff, ...]:
    return tuple(
        SwitchedOff(worker, listener, number)
        for worker, *_, said in words
        for listener, number in said.get("switched_off", {}).items()
    )


def _watches(said: Said) -> bool:
    """Whether a process has a pool or Sessions of its own; a sidecar that only looks is no worker."""
    return bool(said["pools"] or said["registries"])


def _worker(word: Word, config: Config, now: float) -> WorkerReading:
    worker, host, pid, started_at, said_at, _ = word
    seconds = max(0.0, now - said_at)
    started = datetime.fromtimestamp(started_at, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    return WorkerReading(worker, pid, host, started, "live" if seconds <= config.stale_seconds else "stale", seconds)


def _pool(name: str, sums: Said, words: list[Word], now: float) -> PoolReading:
    numbers, parts = sums["numbers"], []
    for worker, *_, said in words:
        item = said["pools"].get(name)
        if item is not None and "class" in item:
            parts.append(part_of(name, worker, item, now))
    return PoolReading(
        name=name,
        class_=next((part.class_ for part in parts), ""),
        limits=Limits(
            size=_sum(part.limits.size for part in parts),
            max_overflow=_sum(part.limits.max_overflow for part in parts),
            total=_sum(part.limits.total for part in parts),
            timeout_seconds=_most(part.limits.timeout_seconds for part in parts),
        ),
        counts=Counts(
            **{
                field: _sum(getattr(part.counts, field) for part in parts)
                for field in ("idle", "dead_slot", "overflow", "waiters")
            },
            used=sum(part.counts.used for part in parts),
            detached=sum(part.counts.detached for part in parts),
            peak=max((part.counts.peak for part in parts), default=0),
        ),
        slots=tuple(slot for part in parts for slot in part.slots),
        holders=tuple(holder for part in parts for holder in part.holders),
        waiters=tuple(waiter for part in parts for waiter in part.waiters),
        totals=totals_of(numbers),
        connections=tuple(one for part in parts for one in part.connections),
        leaks=tuple(sorted(_leaks_of(name, sums, words), key=lambda one: one.at)),
        events=tuple(sorted((one for part in parts for one in part.events), key=lambda one: one.at)),
        workers=tuple(parts),
        _numbers={**numbers, "exemplars": _exemplars(parts)},
    )


def _leaks_of(name: str, sums: Said, words: list[Word]) -> Iterable[LeakReading]:
    """Those of the living, and of those that have ended the last."""
    living = [(worker, one) for worker, *_, said in words for one in said["pools"].get(name, {}).get("leaks", ())]
    known = [one for _, one in living]
    ended = [(None, one) for one in sums.get("leaks", ()) if one not in known]
    return (leak_of(worker, one) for worker, one in (*living, *ended))


def _exemplars(parts: list[PoolReading]) -> dict[tuple[str, int], Exemplar]:
    """The newest of each bucket of each histogram."""
    newest: dict[tuple[str, int], Exemplar] = {}
    for part in parts:
        for family, bucket, seconds, at, endpoint, *more in part.numbers["exemplars"]:
            before = newest.get((family, bucket))
            if before is None or before.at < at:
                newest[family, bucket] = Exemplar(seconds, at, endpoint, part.worker or 0, *more)
    return newest


def _sum(values: Iterable[Any]) -> Any:
    given = [value for value in values if value is not None]
    return sum(given) if given else None


def _most(values: Iterable[Any]) -> Any:
    return max((value for value in values if value is not None), default=None)
