"""What a browser keeps for us: in cookies for our own path, out of reach of scripts, and over TLS alone where we are
reached by TLS."""

from __future__ import annotations

from flask import request
from werkzeug.wrappers import Response

from ..runtime import current
from . import addresses

YEAR = 31_536_000
"""Seconds."""


def keep(response: Response, what: str, value: str, *, seconds: int = YEAR) -> None:
    """what: "" is the sign-in's own."""
    response.set_cookie(
        _name(what),
        value,
        max_age=seconds,
        path=addresses.root(),
        httponly=True,
        samesite="Lax",
        secure=request.is_secure,
    )


def drop(response: Response, what: str) -> None:
    response.delete_cookie(_name(what), path=addresses.root())


def kept(what: str) -> str:
    """As the browser sent it, which may be anything; empty where it sent none."""
    return request.cookies.get(_name(what), "")


def _name(what: str) -> str:
    return f"{current().name}-{what}" if what else current().name
