"""Who sends this request? By the host's word, a bearer token, a proxy's header, or our own cookie."""

from __future__ import annotations

import hashlib
import hmac
import logging
import secrets
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import SplitResult, urlsplit

from flask import Request, request
from itsdangerous import BadSignature, URLSafeSerializer
from werkzeug.wrappers import Response

from ..access import Person
from ..access.access import asked
from ..access.accounts import Asker, SignIn
from ..refusal import Refusal
from ..runtime import Runtime, current
from ..store.tokens import Token
from . import cookies

log = logging.getLogger("poolhouse")
LOOPBACK = frozenset({"127.0.0.1", "::1"})
LOOPBACK_HOSTS = frozenset({"localhost", "127.0.0.1", "[::1]"})
FORWARDED = ("forwarded", "via", "x-real-ip")
"""Headers of proxies, beside all that begin with X-Forwarded-."""


@dataclass
class Visit:
    """What the gate found out about one request. nonce: what this browser's CSRF token is made of; None for a
    bearer. renewed: the browser's cookie is to say that its sign-in was seen just now. token: what a bearer sent.
    noted: what the audit was told of it already; details: what its row tells beside. salt: of the token in this
    answer."""

    person: Person | None
    sign_in: SignIn | None
    nonce: str | None
    bearer: bool
    new_nonce: bool = False
    renewed: bool = False
    token: Token | None = None
    noted: str | None = None
    details: dict[str, Any] = field(default_factory=dict)
    salt: str = ""
    holds_bulkhead: bool = False

    def csrf(self, runtime: Runtime) -> str:
        """The token that each form of this browser carries; the first time it is asked for, the browser gets its
        nonce."""
        if self.nonce is None:
            self.nonce, self.new_nonce = secrets.token_urlsafe(18), True
        self.salt = self.salt or secrets.token_hex(8)
        return csrf_of(runtime, self.nonce, self.salt)


def visit() -> Visit:
    """The present request's visit; a blank one where the gate was not reached (an unknown path)."""
    found = request.environ.setdefault("poolhouse.visit", Visit(None, None, None, False))
    assert isinstance(found, Visit)
    return found


def recognise(runtime: Runtime, request: Request) -> Visit:
    """The visit of this request, remembered for whoever asks `visit()` during it. Raises Refusal for a bad token."""
    request.environ["poolhouse.visit"] = Visit(None, None, None, False)  # what an error page sees if this is refused
    request.environ["poolhouse.visit"] = seen = _recognised(runtime, request)
    return seen


def _recognised(runtime: Runtime, request: Request) -> Visit:
    nonce, sign_in = _read_cookie(runtime)
    token = _bearer(request)
    if runtime.access is not None:
        return _by_access(runtime, request, nonce, token)
    if token is not None:
        return _by_token(runtime, token)
    if runtime.config.auth == "none":
        return Visit(_local(request), None, nonce, False)
    if runtime.config.auth == "proxy":
        return Visit(_from_proxy(runtime, request), None, nonce, False)
    person = runtime.accounts.signed_in(sign_in) if runtime.accounts and sign_in else None
    if person is None or sign_in is None or runtime.accounts is None:
        return Visit(None, None, nonce, False)
    seen = None if _asks_by_itself(request) else runtime.accounts.renewed(sign_in, asker())
    return Visit(person, seen or sign_in, nonce, False, renewed=seen is not None)


def _asks_by_itself(request: Request) -> bool:
    """A page that is only left open: what it asks every second must not keep its sign-in from idling out. Without TLS a
    browser does not say how it fetches; then the parts that live are known by what they take."""
    fetched = request.headers.get("Sec-Fetch-Mode", "navigate") != "navigate"
    lives = request.accept_mimetypes.best == "text/event-stream"
    return request.method == "GET" and (fetched or lives or request.headers.get("HX-Request") == "true")


def asker() -> Asker:
    """Where the present request comes from."""
    return Asker(request.remote_addr or "", request.headers.get("User-Agent", ""))


def _by_token(runtime: Runtime, token: str) -> Visit:
    reader = _metrics_reader(runtime, token)
    if reader is not None:
        return Visit(reader, None, None, True)
    bearer = runtime.accounts.bearer(token) if runtime.accounts else None
    if bearer is None:
        raise Refusal(
            "signed_out",
            "This token is not known, or is good no longer.",
            remedy="`flask dashboard token create NAME --role ROLE` makes one.",
        )
    return Visit(bearer.person, None, None, True, token=bearer.token)


def is_at_metrics(runtime: Runtime) -> bool:
    return request.endpoint == f"{runtime.name}.metrics.index"


def _by_access(runtime: Runtime, request: Request, nonce: str | None, token: str | None) -> Visit:
    """By the host's word alone; but Prometheus cannot sign in there, so that its token counts as well."""
    scraper = _metrics_reader(runtime, token) if token else None
    if scraper is not None:
        return Visit(scraper, None, None, True)

    def who() -> Person | None:
        found = runtime.access.who(request)  # type: ignore[union-attr]
        return None if found is None else Person(str(found.name), found.role)

    return Visit(asked(who), None, nonce, False)


def _metrics_reader(runtime: Runtime, token: str) -> Person | None:
    wanted = runtime.config.metrics_token
    if wanted and is_at_metrics(runtime) and hmac.compare_digest(token.encode(), wanted.encode()):
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
        or any(_is_of_a_proxy(header) for header, _ in request.headers)
    ):
        raise Refusal(
            "forbidden",
            "Without sign-in, Poolhouse answers only from this machine itself.",
            remedy="Set DASHBOARD_AUTH=password.",
        )
    return Person("local", "admin")


def _is_of_a_proxy(header: str) -> bool:
    return header.lower() in FORWARDED or header.lower().startswith("x-forwarded-")


def _from_proxy(runtime: Runtime, request: Request) -> Person | None:
    if _peer(request) not in runtime.config.proxy_addresses:
        return None
    name = request.headers.get(runtime.config.proxy_header, "")
    role = _role_of(runtime, name)
    return Person(name, role) if name and role else None


def _peer(request: Request) -> str | None:
    """Who is at the other end of the connection, whatever a forwarded header says."""
    before: dict[str, str] = request.environ.get("werkzeug.proxy_fix.orig") or {}
    return before.get("REMOTE_ADDR") or request.remote_addr


def _role_of(runtime: Runtime, name: str) -> str | None:
    account = runtime.accounts.known(name) if runtime.accounts else None
    return account.role if account else None


def parts_of(address: str) -> SplitResult:
    """Of an address that anybody may have written; of one that is none, all parts are empty."""
    try:
        return urlsplit(address)
    except ValueError:
        return SplitResult("", "", "", "", "")


def csrf_of(runtime: Runtime, nonce: str, salt: str) -> str:
    """Another one in each answer, with its salt in front: pages are compressed, and the size of many that hold the same
    secret beside what somebody else chose would give it away (BREACH)."""
    said = b"csrf" + nonce.encode() + salt.encode("utf-8", "replace")
    return f"{salt}.{hmac.new(runtime.secret_key.encode(), said, hashlib.sha256).hexdigest()}"


def _serializer(runtime: Runtime) -> URLSafeSerializer:
    return URLSafeSerializer(runtime.secret_key, salt="poolhouse.cookie")


def _read_cookie(runtime: Runtime) -> tuple[str | None, SignIn | None]:
    with suppress(BadSignature, KeyError, TypeError, ValueError):
        said = _serializer(runtime).loads(cookies.kept(""))
        return str(said["nonce"]), _sign_in_of(said)
    return None, None


def _sign_in_of(said: dict[str, Any]) -> SignIn | None:
    if "id" not in said:
        return None
    return SignIn(said["id"], said["name"], float(said["at"]), float(said["seen"]), float(said["stamp"]))


def begin(response: Response, sign_in: SignIn) -> None:
    """Signs the browser in; with a new nonce, so that no form from before goes on counting."""
    seen = visit()
    seen.nonce, seen.new_nonce, seen.renewed, seen.sign_in = secrets.token_urlsafe(18), False, False, sign_in
    set_cookie(response, seen.nonce, sign_in)


def end(response: Response) -> None:
    """The browser forgets who was signed in with it."""
    seen = visit()
    seen.new_nonce, seen.renewed = False, False
    cookies.drop(response, "")


def set_cookie(response: Response, nonce: str, sign_in: SignIn | None) -> None:
    """Signed, so that nobody else's counts."""
    runtime = current()
    said: dict[str, object] = {"nonce": nonce}
    if sign_in:
        said.update(vars(sign_in))
    signed = str(_serializer(runtime).dumps(said))
    cookies.keep(response, "", signed, seconds=int(runtime.config.sign_in_seconds))
