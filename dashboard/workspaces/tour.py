"""The tour: what is done with one User, step by step, with which call, and which badge must it have then?"""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ..records.models import Models
from .view import View

PREFIX = "tour-"
MODEL = "User"
NEEDED = ("name", "email", "orders")


@dataclass(frozen=True)
class Step:
    """One click. action: the verb. badge: of the User afterwards. error: the class that SQLAlchemy raises, if it does.
    on_object: the verb is the User's, not the Session's. arguments: sent with it."""

    action: str
    title: str
    python: str
    words: str
    badge: str
    on_object: bool = True
    error: str = ""
    arguments: Mapping[str, Any] = field(default_factory=dict)


STEPS = (
    Step(
        "objects",
        "Make one",
        'user = User(name="Ada", email="...")',
        "A plain Python object. No Session knows of it, and no row is there: it is transient.",
        "transient",
        on_object=False,
        arguments={"model": MODEL, "add": False, "values": {"name": "Ada"}},
    ),
    Step(
        "add",
        "Add it",
        "session.add(user)",
        "The Session will write it at the next flush: pending. No SQL yet, and no key.",
        "pending",
    ),
    Step(
        "flush",
        "Flush",
        "session.flush()",
        "The INSERT is sent and the row has its key: persistent. The transaction stays open, nobody else sees the row.",
        "persistent",
        on_object=False,
    ),
    Step(
        "values",
        "Change it",
        'user.name = "Ada L."',
        "The Session notes what the attribute was before: modified. No SQL yet.",
        "modified",
        arguments={"values": {"name": "Ada L."}},
    ),
    Step(
        "commit",
        "Commit",
        "session.commit()",
        "The UPDATE, then COMMIT. Others may change the row from now on, so what is in memory is thrown away: expired.",
        "expired",
        on_object=False,
    ),
    Step(
        "read",
        "Read after expiry",
        "user.name",
        "Touching an expired attribute sends a SELECT, and the object is fresh again: persistent.",
        "persistent",
        arguments={"attribute": "name"},
    ),
    Step(
        "expunge",
        "Take it out",
        "session.expunge(user)",
        "The Session forgets the object; the row stays: detached.",
        "detached",
    ),
    Step(
        "read",
        "Meet DetachedInstanceError",
        "user.orders",
        "Its orders were never loaded, and there is no Session to load them with. It stays detached; nothing is lost.",
        "detached",
        error="DetachedInstanceError",
        arguments={"attribute": "orders"},
    ),
    Step(
        "add",
        "Add it again",
        "session.add(user)",
        "It has a key, so the Session takes it as a row that is there: persistent, with no SQL.",
        "persistent",
    ),
    Step(
        "delete",
        "Delete it",
        "session.delete(user)",
        "Marked: the DELETE is sent with the next flush. What goes along is looked up now.",
        "deleted",
    ),
    Step(
        "flush",
        "Flush the deletion",
        "session.flush()",
        "The DELETE is sent. Until the commit a rollback would bring it back: deleted.",
        "deleted",
        on_object=False,
    ),
    Step(
        "commit",
        "Commit the deletion",
        "session.commit()",
        "The row is gone. The object in memory has no Session any more: detached.",
        "detached",
        on_object=False,
    ),
    Step(
        "close",
        "Close",
        "session.close()",
        "The Session lets go of all that it holds and of its connection. The end of the tour.",
        "detached",
        on_object=False,
    ),
)


@dataclass(frozen=True)
class Stop:
    """A step, and what the tape tells of it: its entry, once it was done."""

    step: Step
    entry: Mapping[str, Any] | None


@dataclass(frozen=True)
class Tour:
    """How far somebody has come. next: the step that may be done now, None at the end. ref: the User's.
    strayed: what its badge should be and is, where somebody left the way."""

    stops: tuple[Stop, ...]
    next: Step | None
    ref: str | None
    strayed: tuple[str, str] | None
    email: str

    @property
    def done(self) -> int:
        return sum(stop.entry is not None for stop in self.stops)


def name_for(person: str) -> str:
    """The workspace of this person's tour."""
    return (PREFIX + re.sub(r"[^A-Za-z0-9_.-]", "-", person))[:64]


def is_offered(models: Models) -> bool:
    """Whether there is a User to take it with, as in the demo."""
    if MODEL not in models:
        return False
    user = models.find(MODEL)
    known = {column.name for column in user.columns} | {each.name for each in user.relationships}
    return known.issuperset(NEEDED)


def tour_of(view: View) -> Tour | None:
    """The tour of a workspace that is one; None for any other."""
    if not (view.sandbox and view.name.startswith(PREFIX)):
        return None
    entries = _matched(view)
    stops = tuple(Stop(step, entries[number] if number < len(entries) else None) for number, step in enumerate(STEPS))
    ref = next((each["ref"] for each in view.objects if each["model"] == MODEL), None)
    badge = next((each["badge"] for each in view.objects if each["ref"] == ref), "gone")
    should = STEPS[len(entries) - 1].badge if entries else badge
    strayed = None if badge == should else (should, badge)
    following = STEPS[len(entries)] if len(entries) < len(STEPS) else None
    return Tour(stops, following, ref, strayed, f"ada.{secrets.token_hex(4)}@example.org")


def _matched(view: View) -> list[Mapping[str, Any]]:
    """The entries of the tape that are steps of the tour, in its order; what else was done is passed over."""
    found: list[Mapping[str, Any]] = []
    for entry in view.tape:
        step = STEPS[len(found)] if len(found) < len(STEPS) else None
        raised = (entry["error"] or {}).get("class", "")
        if step is not None and (entry["action"], raised) == (step.action, step.error):
            found.append(entry)
    return found
