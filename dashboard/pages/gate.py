"""The one gate: was this request meant, may whoever sends it, is there room? Every route of ours passes it first."""

from __future__ import annotations

import hmac
from collections.abc import Callable
from typing import Any, TypeVar

from flask import current_app, request
from werkzeug.wrappers import Response

from ..access import permissions_of
from ..access.access import ADMINISTER, EDIT, READ, asked
from ..refusal import Refusal
from ..runtime import Runtime, current
from .arguments import json_body
from .visitor import Visit, csrf_of, is_at_metrics, parts_of, recognise, set_cookie, visit

OPEN = "open"
"""The permission of a route that needs no sign-in."""
FORM_PARTS = 1_000
"""Of a form that carries files."""
__all__ = ["ADMINISTER", "EDIT", "FORM_PARTS", "OPEN", "READ", "bound_of_body", "check", "leave", "needs", "visit"]

View = TypeVar("View", bound=Callable[..., Any])


def needs(
    permission: str, *, database: bool = False, body: str = "request_bytes", heavy: bool = False
) -> Callable[[View], View]:
    """Names the permission of a route, whether its handler uses a database (then it waits behind the bulkhead), the
    setting that bounds its body, and whether it is so dear that one person may ask only so often."""

    def mark(view: View) -> View:
        view.needs = permission  # type: ignore[attr-defined]
        view.uses_database = database  # type: ignore[attr-defined]
        view.body = body  # type: ignore[attr-defined]
        view.heavy = heavy  # type: ignore[attr-defined]
        return view

    return mark


def check() -> None:
    """Runs before every handler of ours. Raises Refusal; answers nothing itself."""
    runtime = current()
    runtime.start()
    runtime.streams.note_thread()
    view = current_app.view_functions[request.endpoint or ""]
    request.max_content_length = getattr(runtime.config, bound_of_body())
    request.max_form_memory_size, request.max_form_parts = runtime.config.request_bytes, FORM_PARTS
    permission = getattr(view, "needs", None)
    seen = _recognised(runtime, permission)
    changes = request.method not in ("GET", "HEAD", "OPTIONS") and not seen.bearer
    if changes:
        _must_be_from_here()
    elif permission != OPEN and not seen.bearer:
        _must_be_a_visit()
    _permit(runtime, seen, permission)
    if changes:  # only now its body is read, which may be a large file
        _must_be_meant(runtime, seen)
    if getattr(view, "heavy", False) and seen.person is not None:
        runtime.pace.step(seen.person.name)
    if getattr(view, "uses_database", False):
        _enter_bulkhead(runtime, seen)


def bound_of_body() -> str:
    """The setting that bounds this request's body. What is read whole into memory, as fields and JSON are, has the
    small one everywhere: only a file may be larger."""
    view = current_app.view_functions[request.endpoint or ""]
    is_whole = request.is_json or request.mimetype == "application/x-www-form-urlencoded"
    return str("request_bytes" if is_whole else getattr(view, "body", "request_bytes"))


def _recognised(runtime: Runtime, permission: str | None) -> Visit:
    """Whether this worker answers is told also where the host's Access does not."""
    try:
        return recognise(runtime, request)
    except Refusal:
        if permission != OPEN or runtime.access is None:
            raise
        return visit()


def leave(error: BaseException | None = None) -> None:
    """Runs at the end of every request of ours, whatever happened in it: gives the place in the bulkhead back."""
    seen = visit()
    if seen.holds_bulkhead:
        seen.holds_bulkhead = False
        current().bulkhead.release()


def remember(response: Response) -> Response:
    """Runs after every handler of ours: gives the browser its nonce, when a form was drawn for it, and renews its
    sign-in."""
    seen = visit()
    if (seen.new_nonce or seen.renewed) and seen.nonce:
        set_cookie(response, seen.nonce, seen.sign_in)
    return response


# was it meant


def _must_be_from_here() -> None:
    origin = request.headers.get("Origin")
    if origin is not None and parts_of(origin).netloc != request.host:
        raise Refusal("csrf", "This request comes from another site.")
    if request.headers.get("Sec-Fetch-Site", "same-origin") not in ("same-origin", "none"):
        raise Refusal("csrf", "This request comes from another site.")


def _must_be_meant(runtime: Runtime, seen: Visit) -> None:
    """A browser sends a person's cookie along with anybody's form; only our own pages know the token."""
    given = "" if seen.nonce is None else _given_csrf()
    if seen.nonce is None or not hmac.compare_digest(
        given.encode("utf-8", "replace"),
        csrf_of(runtime, seen.nonce, given.partition(".")[0]).encode("utf-8", "replace"),
    ):
        raise Refusal(
            "csrf",
            "The form's token is missing or too old; nothing was changed.",
            remedy="Load the page again and repeat it.",
        )


def _must_be_a_visit() -> None:
    """A page of another site may lead a person here, but reads nothing from here: neither as script, image or data."""
    cross = request.headers.get("Sec-Fetch-Site", "none") in ("cross-site", "same-site")
    if cross and request.headers.get("Sec-Fetch-Mode", "navigate") != "navigate":
        raise Refusal("csrf", "This request comes from another site.")


def _given_csrf() -> str:
    given = request.headers.get("X-CSRF-Token") or request.form.get("csrf")
    if given is None and request.is_json:
        given = (json_body(request) or {}).get("csrf")
    return given if isinstance(given, str) else ""


# may they


def _permit(runtime: Runtime, seen: Visit, permission: str | None) -> None:
    if permission == OPEN:
        return
    if permission is None:
        raise Refusal("forbidden", "This page names no permission, so nobody has it.")
    if seen.person is None:
        raise Refusal(
            "signed_out", "You are signed out.", remedy="Sign in, or send a token: Authorization: Bearer TOKEN."
        )
    if seen.token is not None and seen.token.reads_metrics_only and not is_at_metrics(runtime):
        raise Refusal("forbidden", "This token reads /metrics and nothing else.", remedy="Make one of a wider scope.")
    if not may(permission, None):
        raise Refusal(
            "forbidden",
            f"{seen.person.name} may not do this: it takes the permission to {permission}.",
            remedy="Ask an admin for the role.",
        )
    if permission != READ and runtime.config.read_only:
        raise Refusal("forbidden", "Poolhouse is set to read only here.", remedy="DASHBOARD_READ_ONLY=off allows it.")
    if permission != READ and runtime.accounts and not runtime.accounts.trusted_to_write():
        raise Refusal(
            "store_away",
            "The store cannot be reached just now: pages can be read, but nothing can be changed.",
            remedy="Try again in a moment.",
        )


def require(permission: str) -> None:
    """For a route whose permission depends on settings: asked inside its handler."""
    _permit(current(), visit(), permission)


def may(verb: str, model: type | None) -> bool:
    """May the present person? By the host's Access where there is one, else by role."""
    runtime, person = current(), visit().person
    if person is None:
        return False
    if runtime.access is not None:
        access = runtime.access
        return bool(asked(lambda: access.may(person, verb, model)))
    return verb in permissions_of(person.role)


# not too many at once


def enter_database() -> None:
    """For a route that uses a database by its settings only: asked inside its handler."""
    seen = visit()
    if not seen.holds_bulkhead:
        _enter_bulkhead(current(), seen)


def _enter_bulkhead(runtime: Runtime, seen: Visit) -> None:
    if not runtime.bulkhead.acquire(blocking=False):
        raise Refusal(
            "overloaded",
            "As many pages as may use the database at once are in it now.",
            remedy="Try again in a moment; live pages go on.",
        )
    seen.holds_bulkhead = True
