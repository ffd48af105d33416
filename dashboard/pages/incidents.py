"""Incidents: what was, when something began; a list, one of them, and the same as Markdown for a ticket."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from flask import Blueprint, Response, request

from ..refusal import Refusal
from ..runtime import Runtime, current
from ..telemetry import incidents
from ..telemetry.incident_rows import Incident
from . import gate
from .chosen import Chosen, view_of
from .holds import Watched, of_picture
from .html import page
from .incident_text import markdown, seconds_before, what
from .lane_shapes import Lanes
from .lanes import lanes

NUMBER_DIGITS = 9


@dataclass(frozen=True)
class Incidents:
    """about: whose alone are shown, where somebody asked for them."""

    incidents: tuple[Incident, ...]
    about: str | None
    problem: str | None


@dataclass(frozen=True)
class PoolThen:
    """One pool as a picture has it. said: all that the picture says of it; key: of what was chosen on its lanes."""

    said: Mapping[str, Any]
    at: str
    key: str
    view: str
    overdue_seconds: float

    @cached_property
    def _watched(self) -> Watched:
        return of_picture(self.said, self.at)

    @property
    def lanes(self) -> Lanes:
        return lanes(self._watched, self.overdue_seconds)

    @property
    def chosen(self) -> Chosen | None:
        return Chosen(self.key, self.view, self._watched, self.overdue_seconds) if self.key else None


@dataclass(frozen=True)
class PictureThen:
    """number: from 1, the oldest first. said: the picture as it is kept."""

    number: int
    said: Mapping[str, Any]
    pools: tuple[PoolThen, ...]


@dataclass(frozen=True)
class OneIncident:
    """pictures: with their lanes. _markdown: the whole of it, as it is copied."""

    incident: Incident
    pictures: tuple[PictureThen, ...]
    _markdown: str
    what = staticmethod(what)
    seconds_before = staticmethod(seconds_before)

    @property
    def public(self) -> Incident:
        return self.incident


def blueprint() -> Blueprint:
    pages = Blueprint("incidents", __name__, url_prefix="/incidents")
    pages.add_url_rule("/", "index", index)
    pages.add_url_rule("/<number>", "show", show)
    pages.add_url_rule("/<number>/markdown", "text", text)
    return pages


@gate.needs(gate.READ)
def index() -> Response:
    return page("incidents/index.html", shown(current(), request.args.get("about", "")))


def shown(runtime: Runtime, about: str = "") -> Incidents:
    found = tuple(one for one in incidents.kept(runtime.ledger) if about in ("", one.about))
    return Incidents(found, about or None, runtime.ledger.read().problem)


@gate.needs(gate.READ)
def show(number: str) -> Response:
    incident, runtime = _found(number), current()
    chosen = (request.args.get("picture", ""), request.args.get("pool", ""), request.args.get("hold", ""))
    pictures = tuple(
        PictureThen(place, said, tuple(_pool(runtime, place, pool, said["at"], chosen) for pool in said["pools"]))
        for place, said in enumerate(incident.pictures, 1)
    )
    return page("incidents/show.html", OneIncident(incident, pictures, markdown(incident, _link())))


def _pool(runtime: Runtime, place: int, said: Mapping[str, Any], at: str, chosen: tuple[str, str, str]) -> PoolThen:
    picture, pool, key = chosen
    is_meant = (picture, pool) == (str(place), said["name"])
    return PoolThen(said, at, key if is_meant else "", view_of(runtime, said["name"]), runtime.config.overdue_seconds)


@gate.needs(gate.READ)
def text(number: str) -> Response:
    return Response(markdown(_found(number), _link()), content_type="text/markdown; charset=utf-8")


def _found(number: str) -> Incident:
    known = number.isascii() and number.isdecimal() and len(number) <= NUMBER_DIGITS
    incident = incidents.by_number(current().ledger, int(number)) if known else None
    if incident is None:
        kept = current().config.incidents_kept
        raise Refusal("not_found", "There is no such incident.", remedy=f"The last {kept} are kept.")
    return incident


def _link() -> str:
    """Where this instance is, for who reads the ticket; nothing where nobody has said it."""
    return current().config.public_url.rstrip("/")
