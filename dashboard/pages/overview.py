"""Overview: what is wrong now, in one sentence, and the pools and workers behind it."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Blueprint, Response

from ..runtime import Runtime, current
from ..telemetry.findings import Finding, Verdict, findings, verdict
from ..telemetry.ledger import Incident
from ..telemetry.reading import Counts, Holder, Limits, PoolReading, Reading, Slot, Waiter, WorkerReading
from . import gate
from .html import page

INCIDENTS = 5


@dataclass(frozen=True)
class Strip:
    """One pool as it is now, over all workers. What each worker has of it, and what it ever did, is on its own page."""

    name: str
    class_: str
    limits: Limits
    counts: Counts
    slots: tuple[Slot, ...]
    holders: tuple[Holder, ...]
    waiters: tuple[Waiter, ...]


@dataclass(frozen=True)
class Overview:
    verdict: Verdict
    findings: tuple[Finding, ...]
    pools: tuple[Strip, ...]
    workers: tuple[WorkerReading, ...]
    problem: str | None
    incidents: tuple[Incident, ...]
    """The last few."""

    def incident_of(self, finding: Finding) -> int | None:
        """The number of the last incident in which it began."""
        return next((one.number for one in self.incidents if finding.key in one.keys), None)


def blueprint() -> Blueprint:
    overview = Blueprint("overview", __name__)
    overview.add_url_rule("/", "index", index)
    return overview


@gate.needs(gate.READ)
def index() -> Response:
    return page("overview/index.html", shown(current()))


def shown(runtime: Runtime, _: str = "") -> Overview:
    return of(runtime.ledger.read(), runtime.ledger.incidents()[:INCIDENTS])


def of(reading: Reading, incidents: tuple[Incident, ...]) -> Overview:
    found = findings(reading)
    pools = tuple(strip(pool) for pool in reading.pools)
    return Overview(verdict(reading, found), found, pools, reading.workers, reading.problem, incidents)


def strip(pool: PoolReading) -> Strip:
    return Strip(pool.name, pool.class_, pool.limits, pool.counts, pool.slots, pool.holders, pool.waiters)
