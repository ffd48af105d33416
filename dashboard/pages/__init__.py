"""The web: one module a page, each a nested Blueprint; all of them below one blueprint behind one gate."""

from __future__ import annotations

import logging
from collections.abc import Iterable

from flask import Blueprint, current_app, request
from werkzeug.exceptions import (
    HTTPException,
    InternalServerError,
    MethodNotAllowed,
    NotFound,
    RequestEntityTooLarge,
    default_exceptions,
)
from werkzeug.wrappers import Response as WerkzeugResponse

from ..refusal import Refusal
from ..runtime import current
from . import (
    about,
    account,
    accounts,
    assets,
    audit,
    audits,
    compressing,
    gate,
    history,
    html,
    incidents,
    metrics,
    monitoring,
    neighbours,
    openapi,
    overview,
    pools,
    records,
    search,
    sessions,
    staged_bar,
    statements,
    stream,
    workspaces,
)
from .headers import protect

log = logging.getLogger("poolhouse")
PAGES = (
    openapi,
    overview,
    pools,
    sessions,
    statements,
    incidents,
    records,
    workspaces,
    history,
    monitoring,
    account,
    accounts,
    audits,
    about,
    search,
    staged_bar,
    stream,
    metrics,
)

OTHER_METHODS = ("POST", "PUT", "PATCH", "DELETE", "TRACE", "CONNECT")


def blueprint(name: str, more: Iterable[Blueprint] = ()) -> Blueprint:
    """Everything that Poolhouse serves, to be registered under any prefix. more: pages of whoever stands above."""
    root = Blueprint(name, __name__)
    for page in PAGES:
        root.register_blueprint(page.blueprint())
    root.add_url_rule("/static/<path:filename>", "static", assets.send)
    for above in more:
        root.register_blueprint(above)
    root.add_url_rule("/", "unknown", unknown, methods=OTHER_METHODS)
    root.add_url_rule("/<path:path>", "unknown", unknown, methods=("GET", *OTHER_METHODS))
    root.url_value_preprocessor(neighbours.spare)
    root.before_request(gate.check)
    root.after_request(compressing.compress)  # the first to be registered is the last to run
    root.after_request(gate.remember)
    root.after_request(audit.written)
    root.after_request(protect)
    root.teardown_request(gate.leave)
    root.register_error_handler(Refusal, html.refused)
    for code in default_exceptions:  # each by its own: a host's handler for 404 would come before one of ours for all
        root.register_error_handler(code, _http_error)
    root.register_error_handler(HTTPException, _http_error)
    root.register_error_handler(Exception, _unexpected)
    return root


@gate.needs(gate.OPEN)
def unknown(path: str = "") -> WerkzeugResponse:
    """A blueprint cannot handle the host's 404s, so that paths below our prefix that nobody serves have a route of
    their own."""
    allowed = [method for method in ("GET", "POST") if _serves(method)]
    if allowed:
        raise MethodNotAllowed(allowed)
    raise NotFound


def _serves(method: str) -> bool:
    adapter = current_app.create_url_adapter(request)
    assert adapter is not None
    try:
        endpoint, _ = adapter.match(method=method)
    except HTTPException:
        return False
    return not endpoint.endswith(".unknown")


def _http_error(error: HTTPException) -> WerkzeugResponse:
    """Flask's and Werkzeug's own refusals, in our words."""
    if error.response is not None or (error.code is not None and error.code < 400):
        return error.get_response()
    if isinstance(error, RequestEntityTooLarge):
        return html.refused(_too_large())
    if isinstance(error, NotFound):
        return html.refused(Refusal("not_found", "There is no such page."))
    if isinstance(error, MethodNotAllowed):
        allowed = sorted(error.valid_methods or ())
        answer = html.refused(Refusal("method_not_allowed", f"This takes {' and '.join(allowed) or 'other methods'}."))
        answer.headers["Allow"] = ", ".join(allowed)
        return answer
    if isinstance(error, InternalServerError):
        return _unexpected(error.original_exception or error)
    answer = html.refused(Refusal("not_understood", "This request could not be understood."))
    answer.status_code = error.code or answer.status_code  # a host's before_request may have its own to say
    return answer


def _too_large() -> Refusal:
    bound = gate.bound_of_body()
    most = f"DASHBOARD_{bound.upper()} allows ({getattr(current().config, bound):,} bytes)"
    message = f"The request's body is larger than {most}, or has more than {gate.FORM_PARTS:,} parts."
    return Refusal("too_large", message, remedy="Send less at once; nothing was changed.")


def _unexpected(error: BaseException) -> WerkzeugResponse:
    """A fault of ours: logged with its stack, answered without it."""
    log.error("%s %r failed", request.method, request.path, exc_info=error)
    answer = html.refused(
        Refusal(
            "unavailable",
            "Poolhouse made a mistake here; nothing more is known to have been changed.",
            remedy="The log has the details.",
        )
    )
    answer.status_code = 500
    return answer
