"""Review: what would the commit of a workspace do?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flask import Response, request

from ..peers import asking as peers
from ..runtime import current
from ..workspaces.registry import View
from ..workspaces.review import Review
from . import actor, gate
from .arguments import switch
from .html import page, plain
from .rooms import rooms


@dataclass(frozen=True)
class ReviewPage:
    """The review, and the workspace whose commit it is of."""

    workspace: View
    review: Review

    @property
    def public(self) -> Any:
        return plain(self.review)

    @property
    def conflicts(self) -> tuple[Mapping[str, Any], ...]:
        return self.review.conflicts


@gate.needs(gate.READ, database=True, heavy=True)
def show(name: str) -> Response:
    """`?run=1`: also where listeners of the program would run. That takes the permission to edit, and so does any
    review where nothing may be written."""
    run = switch(request.args, "run", False)
    if run or current().config.read_only:
        gate.require(gate.EDIT)
    sight = actor.sight()
    found = peers.review(current(), rooms(), name, person=actor.person(), run=run)
    return page("workspaces/review.html", ReviewPage(rooms().view(name, sight, actor=actor.name()), found))
