"""What has been done to a record, and what is being done: its history, and its badge in the person's own workspaces."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, Response, request

from ..records.models import Model
from ..records.record import record_of
from ..refusal import Refusal
from ..runtime import current
from ..workspaces.badges import Badge, badges
from ..workspaces.record_history import RecordHistory, record_history
from . import actor, gate
from .finding import find
from .finding import session as session_of
from .html import page, url


@dataclass(frozen=True)
class HistoryOfRecord:
    model: Model
    key: str
    label: str
    history: RecordHistory
    older: str | None

    @property
    def public(self) -> dict[str, Any]:
        return {"model": self.model.name, "key": self.key, "history": self.history.changes, "older": self.older}


def add_routes(records: Blueprint) -> None:
    records.add_url_rule("/<model>/<key>/history", "show_history", show_history)


@gate.needs(gate.READ, database=True)
def show_history(model: str, key: str) -> Response:
    """Of a record that is there and that the person may see."""
    found, models = find(model)
    before = request.args.get("before", "")
    if before and not (before.isascii() and before.isdigit() and len(before) < 10):
        raise Refusal("not_understood", "before is a whole number.", fields={"before": "A whole number."})
    with session_of(found) as session:
        label = record_of(session, found, models, actor.sight(), key, current().config)
    room = current().history
    assert room is not None  # where there are records
    read = record_history(room, found, key, actor.sight(), actor.name(), before=int(before) if before else None)
    older = None if read.before is None else url("records.show_history", model=model, key=key, before=read.before)
    return page("records/history.html", HistoryOfRecord(found, key, label, read, older))


def history_of(found: Model, key: str) -> RecordHistory | None:
    """None where it cannot be read just now."""
    room = current().history
    try:
        return None if room is None else record_history(room, found, key, actor.sight(), actor.name())
    except Refusal:
        return None


def staged(found: Model) -> Mapping[str, Badge]:
    runtime = current()
    return badges(runtime.store, found, actor.name(), most=runtime.config.workspace_objects)
