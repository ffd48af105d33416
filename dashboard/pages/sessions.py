"""Sessions: the live Sessions of every worker, and how their objects move from state to state."""

from __future__ import annotations

from flask import Blueprint, Response

from ..runtime import Runtime, current
from ..telemetry.sessions_reading import SessionsReading
from . import gate
from .html import page


def blueprint() -> Blueprint:
    sessions = Blueprint("sessions", __name__, url_prefix="/sessions")
    sessions.add_url_rule("/", "index", index)
    return sessions


@gate.needs(gate.READ)
def index() -> Response:
    return page("sessions/index.html", shown(current()))


def shown(runtime: Runtime, _: str = "") -> SessionsReading:
    return runtime.ledger.read().sessions
