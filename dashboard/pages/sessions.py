"""Sessions: how objects move from state to state, and the live Sessions of every worker."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

from flask import Blueprint, Response, request

from ..runtime import Runtime, current
from ..telemetry.reading import Reading
from ..telemetry.sessions_reading import LiveSession, SessionsReading
from . import gate
from .html import page
from .lifecycle import Lifecycle, lifecycle

WORKSPACES = "workspaces"
SHOWN = 8
"""Survivors and errors; JSON has all."""


@dataclass(frozen=True)
class Sessions:
    """registry: whose alone the diagram is; None: of all."""

    registry: str | None = None
    _reading: Reading = field(default_factory=Reading)
    shown = SHOWN

    @property
    def public(self) -> SessionsReading:
        return self._reading.sessions

    @property
    def sessions(self) -> SessionsReading:
        return self._reading.sessions

    @property
    def problem(self) -> str | None:
        return self._reading.problem

    @cached_property
    def lifecycle(self) -> Lifecycle:
        return lifecycle(self._reading, self.registry)

    @property
    def live(self) -> list[LiveSession]:
        """Those that need something first: a rollback, then an end; of each the oldest first."""
        return sorted(self.sessions.live, key=lambda one: (one.state != "needs_rollback", not one.survived, -one.age))

    @staticmethod
    def scope_of(session: LiveSession) -> str:
        """Whether a request has it, or a workspace for longer."""
        return "workspace" if session.registry == WORKSPACES else "request" if session.endpoint else "program"

    @staticmethod
    def unwritten(session: LiveSession) -> str:
        """What its next flush would write, by kind."""
        kinds = ((session.new, "new"), (session.modified, "modified"), (session.deleted, "deleted"))
        return ", ".join(f"{number} {word}" for number, word in kinds if number)


def blueprint() -> Blueprint:
    sessions = Blueprint("sessions", __name__, url_prefix="/sessions")
    sessions.add_url_rule("/", "index", index)
    return sessions


@gate.needs(gate.READ)
def index() -> Response:
    return page("sessions/index.html", shown(current(), request.args.get("registry", "")))


def shown(runtime: Runtime, registry: str = "") -> Sessions:
    return Sessions(registry or None, runtime.ledger.read())
