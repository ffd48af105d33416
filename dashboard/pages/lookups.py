"""What a picker asks while a form is open: the records that match; and one record's binary data, as a file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask import Blueprint, Response, request

from ..records.editing import editable
from ..records.kinds import Binary
from ..records.lookup import Match, lookup
from ..refusal import Refusal
from ..runtime import current
from . import actor, gate
from .finding import find
from .finding import session as session_of
from .html import is_swapped, page


@dataclass(frozen=True)
class LookupPage:
    """by_key: options hold keys, for a relationship; else what a foreign key's column holds."""

    model: str
    q: str
    results: tuple[Match, ...]
    more: bool
    by_key: bool

    @property
    def public(self) -> dict[str, Any]:
        return {"model": self.model, "results": self.results, "more": self.more}


def add_routes(records: Blueprint) -> None:
    records.add_url_rule("/<model>/~/lookup", "show_lookup", show_lookup)
    records.add_url_rule("/<model>/<key>/file/<column>", "download", download)


@gate.needs(gate.READ, database=True)
def show_lookup(model: str) -> Response:
    found, models = find(model)
    q = next((text for name, text in request.args.items() if name == "q" or name.startswith("q.")), "")
    with session_of(found) as session:
        matches = lookup(session, found, models, actor.sight(), q, current().config)
    by_key = len(found.key_columns) != 1 or "by_key" in request.args
    answer = LookupPage(found.name, q, matches.results, matches.more, by_key)
    return page("records/_options.html" if is_swapped() else "records/lookup.html", answer)


@gate.needs(gate.READ, database=True)
def download(model: str, key: str, column: str) -> Response:
    """As it is kept, under a name that says what it is; never shown as a page of ours."""
    found, models = find(model)
    with session_of(found) as session:
        read = editable(session, found, models, actor.sight(), key, current().config, whole=True)
    wanted = next((each for each in read.columns if each.name == column and isinstance(each.kind, Binary)), None)
    value = None if wanted is None else read.values[wanted.name]
    if not isinstance(value, (bytes, bytearray, memoryview)):
        raise Refusal("not_found", "There is no such file.")
    answer = Response(bytes(value), mimetype="application/octet-stream")
    answer.headers.set("Content-Disposition", "attachment", filename=f"{found.name}-{key}-{column}.bin")
    return answer
