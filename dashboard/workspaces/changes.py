"""What has the open transaction written so far? Before and after of each attribute of each object, flush by flush."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import sqlalchemy.orm as sa_orm
from sqlalchemy.orm.base import NO_VALUE, PASSIVE_NO_RESULT

from ..records.keys import key_of
from .links import Link, Links
from .shape import Shape

if TYPE_CHECKING:
    from .live import Live

State = sa_orm.InstanceState[Any]
CREATED, CHANGED, DELETED = "created", "changed", "deleted"

Entry = dict[str, Any]
"""One object of a change set, as JSON.

ref: in its workspace. model, key, label: whose record it is; was: its key before, where that is another one.
kind: created, changed or deleted. before, after: by attribute, as the contract writes values: of a created one all that
is known is in `after`, of a deleted one in `before`, of a changed one what changed is in both; what nobody knew is
absent. unkept: attributes of which what is written here is not the whole value.
along: of a deleted one, by table the number of rows that the database deleted or changed with it and the others of its
class (ON DELETE), and of which nothing else is known.
links: by name of a many-to-many relationship, keys `added` and `removed`.
"""


@dataclass
class Step:
    """What one flush did to one object. identity: the key that it was known by before; None of a new one."""

    entry: Entry
    group: str
    was: str | None


@dataclass
class Changes:
    """The steps of one transaction, in their order. rows: by identity key, the row as it was read before it was first
    written."""

    steps: list[Step | Link] = field(default_factory=list)
    rows: dict[Any, Mapping[str, Any]] = field(default_factory=dict)

    def clear(self) -> None:
        self.steps.clear()
        self.rows.clear()

    def mark(self) -> tuple[int, frozenset[Any]]:
        """Of a savepoint."""
        return len(self.steps), frozenset(self.rows)

    def back_to(self, mark: tuple[int, frozenset[Any]]) -> None:
        """What came after the savepoint was not written, and what was read then may be another's by now."""
        steps, rows = mark
        del self.steps[steps:]
        self.rows = {key: row for key, row in self.rows.items() if key in rows}

    def note(
        self, live: Live, state: State, shape: Shape, ref: str, identity: tuple[Any, ...], *, is_delete: bool
    ) -> None:
        """After a flush has written it, before SQLAlchemy forgets what it was. identity: what it has then."""
        model = shape.model
        found = _written(shape, state, self.rows.get(state.key, {}), is_delete=is_delete)
        if found is None:
            return
        kind, before, after, unkept = found
        then = None if state.key is None else state.key[1]
        was = None if state.key is None else live.board.key(ref, state.key, model)
        now = then if kind == DELETED else identity
        if now is None or None in now:  # the database left the key empty: SQLAlchemy is about to refuse it
            return
        staged = live.snapshot.images.get(ref)  # its label as it was staged, which takes no look at the class
        entry = {
            "ref": ref,
            "model": model.name,
            "key": was if was is not None and now == then else key_of(model, now),
            "label": str(model.label(state.obj())) if staged is None else staged["label"],
            "kind": kind,
            "before": before,
            "after": after,
            "unkept": sorted(unkept) if unkept else [],
        }
        self.steps.append(Step(entry, shape.group, was))

    def note_links(self, links: Links, context: Any) -> None:
        """A statement that wrote rows between two models."""
        self.steps += links.of(context)

    def entries(self, live: Live) -> tuple[Entry, ...]:
        """What all of it comes to, an entry for each object; nothing where nothing is left of it."""
        folded: dict[tuple[str, str], Entry] = {}
        linked: dict[tuple[str, str], list[Link]] = {}
        for step in self.steps:
            if isinstance(step, Link):
                linked.setdefault((step.group, step.key), []).append(step)
            else:
                _fold(folded, step)
        for identity, links in linked.items():
            _link(live, folded, identity, links)
        return tuple(entry for entry in map(_finished, folded.values()) if entry is not None)


def _written(
    shape: Shape, state: State, row: Mapping[str, Any], *, is_delete: bool
) -> tuple[str, dict[str, Any], dict[str, Any], set[str]] | None:
    """The kind, before, after, and what is not whole."""
    if is_delete:
        before, unkept = told_values(shape, {**state.dict, **state.committed_state, **row})
        return DELETED, before, {}, unkept
    if state.key is None:
        after, unkept = told_values(shape, state.dict)
        return CREATED, {}, after, unkept
    was = {name: value for name, value in state.committed_state.items() if name in shape.by_name}
    for name, value in was.items():
        if value is NO_VALUE or value is PASSIVE_NO_RESULT:
            was[name] = row.get(name, value)
    dict_ = state.dict
    before, lost = told_values(shape, was)
    after, unkept = told_values(shape, {name: dict_[name] for name in was if name in dict_})
    for name in [name for name in before if name in after and before[name] == after[name]]:
        if name not in lost and name not in unkept:
            del before[name], after[name]
    return (CHANGED, before, after, lost | unkept) if before or after else None


def told_values(shape: Shape, values: Mapping[str, Any]) -> tuple[dict[str, Any], set[str]]:
    """As they are kept, and which of them are not whole by that."""
    given, unkept = {}, set()
    for name, value in values.items():
        if name in shape.by_name and value is not NO_VALUE and value is not PASSIVE_NO_RESULT:
            given[name], kept = shape.told(name, value)
            if not kept:
                unkept.add(name)
    return given if len(given) < 2 else {name: given[name] for name in shape.by_name if name in given}, unkept


# folding


def _fold(folded: dict[tuple[str, str], Entry], step: Step) -> None:
    entry, now = step.entry, (step.group, step.entry["key"])
    was = step.was
    before = None if was is None else folded.pop((step.group, was), None)
    if before is None and entry["kind"] == CREATED:
        gone = folded.get(now)
        if gone is not None and gone["kind"] == DELETED:  # the same row again: it is changed
            folded[now] = {**entry, "kind": CHANGED, "before": gone["before"], "unkept": _both(gone, entry)}
            return
    if before is None:
        renamed = step.was is not None and step.was != entry["key"]
        folded[now] = {**entry, "was": step.was} if renamed else entry
        return
    if entry["kind"] == DELETED:
        if before["kind"] == CHANGED:
            first = {**entry["before"], **before["before"]}
            key = str(before.get("was", entry["key"]))
            folded[(step.group, key)] = {**entry, "key": key, "before": first, "unkept": _both(before, entry)}
        return  # what was made and deleted again never was
    after = {**before["after"], **entry["after"]}
    known = {} if before["kind"] == CREATED else {**entry["before"], **before["before"]}
    folded[now] = {
        **before, "key": entry["key"], "label": entry["label"], "before": known, "after": after,
        "unkept": _both(before, entry),
    }  # fmt: skip
    if before["kind"] == CHANGED and step.was != entry["key"]:
        folded[now].setdefault("was", step.was)


def _both(one: Entry, other: Entry) -> list[str]:
    return sorted({*one["unkept"], *other["unkept"]})


def _link(live: Live, folded: dict[tuple[str, str], Entry], identity: tuple[str, str], links: Iterable[Link]) -> None:
    entry = folded.get(identity)
    for link in links:
        if entry is None or "links" not in entry:
            entry = folded[identity] = {**(entry or link.owner(live)), "links": {}}
        of_name = entry["links"].setdefault(link.name, {"added": [], "removed": []})
        here, there = ("added", "removed") if link.added else ("removed", "added")
        if link.target in of_name[there]:
            of_name[there].remove(link.target)
        else:
            of_name[here].append(link.target)


def _finished(entry: Entry) -> Entry | None:
    """None where nothing is left of it."""
    if entry["kind"] == CHANGED:
        before, after = entry["before"], entry["after"]
        same = [name for name in before if name in after and before[name] == after[name]]
        gone = set(same) - set(entry["unkept"]) if same else ()
        if gone:
            entry = {
                **entry,
                "before": {name: value for name, value in before.items() if name not in gone},
                "after": {name: value for name, value in after.items() if name not in gone},
            }
    links = {name: each for name, each in entry.get("links", {}).items() if each["added"] or each["removed"]}
    if "links" in entry:
        entry = {name: value for name, value in entry.items() if name != "links"}
        entry = {**entry, "links": links} if links else entry
    return None if entry["kind"] == CHANGED and not (entry["before"] or entry["after"] or links) else entry


def in_order(entries: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Of the kind that tells most by its row first: made, then deleted, then changed."""
    return sorted(entries, key=lambda each: (CREATED, DELETED, CHANGED).index(each["kind"]))
