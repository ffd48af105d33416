"""Where are the workspaces, if there are any, and how is something done in one?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..peers import asking
from ..refusal import Refusal
from ..runtime import current
from ..workspaces.registry import Outcome, Workspaces
from . import actor


def rooms() -> Workspaces:
    """Raises Refusal("unavailable") where no database is looked at."""
    workspaces = current().workspaces
    if workspaces is None:
        raise Refusal(
            "unavailable",
            "No database is looked at here, so there are no workspaces.",
            remedy="Start Poolhouse with a DATABASE_URL.",
        )
    return workspaces


def do(name: str, verb: str, arguments: Mapping[str, Any], *, version: int | None = None) -> Outcome:
    """One action of whoever asks, in the worker that holds the workspace's transaction."""
    return asking.act(current(), rooms(), name, verb, arguments, person=actor.person(), version=version)
