"""What does an action answer?"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

from .view import View


@dataclass(frozen=True)
class Outcome:
    """What an action made of a workspace. draws: its view, which a person who is sent on to the page does not need.
    ref: the object it was about or made. merged: the other object that a merge answered. removed: the workspace
    went."""

    draws: Callable[[], View]
    ref: str | None = None
    merged: str | None = None
    removed: bool = False

    @cached_property
    def view(self) -> View:
        return self.draws()
