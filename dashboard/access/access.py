"""The host's seam: who a request comes from, and what that person may see and do."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol, get_args

import sqlalchemy as sa

from ..refusal import Refusal

log = logging.getLogger("poolhouse")
Role = Literal["viewer", "editor", "admin"]
ROLES: tuple[Role, ...] = get_args(Role)

READ, EDIT, ADMINISTER = "read", "edit", "administer"
_PERMISSIONS: Mapping[str, frozenset[str]] = {
    "viewer": frozenset({READ}),
    "editor": frozenset({READ, EDIT}),
    "admin": frozenset({READ, EDIT, ADMINISTER}),
}


def permissions_of(role: str) -> frozenset[str]:
    """What a role may do at all; an unknown role may do nothing.

    >>> sorted(permissions_of("editor"))
    ['edit', 'read']
    >>> permissions_of("somebody")
    frozenset()
    """
    return _PERMISSIONS.get(role, frozenset())


def role_named(text: str) -> Role:
    """The role of that name; ValueError names the ones there are."""
    if text not in ROLES:
        raise ValueError(f"{text!r} is no role; there are " + ", ".join(ROLES))
    return text


@dataclass(frozen=True)
class Person:
    """Whoever is signed in. name: as shown and written into histories. role: viewer, editor or admin."""

    name: str
    role: str


def asked(question: Callable[[], Any]) -> Any:
    """A host's answer; whatever goes wrong inside it is a refusal."""
    try:
        return question()
    except Exception as error:
        log.error("the host's Access raised %s", type(error).__name__, exc_info=error)
        raise Refusal("forbidden", "The application could not say who you are or what you may do.") from error


class Access(Protocol):
    """What a host may answer in our place. With one given, Poolhouse has no accounts, sign-in page or link of its own.

    An exception in any of them is a refusal of that request.
    Inherit from it and write `who` and `sign_in_url`; the rest has defaults.

    >>> class Everybody(Access):
    ...     def who(self, request):
    ...         return Person("guest", "viewer")
    >>> Everybody().may(Person("guest", "viewer"), "edit", None)
    False
    """

    def who(self, request: Any) -> Person | None:
        """The person behind this Flask request; None: signed out."""
        raise NotImplementedError("Access.who: say who a request comes from")

    def sign_in_url(self, next: str) -> str:
        """Where a person who is signed out is sent. next: the path to come back to."""
        raise NotImplementedError("Access.sign_in_url: say where one signs in")

    def may(self, person: Person, verb: str, model: type | None) -> bool:
        """May they? verb: read, edit or administer. model: a mapped class, or None for the page itself.
        By role, unless said otherwise."""
        return verb in permissions_of(person.role)

    def rows(self, person: Person, model: type) -> sa.ColumnElement[bool] | None:
        """Which rows of the model the person may see at all; None: every one."""
        return None

    def hidden_columns(self, person: Person, model: type) -> frozenset[str]:
        """Names of the model's attributes that the person may neither see nor set."""
        return frozenset()
