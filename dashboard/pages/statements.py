"""Statements: what takes the database's time, by statement and by endpoint, and why the ORM asked."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Blueprint, Response

from ..runtime import Runtime, current
from ..telemetry import digests
from ..telemetry.digests import EndpointDigest, StatementDigest
from ..telemetry.sessions_reading import Load, NPlusOne
from . import gate
from .html import page


@dataclass(frozen=True)
class Statements:
    statements: tuple[StatementDigest, ...]
    endpoints: tuple[EndpointDigest, ...]
    loads: tuple[Load, ...]
    n_plus_one: tuple[NPlusOne, ...]
    problem: str | None


def blueprint() -> Blueprint:
    statements = Blueprint("statements", __name__, url_prefix="/statements")
    statements.add_url_rule("/", "index", index)
    return statements


@gate.needs(gate.READ)
def index() -> Response:
    return page("statements/index.html", shown(current()))


def shown(runtime: Runtime, _: str = "") -> Statements:
    reading = runtime.ledger.read()
    sessions = reading.sessions
    return Statements(
        statements=digests.statements(reading),
        endpoints=digests.endpoints(reading),
        loads=sessions.loads,
        n_plus_one=sessions.n_plus_one,
        problem=reading.problem,
    )
