"""/demo/faults/: the faults that can be switched on in the demo, and a switch for each."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Blueprint, Response, request
from werkzeug.wrappers import Response as WerkzeugResponse

from ..access.access import ADMINISTER, READ
from ..pages import audit, gate
from ..pages.arguments import arguments, switch
from ..pages.html import done, page
from ..refusal import Refusal
from .faults import BY_NAME, FAULTS, Faults


@dataclass(frozen=True)
class ShownFault:
    name: str
    on: bool
    finding: str
    what: str


@dataclass(frozen=True)
class ShownFaults:
    faults: tuple[ShownFault, ...]


def blueprint(faults: Faults) -> Blueprint:
    """Its handlers know these faults."""
    pages = Blueprint("faults", __name__, url_prefix="/demo/faults")

    def shown() -> ShownFaults:
        return ShownFaults(
            tuple(ShownFault(each.name, faults.is_on(each.name), each.finding, each.what) for each in FAULTS)
        )

    @gate.needs(READ)
    def index() -> Response:
        return page("faults/index.html", shown())

    @gate.needs(ADMINISTER)
    def turn(name: str) -> WerkzeugResponse:
        if name not in BY_NAME:
            raise Refusal("not_found", "The demo has no such fault.", remedy="The page of the faults lists them.")
        given = arguments(request)
        if given.get("on") in (None, ""):
            raise Refusal("not_understood", "Say `on`, on or off.", fields={"on": "on or off."})
        on = switch(given, "on", False)
        audit.note("fault.switch", name, on=on)
        faults.switch(name, on)
        return done("faults.index", shown())

    pages.add_url_rule("/", "index", index)
    pages.add_url_rule("/<name>", "turn", turn, methods=("POST",))
    return pages
