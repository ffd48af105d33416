"""Accounts: who may sign in with which role, where they are signed in, and all tokens. For admins."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, Response, request
from werkzeug.wrappers import Response as WerkzeugResponse

from ..access.access import ROLES, Role, role_named
from ..access.members import LINKED
from ..access.tokens import SCOPES
from ..records.keys import decode, encode
from ..refusal import Refusal
from . import audit, gate
from .arguments import arguments
from .html import done, page
from .my_account import (
    MadeToken,
    ShownSignIn,
    ShownToken,
    created,
    make_token,
    members,
    moment,
    shown_sign_in,
    shown_token,
    text,
)


@dataclass(frozen=True)
class ShownAccount:
    """key: the name, as an address writes it. fixed: it can neither be removed nor get another role."""

    name: str
    key: str
    role: str
    has_password: bool
    changed: str
    sign_ins: int
    tokens: int
    fixed: bool


@dataclass(frozen=True)
class AccountsPage:
    accounts: tuple[ShownAccount, ...]
    sign_ins: tuple[ShownSignIn, ...]
    tokens: tuple[ShownToken, ...]
    _made: MadeToken | None = None

    @property
    def roles(self) -> tuple[str, ...]:
        return ROLES

    @property
    def scopes(self) -> tuple[str, ...]:
        return SCOPES

    @property
    def made(self) -> MadeToken | None:
        return self._made


def blueprint() -> Blueprint:
    accounts = Blueprint("accounts", __name__, url_prefix="/accounts")
    accounts.add_url_rule("/", "index", index)
    for rule, name, view in (
        ("/", "add", add),
        ("/<key>/role", "set_role", set_role),
        ("/<key>/password", "set_password", set_password),
        ("/<key>/remove", "remove", remove),
        ("/<key>/end-sign-ins", "end_sign_ins", end_sign_ins),
        ("/sign-ins/<id>/end", "end_sign_in", end_sign_in),
        ("/tokens/", "create_token", create_token),
        ("/tokens/<id>/revoke", "revoke_token", revoke_token),
    ):
        accounts.add_url_rule(rule, name, view, methods=["POST"])
    return accounts


@gate.needs(gate.ADMINISTER)
def index() -> Response:
    return page("accounts/index.html", _page())


@gate.needs(gate.ADMINISTER)
def add() -> WerkzeugResponse:
    given = arguments(request)
    members().add(text(given, "name"), _role(given), text(given, "password"))
    audit.note("accounts.add", text(given, "name"), role=_role(given))
    return done("accounts.index", _page(), created=True)


@gate.needs(gate.ADMINISTER)
def set_role(key: str) -> WerkzeugResponse:
    role = _role(arguments(request))
    members().set_role(_name(key), role)
    audit.note("accounts.set_role", _name(key), role=role)
    return done("accounts.index", _page())


@gate.needs(gate.ADMINISTER)
def set_password(key: str) -> WerkzeugResponse:
    members().set_password(_name(key), text(arguments(request), "password"))
    audit.note("accounts.set_password", _name(key))
    return done("accounts.index", _page())


@gate.needs(gate.ADMINISTER)
def remove(key: str) -> WerkzeugResponse:
    members().remove(_name(key))
    audit.note("accounts.remove", _name(key))
    return done("accounts.index", _page())


@gate.needs(gate.ADMINISTER)
def end_sign_ins(key: str) -> WerkzeugResponse:
    members().end_sign_ins(_name(key))
    audit.note("accounts.end_sign_ins", _name(key))
    return done("accounts.index", _page())


@gate.needs(gate.ADMINISTER)
def end_sign_in(id: str) -> WerkzeugResponse:
    audit.note("accounts.end_sign_in", members().end_sign_in(id, None))
    return done("accounts.index", _page())


@gate.needs(gate.ADMINISTER)
def create_token() -> WerkzeugResponse:
    members()
    made = make_token(arguments(request), owner=None)
    audit.note("accounts.create_token", made.name, role=made.role, scope=made.scope)
    return created(made, "accounts/index.html", _page(made))


@gate.needs(gate.ADMINISTER)
def revoke_token(id: str) -> WerkzeugResponse:
    revoked = members().revoke(id, None)
    audit.note("accounts.revoke_token", revoked.name, owner=revoked.owner)
    return done("accounts.index", _page())


def _role(given: dict[str, Any]) -> Role:
    try:
        return role_named(text(given, "role"))
    except ValueError as error:
        raise Refusal("invalid", f"{error}.", fields={"role": "One of " + ", ".join(ROLES)}) from None


def _name(key: str) -> str:
    try:
        (name,) = decode(key)
    except (Refusal, ValueError):
        raise Refusal("not_found", "There is no such account.") from None
    return name


def _page(made: MadeToken | None = None) -> AccountsPage:
    found, now = members(), time.time()
    sign_ins, tokens = found.sign_ins(None), found.tokens(None)
    here, acting = Counter(each.account for each in sign_ins), Counter(each.owner for each in tokens)
    return AccountsPage(
        tuple(
            ShownAccount(
                account.name,
                encode([account.name]),
                account.role,
                account.password_hash is not None,
                moment(account.changed_at),
                here[account.name],
                acting[account.name],
                account.name == LINKED,
            )
            for account in found.all()
        ),
        tuple(map(shown_sign_in, sign_ins)),
        tuple(shown_token(each, now) for each in tokens),
        made,
    )
