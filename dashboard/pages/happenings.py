"""What happened last, anywhere? What is rare in the pools, and requests that ended with an error or left a Session."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from ..telemetry.reading import Event, Reading

SHOWN = 12
WRONG = frozenset(("leak", "invalidated", "timed_out"))
WRONG_ENDS = frozenset(("invalidated", "error", "pre_ping"))
WORDS = {"timed_out": "gave up waiting", "leak": "leaked", "opened": "opened a connection", "detached": "detached"}


@dataclass(frozen=True)
class Happening:
    """at: ISO 8601. pool: where it has a page. times: of the same kind one after another."""

    at: str
    what: str
    endpoint: str | None
    line: str | None
    pool: str | None
    worker: int | None
    is_wrong: bool
    times: int = 1


def happenings(reading: Reading) -> tuple[Happening, ...]:
    """The newest first."""
    found = [_of_pool(pool.name, event) for pool in reading.pools for event in pool.events]
    found += [
        Happening(one.at, f"request ended with {one.error}", one.endpoint, one.line, None, one.worker, True)
        for one in reading.sessions.errors
    ]
    found += [
        Happening(one.at, "a Session outlived its request", one.endpoint, one.line, None, one.worker, True)
        for one in reading.sessions.survivors
    ]
    return tuple(_together(sorted(found, key=lambda one: one.at, reverse=True)))[:SHOWN]


def _of_pool(pool: str, event: Event) -> Happening:
    detail = f": {event.detail.replace('_', ' ')}" if event.detail else ""
    what = WORDS.get(event.kind, event.kind.replace("_", " ")) + detail
    is_wrong = event.kind in WRONG or (event.kind == "closed" and event.detail in WRONG_ENDS)
    return Happening(event.at, what, event.endpoint, event.line, pool, event.worker, is_wrong)


def _together(found: Iterable[Happening]) -> list[Happening]:
    """What is the same but for its moment is one row, told by its newest."""
    rows: list[Happening] = []
    for one in found:
        if rows and _same(rows[-1]) == _same(one):
            rows[-1] = replace(rows[-1], times=rows[-1].times + 1)
        else:
            rows.append(one)
    return rows


def _same(one: Happening) -> tuple[str | None, ...]:
    return one.what, one.endpoint, one.line, one.pool
