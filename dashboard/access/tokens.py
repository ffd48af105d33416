"""What may whoever holds a bearer token do? No more than its role, its scope, and the account that it acts for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

from ..store.tokens import Token
from .access import ROLES, Person

Scope = Literal["metrics", "read", "write"]
SCOPES: tuple[Scope, ...] = get_args(Scope)
"""metrics: /metrics and nothing else. read: what a viewer may. write: what an editor may."""
_ROLE_OF_SCOPE: Mapping[str, str] = {"metrics": "viewer", "read": "viewer", "write": "editor"}


@dataclass(frozen=True)
class Bearer:
    """Whoever holds a token. person: under what name and role they act."""

    person: Person
    token: Token


def least(*roles: str) -> str:
    """The role that may least; an unknown one may nothing at all.

    >>> least("admin", "viewer", "editor")
    'viewer'
    """
    return min(roles, key=lambda role: ROLES.index(role) if role in ROLES else -1)


def narrowed(token: Token, *also: str) -> str:
    """The role in which a token acts. also: further roles that it may not pass."""
    scope = () if token.scope is None else (_ROLE_OF_SCOPE.get(token.scope, ""),)
    return least(token.role, *scope, *also)


def scope_named(text: str | None) -> str | None:
    """None for all that the role may; ValueError names the scopes that there are."""
    if not text:
        return None
    if text not in SCOPES:
        raise ValueError(f"{text!r} is no scope; there are " + ", ".join(SCOPES))
    return text
