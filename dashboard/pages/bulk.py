"""One action with many records: those that were selected, or all that match; confirmed first where a person asks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from flask import Blueprint, redirect, request
from werkzeug.wrappers import Response as WerkzeugResponse

from ..records.editing import blank
from ..records.models import Model, Models
from ..refusal import Refusal
from ..runtime import current
from ..workspaces.brief import Saves
from ..workspaces.bulk_verbs import bulk
from . import actor, audit, gate, toasts, zone
from .controls import Control, as_sent, controls_of_many
from .finding import find
from .given import sent
from .html import done, is_swapped, page, refused, wants_json
from .lists import address
from .progress import new_job, told
from .rooms import do, rooms
from .staging import open_workspaces
from .workspaces import Answer


@dataclass(frozen=True)
class Done:
    """count: of the records that were chosen."""

    model: str
    action: str
    count: int


@dataclass(frozen=True)
class BulkPage:
    """Asks once more. kept: what was chosen, as fields. count: None for all that match."""

    model: Model
    action: str
    words: str
    count: int | None
    kept: tuple[tuple[str, str], ...]
    controls: tuple[Control, ...]
    workspaces: tuple[str, ...]
    most: int
    refusal: Refusal | None = None
    job: str = field(default_factory=new_job)


def add_routes(records: Blueprint) -> None:
    records.add_url_rule("/<model>/~/bulk", "act_on_many", act_on_many, methods=["POST"])


@gate.needs(gate.EDIT, database=True, heavy=True)
def act_on_many(model: str) -> WerkzeugResponse:
    found, models = find(model)
    asks = not request.is_json and not wants_json()
    try:
        given = _given(found)
        if asks and not request.form.get("confirmed"):
            audit.nothing_done()
            return page("records/bulk.html", _asked(found, models, given))
        return _done(found, given)
    except Refusal as refusal:
        if not asks or is_swapped() or not request.form.get("confirmed"):
            return refused(refusal)
        drawn = _asked(found, models, request.form.to_dict(), refusal)
        return page("records/bulk.html", drawn, refusal=refusal)


def _given(found: Model) -> dict[str, Any]:
    given = sent(found)
    if not request.is_json:
        for name in (*(name for name in request.form if name.startswith("f.")), "keys"):
            values = request.form.getlist(name) + (request.form.getlist("keys[]") if name == "keys" else [])
            if name == "keys" or len(values) > 1:
                given[name] = values
    elif "keys[]" in given:
        given["keys"] = given.pop("keys[]")
    return {**given, "model": found.name}


def _done(found: Model, given: Mapping[str, Any]) -> WerkzeugResponse:
    if given.get("action") == "stage":
        return _staged(found, given)
    written: dict[str, Any] = {}
    with told(given) as note:
        room = Saves(rooms())
        done_at_once = room.do(found.database, bulk(written, note), given, actor=actor.name(), sight=actor.sight())
    audit.tells(action=str(given["action"]), count=written["count"])
    if wants_json() or request.is_json:
        return page("records/bulk.html", Done(found.name, str(given["action"]), written["count"]))
    answer = redirect(address(found.name, _search(given)), 303)
    return toasts.told(answer, found, done_at_once.change_set, f"{written['count']} records changed")


def _staged(found: Model, given: Mapping[str, Any]) -> WerkzeugResponse:
    """Loads them into a workspace: all of them, or none."""
    name = given.get("stage")
    if not isinstance(name, str) or not name:
        raise Refusal("not_understood", "stage names a workspace.", fields={"stage": "A workspace's name."})
    wanted = {key: value for key, value in given.items() if key in ("keys", "all", "q", "where") or key[:2] == "f."}
    wanted = {**wanted, "model": found.name}
    if given.get("all"):
        wanted = {**wanted, "limit": current().config.bulk_rows, "keys": None}
    outcome = do(name, "load-many", wanted)
    audit.tells(action="stage", workspace=name)
    return done("workspaces.show", Answer(outcome), name=name)


def _asked(found: Model, models: Models, given: Mapping[str, Any], refusal: Refusal | None = None) -> BulkPage:
    action = str(given.get("action") or "")
    own = found.actions.get(action)
    if action not in ("edit", "delete", "stage") and own is None:
        raise Refusal("not_understood", f"There is no action {action[:80]!r}.", fields={"action": "Choose one."})
    keys = request.form.getlist("keys") + request.form.getlist("keys[]")
    everything = bool(request.form.get("all"))
    if not keys and not everything:
        raise Refusal("not_understood", "No record is selected.", remedy="Select some, or all that match.")
    sight = actor.sight()
    sight.permit("commit", found)
    controls = controls_of_many(blank(found, models, sight), zone.name()) if action == "edit" else ()
    if refusal is not None:
        controls = as_sent(controls, request.form.to_dict(flat=False), refusal.fields)
    kept = [("keys", key) for key in keys if not everything] + [("all", "1")] * everything + _search(request.form)
    words = (own.__doc__ or "").strip().split("\n")[0] if own else ""
    return BulkPage(
        found,
        action,
        words or action.replace("_", " "),
        None if everything else len(keys),
        tuple(kept),
        controls,
        open_workspaces(found),
        current().config.bulk_rows,
        refusal,
    )


def _search(given: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Of what was sent, the search and the filters that chose the records."""
    several = request.form.getlist if not request.is_json else lambda name: [str(given[name])]
    names = [name for name in given if name in ("q", "where", "sort", "columns", "size") or name.startswith("f.")]
    return [(name, text) for name in names for text in several(name)]
