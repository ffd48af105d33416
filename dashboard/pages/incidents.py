"""Incidents: what was, when something began; a list, one of them, and the same as Markdown for a ticket."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Blueprint, Response, request

from ..refusal import Refusal
from ..runtime import current
from ..telemetry.ledger import Incident
from . import gate
from .html import page
from .incident_text import markdown, seconds_before, what

NUMBER_DIGITS = 9


@dataclass(frozen=True)
class Incidents:
    """about: whose alone are shown, where somebody asked for them."""

    incidents: tuple[Incident, ...]
    about: str | None
    problem: str | None


@dataclass(frozen=True)
class OneIncident:
    """_markdown: the whole of it, as it is copied."""

    incident: Incident
    _markdown: str
    what = staticmethod(what)
    seconds_before = staticmethod(seconds_before)

    @property
    def public(self) -> Incident:
        return self.incident


def blueprint() -> Blueprint:
    incidents = Blueprint("incidents", __name__, url_prefix="/incidents")
    incidents.add_url_rule("/", "index", index)
    incidents.add_url_rule("/<number>", "show", show)
    incidents.add_url_rule("/<number>/markdown", "text", text)
    return incidents


@gate.needs(gate.READ)
def index() -> Response:
    ledger = current().ledger
    about = request.args.get("about") or None
    found = tuple(one for one in ledger.incidents() if about in (None, one.about))
    return page("incidents/index.html", Incidents(found, about, ledger.read().problem))


@gate.needs(gate.READ)
def show(number: str) -> Response:
    incident = _found(number)
    return page("incidents/show.html", OneIncident(incident, markdown(incident, _link())))


@gate.needs(gate.READ)
def text(number: str) -> Response:
    return Response(markdown(_found(number), _link()), content_type="text/markdown; charset=utf-8")


def _found(number: str) -> Incident:
    known = number.isascii() and number.isdecimal() and len(number) <= NUMBER_DIGITS
    incident = current().ledger.incident(int(number)) if known else None
    if incident is None:
        kept = current().config.incidents_kept
        raise Refusal("not_found", "There is no such incident.", remedy=f"The last {kept} are kept.")
    return incident


def _link() -> str:
    """Where this instance is, for who reads the ticket; nothing where nobody has said it."""
    return current().config.public_url.rstrip("/")
