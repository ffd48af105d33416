"""One's own account: its password, where one is signed in, and the tokens that act for it."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from flask import Blueprint, Response, jsonify, request
from werkzeug.wrappers import Response as WerkzeugResponse

from ..access.access import ROLES, role_named
from ..access.members import Members, must_be_a_name
from ..access.tokens import SCOPES, least, scope_named
from ..refusal import Refusal
from ..runtime import current
from ..store.sign_ins import Begun
from ..store.tokens import Token
from . import actor, audit, gate, visitor
from .arguments import arguments
from .html import done, page, plain, wants_json

DAYS_MOST = 3_650


@dataclass(frozen=True)
class ShownSignIn:
    """here: the browser that asks. Times are ISO 8601."""

    id: str
    account: str
    since: str
    seen: str | None
    address: str | None
    browser: str | None
    here: bool


@dataclass(frozen=True)
class ShownToken:
    id: str
    name: str
    role: str
    scope: str | None
    owner: str | None
    created: str
    expires: str | None
    expired: bool
    last_used: str | None


@dataclass(frozen=True)
class MadeToken:
    """token: in the clear, this once."""

    token: str
    name: str
    role: str
    scope: str | None


@dataclass(frozen=True)
class AccountPage:
    """has_account: False for who is known otherwise: by the machine, or by a token that acts for itself."""

    name: str
    role: str
    has_account: bool
    has_password: bool
    sign_ins: tuple[ShownSignIn, ...]
    tokens: tuple[ShownToken, ...]
    _roles: tuple[str, ...]
    _made: MadeToken | None = None

    @property
    def roles(self) -> tuple[str, ...]:
        return self._roles

    @property
    def scopes(self) -> tuple[str, ...]:
        return SCOPES

    @property
    def made(self) -> MadeToken | None:
        return self._made


def add_routes(account: Blueprint) -> None:
    account.add_url_rule("/account/", "show", show)
    account.add_url_rule("/account/password", "change_password", change_password, methods=["POST"])
    account.add_url_rule("/account/sign-ins/end", "end_others", end_others, methods=["POST"])
    account.add_url_rule("/account/sign-ins/<id>/end", "end_sign_in", end_sign_in, methods=["POST"])
    account.add_url_rule("/account/tokens/", "create_token", create_token, methods=["POST"])
    account.add_url_rule("/account/tokens/<id>/revoke", "revoke_token", revoke_token, methods=["POST"])


@gate.needs(gate.READ)
def show() -> Response:
    return page("account/show.html", _page())


@gate.needs(gate.READ)
def change_password() -> WerkzeugResponse:
    name, given = _mine(), arguments(request)
    if current().config.auth != "password":
        raise Refusal("not_found", "Nobody signs in by password here.")
    new = text(given, "password")
    if "again" in given and given["again"] != new:
        raise Refusal("invalid", "The new password was typed in two ways.", fields={"again": "Not the same."})
    signed_in = members().change_password(name, text(given, "current"), new, visitor.asker())
    audit.note("account.change_password", name)
    response = done("account.show", _page())
    visitor.begin(response, signed_in)
    return response


@gate.needs(gate.READ)
def end_others() -> WerkzeugResponse:
    """Every other browser is signed out; this one gets a sign-in of its own."""
    account, accounts = members().end_sign_ins(_mine()), current().accounts
    assert accounts is not None
    audit.note("account.end_others", account.name)
    response = done("account.show", _page())
    if gate.visit().sign_in is not None:
        visitor.begin(response, accounts.begin(account, visitor.asker()))
    return response


@gate.needs(gate.READ)
def end_sign_in(id: str) -> WerkzeugResponse:
    members().end_sign_in(id, _mine())
    audit.note("account.end_sign_in", id)
    return done("account.show", _page())


@gate.needs(gate.READ)
def create_token() -> WerkzeugResponse:
    """It may do what its owner may, at most."""
    name, given = _mine(), arguments(request)
    role = least(given.get("role") or actor.person().role, actor.person().role)
    made = make_token({**given, "role": role}, owner=name)
    audit.note("account.create_token", made.name, role=made.role, scope=made.scope)
    return created(made, "account/show.html", _page(made))


@gate.needs(gate.READ)
def revoke_token(id: str) -> WerkzeugResponse:
    audit.note("account.revoke_token", members().revoke(id, _mine()).name)
    return done("account.show", _page())


# what the page of all accounts does as well


def members() -> Members:
    runtime = current()
    if runtime.accounts is None:
        message = "Poolhouse keeps no accounts here."
        raise Refusal("not_found", message, remedy="The application itself says who you are.")
    return Members(runtime.accounts, runtime.store, runtime.config)


def make_token(given: dict[str, Any], owner: str | None) -> MadeToken:
    accounts = current().accounts
    assert accounts is not None
    name, days = text(given, "name"), str(given.get("days") or "")
    must_be_a_name(name)
    members().must_have_room_for_a_token(owner)
    try:
        role, scope = role_named(text(given, "role")), scope_named(text(given, "scope"))
    except ValueError as error:
        raise Refusal("invalid", f"{error}.") from None
    whole = days.isascii() and days.isdigit() and len(days) <= len(str(DAYS_MOST))
    if days and not (whole and 1 <= int(days) <= DAYS_MOST):
        message = f"A token is good for 1 to {DAYS_MOST} days, or until it is revoked."
        raise Refusal("invalid", message, fields={"days": message})
    seconds = float(days) * 86_400 if days else None
    return MadeToken(accounts.new_token(name, role, owner=owner, scope=scope, seconds=seconds), name, role, scope)


def created(made: MadeToken, template: str, context: Any) -> WerkzeugResponse:
    """The one answer that has the token in it: the page itself, for a redirect could not show it."""
    if not wants_json():
        return page(template, context, status=201)
    answer = jsonify(plain(made))
    answer.status_code = 201
    return answer


def text(given: dict[str, Any], name: str) -> str:
    value = given.get(name)
    if value is not None and not (isinstance(value, str) and _is_whole(value)):
        raise Refusal("not_understood", f"{name} is text.", fields={name: "Text is expected."})
    return value or ""


def _is_whole(value: str) -> bool:
    """JSON can say half of a surrogate pair: no byte stands for it, so that no password could be made of it."""
    return not any("\ud800" <= character <= "\udfff" for character in value)


def shown_sign_in(begun: Begun) -> ShownSignIn:
    mine = gate.visit().sign_in
    here = mine is not None and mine.id == begun.id
    seen = None if begun.seen_at is None else moment(begun.seen_at)
    return ShownSignIn(begun.id, begun.account, moment(begun.at), seen, begun.address, begun.browser, here)


def shown_token(token: Token, now: float) -> ShownToken:
    times = (None if at is None else moment(at) for at in (token.expires_at, token.last_used_at))
    expires, used = times
    expired = token.expires_at is not None and token.expires_at <= now
    return ShownToken(
        token.id,
        token.name,
        token.role,
        token.scope,
        token.owner,
        moment(token.created_at),
        expires,
        expired,
        used,
    )


def moment(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


# whose


def _own() -> str | None:
    """The account of whoever asks. A token that acts for itself has none, even where an account is called the same."""
    seen, runtime = gate.visit(), current()
    if seen.person is None or runtime.accounts is None or runtime.config.auth == "none":
        return None
    if seen.bearer and (seen.token is None or seen.token.owner is None):
        return None
    return seen.person.name


def _mine() -> str:
    """For who changes their own account: a person in a browser. A token could make itself another one that outlives
    it."""
    members()
    name = _own()
    if name is None or gate.visit().bearer:
        message = "An account is changed by whoever is signed in to it, not by a token."
        raise Refusal("forbidden", message, remedy="Sign in with a browser.")
    return name


def _page(made: MadeToken | None = None) -> AccountPage:
    found, name, person = members(), _own(), actor.person()
    if name is None:
        return AccountPage(person.name, person.role, False, False, (), (), ())
    account = next((each for each in found.all() if each.name == name), None)
    return AccountPage(
        name=person.name,
        role=person.role,
        has_account=True,
        has_password=account is not None and account.password_hash is not None,
        sign_ins=tuple(map(shown_sign_in, found.sign_ins(name))),
        tokens=tuple(shown_token(each, time.time()) for each in found.tokens(name)),
        _roles=tuple(role for role in ROLES if least(role, person.role) == role),
        _made=made,
    )
