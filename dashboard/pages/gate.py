"""The one gate: who sends this request, was it meant, and may they? Every route of ours passes it before its
handler."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import urlsplit

from flask import Request, current_app, request
from itsdangerous import BadSignature, URLSafeSerializer
from werkzeug.wrappers import Response

from ..access import Person, permissions_of
from ..access.access import ADMINISTER, EDIT, READ
from ..access.accounts import SignIn
from ..refusal import Refusal
from ..runtime import Runtime, current

OPEN = "open"
"""The permission of a route that needs no sign-in."""
LOOPBACK = frozenset({"127.0.0.1", "::1"})
LOOPBACK_HOSTS = frozenset({"localhost", "127.0.0.1", "[::1]"})
FORWARDED = (
    "Forwarded",
    "Via",
    "X-Forwarded-For",
    "X-Forwarded-Host",
    "X-Forwarded-Proto",
    "X-Forwarded-User",
    "X-Real-Ip",
)

__all__ = ["ADMINISTER", "EDIT", "OPEN", "READ", "Visit", "check", "leave", "needs", "visit"]

View = TypeVar("View", bound=Callable[..., Any])


def needs(permission: str, *, database: bool = False) -> Callable[[View], View]:
    """Names the permission of a route, and whether its handler uses a database (then it waits behind the bulkhead)."""

    def mark(view: View) -> View:
        view.needs = permission  # type: ignore[attr-defined]
        view.uses_database = database  # type: ignore[attr-defined]
        return view

    return mark


@dataclass
class Visit:
    """What the gate found out about one request. nonce: what this browser's CSRF token is made of; None for a
    bearer."""

    person: Person | None
    sign_in: SignIn | None
    nonce: str | None
    bearer: bool
    new_nonce: bool = False
    holds_bulkhead: bool = False

    def csrf(self, runtime: Runtime) -> str:
        """The token that each form of this browser carries; the first time it is asked for, the browser gets its
        nonce."""
        if self.nonce is None:
            self.nonce, self.new_nonce = secrets.token_urlsafe(18), True
        return _csrf(runtime, self.nonce)


def visit() -> Visit:
    """The present request's visit; a blank one where the gate was not reached (an unknown path)."""
    found = request.environ.setdefault("poolhouse.visit", Visit(None, None, None, False))
    assert isinstance(found, Visit)
    return found


def check() -> None:
    """Runs before every handler of ours. Raises Refusal; answers nothing itself."""
    runtime = current()
    runtime.start()
    request.max_content_length = runtime.config.request_bytes
    request.environ["poolhouse.visit"] = seen = _recognise(runtime, request)
    view = current_app.view_functions[request.endpoint or ""]
    permission = getattr(view, "needs", None)
    if permission is None and request.endpoint == f"{runtime.name}.static":
        permission = OPEN
    if request.method not in ("GET", "HEAD", "OPTIONS") and not seen.bearer:
        _must_be_meant(runtime, seen)
    _permit(runtime, seen, permission)
    if getattr(view, "uses_database", False):
        _enter_bulkhead(runtime, seen)


def leave(error: BaseException | None = None) -> None:
    """Runs at the end of every request of ours, whatever happened in it: gives the place in the bulkhead back."""
    seen = visit()
    if seen.holds_bulkhead:
        seen.holds_bulkhead = False
        current().bulkhead.release()


def remember(response: Response) -> Response:
    """Runs after every handler of ours: gives the browser its nonce, when a form was drawn for it."""
    seen = visit()
    if seen.new_nonce and seen.nonce:
        set_cookie(response, seen.nonce, seen.sign_in)
    return response


# who is this


def _recognise(runtime: Runtime, request: Request) -> Visit:
    nonce, sign_in = _read_cookie(runtime, request)
    if runtime.access is not None:
        return Visit(asked(lambda: runtime.access.who(request)), None, nonce, False)  # type: ignore[union-attr]
    token = _bearer(request)
    if token is not None:
        person = runtime.accounts.bearer(token) if runtime.accounts else None
        if person is None:
            person = _metrics_reader(runtime, token)
        if person is None:
            raise Refusal(
                "signed_out",
                "This token is not known.",
                remedy="`flask dashboard token create NAME --role ROLE` makes one.",
            )
        return Visit(person, None, None, True)
    if runtime.config.auth == "none":
        return Visit(_local(request), None, nonce, False)
    if runtime.config.auth == "proxy":
        return Visit(_from_proxy(runtime, request), None, nonce, False)
    person = runtime.accounts.signed_in(sign_in) if runtime.accounts and sign_in else None
    return Visit(person, sign_in if person else None, nonce, False)


def _metrics_reader(runtime: Runtime, token: str) -> Person | None:
    wanted = runtime.config.metrics_token
    at_metrics = request.endpoint == f"{runtime.name}.metrics.index"
    if wanted and at_metrics and hmac.compare_digest(token.encode(), wanted.encode()):
        return Person("metrics", "viewer")
    return None


def _bearer(request: Request) -> str | None:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else None


def _local(request: Request) -> Person:
    hostname = (
        request.host.rpartition(":")[0] if not request.host.endswith("]") and ":" in request.host else request.host
    )
    if (
        request.remote_addr not in LOOPBACK
        or hostname not in LOOPBACK_HOSTS
        or any(h in request.headers for h in FORWARDED)
    ):
        raise Refusal(
            "forbidden",
            "Without sign-in, Poolhouse answers only from this machine itself.",
            remedy="Set DASHBOARD_AUTH=password.",
        )
    return Person("local", "admin")


def _from_proxy(runtime: Runtime, request: Request) -> Person | None:
    if request.remote_addr not in runtime.config.proxy_addresses:
        return None
    name = request.headers.get(runtime.config.proxy_header, "")
    role = _role_of(runtime, name)
    return Person(name, role) if name and role else None


def _role_of(runtime: Runtime, name: str) -> str | None:
    account = runtime.accounts.known(name) if runtime.accounts else None
    return account.role if account else None


def asked(question: Callable[[], Any]) -> Any:
    """A host's answer; whatever goes wrong inside it is a refusal."""
    try:
        return question()
    except Exception as error:
        current_app.logger.error("poolhouse: the host's Access raised %s", type(error).__name__, exc_info=error)
        raise Refusal("forbidden", "The application could not say who you are or what you may do.") from error


# was it meant


def _must_be_meant(runtime: Runtime, seen: Visit) -> None:
    """A browser sends a person's cookie along with anybody's form; only our own pages know the token."""
    origin = request.headers.get("Origin")
    if origin is not None and urlsplit(origin).netloc != request.host:
        raise Refusal("csrf", "This request comes from another site.")
    if request.headers.get("Sec-Fetch-Site", "same-origin") not in ("same-origin", "none"):
        raise Refusal("csrf", "This request comes from another site.")
    if runtime.access is None and seen.person is None and not _is_open():
        raise Refusal(
            "signed_out", "You are signed out.", remedy="Sign in, or send a token: Authorization: Bearer TOKEN."
        )
    if seen.nonce is None or not hmac.compare_digest(_given_csrf().encode(), _csrf(runtime, seen.nonce).encode()):
        raise Refusal(
            "csrf",
            "The form's token is missing or too old; nothing was changed.",
            remedy="Load the page again and repeat it.",
        )


def _is_open() -> bool:
    return getattr(current_app.view_functions[request.endpoint or ""], "needs", None) == OPEN


def _given_csrf() -> str:
    given = request.headers.get("X-CSRF-Token") or request.form.get("csrf")
    if given is None and request.is_json:
        body = request.get_json(silent=True)
        given = body.get("csrf") if isinstance(body, dict) else None
    return given if isinstance(given, str) else ""


def _csrf(runtime: Runtime, nonce: str) -> str:
    return hmac.new(runtime.secret_key.encode(), b"csrf" + nonce.encode(), hashlib.sha256).hexdigest()


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


def rows(model: type) -> Any:
    runtime, person = current(), visit().person
    return asked(lambda: runtime.access.rows(person, model)) if runtime.access and person else None  # type: ignore[union-attr]


def hidden_columns(model: type) -> frozenset[str]:
    runtime, person = current(), visit().person
    if runtime.access is None or person is None:
        return frozenset()
    access = runtime.access
    return frozenset(asked(lambda: access.hidden_columns(person, model)))


# not too many at once


def _enter_bulkhead(runtime: Runtime, seen: Visit) -> None:
    if not runtime.bulkhead.acquire(blocking=False):
        raise Refusal(
            "overloaded",
            "As many pages as may use the database at once are in it now.",
            remedy="Try again in a moment; live pages go on.",
        )
    seen.holds_bulkhead = True


# the cookie


def _serializer(runtime: Runtime) -> URLSafeSerializer:
    return URLSafeSerializer(runtime.secret_key, salt="poolhouse.cookie")


def _read_cookie(runtime: Runtime, request: Request) -> tuple[str | None, SignIn | None]:
    with suppress(BadSignature, KeyError, TypeError, ValueError):
        said = _serializer(runtime).loads(request.cookies.get(runtime.name, ""))
        sign_in = SignIn(said["id"], said["name"], float(said["at"])) if "id" in said else None
        if sign_in and not time.time() < sign_in.at + runtime.config.sign_in_seconds:
            sign_in = None
        return str(said["nonce"]), sign_in
    return None, None


def begin(response: Response, sign_in: SignIn) -> None:
    """Signs the browser in; with a new nonce, so that no form from before goes on counting."""
    seen = visit()
    seen.nonce, seen.new_nonce, seen.sign_in = secrets.token_urlsafe(18), False, sign_in
    set_cookie(response, seen.nonce, sign_in)


def set_cookie(response: Response, nonce: str, sign_in: SignIn | None) -> None:
    """Our own cookie: signed, for our own path, out of reach of scripts."""
    runtime = current()
    said: dict[str, object] = {"nonce": nonce}
    if sign_in:
        said.update(id=sign_in.id, name=sign_in.name, at=sign_in.at)
    response.set_cookie(
        runtime.name,
        str(_serializer(runtime).dumps(said)),
        max_age=int(runtime.config.sign_in_seconds),
        path=cookie_path(),
        httponly=True,
        samesite="Lax",
        secure=request.is_secure,
    )


def cookie_path() -> str:
    prefix: str = current_app.blueprints[current().name].url_prefix or "/"
    return (request.root_path.rstrip("/") + prefix) or "/"
