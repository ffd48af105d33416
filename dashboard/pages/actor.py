"""Who asks, and what may they see and do? What the gate knows, as the rooms take it."""

from __future__ import annotations

from ..access import Person
from ..peers.sight import sight_of
from ..runtime import current
from ..workspaces.sight import Sight
from . import gate


def person() -> Person:
    """Who is signed in."""
    found = gate.visit().person
    assert found is not None
    return found


def name() -> str:
    return person().name


def sight() -> Sight:
    return sight_of(current().access, person())
