"""A change that is not saved now, but put into an open workspace: through that workspace's own verbs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from werkzeug.wrappers import Response as WerkzeugResponse

from ..records.models import Model
from ..refusal import Refusal
from ..workspaces.registry import Outcome
from . import actor, audit
from .html import done
from .rooms import do, rooms
from .workspaces import Answer


def open_workspaces(model: Model) -> tuple[str, ...]:
    """Names of those that a record of this model may be put into; none while the store is away: a record can be looked
    at all the same."""
    try:
        summaries = rooms().summaries(actor.sight(), actor=actor.name())
    except Refusal as refusal:
        if refusal.code != "store_away":
            raise
        return ()
    return tuple(each.name for each in summaries if each.database == model.database)


def stage_new(model: Model, given: Mapping[str, Any]) -> WerkzeugResponse:
    return _answer(given, _act(given, "objects", {"model": model.name, "values": given["values"]}), created=True)


def stage_values(model: Model, key: str, given: Mapping[str, Any]) -> WerkzeugResponse:
    return _answer(given, put_values(model, key, given))


def put_values(model: Model, key: str, given: Mapping[str, Any]) -> Outcome:
    ref = _loaded(model, key, given)
    wanted = {"ref": ref, "values": given["values"], "base": given.get("base")}
    try:
        return _act(given, "values", wanted)
    except Refusal as refusal:
        raise _with_mine(refusal, given["values"]) from refusal


def stage_delete(model: Model, key: str, given: Mapping[str, Any]) -> WerkzeugResponse:
    return _answer(given, _act(given, "delete", {"ref": _loaded(model, key, given)}))


def _loaded(model: Model, key: str, given: Mapping[str, Any]) -> str:
    """Its ref in the workspace; one that was there already and is unchanged is read again."""
    outcome = _act(given, "load", {"model": model.name, "key": key})
    ref = outcome.ref or ""
    found = outcome.view.object(ref)
    if found["badge"] in ("persistent", "expired"):
        _act(given, "refresh", {"ref": ref})
    return ref


def _act(given: Mapping[str, Any], verb: str, wanted: Mapping[str, Any]) -> Outcome:
    name = given["stage"]
    if not isinstance(name, str):
        raise Refusal("not_understood", "stage names a workspace.", fields={"stage": "Text is expected."})
    audit.tells(workspace=name)
    return do(name, verb, wanted)


def _answer(given: Mapping[str, Any], outcome: Outcome, *, created: bool = False) -> WerkzeugResponse:
    return done("workspaces.show", Answer(outcome), created=created, name=given["stage"])


def _with_mine(refusal: Refusal, values: Mapping[str, Any]) -> Refusal:
    """Before, mine and theirs, as a refused save says them."""
    differing = refusal.details.get("differing")
    if not isinstance(differing, Mapping):
        return refusal
    ref = refusal.details.get("ref", "")
    conflicts = [
        {"ref": ref, "column": name, "before": each["base"], "mine": values.get(name), "theirs": each["now"]}
        for name, each in differing.items()
    ]
    return Refusal(
        refusal.code, refusal.message, refusal.fields, refusal.remedy, {**refusal.details, "conflicts": conflicts}
    )
