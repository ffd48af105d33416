"""Two workspaces side by side, to be looked at: what is the same row in both, and where do they differ?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any

from flask import Response

from ..workspaces.registry import View
from . import actor
from .html import page
from .rooms import rooms

Drawn = Mapping[str, Any]


@dataclass(frozen=True)
class Beside:
    """one: the workspace of the address. other: the one that was asked for beside it."""

    one: View
    other: View

    @property
    def public(self) -> dict[str, Any]:
        """The workspace as ever, and the other one under `beside`."""
        return {**{each.name: getattr(self.one, each.name) for each in fields(View)}, "beside": self.other}

    def differing(self, drawn: Drawn) -> list[str] | None:
        """The attributes in which the same row has another value on the other side; None where it is not there."""
        mine, theirs = self._by_row
        place = _place(drawn)
        other = (theirs if mine.get(place) is drawn else mine).get(place)
        if other is None or other is drawn or place is None:
            return None
        return [name for name, value in drawn["values"].items() if other["values"].get(name, value) != value]

    @cached_property
    def _by_row(self) -> tuple[dict[Any, Drawn], dict[Any, Drawn]]:
        same = self.one.database == self.other.database
        sides = [{_place(each): each for each in reversed(view.objects)} for view in (self.one, self.other)]
        return (sides[0], sides[1]) if same else ({}, {})


def _place(drawn: Drawn) -> tuple[str, str] | None:
    return None if drawn["key"] is None else (drawn["model"], drawn["key"])


def show(view: View, other: str) -> Response:
    return page("workspaces/beside.html", Beside(view, rooms().view(other, actor.sight(), actor=actor.name())))
