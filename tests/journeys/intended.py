"""What does a person intend with a workspace of users, action by action, and what may they expect to see of it?"""

from __future__ import annotations

import copy
from dataclasses import dataclass, field

UNSENT = "(unsent)"


@dataclass
class Thing:
    """One user. db: its name as committed, None for none; want: as intended, None to be deleted; sent: as flushed in
    the open transaction. place: "in" the Session, "out" of it, or "loose": it never was in the database; "spent": as a
    plain Session leaves it after a rollback, with a key that is free for others again."""

    db: str | None
    want: str | None
    place: str = "in"
    sent: str | None = UNSENT

    @property
    def base(self) -> str | None:
        return self.db if self.sent == UNSENT else self.sent

    @property
    def badges(self) -> set[str]:
        if self.place != "in":
            return {"detached" if self.place == "out" else "transient"}
        if self.want is None:
            return {"deleted"}
        if self.base is None:
            return {"pending"}
        return {"persistent", "expired"} if self.want == self.base else {"modified"}

    def is_shown(self, card: dict) -> bool:
        name = card["values"].get("name")
        told = card["badge"] not in ("modified", "pending", "transient") or name is not None
        return card["badge"] in self.badges and told and (name is None or self.want is None or name == self.want)


@dataclass
class Intended:
    """A workspace. holder: the process that has its open transaction."""

    things: dict[str, Thing] = field(default_factory=dict)
    holder: int | None = None

    def copy(self) -> Intended:
        return copy.deepcopy(self)

    def is_shown(self, page: dict) -> bool:
        cards = {card["ref"]: card for card in page["objects"] if card["model"] == "User"}
        is_open = (self.holder is not None) == (page["transaction"] is not None)
        shown = all(thing.is_shown(cards[ref]) for ref, thing in self.things.items() if ref in cards)
        return is_open and shown and cards.keys() == self.things.keys()

    def lost(self) -> None:
        self.holder = None
        for thing in self.things.values():
            thing.sent = UNSENT

    def flush(self, by: int) -> None:
        for thing in self.things.values():
            if thing.place == "in" and thing.want != thing.base:
                thing.sent = thing.want
                self.holder = self.holder or by

    def commit(self, by: int) -> None:
        self.flush(by)
        for thing in self.things.values():
            if thing.place == "in":
                thing.db = thing.want
                thing.place = "out" if thing.want is None else "in"
        self.lost()

    def rollback(self, by: int) -> None:
        for thing in self.things.values():
            if thing.place == "in" and thing.db is None:
                thing.place = "loose" if thing.sent == UNSENT else "spent"
            elif thing.place == "in":
                thing.want = thing.db
        self.lost()

    def rows(self) -> list[str]:
        return [thing.db for thing in self.things.values() if thing.db is not None]
