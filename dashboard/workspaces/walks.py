"""Which of the actions on a tape still hold, so that whoever does them again ends in the same states?"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ..records.keys import identity_of
from ..records.models import Models
from ..refusal import Refusal
from ..store.workspaces import Row
from .python import identity, variable
from .request import Done, Plan
from .sight import Sight
from .snapshot import Snapshot
from .view import WITHHELD, Drawing

ENDS = ("commit", "rollback", "close")
OPENED = ("flush", "savepoint", "rollback-to-savepoint")
LOST = "# The open transaction was lost here: what had been flushed in it was staged again."

Entry = Mapping[str, Any]


@dataclass
class Walk:
    """A workspace as the way to it. settings: of its Session at the beginning. entries: the actions that hold.
    objects: by ref, each with its variable, model and state at the end. secret: whether its statements sent values
    that this actor may not see."""

    name: str
    row: Row
    models: Models
    entries: list[Entry]
    settings: dict[str, bool]
    objects: dict[str, tuple[str, str, str]]
    every: list[Entry] = field(default_factory=list)
    secret: bool = False


def told(plan: Plan, done: Done, before: Snapshot, after: Snapshot) -> dict[str, Any]:
    """What an action's entry keeps for this: which objects came along, and which version an undo is about."""
    named = (done.ref, done.merged)
    came = [[ref, image["model"], image["key"]] for ref, image in after.images.items() if ref not in before.images]
    joined = [each for each in came if each[0] not in named]
    goes = {} if plan.goes is None else {"goes": plan.goes}
    return {**({"joined": joined} if joined else {}), **goes}


def walk(row: Row, tape: Iterable[Entry], snapshot: Snapshot, models: Models, sight: Sight) -> Walk:
    """Raises Refusal where the way is not known whole, or not to this actor."""
    every = list(tape)
    if every and every[0]["number"] > 1:
        remedy = "DASHBOARD_TAPE says how many actions are kept."
        raise Refusal("wrong_state", "The first actions of this tape are not kept any more.", remedy=remedy)
    drawing = Drawing(models, sight)
    drawn = [drawing.entry(each) for each in every]
    if any(each["python"].endswith(WITHHELD) for each in drawn):
        raise Refusal("forbidden", "Its tape has values that you may not see.")
    settings = {name: bool(row.settings[name]) for name in ("autoflush", "expire_on_commit")}
    for entry in reversed(every):
        for name in settings if entry["action"] == "settings" and not entry["error"] else ():
            for line in entry["python"].splitlines():
                if line.startswith(f"session.{name} = "):
                    settings[name] = not line.endswith("True")
    objects = {ref: (variable(ref), image["model"], image["state"]) for ref, image in snapshot.images.items()}
    holding = _holding([each for each in every if not each["error"]], row.version)
    return Walk(row.name, row, models, holding, settings, objects, every, any(map(_is_secret, drawn)))


def _is_secret(drawn: Mapping[str, Any]) -> bool:
    sent = [value for each in drawn["statements"] for values in (each["parameters"] or ()) for value in values]
    return WITHHELD in sent or any(each["sql"] == WITHHELD for each in drawn["statements"])


def _holding(entries: list[Entry], version: int) -> list[Entry]:
    """Without what was undone, and without what was flushed in a transaction that was lost."""
    held: list[Entry] = []
    undone: dict[int, list[Entry]] = {}
    last = 1
    for entry in entries:
        now = entry.get("version", last + 1)
        if now > last + 1:
            held = _as_staged(held)
        last, goes = now, entry.get("goes")
        if entry["action"] == "undo" and goes is not None:
            kept = [each for each in held if each["version"] < goes]
            undone[goes] = held[len(kept) :]
            held = _as_staged(kept) if entry["python"].startswith("session.rollback()") else kept
        elif entry["action"] == "redo" and goes in undone:
            held = [*held, *undone.pop(goes)]
        else:
            held = [*held, entry]
    return _as_staged(held) if version > last else held


def _as_staged(entries: list[Entry]) -> list[Entry]:
    ended = max((number for number, each in enumerate(entries) if each["action"] in ENDS), default=-1)
    return [each for number, each in enumerate(entries) if number <= ended or each["action"] not in OPENED]


def lines(walk: Walk) -> list[str]:
    """The walk as Python, action by action."""
    found: list[str] = []
    for entry in walk.entries:
        found += entry.get("source", entry["python"]).splitlines()
        found += _joined(walk, entry)
    return found


def _joined(walk: Walk, entry: Entry) -> list[str]:
    """A workspace holds what came along; a plain Session holds it only weakly."""
    found = []
    for ref, name, key in entry.get("joined", ()):
        model = walk.models.find(name)
        class_ = model.class_.__name__
        if key is not None:
            place = f"identity_key({class_}, {identity(identity_of(model, key))})"
            found.append(f"{variable(ref)} = session.identity_map[{place}]")
        else:
            found.append(f"{variable(ref)} = [each for each in session.new if type(each) is {class_}][-1]")
    return found
