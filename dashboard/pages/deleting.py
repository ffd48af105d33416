"""Deleting a record: first what goes along, counted; then the deletion, now or in a workspace."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask import Blueprint, Response, redirect, request
from werkzeug.wrappers import Response as WerkzeugResponse

from ..records.deletion import Deletion, Effect, deletion
from ..records.models import Model
from ..refusal import Refusal
from ..runtime import current
from ..workspaces.brief import Saves
from ..workspaces.record_verbs import remove
from . import actor, gate, toasts
from .arguments import arguments
from .finding import find
from .finding import session as session_of
from .html import page, refused, url, wants_json
from .related import filtered
from .rooms import rooms
from .staging import open_workspaces, stage_delete


@dataclass(frozen=True)
class DeletePage:
    deletion: Deletion
    workspaces: tuple[str, ...]
    refusal: Refusal | None = None

    @staticmethod
    def list_of(effect: Effect) -> str | None:
        """The list that shows its rows alone."""
        return filtered(effect.model, effect.filters)

    @property
    def public(self) -> dict[str, Any]:
        found = self.deletion
        effects = [
            {
                "how": each.how,
                "model": each.model,
                "title": each.title,
                "by": each.by,
                "count": each.count,
                "words": each.words,
                "list": self.list_of(each),
            }
            for each in found.effects
        ]
        return {
            "model": found.model.name,
            "key": found.key,
            "label": found.label,
            "effects": effects,
            "forbidden": found.forbidden,
            "complete": not found.cut,
        }


@dataclass(frozen=True)
class Deleted:
    model: str
    deleted: tuple[str, ...]


def add_routes(records: Blueprint) -> None:
    records.add_url_rule("/<model>/<key>/delete", "deletion", show_deletion)
    records.add_url_rule("/<model>/<key>/delete", "delete_record", delete_record, methods=["POST"])


@gate.needs(gate.READ, database=True)
def show_deletion(model: str, key: str) -> Response:
    gate.require(gate.EDIT)
    found, _ = find(model)
    return page("records/delete.html", DeletePage(_looked_at(found, key), open_workspaces(found)))


@gate.needs(gate.EDIT, database=True)
def delete_record(model: str, key: str) -> WerkzeugResponse:
    found, _ = find(model)
    given = arguments(request)
    looked = _looked_at(found, key)
    try:
        check_size(looked)
        if given.get("stage"):
            return stage_delete(found, key, given)
        wanted = {"model": found.name, "key": key}
        done = Saves(rooms()).do(found.database, remove, wanted, actor=actor.name(), sight=actor.sight())
    except Refusal as refusal:
        if wants_json() or request.is_json:
            return refused(refusal)
        return page("records/delete.html", DeletePage(looked, open_workspaces(found), refusal), refusal=refusal)
    if wants_json():
        return page("records/delete.html", Deleted(found.name, (key,)))
    return toasts.told(redirect(url("records.show_list", model=found.name), 303), found, done.change_set, "Deleted")


def check_size(looked: Deletion) -> None:
    """The ORM loads what it deletes: a million rows of it would be a million objects."""
    for each in looked.effects:
        if each.how in ("orm", "null", "link") and (each.count is None or not each.count.exact):
            message = f"It takes more rows of {each.title} along than one action may load ({each.by}: {each.words})."
            raise Refusal("too_large", message, remedy=f"Delete those of {each.title} first, or do it in the database.")


def _looked_at(found: Model, key: str) -> Deletion:
    sight = actor.sight()
    sight.permit("delete", found)
    if found.read_only:
        raise Refusal("forbidden", f"{found.title} cannot be written: {found.read_only}")
    _, models = find(found.name)
    with session_of(found) as session:
        return deletion(session, found, models, sight, key, current().config)
