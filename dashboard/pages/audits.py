"""The page of the audit, and the audit as a file. For admins; nothing here changes it."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields

from flask import Blueprint, Response, request

from ..records.export import guarded
from ..refusal import Refusal
from ..runtime import current
from ..store.audit import Audit, Deed
from . import audit, gate
from .addresses import url
from .html import page

ROWS = 100
AT_ONCE = 1_000
FORMATS = {"csv": "text/csv", "jsonl": "application/x-ndjson"}
NAMES = tuple(each.name for each in fields(Deed))


@dataclass(frozen=True)
class AuditPage:
    deeds: tuple[Deed, ...]
    next: str | None
    _who: str
    _act: str

    @property
    def who(self) -> str:
        return self._who

    @property
    def act(self) -> str:
        return self._act


def blueprint() -> Blueprint:
    found = Blueprint("audit", __name__, url_prefix="/audit")
    found.add_url_rule("/", "index", index)
    found.add_url_rule("/export", "export", export)
    return found


@gate.needs(gate.ADMINISTER)
def index() -> Response:
    who, act = request.args.get("who", ""), request.args.get("act", "")
    deeds = current().audit.newest(most=ROWS + 1, before=_before(), who=who or None, act=act or None)
    shown = tuple(deeds[:ROWS])
    more = url("audit.index", who=who or None, act=act or None, before=shown[-1].number) if len(deeds) > ROWS else None
    return page("audit/index.html", AuditPage(shown, more, who, act))


@gate.needs(gate.ADMINISTER, heavy=True)
def export() -> Response:
    """All of it, the newest first."""
    form = request.args.get("format", "csv")
    if form not in FORMATS:
        known = ", ".join(FORMATS)
        raise Refusal("not_understood", f"format is one of {known}.", fields={"format": f"One of {known}."})
    audit.note("audit.export", form)
    answer = Response(_lines(current().audit, form), mimetype=FORMATS[form])
    answer.headers.set("Content-Disposition", "attachment", filename=f"audit.{form}")
    return answer


def _before() -> int | None:
    given = request.args.get("before", "")
    if not given:
        return None
    if not (given.isascii() and given.isdigit() and len(given) < 19):
        raise Refusal("not_understood", "before is a row's number.", fields={"before": "A whole number."})
    return int(given)


def _lines(kept: Audit, form: str) -> Iterator[str]:
    if form == "csv":
        yield _csv(NAMES)
    before: int | None = None
    while deeds := kept.newest(most=AT_ONCE, before=before):
        for deed in deeds:
            told = {**asdict(deed), "details": dict(deed.details)}
            if form == "csv":
                yield _csv([guarded(_text(told[name])) for name in NAMES])
            else:
                yield json.dumps(told) + "\n"
        before = deeds[-1].number


def _text(value: object) -> str:
    return json.dumps(value) if isinstance(value, dict) else str(value)


def _csv(cells: tuple[str, ...] | list[str]) -> str:
    line = io.StringIO()
    csv.writer(line).writerow(cells)
    return line.getvalue()
