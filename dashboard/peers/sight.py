"""What may a person see and do in the rooms? The same answer in the worker that was asked and in the one that acts."""

from __future__ import annotations

from typing import Any

from ..access import Access, Person, permissions_of
from ..access.access import EDIT, READ, asked
from ..records.hidden import hidden_with
from ..workspaces.sight import Sight

ONLY_READ = (READ, "load", "load-many", "read", "refresh")
"""Verbs that leave the data alone; every other one takes the permission to edit the model."""


def sight_of(access: Access | None, person: Person) -> Sight:
    """By the host's Access where there is one, else by role."""
    if access is None:
        return Sight(
            may=lambda verb, model: _permission(verb) in permissions_of(person.role),
            hidden=lambda model: frozenset(model.told.hide),
            restricts=False,  # a model of which the host says something is a class: it is known with its database away
        )
    said: dict[type, frozenset[str]] = {}

    def hides(mapper: Any) -> frozenset[str]:
        """Asked once of each class: a model's relationships ask for those of the others."""
        if mapper.class_ not in said:
            said[mapper.class_] = frozenset(asked(lambda: access.hidden_columns(person, mapper.class_)))
        return said[mapper.class_]

    return Sight(
        may=lambda verb, model: bool(asked(lambda: access.may(person, _permission(verb), model.class_))),
        rows=lambda model: asked(lambda: access.rows(person, model.class_)),
        hidden=lambda model: hidden_with(model.mapper, hides).union(model.told.hide),
    )


def _permission(verb: str) -> str:
    return READ if verb in ONLY_READ else EDIT
