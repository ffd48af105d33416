"""How is a frozen context answered? As a whole page, as one live partial of it, or as JSON: all from the same
context."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from functools import cache, partial
from math import isfinite
from typing import Any

import jinja2
import jinja2.nodes
from flask import Response, jsonify, redirect, request
from werkzeug.wrappers import Response as WerkzeugResponse

from ..access.access import asked
from ..refusal import Refusal
from ..runtime import current
from .addresses import HOUSE, static, url
from .ago import ago
from .audit import REFUSED_AS
from .colours import coloured
from .judged import judged
from .shell import Shell
from .ticks import ticked

__all__ = ["done", "draw", "page", "refused", "static", "templates", "url", "wants_json"]

templates = jinja2.Environment(
    loader=jinja2.FileSystemLoader(HOUSE / "templates"),
    autoescape=True,
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    auto_reload=False,
)
"""Our own environment: a host's templates, filters and globals neither reach it nor are touched. No page asks the disk
whether its files are new: during an upgrade the new ones would be drawn by the old code."""
templates.filters["ago"] = ago
templates.filters["coloured"] = coloured
templates.filters["judged"] = judged
templates.filters["ticked"] = ticked
# Jinja's own calls itself safe as it is, which it is not in an attribute; ours is a text, escaped like any other.
templates.filters["tojson"] = partial(json.dumps, ensure_ascii=False, sort_keys=True)


def page(template: str, context: Any, *, status: int = 200) -> Response:
    """The answer to a GET, drawn from one frozen dataclass.

    template: `<noun>/<page>.html`. htmx names the element that it will swap; if that element is a partial of this page
    (`#pool-slots` is `<noun>/_pool_slots.html`), only that is drawn.
    """
    if wants_json():
        response = jsonify(plain(public(context)))
    else:
        response = Response(draw(_partial(template) or template, context), mimetype="text/html")
    response.status_code = status
    response.vary.update(("Accept", "HX-Request", "HX-Target", "Cookie"))
    return response


def done(endpoint: str, context: Any, *, created: bool = False, **where: str) -> WerkzeugResponse:
    """The answer to a POST that succeeded: 303 to the page in a browser, 200 or 201 with the page's JSON for a
    script."""
    if wants_json():
        told = getattr(context, "as_json", None)
        response = jsonify(plain(public(context))) if told is None else Response(told, mimetype="application/json")
        response.status_code = 201 if created else 200
        return response
    return redirect(url(endpoint, **where), 303)


def refused(refusal: Refusal, beside: str = "", context: Any = None) -> WerkzeugResponse:
    """The answer to a request that was refused, in the shape that the asker takes.

    beside: a template, drawn with the context, of the other parts of an open page that htmx shall swap as well.
    """
    request.environ[REFUSED_AS] = refusal.code
    if refusal.code == "signed_out" and not wants_json() and request.method == "GET" and not is_swapped():
        try:
            return redirect(sign_in_url(), 303)
        except Refusal as hosts:  # its Access raised
            refusal = hosts
    if wants_json():
        answer: Response = jsonify(plain_error(refusal))
    elif is_swapped():
        parts = draw("components/_message.html", refusal) + (draw(beside, context) if beside else "")
        answer = Response(parts, mimetype="text/html")
    else:
        answer = Response(draw("error.html", refusal), mimetype="text/html")
    answer.status_code = refusal.status
    if refusal.status == 401:
        answer.headers["WWW-Authenticate"] = "Bearer"
    return answer


def plain_error(refusal: Refusal) -> dict[str, Any]:
    error = {"code": refusal.code, "message": refusal.message, "fields": dict(refusal.fields), "remedy": refusal.remedy}
    return {"error": {**error, **plain(refusal.details)}}


def draw(template: str, context: Any) -> str:
    """The template with the context as `page` and what every page needs: person, csrf, where things are.

    JSON can say half of a surrogate pair, and a message may quote what was sent: no byte stands for it.
    """
    text = templates.get_template(template).render(page=context, shell=Shell())
    return text.encode("utf-8", "replace").decode("utf-8")


def plain(value: Any) -> Any:
    """Plain JSON data of a frozen context: dataclasses become objects, `class_` becomes `class`.

    >>> @dataclasses.dataclass(frozen=True)
    ... class Pool:
    ...     name: str
    ...     class_: str
    >>> plain((Pool("default", "QueuePool"),))
    [{'name': 'default', 'class': 'QueuePool'}]
    """
    if value is None or type(value) in _AS_IT_IS:
        return value
    if type(value) is dict:  # most of what is drawn; asking whether it is a Mapping takes longer than all else here
        return {key if type(key) is str else str(key): plain(item) for key, item in value.items()}
    if type(value) is list:
        return [plain(item) for item in value]
    if type(value) is float:
        return value if isfinite(value) else str(value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {name: plain(getattr(value, field)) for field, name in _shown(type(value))}
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [plain(item) for item in value]
    if (isinstance(value, float) and value != value) or value in (float("inf"), float("-inf")):
        return str(value)
    return value


_AS_IT_IS = frozenset({bool, int, str})  # a pool's history has many thousand numbers


@cache
def _shown(class_: type) -> tuple[tuple[str, str], ...]:
    """The fields of a dataclass that are shown, each with its name there."""
    return tuple((f.name, f.name.rstrip("_")) for f in dataclasses.fields(class_) if not f.name.startswith("_"))


def public(context: Any) -> Any:
    """What JSON shows of a context: all of it, unless it says `public` because the HTML page needs more than the
    contract shows."""
    return getattr(context, "public", context)


def wants_json() -> bool:
    """Asked for by Accept; where the asker takes anything, the answer speaks as the request did."""
    accepted = request.accept_mimetypes
    html, json = accepted["text/html"], accepted["application/json"]
    if html == json:
        return request.is_json
    return json > html


def sign_in_url() -> str:
    runtime = current()
    here = request.root_path + request.full_path.rstrip("?") if request.method == "GET" else url("overview.index")
    if runtime.access is not None:
        access = runtime.access
        return str(asked(lambda: access.sign_in_url(here)))
    return url("account.login", next=here)


def _partial(template: str) -> str | None:
    target = request.headers.get("HX-Target", "").rpartition("#")[2] if is_swapped() else ""
    name = f"{template.partition('/')[0]}/_{target.replace('-', '_')}.html"
    return name if name in _partials(template) else None


def is_swapped() -> bool:
    """Asked by htmx, which puts parts of the answer into an open page, and not by a script that wants JSON."""
    return not wants_json() and request.headers.get("HX-Request") == "true"


@cache
def _partials(template: str) -> frozenset[str]:
    """What a page includes by itself can be drawn from its context alone; a partial inside of a partial only where it
    says so, by refreshing itself."""
    direct = _included(template)
    nested = {inner for each in direct for inner in _included(each) if _refreshes_itself(_source(inner))}
    return frozenset(direct | nested)


def _included(template: str) -> set[str]:
    found = templates.parse(_source(template)).find_all(jinja2.nodes.Include)
    return {each.template.value for each in found if isinstance(each.template, jinja2.nodes.Const)}


def _refreshes_itself(source: str) -> bool:
    return 'hx-target="this"' in source or " data-live=" in source


def _source(template: str) -> str:
    source, *_ = templates.loader.get_source(templates, template)  # type: ignore[union-attr]
    return source
