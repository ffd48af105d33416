"""How a person likes to see a list: the columns that they chose, and the views that they saved under a name."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import parse_qs, urlencode

from flask import Blueprint, Response, redirect, request
from werkzeug.wrappers import Response as WerkzeugResponse

from ..records.kinds import check_characters
from ..records.listing import Asked
from ..records.models import Model, Models
from ..records.sight import seen
from ..refusal import Refusal
from ..runtime import current
from ..store import list_views
from ..store.list_views import COLUMNS, NAME_LENGTH, OWNER_LENGTH
from . import actor, gate
from .arguments import arguments
from .finding import find
from .html import page, wants_json
from .lists import ListViews, SavedView, address, asked_for

QUERY_CHARACTERS = 4_000


def add_routes(records: Blueprint) -> None:
    records.add_url_rule("/<model>/~/views", "show_views", show_views)
    records.add_url_rule("/<model>/~/views", "save_view", save_view, methods=["POST"])
    records.add_url_rule("/<model>/~/views/forget", "forget_view", forget_view, methods=["POST"])
    records.add_url_rule("/<model>/~/columns", "keep_columns", keep_columns, methods=["POST"])


@gate.needs(gate.READ, database=True)
def show_views(model: str) -> Response:
    found, _ = find(model)
    return _answer(found)


@gate.needs(gate.READ, database=True)
def save_view(model: str) -> WerkzeugResponse:
    """`name`, and `query` as it stands in the list's address."""
    found, models = find(model)
    given = arguments(request)
    name, query = str(given.get("name") or "").strip(), str(given.get("query") or "")
    _check_name(name)
    if len(query) > QUERY_CHARACTERS:
        raise Refusal("too_large", f"A view has at most {QUERY_CHARACTERS} characters.", fields={"query": "Too long."})
    _check_text("query", query)
    said = [(word, text) for word, texts in parse_qs(query, keep_blank_values=True).items() for text in texts]
    said = [(word, text) for word, text in said if word not in ("after", "before")]
    asked = asked_for(parse_qs(urlencode(said), keep_blank_values=True))
    _check(found, models, asked.columns)
    _keep(found, name, urlencode(said))
    return _back(found, address(found.name, said))


@gate.needs(gate.READ, database=True)
def forget_view(model: str) -> WerkzeugResponse:
    found, _ = find(model)
    name = str(arguments(request).get("name") or "")
    if not name or not list_views.forget(current().store, actor.name(), found.name, name):
        raise Refusal("not_found", f"There is no view {name[:80]!r} of this list.")
    return _back(found, address(found.name, []))


@gate.needs(gate.READ, database=True)
def keep_columns(model: str) -> WerkzeugResponse:
    """`columns`: their names, in order; none for the usual ones. A form may say with `place.COLUMN` where each goes."""
    found, models = find(model)
    names = _names()
    _check(found, models, names)
    if names:
        _keep(found, COLUMNS, urlencode({"columns": ",".join(names)}))
    else:
        list_views.forget(current().store, actor.name(), found.name, COLUMNS)
    said = [(word, text) for word, text in request.args.items(multi=True) if word != "columns"]
    return _back(found, address(found.name, said))


def _names() -> tuple[str, ...]:
    if request.is_json:
        given = arguments(request).get("columns") or []
        if not isinstance(given, list) or not all(isinstance(name, str) for name in given):
            raise Refusal("not_understood", "columns is a list of names.", fields={"columns": "A list of names."})
        return tuple(dict.fromkeys(given))
    if "usual" in request.form:
        return ()
    chosen = [name for text in request.form.getlist("columns") for name in text.split(",") if name]
    return tuple(sorted(dict.fromkeys(chosen), key=_place))


def _place(name: str) -> float:
    text = request.form.get(f"place.{name}", "")
    try:
        return float(text or "inf")
    except ValueError:
        raise Refusal("invalid", "A place is a number.", fields={f"place.{name}": "A number is expected."}) from None


def _check_name(name: str) -> None:
    if not name or len(name) > NAME_LENGTH:
        message = f"A name has 1 to {NAME_LENGTH} characters."
        raise Refusal("invalid", message, fields={"name": message})
    _check_text("name", name)


def _check_text(field: str, text: str) -> None:
    try:
        check_characters(text)
    except ValueError as error:
        raise Refusal("invalid", str(error), fields={field: str(error)}) from None


def _check(found: Model, models: Models, names: tuple[str, ...]) -> None:
    known = seen(found, models, actor.sight()).columns
    unknown = next((name for name in names if name not in known), None)
    if unknown is not None:
        message = f"{found.title} has no column {unknown[:80]!r}."
        raise Refusal("not_understood", message, fields={"columns": message})


def _keep(found: Model, name: str, query: str) -> None:
    if max(len(found.name), len(actor.name())) > OWNER_LENGTH:
        raise Refusal("too_large", "The name of the model, or yours, is too long to be kept with a view.")
    list_views.keep(current().store, actor.name(), found.name, name, query, most=current().config.saved_views)


def _back(found: Model, to: str) -> WerkzeugResponse:
    return _answer(found) if wants_json() or request.is_json else redirect(to, 303)


def _answer(found: Model) -> Response:
    return page("records/views.html", liked(found))


# what a list asks


def liked(found: Model) -> ListViews:
    """Nothing while the store is away: a list is shown all the same."""
    try:
        kept: Mapping[str, str] = list_views.views_of(current().store, actor.name(), found.name)
    except Refusal:
        kept = {}
    columns = parse_qs(kept.get(COLUMNS, "")).get("columns", [""])[0].split(",")
    views = (SavedView(name, _href(found, query)) for name, query in kept.items() if name != COLUMNS)
    return ListViews(found.name, tuple(name for name in columns if name), tuple(views))


def _href(found: Model, query: str) -> str:
    base = address(found.name, [])
    return f"{base}?{query}" if query else base


def columns_of(liked_: ListViews, asked: Asked, found: Model, models: Models) -> tuple[str, ...]:
    """What the address says; else what the person chose, as far as that is still there for them."""
    if asked.columns or not liked_.columns:
        return asked.columns
    known = seen(found, models, actor.sight()).columns
    return tuple(name for name in liked_.columns if name in known)
