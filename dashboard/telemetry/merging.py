"""How do the words of many processes become one reading? Counters and histograms add up; moments become ages."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from ..config import Config
from .parts import count_of as count_of
from .parts import part_of, totals_of
from .processes import this_process
from .reading import (
    Counts,
    Exemplar,
    Limits,
    PoolReading,
    Reading,
    SwitchedOff,
    WorkerReading,
)  # fmt: skip
from .rows import Retired, Row
from .session_parts import sessions_of
from .snapshot import OWN, Said, add

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
    """What of a process outlives it: its counters and histograms."""
    kept: Said = {
        kind: {name: {"numbers": item["numbers"]} for name, item in said.get(kind, {}).items()} for kind in COUNTED
    }
    return {**kept, "faults": said.get("faults", {})}


def plus(left: Said, right: Said) -> Said:
    """A new sum of what both have counted."""
    return _combined(left, right, 1)


def minus(said: Said, baseline: Said) -> Said:
    """`said` with its counters less those of the baseline; gauges and holders as they are."""
    less = _combined(counted(said), baseline, -1)
    whole = {**said, "faults": less["faults"]}
    for kind in COUNTED:
        whole[kind] = {name: {**item, **less[kind][name]} for name, item in said.get(kind, {}).items()}
    return whole


def _combined(left: Said, right: Said, sign: int) -> Said:
    sums = counted(left)
    for kind in COUNTED:
        for name, item in right.get(kind, {}).items():
            before = dict(sums[kind].get(name, {"numbers": {}})["numbers"])
            sums[kind][name] = {"numbers": add(before, item["numbers"], sign)}
    sums["faults"] = add(dict(sums["faults"]), right.get("faults", {}), sign)
    return sums


def alone(said: Said, config: Config, started_at: float, problem: str | None) -> Reading:
    """The reading of a process that can, or shall, speak for itself only."""
    process = this_process()
    now = datetime.now(UTC).timestamp()
    return _reading([(1, process.host, process.pid, started_at, now, said)], {}, config, now, problem)


def merge(rows: Iterable[Row], retired: Iterable[Retired], config: Config, now: float) -> Reading:
    """One reading of the whole ledger. Stale rows count like live ones: silence is not death."""
    sums: Said = {}
    for generation in retired:
        sums = plus(sums, parsed(generation.sums))
    words = [(row.worker, row.key[0], row.key[2], row.started_at, row.said_at, parsed(row.said)) for row in rows]
    return _reading(words, sums, config, now, None)


Word = tuple[int, str, int, float, float, Said]
"""(worker, host, pid, started_at, said_at, what it said)"""


def _reading(words: list[Word], retired: Said, config: Config, now: float, problem: str | None) -> Reading:
    sums = retired
    for *_, said in words:
        sums = plus(sums, counted(said))
    pools = sorted(sums.get("pools", {}))
    workers = tuple(_worker(word, config, now) for word in words if _watches(word[-1]))
    live_ages = [worker.seconds for worker in workers if worker.state == "live"]
    return Reading(
        pools=tuple(_pool(name, sums["pools"][name]["numbers"], words, now) for name in pools),
        sessions=sessions_of(sums, [(worker, said) for worker, *_, said in words], now),
        workers=workers,
        published_age_seconds=max(live_ages, default=0.0),
        problem=problem,
        faults=sums.get("faults", {}),
        switched_off=_switched_off(words),
        _own=sums.get("own", {}).get(OWN, {}).get("numbers", {}),
        _engines=_engines(words),
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


def _pool(name: str, numbers: Mapping[str, Any], words: list[Word], now: float) -> PoolReading:
    parts = []
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
        leaks=tuple(sorted((one for part in parts for one in part.leaks), key=lambda one: one.at)),
        events=tuple(sorted((one for part in parts for one in part.events), key=lambda one: one.at)),
        workers=tuple(parts),
        _numbers={**numbers, "exemplars": _exemplars(parts)},
    )


def _exemplars(parts: list[PoolReading]) -> dict[tuple[str, int], Exemplar]:
    """The newest of each bucket of each histogram."""
    newest: dict[tuple[str, int], Exemplar] = {}
    for part in parts:
        for family, bucket, seconds, at, endpoint in part.numbers["exemplars"]:
            before = newest.get((family, bucket))
            if before is None or before.at < at:
                newest[family, bucket] = Exemplar(seconds, at, endpoint, part.worker or 0)
    return newest


def _sum(values: Iterable[Any]) -> Any:
    given = [value for value in values if value is not None]
    return sum(given) if given else None


def _most(values: Iterable[Any]) -> Any:
    return max((value for value in values if value is not None), default=None)
