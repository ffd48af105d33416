"""Statements: what takes the database's time, by statement and by endpoint."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Blueprint, Response

from ..runtime import current
from ..telemetry import digests
from ..telemetry.digests import EndpointDigest, StatementDigest
from . import gate
from .html import page


@dataclass(frozen=True)
class Statements:
    statements: tuple[StatementDigest, ...]
    endpoints: tuple[EndpointDigest, ...]
    problem: str | None


def blueprint() -> Blueprint:
    statements = Blueprint("statements", __name__, url_prefix="/statements")
    statements.add_url_rule("/", "index", index)
    return statements


@gate.needs(gate.READ)
def index() -> Response:
    reading = current().ledger.read()
    context = Statements(digests.statements(reading), digests.endpoints(reading), reading.problem)
    return page("statements/index.html", context)
