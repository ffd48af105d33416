"""Who asks, and what may they see and do? What the gate knows, as the rooms take it."""

from __future__ import annotations

from ..runtime import current
from ..workspaces.sight import Sight
from . import gate

ONLY_READ = (gate.READ, "load", "read", "refresh")
"""Verbs that leave the data alone; every other one takes the permission to edit the model."""


def name() -> str:
    """Of the person who is signed in."""
    person = gate.visit().person
    assert person is not None
    return person.name


def sight() -> Sight:
    """By the host's Access where there is one, else by role."""
    if current().access is None:
        return Sight(
            may=lambda verb, model: gate.may(gate.READ if verb in ONLY_READ else gate.EDIT, None), restricts=False
        )
    return Sight(
        may=lambda verb, model: gate.may(gate.READ if verb in ONLY_READ else gate.EDIT, model.class_),
        rows=lambda model: gate.rows(model.class_),
        hidden=lambda model: gate.hidden_columns(model.class_),
    )
