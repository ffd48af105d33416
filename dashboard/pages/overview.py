"""Overview: what is wrong now, in one sentence, and the pools and workers behind it."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Blueprint, Response

from ..runtime import current
from ..telemetry.findings import Finding, Verdict, findings, verdict
from ..telemetry.reading import PoolReading, Reading, WorkerReading
from . import gate
from .html import page


@dataclass(frozen=True)
class Overview:
    verdict: Verdict
    findings: tuple[Finding, ...]
    pools: tuple[PoolReading, ...]
    workers: tuple[WorkerReading, ...]
    problem: str | None


def blueprint() -> Blueprint:
    overview = Blueprint("overview", __name__)
    overview.add_url_rule("/", "index", index)
    return overview


@gate.needs(gate.READ)
def index() -> Response:
    return page("overview/index.html", of(current().ledger.read()))


def of(reading: Reading) -> Overview:
    found = findings(reading)
    return Overview(verdict(reading, found), found, reading.pools, reading.workers, reading.problem)
