"""What is said when somebody else changed what is to be written: before, mine and theirs of each attribute?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..records.models import Model
from ..refusal import Refusal
from .sight import Sight

SENTENCE = "Somebody else changed this since you read it."
GONE = "Somebody else deleted this record."
CHANGED = "Somebody else changed this since you read it, and you are about to delete it."
REMEDY = (
    "Choose mine or theirs for each (resolve), then try again. Nothing was written; everything is staged as it was."
)
HIDDEN = "Somebody else changed what you may not see of it."
REFS_NAMED = 3
LISTED = 200


@dataclass(frozen=True)
class Difference:
    """One column of one object, as JSON. deleted: who deletes the row, "mine", "theirs" or ""."""

    ref: str
    model: Model
    column: str
    before: Any
    mine: Any
    theirs: Any
    deleted: str = ""

    @property
    def sentence(self) -> str:
        return {"": SENTENCE, "theirs": GONE, "mine": CHANGED}[self.deleted]

    def entry(self) -> dict[str, Any]:
        names = ("ref", "column", "before", "mine", "theirs")
        entry = {name: getattr(self, name) for name in names}
        return {**entry, "deleted": self.deleted} if self.deleted else entry


class Conflict(Exception):
    """Rows were changed by somebody else; raised before anything is written."""

    def __init__(self) -> None:
        super().__init__("rows were changed by somebody else")
        self.differences: list[Difference] = []

    def seen(self) -> dict[str, dict[str, Any]]:
        """By ref and column what the person is shown as theirs."""
        seen: dict[str, dict[str, Any]] = {}
        for each in self.differences:
            if not each.deleted:
                seen.setdefault(each.ref, {})[each.column] = each.theirs
        return seen


def refusal(conflict: Conflict, sight: Sight) -> Refusal:
    """For the eyes of this actor."""
    refs = list(dict.fromkeys(each.ref for each in conflict.differences))
    visible = [
        each for each in conflict.differences if sight.sees(each.model) and each.column not in sight.hidden(each.model)
    ]
    more = f" and {len(refs) - REFS_NAMED} more" if len(refs) > REFS_NAMED else ""
    who = ", ".join(refs[:REFS_NAMED]) + more
    columns = list(dict.fromkeys(each.column for each in visible))
    gone = all(each.deleted == "theirs" for each in conflict.differences)
    what = "deleted" if gone else "changed"
    message = f"{who}: {what} by somebody else meanwhile" + (
        f" ({', '.join(columns)})." if columns and not gone else "."
    )
    return Refusal(
        "conflict",
        message if visible else f"{who}: {HIDDEN}",
        {each.column: each.sentence for each in visible},
        REMEDY if visible else "Refresh it, or ask somebody who sees it. Everything is staged as it was.",
        {"refs": refs, "conflicts": [each.entry() for each in visible[:LISTED]], "class": "Conflict", "link": ""},
    )
