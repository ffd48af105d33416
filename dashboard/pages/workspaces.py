"""Workspaces: the list, one workspace's board and tape, and a small POST for each verb."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from functools import cached_property
from typing import Any

from flask import Blueprint, Response, redirect, request
from werkzeug.wrappers import Response as WerkzeugResponse

from ..records.models import Model, Models
from ..refusal import Refusal
from ..runtime import current
from ..workspaces.forecast import Forecast, Way, forecast, way
from ..workspaces.registry import Outcome, Sight, Summary, View
from ..workspaces.states import OBJECT_VERBS
from ..workspaces.tour import Tour, is_offered, name_for, tour_of
from . import actor, beside, copies, gate, reviews, sides, staged
from .arguments import arguments, switch, take_version
from .forms import Form, LeftOut, as_sent, blank_form, form_of, left_out
from .html import done, is_swapped, page, plain, refused, url, wants_json
from .rooms import do, rooms

CREATE = "objects"
TYPED = (CREATE, "values")
"""Verbs whose form is long: refused, it comes back with all that was typed."""


@dataclass(frozen=True)
class WorkspaceList:
    workspaces: tuple[Summary, ...]
    _databases: tuple[str, ...]
    _tour: str | None = None
    """The name of the workspace in which this person takes the tour; None where there is nobody to take it with."""
    _staged: Mapping[str, int] = field(default_factory=dict)
    """How many changes wait in each of this person's own."""

    @property
    def tour(self) -> str | None:
        return self._tour

    @property
    def is_on_tour(self) -> bool:
        return any(each.name == self._tour for each in self.workspaces)


@dataclass(frozen=True)
class WorkspacePage:
    """What the HTML page needs beside the workspace: the models to load from and to make new objects of, those that
    are left out and why, and the form that is open. refusal: of the action that was just tried. side: changes or
    board."""

    workspace: View
    models: tuple[str, ...] = ()
    new: tuple[str, ...] = ()
    left_out: tuple[LeftOut, ...] = ()
    form: Form | None = None
    refusal: Refusal | None = None
    side: str = sides.SIDES[0]

    @property
    def public(self) -> View:
        return self.workspace

    @cached_property
    def forecast(self) -> Forecast:
        return forecast(self.workspace, _known(self.workspace))

    @property
    def staged(self) -> int:
        """Objects that a commit would write."""
        return sum(self.workspace.counts.get(badge, 0) for badge in ("pending", "modified", "deleted"))

    def ways(self, drawn: Mapping[str, Any]) -> list[Way]:
        """Of the verbs that the object's state allows, in their order."""
        return [way(drawn, verb) for verb in drawn["actions"]]

    @property
    def tour(self) -> Tour | None:
        return tour_of(self.workspace)

    @property
    def conflicts(self) -> Any:
        """What is to be settled: before, mine and theirs of each attribute."""
        return self.refusal.details.get("conflicts", ()) if self.refusal is not None else ()

    @property
    def seen(self) -> int:
        """The version that the person has before them: what a live part asks with, or the form whose refusal is swapped
        in beside it; else this one."""
        seen = request.args.get("seen") or (request.form.get("version", "") if is_swapped() else "")
        return int(seen) if seen.isdecimal() and len(seen) < 19 else self.workspace.version


@dataclass(frozen=True)
class Answer:
    """The workspace after an action, and what the action itself answers (`ref`, `merged`)."""

    outcome: Outcome

    @property
    def public(self) -> dict[str, Any]:
        view = self.outcome.view
        return {**{each.name: getattr(view, each.name) for each in fields(view)}, **self._said}

    @property
    def as_json(self) -> bytes | None:
        """What the worker that did it has said already; or what is plain data, as the store has it, and need not be
        looked through again. None where a document holds a number that JSON has not."""
        there: bytes | None = getattr(self.outcome.view, "as_json", None)
        if there is None:
            try:
                return json.dumps(self.public, allow_nan=False, default=plain).encode()
            except ValueError:
                return None
        if not self._said:
            return there
        return json.dumps(self._said).encode()[:-1] + b", " + there[1:]

    @property
    def _said(self) -> dict[str, str]:
        said = {"ref": self.outcome.ref, "merged": self.outcome.merged}
        return {name: ref for name, ref in said.items() if ref is not None}


def blueprint() -> Blueprint:
    workspaces = Blueprint("workspaces", __name__, url_prefix="/workspaces")
    workspaces.add_url_rule("/", "index", index)
    workspaces.add_url_rule("/", "create", create, methods=["POST"])
    workspaces.add_url_rule("/<name>/", "show", show)
    workspaces.add_url_rule("/<name>/review", "review", reviews.show)
    for file in copies.FILES:
        workspaces.add_url_rule(f"/<name>/{file}", "copy", copies.show, defaults={"file": file})
    workspaces.add_url_rule("/<name>/objects/", "create_object", create_object, methods=["POST"])
    workspaces.add_url_rule("/<name>/objects/<ref>/<verb>", "act_on_object", act_on_object, methods=["POST"])
    workspaces.add_url_rule("/<name>/<verb>", "act", act, methods=["POST"])
    return workspaces


@gate.needs(gate.READ)
def index() -> Response:
    runtime = current()
    return page(
        "workspaces/index.html",
        WorkspaceList(
            rooms().summaries(actor.sight(), actor=actor.name()),
            tuple(runtime.databases),
            _tour(),
            {} if wants_json() else {each.name: each.changes for each in staged.of_this_person()},
        ),
    )


def _tour() -> str | None:
    first = next(iter(current().databases.values()), None)
    try:
        return name_for(actor.name()) if first is not None and is_offered(first.models) else None
    except Refusal:  # its database is away
        return None


@gate.needs(gate.EDIT)
def create() -> WerkzeugResponse:
    given = arguments(request)
    take_version(given)
    name, database = given.get("name", ""), given.get("database")
    if not isinstance(database, str | None):
        raise Refusal("not_understood", "database is a name.", fields={"database": "Text is expected."})
    view = rooms().open(
        name,
        actor.name(),
        database=database or next(iter(current().databases), ""),
        autoflush=switch(given, "autoflush", False),
        expire_on_commit=switch(given, "expire_on_commit", True),
        sandbox=switch(given, "sandbox", False),
    )
    return done("workspaces.show", view, created=True, name=view.name)


@gate.needs(gate.READ)
def show(name: str) -> Response:
    """`?beside=OTHER`: with another one, to be compared."""
    view, sight = _looked_at(name)
    if request.args.get("beside"):
        return beside.show(view, request.args["beside"])
    answer = page("workspaces/show.html", _page(view, sight, _open_form(view, sight)))
    sides.keep(answer)
    return answer


@gate.needs(gate.EDIT, database=True)
def create_object(name: str) -> WerkzeugResponse:
    return _acted(name, CREATE, arguments(request), created=True)


@gate.needs(gate.EDIT, database=True)
def act_on_object(name: str, ref: str, verb: str) -> WerkzeugResponse:
    return _acted(name, verb, {**arguments(request), "ref": ref}, on_object=True)


@gate.needs(gate.EDIT, database=True)
def act(name: str, verb: str) -> WerkzeugResponse:
    given = arguments(request)
    given.pop("ref", None)
    return _acted(name, verb, given)


def _acted(
    name: str, verb: str, given: dict[str, Any], *, created: bool = False, on_object: bool = False
) -> WerkzeugResponse:
    version = take_version(given)
    if on_object != (verb in OBJECT_VERBS) or created != (verb == CREATE):
        raise Refusal("not_found", f"There is no verb {verb[:40]!r} here.")
    try:
        outcome = do(name, verb, given, version=version)
    except Refusal as refusal:
        return _refused(name, verb, given, refusal)
    if outcome.removed and not wants_json():
        return redirect(url("workspaces.index"), 303)
    return done("workspaces.show", Answer(outcome), created=created, name=name)


def _refused(name: str, verb: str, given: dict[str, Any], refusal: Refusal) -> WerkzeugResponse:
    """The failed action stands on the tape. An open page is swapped that part alone, so that what was typed stays; a
    page that was left by its form is drawn again, with what was typed."""
    try:
        if is_swapped():
            view, _ = _looked_at(name)
            return refused(refusal, "workspaces/_refused.html", WorkspacePage(view, refusal=refusal))
        if refusal.details.get("conflicts") and not wants_json():
            view, sight = _looked_at(name)
            return page("workspaces/show.html", _page(view, sight, None, refusal), refusal=refusal)
        if verb in TYPED and request.form and not wants_json():
            view, sight = _looked_at(name)
            form = as_sent(_form(view, sight, str(given.get("model") or ""), given.get("ref")), request.form, refusal)
            return page("workspaces/show.html", _page(view, sight, form, refusal), refusal=refusal)
    except Refusal:  # the page cannot be drawn any more: then the words alone
        pass
    return refused(refusal)


def _known(view: View) -> Models | None:
    """None while its database is away, or is looked at no more."""
    database = current().databases.get(view.database)
    if database is None or any(notice["code"] == "database_away" for notice in view.notices):
        return None
    return database.models


def _models(view: View) -> tuple[Model, ...]:
    """To choose from."""
    return tuple(_known(view) or ())


def _looked_at(name: str) -> tuple[View, Sight]:
    sight = actor.sight()
    return rooms().view(name, sight, actor=actor.name()), sight


def _page(view: View, sight: Sight, form: Form | None, refusal: Refusal | None = None) -> WorkspacePage:
    """A model without a key is not offered: whatever is chosen of it would be refused."""
    seen = [model for model in _models(view) if sight.may(gate.READ, model)]
    keyed = [model for model in seen if model.keyless is None]
    new = tuple(model.name for model in keyed if model.read_only is None)
    names = tuple(model.name for model in keyed)
    return WorkspacePage(
        view, names, new, left_out(seen), form, refusal, sides.chosen("board" if tour_of(view) else "changes")
    )


def _open_form(view: View, sight: Sight) -> Form | None:
    """The form that the address asks for: `?new=MODEL`, or `?edit=REF`."""
    wanted, ref = request.args.get("new"), request.args.get("edit")
    if not _models(view) or not (wanted or ref):
        return None
    return _form(view, sight, wanted or "", None if wanted else ref)


def _form(view: View, sight: Sight, wanted: str, ref: str | None) -> Form:
    """For a new object of the model that is wanted, or for the object of a ref. What was sent is offered again, even
    where it has expired meanwhile."""
    shown = next((each for each in view.objects if each["ref"] == ref), None)
    if ref is not None and shown is None:
        raise Refusal("not_found", "No object of this ref is in the workspace.")
    database = current().databases.get(view.database)
    if database is None:
        raise Refusal("not_found", f"There is no database {view.database!r} any more.", remedy="Discard the workspace.")
    model = database.models.find(wanted if shown is None else shown["model"])
    sight.permit("read", model)
    if shown is None:
        return blank_form(model, sight.hidden(model))
    sent = dict.fromkeys(key.partition(".")[2] for key in request.form if key.startswith("values."))
    return form_of(model, shown["ref"], shown["label"], {**sent, **shown["values"]}, sight.hidden(model))
