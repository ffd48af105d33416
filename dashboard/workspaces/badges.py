"""Which records are on a person's boards just now, and with which badge?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ..records.models import Model
from ..refusal import Refusal
from ..store.engine import Store
from ..store.owned import images_of
from . import states


@dataclass(frozen=True)
class Badge:
    """The badge of a record in one of the person's own workspaces: the one that was changed last."""

    workspace: str
    ref: str
    badge: str


def badges(store: Store, model: Model, actor: str, *, most: int) -> Mapping[str, Badge]:
    """By key. most: objects that are looked at. Empty where the store is away: a record is shown all the same."""
    try:
        found = images_of(store, actor, model.database, model.name, most=most)
    except Refusal:
        return {}
    known: dict[str, Badge] = {}
    for name, image in found:
        if image.get("model") == model.name and image.get("key") is not None and "state" in image:
            drawn = Badge(name, image["ref"], states.badge(image["state"], image.get("flags", ())))
            known.setdefault(image["key"], drawn)
    return known
