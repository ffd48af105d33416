"""What would each verb do? Where an object would go with it and by which call, and what a flush would send; told of the
drawn workspace alone, before anybody does it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy.orm as sa_orm

from ..records.models import Models
from .python import variable
from .states import badge
from .view import View

Drawn = Mapping[str, Any]

CALLS = {
    "values": "{}.… = …",
    "add": "session.add({})",
    "read": "{}.…",
    "expire": "session.expire({})",
    "refresh": "session.refresh({})",
    "expunge": "session.expunge({})",
    "delete": "session.delete({})",
    "merge": "session.merge({})",
    "make-transient": "make_transient({})",
    "revert": "# what is staged of it is taken back",
    "drop": "del {}",
}


@dataclass(frozen=True)
class Way:
    """Where an object would go. state and badge: afterwards, "" where it leaves the board. copy: it stays where it is,
    and another object of the same row stands there."""

    verb: str
    python: str
    state: str
    badge: str
    copy: bool = False

    @property
    def words(self) -> str:
        where = "off the board" if not self.state else self.badge if self.badge == self.state else self._both
        return f"{'a copy of it, ' if self.copy else ''}{where}"

    @property
    def _both(self) -> str:
        return f"{self.state}, {'marked for deletion' if self.badge == 'deleted' else self.badge}"


def way(drawn: Drawn, verb: str) -> Way:
    """Of a verb that the object's state allows."""
    state, flags = drawn["state"], frozenset(drawn["flags"])
    return Way(verb, CALLS[verb].format(variable(drawn["ref"])), *_where(verb, state, flags))


def _where(verb: str, state: str, flags: Collection[str]) -> tuple[str, str] | tuple[str, str, bool]:
    kept = frozenset(flags) - {"marked-deleted"}
    match verb, state:
        case "drop", _:
            return "", ""
        case "add", "transient":
            return "pending", "pending"
        case "add", _:
            return "persistent", badge("persistent", kept)
        case "expunge", "pending":
            return "transient", "transient"
        case "expunge", _:
            return "detached", "detached"
        case "make-transient", _:
            return "transient", "transient"
        case "merge", "transient":
            return "pending", "pending", True
        case "merge", "detached":
            return "persistent", "persistent", True
        case _, "persistent":
            return "persistent", _of_a_persistent_one(verb, kept)
    return state, badge(state, flags)


def _of_a_persistent_one(verb: str, flags: Collection[str]) -> str:
    if verb == "values":
        return "modified"
    if verb == "delete":
        return "deleted"
    if verb == "expire":
        return "expired"
    if verb in ("refresh", "revert"):
        return "persistent"
    return badge("persistent", frozenset(flags) - {"expired"} if verb == "read" else flags)


@dataclass(frozen=True)
class Forecast:
    """Rows that a flush would write for what is on the board. along: deletions may take more with them, which a
    review finds.

    >>> Forecast(insert=3, update=1).words, Forecast().words
    ('3 INSERT, 1 UPDATE', 'nothing to send')
    """

    insert: int = 0
    update: int = 0
    delete: int = 0
    along: bool = False

    @property
    def total(self) -> int:
        return self.insert + self.update + self.delete

    @property
    def words(self) -> str:
        counts = (("INSERT", self.insert), ("UPDATE", self.update), ("DELETE", self.delete))
        told = ", ".join(f"{number} {word}" for word, number in counts if number)
        return f"{told or 'nothing to send'}{' and more' if self.along else ''}"


def forecast(view: View, models: Models | None) -> Forecast:
    """models: None while they cannot be had; then relationships are not counted."""
    by_ref = {each["ref"]: each for each in view.objects}
    inserts = {ref for ref, each in by_ref.items() if each["state"] == "pending"}
    deletes = {ref for ref, each in by_ref.items() if each["state"] == "persistent" and each["badge"] == "deleted"}
    updates = {ref for ref, each in by_ref.items() if each["changes"] and each["state"] == "persistent"}
    added: set[tuple[str, frozenset[str]]] = set()
    removed: set[tuple[str, frozenset[str]]] = set()
    for each, prop, related in _changed(view, models):
        if prop.direction is sa_orm.RelationshipDirection.MANYTOMANY:
            between = str(getattr(prop.secondary, "name", prop.key))
            added |= {(between, frozenset((each["ref"], other))) for other in related["added"]}
            removed |= {(between, frozenset((each["ref"], other))) for other in related["removed"]}
        elif prop.direction is sa_orm.RelationshipDirection.MANYTOONE:
            updates.add(each["ref"])
        else:
            (deletes if prop.cascade.delete_orphan else updates).update(related["removed"])
            updates.update(related["added"])
    updates = {ref for ref in updates - deletes if by_ref.get(ref, {}).get("state", "persistent") == "persistent"}
    return Forecast(len(inserts) + len(added), len(updates), len(deletes) + len(removed), bool(deletes))


def _changed(
    view: View, models: Models | None
) -> Iterator[tuple[Drawn, sa_orm.RelationshipProperty[Any], Mapping[str, Any]]]:
    """Each relationship of which something is to be written."""
    for each in view.objects:
        if models is None or each["state"] not in ("pending", "persistent") or each["model"] not in models:
            continue
        relationships = models.find(each["model"]).mapper.relationships
        for name, related in each["relationships"].items():
            if (related["added"] or related["removed"]) and name in relationships:
                yield each, relationships[name], related
