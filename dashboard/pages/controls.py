"""Which control does each column and relationship of a record get in its form, and what does it hold?"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from ..records.columns import Column
from ..records.editing import Chosen, Editable
from ..records.kinds import Binary
from ..records.models import Model, Relationship
from ..records.references import Reference
from ..records.rows import Cut, shown
from . import zone

HOW = {
    "date": "like 2026-11-22",
    "time": "like 10:30:00",
    "datetime": "like 2026-11-22 10:30",
    "datetime with timezone": "like 2026-11-22 10:30",
    "interval": "a length, like P1DT2H30M",
}
CONTROLS = {"boolean": "switch", "long text": "area", "json": "area", "array": "area", "binary": "file"}


@dataclass(frozen=True)
class Conflict:
    """What somebody else made of it meanwhile, as JSON."""

    before: Any
    theirs: Any


@dataclass(frozen=True)
class Control:
    """One control of a record's form.

    control: text, area, switch, choice, file, pick (one record of `target`), picks (several).
    text: what it holds; base: what it held when it was first drawn, None for NULL, "" with is_new; null: whether NULL
    is chosen; default: whether it is left to its default, None where there is none. picked: the chosen records.
    value: what is shown of binary data. problem: what is wrong with what was sent.
    """

    name: str
    control: str
    hint: str
    text: str = ""
    base: str | None = None
    is_new: bool = False
    null: bool = False
    nullable: bool = False
    needed: bool = False
    default: bool | None = None
    left: str = "default, if empty"
    choices: tuple[str, ...] = ()
    target: str = ""
    picked: tuple[tuple[str, str], ...] = ()
    value: Any = None
    problem: str = ""
    conflict: Conflict | None = None

    @property
    def known(self) -> frozenset[str]:
        return frozenset(value for value, _ in self.picked)

    @property
    def base_keys(self) -> tuple[str, ...]:
        """Of several records, those that were chosen when it was first drawn."""
        return tuple(json.loads(self.text))


@dataclass(frozen=True)
class Fixed:
    """A column that is shown and not offered."""

    name: str
    value: Any
    reason: str


def controls_of(found: Editable, person_zone: str, *, copied: bool = False) -> tuple[Control, ...]:
    """copied: the values are of another record, for a new one."""
    by_column = _by_column(found)
    made = [
        _of_column(column, found, by_column.get(column.name), person_zone, copied)
        for column in found.columns
        if _is_offered(column, found, copied)
    ]
    inside = {each.name for each in by_column.values()}
    made += [
        Control(each.name, "pick", f"{each.target}", target=each.target, is_new=True)
        for each in found.relationships
        if not each.uselist and each.direction == "MANYTOONE" and each.name not in inside
    ]
    return (*made, *(_of_set(each, found.key is None) for each in found.sets if each.members is not None))


def fixed_of(found: Editable) -> tuple[Fixed, ...]:
    if found.key is None:
        return ()
    return tuple(
        Fixed(column.name, shown(column, found.values[column.name]), column.reason or "The database numbers it.")
        for column in found.columns
        if not _is_offered(column, found, False)
    )


def _is_offered(column: Column, found: Editable, copied: bool) -> bool:
    numbered = column.primary_key and not column.required and not column.foreign_key
    return column.editable and not (numbered and (found.key is not None or copied))


def _by_column(found: Editable) -> dict[str, Relationship]:
    """By the column of a foreign key the relationship that it stands for."""
    known: dict[str, Relationship] = {}
    mapper = found.model.mapper
    for each in found.relationships:
        prop = mapper.relationships[each.name]
        pairs = prop.local_remote_pairs or ()
        if each.direction == "MANYTOONE" and len(pairs) == 1 and list(prop.mapper.primary_key) == [pairs[0][1]]:
            known.setdefault(mapper.get_property_by_column(pairs[0][0]).key, each)
    return known


def hint_of(column: Column) -> str:
    """What its control says of a column: its type, how it is written where nobody would guess, its default."""
    said = (column.type_name, HOW.get(column.kind.name), column.default and f"default {column.default}")
    return ", ".join(each for each in said if each)


def _of_column(
    column: Column, found: Editable, points_to: Relationship | None, person_zone: str, copied: bool
) -> Control:
    hint = hint_of(column)
    if "time" in column.kind.name and getattr(column.kind, "zone", "naive") != "naive":
        hint += f", {person_zone}"
    choices = tuple(getattr(column.kind, "choices", ()))
    control = "pick" if points_to else "choice" if choices else CONTROLS.get(column.kind.name, "text")
    drawn = Control(
        column.name,
        control,
        hint,
        nullable=column.nullable,
        needed=column.required,
        choices=choices,
        target=points_to.target if points_to else "",
    )
    if column.name not in found.values:
        filled = not column.required and (not column.nullable or bool(column.default))
        null = column.nullable and not column.default
        return replace(drawn, is_new=True, null=null, default=True if filled else None, base=None)
    return _holding(drawn, column, found, person_zone, copied)


def _holding(drawn: Control, column: Column, found: Editable, person_zone: str, copied: bool) -> Control:
    value = found.values[column.name]
    reference = found.references.get(column.name, {}).get(value) if _is_hashable(value) else None
    if isinstance(column.kind, Binary):
        seen = shown(column, value)
        cut = isinstance(value, Cut)
        text = json.dumps(seen) if cut else column.text(seen)
        base = None if value is None else text
        return replace(drawn, base=base, null=value is None, value=seen, is_new=copied)
    text = zone.shown(column, value, person_zone) if value is not None else ""
    if drawn.control == "area":
        text = text.replace("\r\n", "\n")
    picked = ((text, reference.label if reference else text),) if drawn.control == "pick" and text else ()
    base = None if value is None else text
    return replace(drawn, text=text, base=base, null=value is None, picked=picked, is_new=copied)


def _is_hashable(value: Any) -> bool:
    return not isinstance(value, (Cut, dict, list, bytearray))


def _of_set(each: Chosen, is_new: bool) -> Control:
    members: tuple[Reference, ...] = each.members or ()
    return Control(
        each.relationship.name,
        "picks",
        f"any number of {each.relationship.target}",
        target=each.relationship.target,
        picked=tuple((member.key, member.label) for member in members),
        text=json.dumps([member.key for member in members]),
        is_new=is_new,
    )


def controls_of_many(found: Editable, person_zone: str) -> tuple[Control, ...]:
    """Of a blank record, for many at once: what is left alone stays as it is in each."""
    made = (each for each in controls_of(found, person_zone) if each.control not in ("picks", "file"))
    return tuple(
        replace(each, is_new=True, null=False, default=True, left="left as it is, if empty", needed=False)
        for each in made
    )


# as it was sent


def as_sent(
    controls: tuple[Control, ...], sent: Mapping[str, list[str]], problems: Mapping[str, str]
) -> tuple[Control, ...]:
    """The controls with what was sent in them, and at each what is wrong with it."""
    return tuple(_as_sent(each, sent, problems.get(each.name, "")) for each in controls)


def _as_sent(control: Control, sent: Mapping[str, list[str]], problem: str) -> Control:
    control = replace(control, problem=problem)
    name = control.name
    if not any(f"{kind}.{name}" in sent for kind in ("values", "null", "default")):
        return control
    texts = sent.get(f"values.{name}", [""])
    if control.control == "picks":
        labels = dict(control.picked)
        text = json.dumps([key for key in sent[f"base.{name}"] if key]) if f"base.{name}" in sent else control.text
        return replace(control, picked=tuple((key, labels.get(key, key)) for key in texts if key), text=text)
    null, base = f"null.{name}" in sent, control.base
    if f"base-null.{name}" in sent or f"base.{name}" in sent:
        base = None if f"base-null.{name}" in sent else sent[f"base.{name}"][-1]
    text = "" if control.control == "file" else texts[-1].replace("\r\n", "\n")
    picked = control.picked
    if control.control == "pick" and text and text not in control.known:
        picked = (*picked, (text, text))
    default = None if control.default is None else f"default.{name}" in sent and not text
    return replace(control, text=text, null=null and not text, base=base, default=default, picked=picked)


def in_conflict(controls: tuple[Control, ...], conflicts: Any, model: Model) -> tuple[Control, ...]:
    """From now on what is theirs is what mine is made over; which of both, the person says."""
    found = {each["column"]: each for each in conflicts if not each.get("deleted")}
    return tuple(_in_conflict(each, found[each.name], model) if each.name in found else each for each in controls)


def _in_conflict(control: Control, entry: Mapping[str, Any], model: Model) -> Control:
    column, theirs = model.column(control.name), entry["theirs"]
    cut = isinstance(theirs, Mapping) and "size" in theirs
    base = None if theirs is None else json.dumps(theirs) if cut else column.text(theirs)
    return replace(control, base=base, conflict=Conflict(entry["before"], theirs), problem=control.problem or "")
