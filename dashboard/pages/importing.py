"""A file's rows become records: tried first, with what is wrong by row and column; then all of them, or none."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import IO, Any

from flask import Blueprint, Response, request
from werkzeug.wrappers import Response as WerkzeugResponse

from ..records.export import FORMATS
from ..records.models import Model
from ..records.rows_read import rows_of
from ..refusal import Refusal
from ..workspaces.brief import NOTHING, Saves
from ..workspaces.import_verbs import INSERT, Imported, take_in
from . import actor, audit, gate, progress
from .arguments import switch
from .finding import find
from .html import page, refused, wants_json
from .rooms import rooms

MIMETYPES = {mimetype: form for form, mimetype in FORMATS.items()}


@dataclass(frozen=True)
class ImportPage:
    """imported: None before a file was sent."""

    model: Model
    columns: tuple[str, ...]
    mode: str = INSERT
    dry_run: bool = True
    imported: Imported | None = None
    refusal: Refusal | None = None
    job: str = field(default_factory=progress.new_job)

    @property
    def public(self) -> dict[str, Any]:
        told = self.imported or Imported()
        return {
            "model": self.model.name,
            "columns": self.columns,
            "dry_run": self.dry_run,
            "inserted": told.inserted,
            "updated": told.updated,
            "errors": [_error(each) for each in told.errors],
            "more": told.more and self.dry_run,
            "ignored": sorted(told.ignored),
        }


def add_routes(records: Blueprint) -> None:
    records.add_url_rule("/<model>/~/import", "show_import", show_import)
    records.add_url_rule("/<model>/~/import", "import_records", import_records, methods=["POST"])


@gate.needs(gate.READ, database=True)
def show_import(model: str) -> Response:
    gate.require(gate.EDIT)
    found, _ = find(model)
    actor.sight().permit("commit", found)
    return page("records/import.html", ImportPage(found, _columns(found)))


@gate.needs(gate.EDIT, database=True, body="import_bytes", heavy=True)
def import_records(model: str) -> WerkzeugResponse:
    found, _ = find(model)
    given = {**request.args.to_dict(), **request.form.to_dict()}
    mode, dry = given.get("mode") or INSERT, switch(given, "dry_run", False)
    told = Imported()
    try:
        with _file() as (file, form):
            rows = rows_of(file, given.get("format") or form, found)
            wanted = {"model": found.name, "mode": mode}
            with progress.told(given) as note:
                planned = take_in(told, rows, dry=dry, note=lambda told: note(told.row, None, "Rows looked at:"))
                Saves(rooms()).do(found.database, planned, wanted, actor=actor.name(), sight=actor.sight())
        if told.errors and not dry:
            raise _wrong(told)
        if dry:
            audit.nothing_done()
        audit.tells(mode=mode, inserted=told.inserted, updated=told.updated)
    except Refusal as refusal:
        if wants_json():
            return refused(refusal)
        drawn = ImportPage(found, _columns(found), mode, dry, told if told.errors else None, refusal)
        return page("records/import.html", drawn, refusal=refusal)
    return page("records/import.html", ImportPage(found, _columns(found), mode, dry, told))


@contextmanager
def _file() -> Iterator[tuple[IO[bytes], str]]:
    """The file with its format: by its name, or by what the body says it is."""
    sent = request.files.get("file")
    if sent is not None and sent.filename:
        ending = sent.filename.rpartition(".")[2].lower()
        yield sent.stream, ending if ending in FORMATS else "csv"
    elif request.mimetype in MIMETYPES and not request.is_json:
        yield request.stream, MIMETYPES[request.mimetype]
    else:
        message = "A file is expected, in the field `file`."
        raise Refusal("not_understood", message, fields={"file": message}, remedy="Send CSV, JSON or JSON Lines.")


def _columns(found: Model) -> tuple[str, ...]:
    hidden = actor.sight().hidden(found)
    return tuple(column.name for column in found.columns if column.editable and column.name not in hidden)


def _wrong(told: Imported) -> Refusal:
    row, column, sentence = told.errors[0]
    where = f"Row {row}, {column}" if column else f"Row {row}"
    return Refusal(
        "invalid",
        f"{where}: {sentence}",
        fields={column: sentence} if column else {},
        remedy=f"{NOTHING} A dry run tells all that is wrong.",
        details={"errors": [_error(each) for each in told.errors]},
    )


def _error(each: tuple[int, str, str]) -> dict[str, Any]:
    row, column, sentence = each
    return {"row": row, "column": column, "message": sentence}
