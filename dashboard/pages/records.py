"""Records: the models, a list of one model's records, and one record."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from flask import Blueprint, Response, redirect, request
from werkzeug.wrappers import Response as WerkzeugResponse

from ..records.counting import Count, count_of
from ..records.keys import identity_of
from ..records.listing import Listing, listing
from ..records.models import Database, Model, Models
from ..records.record import Record, record
from ..records.sight import may_see
from ..refusal import Refusal
from ..runtime import current
from ..workspaces.badges import Badge
from ..workspaces.record_history import RecordHistory
from . import (
    actor,
    bulk,
    cells,
    deleting,
    editing,
    exporting,
    gate,
    importing,
    list_views,
    lookups,
    progress,
    related,
    traces,
)
from .arguments import arguments
from .finding import databases, find
from .finding import session as session_of
from .html import done, page, url, wants_json
from .lists import CHOSEN, ListViews, asked_for, list_page, with_chosen_filter
from .related import Around, around
from .rooms import do, rooms
from .staging import open_workspaces
from .traces import history_of, staged
from .workspaces import Answer


@dataclass(frozen=True)
class ModelLine:
    """One model on the page of all. count: None where it could not be counted in time; problem: why not at all."""

    name: str
    title: str
    database: str
    read_only: str | None
    count: Count | None
    problem: str | None


@dataclass(frozen=True)
class RecordsIndex:
    models: tuple[ModelLine, ...]
    problems: tuple[str, ...]


@dataclass(frozen=True)
class RecordPage:
    """badge: in the person's own workspace. history: None where it cannot be read; older: where it goes on."""

    record: Record
    workspaces: tuple[str, ...]
    related: tuple[Around, ...]
    badge: Badge | None
    history: RecordHistory | None
    older: str | None

    @property
    def public(self) -> dict[str, Any]:
        row = self.record.row
        return {
            "model": self.record.model.name,
            "key": row.key,
            "label": row.label,
            "values": row.values,
            "badge": row.badge,
            "workspace": self.badge and self.badge.workspace,
            "history": None if self.history is None else self.history.changes,
            "older": self.older,
            "references": row.references,
            "related": [
                {
                    "name": each.related.name,
                    "model": each.related.model,
                    "count": each.related.count,
                    "list": each.all,
                    "rows": each.href,
                }
                for each in self.related
            ],
        }


def blueprint() -> Blueprint:
    records = Blueprint("records", __name__, url_prefix="/records")
    records.add_url_rule("/", "index", index)
    records.add_url_rule("/<model>/", "show_list", show_list)
    records.add_url_rule("/<model>/<key>", "show", show)
    records.add_url_rule("/<model>/<key>/open", "open_in_workspace", open_in_workspace, methods=["POST"])
    for each in (cells, editing, deleting, bulk, lookups, exporting, importing, list_views, progress, related, traces):
        each.add_routes(records)
    return records


@gate.needs(gate.READ, database=True)
def index() -> Response:
    lines: list[ModelLine] = []
    refused: dict[str, Refusal] = {}
    for database in databases().values():
        try:
            lines += _lines(database)
        except Refusal as refusal:
            refused[database.name] = refusal
    if refused and not lines:
        raise Refusal("database_away", _told(refused), remedy=next(iter(refused.values())).remedy)
    problems = (f"{name}: {refusal.message} {refusal.remedy}" for name, refusal in refused.items())
    return page("records/index.html", RecordsIndex(tuple(lines), tuple(problems)))


def _told(refused: Mapping[str, Refusal]) -> str:
    named = len(refused) > 1
    return " ".join(f"{name}: {refusal.message}" if named else refusal.message for name, refusal in refused.items())


@gate.needs(gate.READ, database=True)
def show_list(model: str) -> WerkzeugResponse:
    if any(name in request.args for name in CHOSEN):
        return redirect(with_chosen_filter(model), 303)
    found, models = find(model)
    asked = asked_for(request.args.to_dict(flat=False))
    liked = ListViews(found.name) if wants_json() else list_views.liked(found)  # a script gets what it asks for
    shown = replace(asked, columns=list_views.columns_of(liked, asked, found, models))
    with session_of(found) as session:
        config, secret = current().config, current().secret_key
        read = listing(session, found, models, actor.sight(), shown, config, secret)
    return page("records/list.html", list_page(marked(read), asked, liked))


@gate.needs(gate.READ, database=True)
def show(model: str, key: str) -> Response:
    found, models = find(model)
    return page("records/show.html", record_page(found, models, key))


@gate.needs(gate.EDIT, database=True)
def open_in_workspace(model: str, key: str) -> WerkzeugResponse:
    """Through the workspaces' own verbs: the one that is named, or a new one of that name."""
    found, _ = find(model)
    identity_of(found, key)
    given = arguments(request)
    name = str(given.get("new") or given.get("workspace") or "")
    sight = actor.sight()
    sight.permit("load", found)
    if given.get("new"):
        rooms().open(name, actor.name(), database=found.database)
    outcome = do(name, "load", {"model": found.name, "key": key})
    return done("workspaces.show", Answer(outcome), name=name)


# drawing


def marked(read: Listing) -> Listing:
    """With the badges that its rows have in the person's own workspaces."""
    known = staged(read.model)
    if not known:
        return read
    found = ((row, known.get(row.key or "")) for row in read.rows)
    rows = (row if badge is None else replace(row, badge=badge.badge) for row, badge in found)
    return replace(read, rows=tuple(rows))


def _lines(database: Database) -> list[ModelLine]:
    sight = actor.sight()
    return [_line(model, database.models, sight) for model in database.models if may_see(model, sight)]


def _line(model: Model, models: Models, sight: Any) -> ModelLine:
    count, problem = None, None
    try:
        with session_of(model) as session:
            count = count_of(session, model, models, sight, current().config)
    except Refusal as refusal:
        if refusal.code in ("database_away", "overloaded", "busy"):
            raise
        problem = refusal.message
    return ModelLine(model.name, model.title, model.database, model.read_only, count, problem)


def record_page(found: Model, models: Models, key: str) -> RecordPage:
    """Where its history is away, the record is shown without."""
    runtime = current()
    with session_of(found) as session:
        read = record(session, found, models, actor.sight(), key, runtime.config, runtime.secret_key)
    shown = str(read.row.key)
    badge = staged(found).get(shown)
    read = replace(read, row=replace(read.row, badge=None if badge is None else badge.badge))
    history = history_of(found, shown)
    older = None
    if history is not None and history.before is not None:
        older = url("records.show_history", model=found.name, key=shown, before=history.before)
    around_it = around(found.name, shown, read.related)
    return RecordPage(read, open_workspaces(found), around_it, badge, history, older)
