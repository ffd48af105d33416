"""What stands in a picture of pools? Who held, who waited, and what each connection did in the last minute, as plain
JSON data that is read long after its processes are gone."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any

from ..config import Config
from .findings import verdict
from .incident_rows import Picture
from .parts import moment
from .reading import ConnectionReading, Event, Holder, PoolReading, Reading
from .rule import Finding
from .tables import fingerprint_of

POOLS = 5
"""Pools of one picture, where what began is about none of them."""
BEGINS_ANEW = ("given_back", "closed", "opened")
"""What happened before one of these does not reach into what came after it."""


def picture(reading: Reading, found: Sequence[Finding], began: Sequence[Finding], about: str | None) -> Picture:
    """began: why it is taken. about: the pool that it shows, else the first few are."""
    one = reading.pool(about) if about else None
    pools = reading.pools[:POOLS] if one is None else (one,)
    return {
        "at": moment(reading.at),
        "began": [asdict(finding) for finding in began],
        "verdict": asdict(verdict(reading, tuple(found))),
        "findings": [asdict(finding) for finding in found],
        "pools": [_pool(pool, reading.at, reading.config) for pool in pools],
        "workers": [asdict(worker) for worker in reading.workers],
    }


def filled(older: Picture, reading: Reading) -> Picture:
    """The same moment, with what the processes have said since of what their connections did until then."""
    pools = [_filled(pool, reading.pool(pool["name"]), older["at"], reading) for pool in older["pools"]]
    return {**older, "pools": pools}


def _filled(older: dict[str, Any], now: PoolReading | None, at: str, reading: Reading) -> dict[str, Any]:
    """A process says more of a pool as soon as it hears that somebody looks at it. What was opened since may be of
    another process with the same number."""
    if now is None:
        return older
    newer = _pool(now, reading.at, reading.config)
    same = (one for one in newer["connections"] if one["opened_at"] <= at)
    more = {(one["worker"], one["number"]): one["events"] for one in same}
    connections = [
        {**one, "events": max(one["events"], more.get((one["worker"], one["number"]), []), key=len)}
        for one in older["connections"]
    ]
    return {**older, "connections": connections, "events": max(older["events"], newer["events"], key=len)}


def _pool(pool: PoolReading, at: float, config: Config) -> dict[str, Any]:
    since = moment(at - config.incident_seconds)
    connections = pool.connections[-config.holders_shown :]
    each = max(1, config.incident_events // max(1, len(connections)))
    return {
        "name": pool.name,
        "class": pool.class_,
        "limits": asdict(pool.limits),
        "counts": asdict(pool.counts),
        "holders": [_holder(one) for one in pool.holders[: config.holders_shown]],
        "waiters": [asdict(one) for one in pool.waiters[: config.holders_shown]],
        "connections": [_connection(one, since, each) for one in connections],
        "events": [dict(vars(one)) for one in pool.events if one.at >= since],
    }


def _holder(holder: Holder) -> dict[str, Any]:
    """Its statement without any value: a picture is kept, and copied into tickets."""
    statement = None if holder.statement is None else fingerprint_of(holder.statement)
    return {**asdict(holder), "statement": statement}


def _connection(connection: ConnectionReading, since: str, most: int) -> dict[str, Any]:
    events = list(_of_the_last(connection.events, since))[-most:]
    return {**vars(connection), "events": [dict(vars(event)) for event in events]}  # asdict would copy each value


def _of_the_last(events: Sequence[Event], since: str) -> Iterable[Event]:
    """Those since then, and those before by which a hold reaches into it."""
    first = next((place for place, event in enumerate(events) if event.at >= since), len(events))
    while first and events[first - 1].kind not in BEGINS_ANEW:
        first -= 1
    return events[first:]
