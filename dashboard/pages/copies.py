"""A workspace's tape to take away: as a Python script, as SQL, as a pytest test."""

from __future__ import annotations

from flask import Response

from ..workspaces.scripts import FILES
from . import actor, gate
from .rooms import rooms

__all__ = ["FILES", "show"]


@gate.needs(gate.READ)
def show(name: str, file: str) -> Response:
    text = rooms().copied(name, file, actor.sight(), actor=actor.name())
    answer = Response(text.encode("utf-8", "replace"), mimetype="text/plain")
    answer.headers["Content-Disposition"] = f'inline; filename="{file}"'
    return answer
