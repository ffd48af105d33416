"""Which steps back and forth are there from a version, and what is each one called?"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from .snapshot import Snapshot

NOTHING = {"undo": "There is nothing to undo.", "redo": "There is nothing to redo."}
COMMITTED = "The last action was a commit, which no undo takes back."
EARLIER = "an earlier action"
PASSING = frozenset({"settings", "take-over"})
"""Verbs that change nothing which an undo restores: they are no step of their own."""


def stepped(before: Snapshot, after: Snapshot, now: int, *, verb: str, most: int) -> Snapshot:
    """After any other action: what was changed is a step back from here, and what was undone cannot be redone.

    now: the version that the action was done to. most: steps that are kept.
    """
    if verb == "commit":
        return replace(after, undo=(), redo=(), committed=True)
    if verb in PASSING or is_same(before, after):
        return replace(after, undo=before.undo, redo=before.redo, committed=before.committed)
    undo = (*before.undo, (now, now + 1))
    return replace(after, undo=undo[-most:], redo=(), committed=before.committed and len(undo) <= most)


def is_same(before: Snapshot, after: Snapshot) -> bool:
    """Whether an undo would change nothing."""
    return (before.new, before.deleted, before.epoch) == (after.new, after.deleted, after.epoch) and (
        not after.changed_since(before)
    )


def reason(snapshot: Snapshot, verb: str) -> str:
    """Why nothing can be undone or redone."""
    return COMMITTED if verb == "undo" and snapshot.committed else NOTHING[verb]


def drawn(snapshot: Snapshot, verb: str, entries: Iterable[Mapping[str, Any]]) -> dict[str, str | None]:
    """What the verb would take back or do again, or why it can do nothing. entries: of the tape."""
    going = snapshot.undo if verb == "undo" else snapshot.redo
    if not going:
        return {"what": None, "why": reason(snapshot, verb)}
    found = (entry["what"] for entry in entries if entry.get("version") == going[-1][1])
    return {"what": next(found, EARLIER), "why": None}
