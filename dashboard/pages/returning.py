"""Where does a person go after a record was written: to the record, or back to the form that wanted it?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from flask import redirect, request
from werkzeug.wrappers import Response as WerkzeugResponse

from ..records.keys import identity_of
from ..records.models import Model
from ..refusal import Refusal
from . import addresses, visitor
from .finding import find
from .html import done, url, wants_json

CHARACTERS = 6_000
"""Of an address that carries a form along; servers and browsers take more, proxies may not."""


def came_from() -> str:
    """`back`, when it is a page of ours."""
    parts = visitor.parts_of(request.values.get("back", ""))
    ours = not parts.scheme and not parts.netloc and parts.path.startswith(addresses.root())
    return parts.geturl() if ours and not parts.path.startswith("//") and "\\" not in parts.path else ""


def carried(typed: Mapping[str, list[str]], kinds: tuple[str, ...]) -> str:
    """The fields of a form as a query. Raises Refusal("too_large")."""
    pairs = [(name, text) for name, texts in typed.items() if name.partition(".")[0] in kinds for text in texts]
    pairs += [(name, typed[name][0]) for name in ("back", "for", "from") if typed.get(name)]
    query = urlencode(pairs)
    if len(query) > CHARACTERS:
        message = "What was typed is too long to be carried along."
        raise Refusal("too_large", message, remedy="Save this record first, or create the other one in another window.")
    return query


def returned(model: Model, key: str, *, created: bool) -> WerkzeugResponse:
    """303 to a page in a browser; the record for a script."""
    if not wants_json():
        back, wanted = came_from(), request.values.get("for", "")
        if back and created and wanted:
            joined = "&" if "?" in back else "?"
            return redirect(f"{back}{joined}{urlencode({f'values.{wanted}': _picked(model, key)})}", 303)
        return redirect(back or url("records.show", model=model.name, key=key), 303)
    return done("records.show", _read(model, key), created=created, model=model.name, key=key)


def _picked(model: Model, key: str) -> str:
    """What a picker's field holds for it: what a foreign key of one column would."""
    if len(model.key_columns) != 1:
        return key
    column = model.key_columns[0]
    return column.text(column.format(identity_of(model, key)[0]))


def _read(model: Model, key: str) -> Any:
    from .records import record_page  # it registers what asks for this

    _, models = find(model.name)
    return record_page(model, models, key)
