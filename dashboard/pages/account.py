"""Signing in by password or link, and signing out. Absent in effect where the host answers who somebody is."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass

from flask import Blueprint, Response, redirect, request
from werkzeug.wrappers import Response as WerkzeugResponse

from ..access.accounts import Accounts, SignIn
from ..refusal import Refusal
from ..runtime import current
from ..store.audit import REFUSED
from . import addresses, audit, gate, my_account, visitor
from .html import draw, refused, url


@dataclass(frozen=True)
class SignInForm:
    """The form as it is drawn: what was typed, what was wrong with it, where to go afterwards."""

    next: str = ""
    username: str = ""
    problem: str = ""


@dataclass(frozen=True)
class LinkForm:
    token: str


def blueprint() -> Blueprint:
    account = Blueprint("account", __name__)
    account.add_url_rule("/login", "login", login)
    account.add_url_rule("/login", "sign_in", sign_in, methods=["POST"])
    account.add_url_rule("/link/<token>", "link", link)
    account.add_url_rule("/link/<token>", "follow_link", follow_link, methods=["POST"])
    account.add_url_rule("/logout", "logout", logout, methods=["POST"])
    my_account.add_routes(account)
    return account


@gate.needs(gate.OPEN)
def login() -> Response:
    _accounts()
    return _drawn("account/login.html", SignInForm(next=_safe(request.args.get("next", ""))))


@gate.needs(gate.OPEN)
def sign_in() -> WerkzeugResponse:
    accounts, form = _accounts(), request.form
    name, password, after = form.get("username", ""), form.get("password", ""), _safe(form.get("next", ""))
    try:
        signed_in = accounts.sign_in(name, password, visitor.asker())
    except Refusal as refusal:
        _note_refused(accounts, name, refusal)
        return _drawn("account/login.html", SignInForm(after, name[:100], str(refusal)), refusal.status)
    return _welcome(signed_in, after, "sign_in")


@gate.needs(gate.OPEN)
def link(token: str) -> Response:
    """Only shows a button: a mail scanner or a preview that follows the link must not use it up."""
    if not _accounts().link_is_good(token):
        raise Refusal(
            "not_found",
            "This link was used already, or has run out.",
            remedy="`flask dashboard link` prints a new one.",
        )
    return _drawn("account/link.html", LinkForm(token))


@gate.needs(gate.OPEN)
def follow_link(token: str) -> WerkzeugResponse:
    return _welcome(_accounts().sign_in_by_link(token, visitor.asker()), "", "sign_in.link")


@gate.needs(gate.READ)
def logout() -> WerkzeugResponse:
    """This browser is signed out in any case; a copy of its cookie where that can be written down."""
    seen, response = gate.visit(), redirect(url("account.login"), 303)
    if seen.sign_in is not None:
        try:
            _accounts().sign_out(seen.sign_in)
            audit.note("sign_out", seen.sign_in.name)
        except Refusal as away:
            message = f"This browser is signed out, but a copy of its cookie would be good still. {away}"
            remedy = "When the store is back, end this sign-in on the page of your account."
            response = refused(Refusal(away.code, message, remedy=remedy))
    visitor.end(response)
    return response


def _note_refused(accounts: Accounts, name: str, refusal: Refusal) -> None:
    """A name that nobody has is not written down: people type their password into the wrong field."""
    if refusal.code != "invalid":
        request.environ[audit.REFUSED_AS] = refusal.code
        return
    with suppress(Refusal):
        audit.note("sign_in", name if accounts.known(name) else "", REFUSED, code=refusal.code)


def _accounts() -> Accounts:
    accounts = current().accounts
    if accounts is None or current().config.auth != "password":
        raise Refusal("not_found", "Signing in is not done here.", remedy="The application itself says who you are.")
    return accounts


def _welcome(signed_in: SignIn, after: str, act: str) -> WerkzeugResponse:
    with suppress(Refusal):  # the store is away: whoever has signed in may read
        audit.note(act, signed_in.name, person=_accounts().known(signed_in.name))
    response = redirect(after or url("overview.index"), 303)
    visitor.begin(response, signed_in)
    return response


def _safe(target: str) -> str:
    """A path below our own prefix, else nothing: a sign-in must not send anybody to another site."""
    parts = visitor.parts_of(target)
    if parts.scheme or parts.netloc or "\\" in target or not target.isprintable():
        return ""
    return target if target.startswith(addresses.root()) and not target.startswith("//") else ""


def _drawn(template: str, form: object, status: int = 200) -> Response:
    return Response(draw(template, form), status=status, mimetype="text/html")
