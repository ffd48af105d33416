"""The flight recorder: what was, when something began? A picture is frozen when a finding begins, when somebody waits
for too long, and when a worker dies with connections out."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ..config import Config
from . import incident_rows, merging, pictures
from .faults import fault
from .findings import findings
from .incident_rows import Execute, Incident
from .points import Points
from .pool_rules import blamed
from .reading import PoolReading, Reading
from .rows import Key, Row, dump
from .rule import LEVELS, Finding, number_of, place
from .rules import RULES

if TYPE_CHECKING:
    from .ledger import Ledger

__all__ = ["Incident", "by_number", "causes", "kept", "note", "note_dead", "record"]

KEPT_SECONDS = 86_400.0
"""A silent process may be paused; its record is kept for so long."""
FILL_SECONDS = 3.0
"""For so long after a picture, what the processes say of what their connections did is put into it."""
SAME_SECONDS = 0.005
"""The moments of one event, said twice, differ by less."""
HEAD = ("level", "sentence", "finding", "line", "endpoint", "worker")
Head = dict[str, Any]
CAUSES = {rule.finding for rule in RULES if rule.cause}
CONSEQUENCES = {"LongWait", *(rule.finding for rule in RULES if rule.consequence)}


def kept(ledger: Ledger) -> tuple[Incident, ...]:
    """The newest first, without their pictures; none where the ledger cannot be used."""
    return ledger.ask(lambda transaction: incident_rows.newest(transaction.execute)) or ()


def by_number(ledger: Ledger, number: int) -> Incident | None:
    return ledger.ask(lambda transaction: incident_rows.by_number(transaction.execute, number))


def causes(reading: Reading, found: Iterable[Finding]) -> list[Finding]:
    """What holds now, and is a reason for an incident when it begins."""
    return [*found, *_long_waits(reading)]


def _long_waits(reading: Reading) -> Iterable[Finding]:
    limit = reading.config.incident_wait_seconds
    for pool in reading.pools:
        longest = max(pool.waiters, key=lambda waiter: waiter.seconds, default=None)
        if longest is not None and longest.seconds > limit:
            by_whom, holder = blamed(pool)
            sentence = f"Long wait: somebody has waited {longest.seconds:.1f} s for a connection of pool {pool.name}."
            yield _cause("LongWait", "warning", sentence + by_whom, pool, place(holder or longest))


def _cause(name: str, level: str, sentence: str, pool: PoolReading, where: tuple[Any, Any, Any]) -> Finding:
    line, endpoint, worker = where
    numbers = {"used": pool.counts.used, "waiters": pool.counts.waiters or 0}
    return Finding(name, level, sentence, numbers, line, worker, endpoint=endpoint, pool=pool.name)


def note(points: Points, execute: Execute, reading: Reading, found: Sequence[Finding]) -> None:
    """Freezes what begins now, fills the pictures of a moment ago, and ends what is over. Done each second by the
    process that judges; it notes which findings hold by the way."""
    holding = causes(reading, found)
    known = points.findings_since()
    points.note_findings({cause.key for cause in holding}, reading.at)
    for pool in {cause.pool for cause in holding}:
        if pool and reading.pool(pool):  # now every process says all that its connections did
            points.look(pool, reading.at + reading.config.look_seconds)
    for number, at, older in incident_rows.pictures_since(execute, reading.at - FILL_SECONDS):
        incident_rows.add_picture(execute, number, at, pictures.filled(older, reading))
    began = [cause for cause in holding if cause.key not in known]
    for about in dict.fromkeys(cause.pool or "" for cause in began):
        _freeze(execute, reading, found, [cause for cause in began if (cause.pool or "") == about], about)
    incident_rows.end_those_without(execute, points.findings_since(), reading.at)


def record(execute: Execute, process: Key, now: float, tapes: dict[str, Any]) -> None:
    """What one process knows of its connections, for the case that it dies without a word."""
    incident_rows.record(execute, dump(process), now, tapes, KEPT_SECONDS)


def note_dead(execute: Execute, dead: Iterable[Row], config: Config) -> None:
    """These processes ended without a word. Whatever is wrong with what they said last, the ledger goes on."""
    for row in dead:
        try:
            _note_dead(execute, row, config)
        except sqlite3.Error:
            raise
        except Exception:
            fault("incidents")


def _note_dead(execute: Execute, row: Row, config: Config) -> None:
    tapes = incident_rows.take_record(execute, dump(row.key))
    reading = merging.merge([_with_tapes(row, tapes)], (), config, row.said_at)
    found = findings(reading)
    for pool in reading.pools:
        if pool.counts.used:
            by_whom, holder = blamed(pool)
            out = number_of(pool.counts.used, "connection", "connections")
            sentence = f"Worker {row.worker} (process {row.key[2]}) died with {out} of pool {pool.name} out.{by_whom}"
            cause = _cause("WorkerDied", "critical", sentence, pool, place(holder))
            _freeze(execute, reading, found, [cause], pool.name)


def _with_tapes(row: Row, tapes: dict[str, Any]) -> Row:
    """The last word with all that was recorded of its connections: of each it has the last few events only."""
    said = json.loads(row.said)
    for name, recorded in tapes.items():
        known = {(one["number"], round(one["opened"])): one["events"] for one in recorded}
        for one in said["pools"].get(name, {}).get("connections", ()):
            before = known.get((one["number"], round(one["opened"])), [])
            last = before[-1][0] + SAME_SECONDS if before else 0.0
            one["events"] = max(one["events"], [*before, *(each for each in one["events"] if each[0] > last)], key=len)
    return replace(row, said=dump(said))


def _freeze(execute: Execute, reading: Reading, found: Sequence[Finding], began: Sequence[Finding], about: str) -> None:
    """A new incident; within a minute of the last one about the same, another picture of that one."""
    config, at = reading.config, reading.at
    holding = {finding.key for finding in found}
    last = incident_rows.latest(execute, about)
    if last is not None and abs(at - last[1]) < config.incident_every_seconds:  # the dead spoke before the last
        number = last[0]
        incident_rows.set_head(execute, number, _head(began, about, holding, last[2]))
    else:
        number = incident_rows.add(execute, about, at, _head(began, about, holding), config.incidents_kept)
    incident_rows.add_keys(execute, number, [cause.key for cause in began])
    if incident_rows.count_pictures(execute, number) < config.incident_pictures:
        taken = pictures.picture(reading, found, began, about)
        incident_rows.add_picture(execute, number, at, taken)


def _head(began: Iterable[Finding], about: str, holding: set[str], head: Head | None = None) -> Head:
    """Of the worst that began, but of a cause rather than of its consequence, whichever was found first. Its level is
    the worst of all, as the verdict's is. head: as it was."""
    for cause in began:
        one = {name: getattr(cause, name) for name in HEAD}
        if head is None:
            head = one
            continue
        first, second = (head, one) if _stays(head, one, f"{head['finding']}|{about}" in holding) else (one, head)
        head = {**first, "level": max(first["level"], second["level"], key=LEVELS.index)}
    return head or {}


def _stays(head: Head, new: Head, still_holds: bool) -> bool:
    if head["finding"] in CAUSES and new["finding"] in CONSEQUENCES and still_holds:
        return True
    if head["finding"] in CONSEQUENCES and new["finding"] in CAUSES:
        return False
    return LEVELS.index(head["level"]) >= LEVELS.index(new["level"])
