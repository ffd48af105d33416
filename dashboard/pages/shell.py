"""What stands around every page: where one can go, who is here, in which theme?"""

from __future__ import annotations

from flask import current_app, request
from markupsafe import Markup

from ..refusal import Refusal
from ..runtime import current
from . import gate, theme, visitor
from .addresses import static, url

SECTIONS = (
    ("Overview", "overview.index", False),
    ("Pools", "pools.index", False),
    ("Sessions", "sessions.index", False),
    ("Statements", "statements.index", False),
    ("Incidents", "incidents.index", False),
    ("Records", "records.index", True),
    ("Workspaces", "workspaces.index", False),
    ("History", "history.index", False),
    ("Monitoring", "monitoring.index", True),
)
"""Word, endpoint, and whether a new group begins with it."""


class Shell:
    """What base.html and the components need on every page."""

    def __init__(self) -> None:
        self.runtime = current()
        self.person = gate.visit().person
        self.sections = _sections() if self.person else []
        try:
            self.may_edit = self.person is not None and gate.may(gate.EDIT, None)
            self.may_administer = self.person is not None and gate.may(gate.ADMINISTER, None)
        except Refusal:  # the host's Access raised; an error page must still be drawn
            self.may_edit = self.may_administer = False
        self.theme = theme.name()
        self.next_theme = theme.following(self.theme)
        self.url, self.static = url, static

    @property
    def csrf(self) -> str:
        return gate.visit().csrf(self.runtime)

    @property
    def csrf_field(self) -> Markup:
        return Markup('<input type="hidden" name="csrf" value="{}">').format(self.csrf)

    @property
    def here(self) -> str:
        """This page, to come back to it; where it was sent by a form, the page that the form was on."""
        return request.root_path + request.full_path.rstrip("?") if request.method == "GET" else self.back

    @property
    def back(self) -> str:
        """Where the person came from, when that was a page of ours."""
        referrer = visitor.parts_of(request.referrer or "")
        here = referrer.netloc == request.host and referrer.path.startswith(visitor.cookie_path())
        return referrer._replace(scheme="", netloc="").geturl() if here else url("overview.index")


def _sections() -> list[tuple[str, str, bool, bool]]:
    prefix, known = current().name, current_app.view_functions
    there = (each for each in SECTIONS if f"{prefix}.{each[1]}" in known)
    return [(word, url(endpoint), _is_here(endpoint), apart) for word, endpoint, apart in there]


def _is_here(endpoint: str) -> bool:
    return (request.endpoint or "").split(".")[1:2] == [endpoint.partition(".")[0]]
