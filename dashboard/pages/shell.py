"""What stands around every page, and what may a part know that is drawn once for many viewers?"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from flask import current_app, request
from markupsafe import Markup
from werkzeug.routing import MapAdapter

from ..refusal import Refusal
from ..runtime import Runtime, current
from . import addresses, gate, staged, theme, toasts, visitor
from .addresses import static, url
from .keys import KEYS

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
        self.sections = sections() if self.person else []
        try:
            self.may_edit = self.person is not None and gate.may(gate.EDIT, None)
            self.may_administer = self.person is not None and gate.may(gate.ADMINISTER, None)
        except Refusal:  # the host's Access raised; an error page must still be drawn
            self.may_edit = self.may_administer = False
        self.theme = theme.name()
        self.next_theme = theme.following(self.theme)
        self.url, self.static, self.keys = url, static, KEYS
        self._lists: dict[str, str] = {}

    def record(self, model: str, key: str) -> str:
        """The URL of a record's page: a list has many, and a key is written as an address takes it."""
        if model not in self._lists:
            self._lists[model] = url("records.show_list", model=model)
        return self._lists[model] + key

    @cached_property
    def staging(self) -> Any:
        """What is staged by this person, for the bar; not on the pages of a workspace, which say it themselves."""
        is_there = self.may_edit and not _is_here("workspaces.index")
        return staged.StagedBar(staged.of_this_person() if is_there else ())

    @cached_property
    def just_done(self) -> Any:
        """What the last page did and can be undone from here."""
        return toasts.just_done() if self.may_edit else None

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
        here = referrer.netloc == request.host and referrer.path.startswith(addresses.root())
        return referrer._replace(scheme="", netloc="").geturl() if here else url("overview.index")


@dataclass(frozen=True)
class SharedShell:
    """What a live part may know: what all its viewers have in common, and nothing of any one of them.

    A template that asks for more, like the person, fails.
    """

    runtime: Runtime
    adapter: MapAdapter
    may_edit: bool
    may_administer: bool

    csrf_field = Markup('<input type="hidden" name="csrf" value="">')
    """The page puts its own token in when the form is sent."""

    @property
    def viewpoint(self) -> tuple[str, bool, bool]:
        """Viewers with the same one see the same drawing."""
        return self.adapter.script_name, self.may_edit, self.may_administer

    def url(self, endpoint: str, **values: Any) -> str:
        return self.adapter.build(f"{self.runtime.name}.{endpoint}", values)

    @classmethod
    def of_this_viewer(cls) -> SharedShell:
        adapter = current_app.create_url_adapter(request)
        assert adapter is not None
        return cls(current(), adapter, gate.may(gate.EDIT, None), gate.may(gate.ADMINISTER, None))


def sections() -> list[tuple[str, str, bool, bool]]:
    prefix, known = current().name, current_app.view_functions
    there = (each for each in SECTIONS if f"{prefix}.{each[1]}" in known)
    return [(word, url(endpoint), _is_here(endpoint), apart) for word, endpoint, apart in there]


def _is_here(endpoint: str) -> bool:
    return (request.endpoint or "").split(".")[1:2] == [endpoint.partition(".")[0]]
