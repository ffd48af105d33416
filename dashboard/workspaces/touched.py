"""Which of the values that were sent for a record were touched, and what was each of them when it was shown?"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import orm as sa_orm

from ..records.columns import Column
from ..records.documents import Document
from ..records.keys import identity_of
from ..records.kinds import Binary
from ..records.models import Model
from ..records.rows import BYTES_SHOWN
from ..refusal import Refusal
from . import checking, sets
from .conflicts import REMEDY, SENTENCE
from .request import Request
from .sight import Sight
from .values import VALUES_MOST, Given, Reading, invalid, put

MISSING = object()


@dataclass(frozen=True)
class Sent:
    """What was sent for one record. given: what fits, by name; problems: what does not, which is no problem where it
    is what the record holds already; base: what was shown, by name."""

    model: Model
    values: Mapping[str, Any]
    given: Mapping[str, Given]
    problems: Mapping[str, str]
    base: Mapping[str, Any]


def understood(request: Request, model: Model) -> Sent:
    """Raises Refusal: not_understood, and invalid for names that the model does not have, or not for the actor."""
    values, base = request.arguments.get("values", {}), request.arguments.get("base") or {}
    if not isinstance(values, Mapping) or not isinstance(base, Mapping) or len(values) > VALUES_MOST:
        field = "base" if isinstance(values, Mapping) else "values"
        message = f"{field} is an object: attribute to value."
        raise Refusal("not_understood", message, fields={field: "An object is expected."})
    return sent_of(request.reading(), request.sight, model, values, base)


def sent_of(reading: Reading, sight: Sight, model: Model, values: Mapping[str, Any], base: Mapping[str, Any]) -> Sent:
    """Raises Refusal("invalid") for names that the model does not have, or not for the actor."""
    given, problems, unknown = {}, {}, {}
    names = {column.name for column in model.columns} | {each.name for each in model.relationships}
    many = {each.name for each in model.relationships if each.uselist}
    values = {name: sets.cleaned(value) if name in many else value for name, value in values.items()}
    base = {name: sets.cleaned(value) if name in many else value for name, value in base.items()}
    for name, value in values.items():
        if name not in names or name in sight.hidden(model):
            unknown[str(name)[:80]] = f"{model.title} has no such attribute."
            continue
        try:
            given[name] = reading.one(model, name, value)
        except Refusal as refusal:
            problems[name] = refusal.fields.get(name) or refusal.message
    if unknown:
        raise invalid({**unknown, **problems})
    return Sent(model, values, given, problems, base)


def apply(sent: Sent, obj: Any, live: Any) -> None:
    """Sets what was touched, each over the base that it was made from, so that the check before the flush compares the
    row with what the person saw. Raises Refusal: invalid, conflict."""
    touched, problems, moved = [], {}, {}
    for name, value in sent.values.items():
        if not sent.model.has_column(name):
            if name in sent.problems:
                problems[name] = sent.problems[name]
            elif not sets.is_same(value, sent.base.get(name)):
                touched.append(name)
            continue
        column = sent.model.column(name)
        now = _now(column, getattr(obj, name))
        if _is_untouched(column, value, now, sent.base.get(name, MISSING)):
            continue
        if column.version:
            moved[name] = (value, now)
        elif name in sent.problems:
            problems[name] = sent.problems[name]
        else:
            touched.append(name)
    if problems:
        raise invalid(problems)
    if moved:
        raise _conflict(live.board.ref(obj) or "", moved)
    for name in touched:
        _set(sent, obj, name, live)


def _now(column: Column, value: Any) -> Any:
    """As a page of records shows it: of binary data the beginning."""
    if isinstance(column.kind, Binary) and isinstance(value, (bytes, bytearray, memoryview)):
        return cut(column, bytes(value))
    return column.format(value)


def cut(column: Column, value: bytes) -> dict[str, Any]:
    return {**column.format(value[:BYTES_SHOWN]), "size": len(value)}


def _is_untouched(column: Column, value: Any, now: Any, base: Any) -> bool:
    """It is what was shown: in the form that was drawn, or, where nobody says what was, what is there now."""
    if base is not MISSING:
        return is_exactly(value, base) or _means(column, value, base)
    return is_exactly(value, now)


def _means(column: Column, value: Any, base: Any) -> bool:
    try:
        return is_exactly(column.format(column.parse(value)), column.format(column.read(base)))
    except Refusal:
        return False


def is_exactly(one: Any, other: Any) -> bool:
    """As JSON: 1, 1.0 and true are three values."""
    try:
        return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)
    except (TypeError, ValueError, RecursionError):
        return bool(one == other)


def _set(sent: Sent, obj: Any, name: str, live: Any) -> None:
    if not sent.model.has_column(name):
        _relate(sent, obj, name, live)
        return
    column, value = sent.model.column(name), sent.given[name].value(live)
    if name in sent.base:
        _lay_base(column, obj, name, sent.base[name], live)
    was = getattr(obj, name)
    put(obj, name, value)
    if isinstance(column.kind, Document) and _is_equal(was, value):  # 1 and true are equal to Python alone
        sa_orm.attributes.flag_modified(obj, name)


def _relate(sent: Sent, obj: Any, name: str, live: Any) -> None:
    given, base = sent.given[name], sent.base.get(name)
    if sent.model.relationship(name).uselist:
        sets.put_many(live, sent.model, obj, given, sent.values[name], base if isinstance(base, list) else None)
        return
    if name in sent.base:
        _lay_base_of_one(sent.model, obj, name, base, live)
    put(obj, name, given.value(live))


def _lay_base_of_one(model: Model, obj: Any, name: str, base: Any, live: Any) -> None:
    """What it pointed to when it was shown, in the columns that say so."""
    prop, target = model.mapper.relationships[name], live.board.models.find(model.relationship(name).target)
    try:
        shown = dict(zip(target.mapper.primary_key, identity_of(target, str(base)), strict=True)) if base else {}
    except Refusal:
        return
    for local, remote in prop.local_remote_pairs or ():
        if remote in shown or not base:
            column = model.column(model.mapper.get_property_by_column(local).key)
            if not checking.same(column, getattr(obj, column.name), shown.get(remote)):
                sa_orm.attributes.set_committed_value(obj, column.name, shown.get(remote))


def _is_equal(was: Any, value: Any) -> bool:
    try:
        return bool(was == value)
    except Exception:  # a foreign value's __eq__ may raise anything
        return False


def _lay_base(column: Column, obj: Any, name: str, base: Any, live: Any) -> None:
    now = getattr(obj, name)
    if isinstance(base, Mapping) and "size" in base:
        if not is_exactly(base, _now(column, now)):
            raise _conflict(live.board.ref(obj) or "", {name: (base, _now(column, now))})
        return
    value = column.read(base)
    if not checking.same(column, now, value):
        sa_orm.attributes.set_committed_value(obj, name, value)


def _conflict(ref: str, differing: Mapping[str, tuple[Any, Any]]) -> Refusal:
    entries = [
        {"ref": ref, "column": name, "before": before, "mine": before, "theirs": theirs}
        for name, (before, theirs) in differing.items()
    ]
    message = f"{ref}: changed by somebody else meanwhile ({', '.join(differing)})."
    details = {"refs": [ref], "conflicts": entries, "class": "Conflict", "link": ""}
    return Refusal("conflict", message, dict.fromkeys(differing, SENTENCE), REMEDY, details)


def gone(ref: str, sent: Sent) -> Refusal:
    """The record that a form was drawn of is not there any more."""
    entries = [
        {"ref": ref, "column": name, "before": before, "mine": sent.values.get(name), "theirs": None}
        for name, before in sent.base.items()
    ]
    details = {"refs": [ref], "conflicts": [{**each, "deleted": "theirs"} for each in entries], "class": "Conflict"}
    remedy = "Nothing was written. Make it anew if it is still wanted."
    return Refusal("conflict", f"{ref}: deleted by somebody else meanwhile.", {}, remedy, details)
