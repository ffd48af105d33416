"""One record's form: drawn, sent, refused with all that was typed, settled; and a new record's, also as a copy."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, Response, redirect, request
from werkzeug.wrappers import Response as WerkzeugResponse

from ..records.editing import Editable, blank, editable
from ..records.lookup import lookup
from ..records.models import Model, Models
from ..refusal import Refusal
from ..runtime import current
from ..workspaces.brief import Saves
from ..workspaces.record_verbs import Written, create, save
from . import actor, audit, gate, toasts, zone
from .controls import Control, Fixed, as_sent, controls_of, fixed_of, in_conflict
from .finding import find
from .finding import session as session_of
from .given import FIND, MAKE, sent
from .html import is_swapped, page, refused, url, wants_json
from .returning import came_from, carried, returned
from .rooms import rooms
from .staging import open_workspaces, stage_new, stage_values

CARRIED = ("values", "null", "default", "base", "base-null")


@dataclass(frozen=True)
class Editor:
    """A record's form. key: None for a new one. source: the key of the record that it is a copy of. back: where the
    person came from, to create what is related; wanted: its field there. related: by relationship where its rows are
    listed. refusal: of what was just sent."""

    model: Model
    key: str | None
    label: str
    controls: tuple[Control, ...]
    fixed: tuple[Fixed, ...]
    workspaces: tuple[str, ...]
    zone: str
    source: str = ""
    back: str = ""
    wanted: str = ""
    related: tuple[tuple[str, str], ...] = ()
    refusal: Refusal | None = None

    @property
    def public(self) -> dict[str, Any]:
        return {"model": self.model.name, "key": self.key, "label": self.label, "fields": self.controls}

    @property
    def has_files(self) -> bool:
        return any(each.control == "file" for each in self.controls)


def add_routes(records: Blueprint) -> None:
    records.add_url_rule("/<model>/~/new", "new", new)
    records.add_url_rule("/<model>/<key>/edit", "edit", edit)
    records.add_url_rule("/<model>/", "create_record", create_record, methods=["POST"])
    records.add_url_rule("/<model>/<key>", "save_record", save_record, methods=["POST"])
    records.add_url_rule("/~/zone", "keep_zone", keep_zone, methods=["POST"])


@gate.needs(gate.READ, database=True)
def new(model: str) -> Response:
    gate.require(gate.EDIT)
    found, models = find(model)
    return page("records/form.html", overlaid(editor(found, models, None), request.args.to_dict(flat=False)))


@gate.needs(gate.READ, database=True)
def edit(model: str, key: str) -> Response:
    gate.require(gate.EDIT)
    found, models = find(model)
    return page("records/form.html", overlaid(editor(found, models, key), request.args.to_dict(flat=False)))


@gate.needs(gate.EDIT, database=True)
def create_record(model: str) -> WerkzeugResponse:
    return _sent(model, None)


@gate.needs(gate.EDIT, database=True)
def save_record(model: str, key: str) -> WerkzeugResponse:
    return _sent(model, key)


@gate.needs(gate.READ)
def keep_zone() -> WerkzeugResponse:
    answer = redirect(came_from() or url("records.index"), 303)
    zone.keep(answer, request.form.get("zone", "").strip())
    return answer


def _sent(model: str, key: str | None) -> WerkzeugResponse:
    found, models = find(model)
    if not request.is_json and (wanted := _wanted_aside()):
        return _aside(found, models, key, *wanted)
    try:
        given = sent(found)
        if given.get("stage"):
            return stage_new(found, given) if key is None else stage_values(found, key, given)
        return _written(found, key, given)
    except Refusal as refusal:
        return _refused(found, models, key, refusal)


def _written(found: Model, key: str | None, given: Mapping[str, Any]) -> WerkzeugResponse:
    written: Written = {}
    wanted = {"model": found.name, "key": key, "values": given["values"], "base": given.get("base")}
    planned = save(written)
    if key is None:
        wanted["source"] = given.get("from") or ""
        planned = create(written)
    saved = Saves(rooms()).do(found.database, planned, wanted, actor=actor.name(), sight=actor.sight())
    return toasts.told(returned(found, written["key"], created=key is None), found, saved.change_set, "Saved")


def _refused(found: Model, models: Models, key: str | None, refusal: Refusal) -> WerkzeugResponse:
    """A browser gets the form again, with all that was typed, and at each field what is wrong with it."""
    if wants_json() or is_swapped() or request.is_json or refusal.status not in (409, 413, 422, 423, 503):
        return refused(refusal)
    try:
        drawn = overlaid(editor(found, models, key), request.form.to_dict(flat=False), refusal)
    except Refusal:  # the record is gone, or the database: then the words alone
        return refused(refusal)
    return page("records/form.html", drawn, refusal=refusal)


def _wanted_aside() -> tuple[str, str] | None:
    """Which of the form's other buttons was pressed, and for which picker. Enter in a picker's search means Find."""
    for word in (FIND, MAKE):
        if word in request.form:
            return word, request.form[word]
    if "by-enter" in request.form:
        typed = (name for name, text in request.form.items() if name.startswith("q.") and text.strip())
        name = next(typed, "")
        return (FIND, name.removeprefix("q.")) if name else None
    return None


def _aside(found: Model, models: Models, key: str | None, word: str, name: str) -> WerkzeugResponse:
    """What a person without JavaScript does while the form is open: search in a picker, or create what is to be
    picked."""
    audit.nothing_done()
    typed = {name: texts for name, texts in request.form.to_dict(flat=False).items() if name != "csrf"}
    drawn = overlaid(editor(found, models, key), typed)
    control = next((each for each in drawn.controls if each.name == name and each.target), None)
    if control is None:
        raise Refusal("not_understood", "There is no such picker.", fields={FIND: "A picker's name."})
    if word == MAKE:
        here = url("records.edit", model=found.name, key=key) if key else url("records.new", model=found.name)
        back = f"{here}?{carried(typed, CARRIED)}"
        query = urlencode({"back": back, "for": name})
        return redirect(f"{url('records.new', model=control.target)}?{query}", 303)
    target = models.find(control.target)
    with session_of(target) as session:
        matches = lookup(session, target, models, actor.sight(), request.form.get(f"q.{name}", ""), current().config)
    options = [(each.key if control.control == "picks" else each.value or each.key, each.label)
               for each in matches.results]  # fmt: skip
    known = control.known
    offered = replace(control, picked=(*control.picked, *(each for each in options if each[0] not in known)))
    return page(
        "records/form.html",
        replace(drawn, controls=tuple(offered if each is control else each for each in drawn.controls)),
    )


# drawing


def editor(found: Model, models: Models, key: str | None) -> Editor:
    """Raises Refusal: forbidden where nothing of the model can be written."""
    sight = actor.sight()
    sight.permit("commit", found)
    if found.read_only:
        raise Refusal("forbidden", f"{found.title} cannot be written: {found.read_only}")
    source = request.values.get("from", "") if key is None else ""
    person_zone = zone.name()
    if key is None and not source:
        read = blank(found, models, sight)
    else:
        with session_of(found) as session:
            read = editable(session, found, models, sight, key or source, current().config)
    if source:
        read = replace(read, key=None, label=f"Copy of {read.label}")
    return Editor(
        model=found,
        key=key,
        label=read.label,
        controls=controls_of(read, person_zone, copied=bool(source)),
        fixed=fixed_of(read),
        workspaces=open_workspaces(found),
        zone=person_zone,
        source=source,
        back=request.values.get("back", ""),
        wanted=request.values.get("for", ""),
        related=tuple(_related(read, key)) if key else (),
    )


def _related(read: Editable, key: str) -> Iterator[tuple[str, str]]:
    """Of what points to the record: a form never loads it whole."""
    for each in read.relationships:
        if each.direction == "ONETOMANY":
            yield each.name, url("records.show_related", model=read.model.name, key=key, name=each.name)


def overlaid(drawn: Editor, given: Mapping[str, list[str]], refusal: Refusal | None = None) -> Editor:
    fields = {} if refusal is None else refusal.fields
    controls = as_sent(drawn.controls, given, fields)
    if refusal is not None and refusal.details.get("conflicts"):
        controls = in_conflict(controls, refusal.details["conflicts"], drawn.model)
    return replace(drawn, controls=controls, refusal=refusal)
