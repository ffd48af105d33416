"""Overview: what is wrong now, in one sentence, and the pools and workers behind it."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

from flask import Blueprint, Response

from ..runtime import Runtime, current
from ..telemetry import incidents
from ..telemetry.findings import Finding, Verdict, findings, verdict
from ..telemetry.history import History
from ..telemetry.incident_rows import Incident
from ..telemetry.ledger import Ledger
from ..telemetry.reading import Counts, Holder, Limits, PoolReading, Reading, Slot, Waiter, WorkerReading
from ..telemetry.rules import RULES
from ..telemetry.stretches import Stretch, stretches
from . import blockers, gate, servers, slots
from .charts import Chart, charts, together
from .happenings import Happening, happenings
from .holds import of_pool
from .html import page
from .lanes import key_of

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
    _reading: Reading = field(default_factory=Reading)
    _ledger: Ledger | None = None
    _runtime: Runtime | None = None
    groups = staticmethod(slots.groups)
    unopened = staticmethod(slots.unopened)
    rules = len(RULES)

    def incident_of(self, finding: Finding) -> int | None:
        """The number of the last incident in which it began."""
        return next((one.number for one in self.incidents if finding.key in one.keys), None)

    def pool_of(self, finding: Finding) -> str | None:
        """The pool that has a page of its own and that the finding is about."""
        return finding.pool if finding.pool and self._reading.pool(finding.pool) else None

    def has_server(self, finding: Finding) -> bool:
        """Whether the database of the finding's pool says who blocks whom."""
        pool = self._reading.pool(finding.pool or "")
        return pool is not None and self._runtime is not None and servers.has_one(pool, self._runtime)

    def checkout_of(self, finding: Finding) -> str | None:
        """The checkout that the finding names, by its key on the lanes: the longest of its line."""
        pool = self._reading.pool(finding.pool or "")
        if pool is None or finding.line is None:
            return None
        open_ones = (hold for hold in of_pool(pool, self._reading.at).holds if hold.is_open)
        found = [hold for hold in open_ones if hold.line == finding.line and finding.worker in (None, hold.worker)]
        return key_of(min(found, key=lambda hold: hold.since)) if found else None

    @cached_property
    def happenings(self) -> tuple[Happening, ...]:
        return happenings(self._reading)

    @cached_property
    def _history(self) -> History | None:
        if self._ledger is None:
            return None
        return together([self._ledger.history(pool.name, span="15m") for pool in self.pools])

    @property
    def charts(self) -> tuple[Chart, ...]:
        """Of all pools together."""
        return charts(self._history) if self._history else ()

    @property
    def stretches(self) -> tuple[Stretch, ...]:
        return stretches(self._history) if self._history else ()


def blueprint() -> Blueprint:
    overview = Blueprint("overview", __name__)
    overview.add_url_rule("/", "index", index)
    return overview


@gate.needs(gate.READ)
def index() -> Response:
    return page("overview/index.html", shown(current()))


def shown(runtime: Runtime, _: str = "") -> Overview:
    reading = runtime.ledger.read()
    found = blockers.told(runtime, reading, findings(reading))
    return Overview(
        verdict=verdict(reading, found),
        findings=found,
        pools=tuple(strip(pool) for pool in reading.pools),
        workers=reading.workers,
        problem=reading.problem,
        incidents=incidents.kept(runtime.ledger)[:INCIDENTS],
        _reading=reading,
        _ledger=runtime.ledger,
        _runtime=runtime,
    )


def strip(pool: PoolReading) -> Strip:
    return Strip(pool.name, pool.class_, pool.limits, pool.counts, pool.slots, pool.holders, pool.waiters)
