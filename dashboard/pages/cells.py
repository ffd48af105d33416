"""One cell of a list, edited where it stands: drawn as a form, sent, refused with what was typed, and shown again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from flask import Blueprint, Response, redirect, request
from werkzeug.wrappers import Response as WerkzeugResponse

from ..records.listing import Row
from ..records.models import Model, Models
from ..records.record import record
from ..refusal import Refusal
from ..runtime import current
from ..workspaces.brief import Saves
from ..workspaces.record_verbs import Written, save
from . import actor, gate
from .controls import Control
from .editing import editor, overlaid
from .finding import find
from .finding import session as session_of
from .given import sent
from .html import draw, is_swapped, refused, url
from .lists import is_number
from .rooms import rooms
from .staging import put_values
from .traces import staged

REFUSED_AT_THE_CELL = (409, 413, 422, 423, 503)


@dataclass(frozen=True)
class Cell:
    """control: of its form; None where it is shown. changed: before and after, where it was staged.
    just: what was done with it; change_set: by which it is undone."""

    model: Model
    key: str
    name: str
    control: Control | None = None
    workspaces: tuple[str, ...] = ()
    refusal: Refusal | None = None
    row: Row | None = None
    changed: tuple[Any, Any] | None = None
    just: str = "shown"
    stage: str = ""
    change_set: int | None = None
    database: str | None = None

    @property
    def leads(self) -> bool:
        """Whether it is the head of its row: its list says so."""
        return bool(request.args.get("lead"))

    @property
    def is_number(self) -> bool:
        return is_number(self.model.column(self.name))


def add_routes(records: Blueprint) -> None:
    records.add_url_rule("/<model>/<key>/cells/<column>", "edit_cell", edit_cell)
    records.add_url_rule("/<model>/<key>/cells/<column>", "save_cell", save_cell, methods=["POST"])


@gate.needs(gate.READ, database=True)
def edit_cell(model: str, key: str, column: str) -> WerkzeugResponse:
    """`?shown=1`: as it is, for who does not edit it any more. Without a script it is a field of the record's form."""
    gate.require(gate.EDIT)
    found, models = find(model)
    if not is_swapped():
        return redirect(url("records.edit", model=found.name, key=key), 303)
    if request.args.get("shown"):
        return _shown(found, models, Cell(found, key, column))
    return _drawn(_form(found, models, key, column))


@gate.needs(gate.EDIT, database=True)
def save_cell(model: str, key: str, column: str) -> WerkzeugResponse:
    found, models = find(model)
    cell = Cell(found, key, column)
    try:
        given = sent(found)
        if set(given["values"]) - {column}:
            raise Refusal("not_understood", "A cell is one column.", fields={"values": "One column."})
        done = _written(cell, given)
    except Refusal as refusal:
        if refusal.status not in REFUSED_AT_THE_CELL or not is_swapped():
            return refused(refusal)
        return _drawn(_form(found, models, key, column, refusal), refusal.status)
    if not is_swapped():
        return redirect(url("records.show", model=found.name, key=key), 303)
    return _shown(found, models, done)


def _written(cell: Cell, given: Mapping[str, Any]) -> Cell:
    """What was left as it was is not written."""
    if not given["values"]:
        return cell
    if given.get("stage"):
        outcome = put_values(cell.model, cell.key, given)
        changes = outcome.view.object(outcome.ref or "")["changes"].get(cell.name)
        return replace(cell, changed=changes and tuple(changes), just="staged", stage=str(given["stage"]))
    wanted = {"model": cell.model.name, "key": cell.key, "values": given["values"], "base": given.get("base")}
    written: Written = {}
    done = Saves(rooms()).do(cell.model.database, save(written), wanted, actor=actor.name(), sight=actor.sight())
    history = current().history
    beside = cell.model.database if history is not None and history.beside else None
    return replace(cell, key=written["key"], just="saved", change_set=done.change_set, database=beside)


def _form(found: Model, models: Models, key: str, name: str, refusal: Refusal | None = None) -> Cell:
    """Raises Refusal("not_found") for a column that its form does not offer."""
    drawn = overlaid(editor(found, models, key), request.form.to_dict(flat=False), refusal)
    control = next((each for each in drawn.controls if each.name == name and each.control != "file"), None)
    if control is None or not found.has_column(name):
        raise Refusal("not_found", f"{found.title} has no cell {name[:80]!r} that can be edited.")
    return Cell(found, key, name, control, drawn.workspaces, refusal, stage=request.values.get("stage", ""))


def _shown(found: Model, models: Models, cell: Cell) -> Response:
    runtime = current()
    with session_of(found) as session:
        read = record(session, found, models, actor.sight(), cell.key, runtime.config, runtime.secret_key)
    if not any(column.name == cell.name for column in read.columns):
        raise Refusal("not_found", f"{found.title} has no cell {cell.name[:80]!r}.")
    badge = staged(found).get(cell.key)
    return _drawn(replace(cell, row=replace(read.row, badge=badge.badge) if badge else read.row))


def _drawn(cell: Cell, status: int = 200) -> Response:
    return Response(draw("records/_cell.html", cell), status=status, mimetype="text/html")
