"""What is one object, as plain data?

The image holds what SQLAlchemy's own pickling of an instance holds, attribute by attribute,
so that what is restored is the same in every respect, and no validator, listener, cascade or SELECT runs a second time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import sqlalchemy as sa
import sqlalchemy.orm as sa_orm
from sqlalchemy.orm.base import NO_VALUE, PASSIVE_NO_RESULT

from ..records.labels import LABEL_CHARACTERS
from ..records.numbers import SAFE_INTEGER
from . import schemas
from .shape import Shape, State, keeps, shown
from .states import flags_of, state_of

Image = dict[str, Any]
"""JSON of one object.

schema: of the image itself. ref, number, model, key (null without one), token, label, state, flags: who and what it is.
values: column attributes in the instance. committed: what changed ones were before.
unknown: changed ones of which that is not known. expired, unkept. nulls: those that hold `null()`, not None.
relationships: for each name `now` (a ref, refs or null; absent when not loaded), of a dictionary its `keys`, `was`,
`added` and `removed` (queued while not loaded).
parents: which owner holds it, for delete-orphan. order: SQLAlchemy's insert order.
was_deleted, leaving, is_expired, modified: SQLAlchemy's own flags.
staged: while a transaction is open, the image that holds if that is lost. fresh: first seen in that transaction.
"""

Ref = Callable[[object], str | None]
MARKERS = {"NO_VALUE": NO_VALUE, "PASSIVE_NO_RESULT": PASSIVE_NO_RESULT}
_SIMPLE = (str, int, bool, type(None))


def capture(
    obj: object,
    shape: Shape,
    ref: Ref,
    *,
    number: int,
    key: str | None,
    marked: bool,
    leaving: bool,
    before: Mapping[str, Any] | None,
) -> Image:
    """The image of a live object. Sends no SQL.

    key: of its record. marked: it is in `session.deleted`. leaving: its delete was flushed, and its transaction is
    open. before: its last image, which knows what was not kept then.
    """
    state: State = sa_orm.attributes.instance_state(obj)
    found = _empty(state, shape, ref(obj), number, key)
    found["leaving"] = leaving
    if "parents" in state.__dict__:
        found["parents"] = _parents(state, shape, ref)
    unkept = {name for name in before["unkept"] if name in state.expired_attributes} if before is not None else set()
    if not shape.is_empty(state):
        found["values"], lost = _values(state.dict, shape)
        unkept |= lost
        found["committed"], found["unknown"] = _committed(state, shape)
        found["nulls"] = sorted(name for name in found["values"] if isinstance(state.dict[name], sa.sql.elements.Null))
        found["relationships"] = _relationships(state, state.dict, shape, ref)
        found["label"] = str(shape.model.label(obj))
    elif key is None or len(key) > LABEL_CHARACTERS:
        found["label"] = str(shape.model.label(obj))
    if before is not None and key is not None and found["label"] == key:
        found["label"] = _last_name(before, key, shape)
    found["unkept"], found["flags"] = sorted(unkept), list(flags_of(state, marked, unkept))
    return found


def _last_name(before: Mapping[str, Any], key: str, shape: Shape) -> str:
    """What it was called when more of it was loaded. Its key where what was changed since has a part in that name:
    nobody knows here whether it was written or taken back."""
    if before["label"] is None or before["key"] not in (None, key):
        return key
    values = {name: value for name, value in before["values"].items() if name not in before["unkept"]}
    was = {name: value for name, value in {**values, **before["committed"]}.items() if name not in before["unknown"]}
    same = values == was or _name_of(values, shape) == _name_of(was, shape)
    return str(before["label"]) if same else key


def _name_of(values: Mapping[str, Any], shape: Shape) -> str:
    known = {name: shape.by_name[name][0].restore(value) for name, value in values.items() if name in shape.by_name}
    return str(shape.model.label(known))


def _empty(state: State, shape: Shape, ref: str | None, number: int, key: str | None) -> Image:
    """As far as the instance's state says it; of what has expired, all of it, that is all."""
    return {
        "schema": schemas.SCHEMA,
        "ref": ref,
        "number": number,
        "model": shape.model.name,
        "key": key,
        "token": None if state.key is None else state.key[2],
        "label": key,
        "state": state_of(state),
        "flags": [],
        "values": {},
        "committed": {},
        "unknown": [],
        "expired": sorted(state.expired_attributes),
        "unkept": [],
        "nulls": [],
        "relationships": {},
        "parents": {},
        "order": state.insert_order,
        "was_deleted": state._deleted,
        "leaving": False,
        "is_expired": state.expired,
        "modified": state.modified,
    }


def _values(dict_: Mapping[str, Any], shape: Shape) -> tuple[dict[str, Any], set[str]]:
    values, unkept = {}, set()
    for name, column, types in shape.columns:
        if name in dict_:
            value = dict_[name]
            if type(value) in types and (type(value) is not int or -SAFE_INTEGER <= value <= SAFE_INTEGER):
                values[name] = value
                continue
            values[name] = shown(column, value)
            if not keeps(column, value):
                unkept.add(name)
    return values, unkept


def _committed(state: State, shape: Shape) -> tuple[dict[str, Any], list[str]]:
    committed, unknown = {}, []
    for name, _, _ in shape.columns:
        if name in state.committed_state:
            value = state.committed_state[name]
            given, kept = (None, False) if value is NO_VALUE else shape.told(name, value)
            if kept:
                committed[name] = given
            else:
                unknown.append(name)
    return committed, unknown


def _relationships(state: State, dict_: Mapping[str, Any], shape: Shape, ref: Ref) -> dict[str, Any]:
    pending, images = state.__dict__.get("_pending_mutations", {}), {}
    for name, impl in shape.relationships.items():
        if name not in dict_ and name not in state.committed_state and name not in pending:
            continue
        image = _appended(state, name, ref) if name in shape.dynamic else _related(state, name, impl.collection, ref)
        if name in pending:
            image["added"] = _refs(pending[name].added_items, ref)
            image["removed"] = _refs(pending[name].deleted_items, ref)
        if image:
            images[name] = image
    return images


def _related(state: State, name: str, many: bool, ref: Ref) -> dict[str, Any]:
    image: dict[str, Any] = {}
    if name in state.dict:
        now = state.dict[name]
        image["now"] = _refs(sa_orm.collections.collection_adapter(now), ref) if many else _one(now, ref)
        if isinstance(now, dict):
            image["keys"] = [key for key, each in now.items() if ref(each) is not None]
            if not all(isinstance(key, _SIMPLE) for key in image["keys"]):
                del image["keys"]
    if name in state.committed_state:
        was = state.committed_state[name]
        image["was"] = _refs(was, ref) if isinstance(was, list) else _one(was, ref)
    return image


def _appended(state: State, name: str, ref: Ref) -> dict[str, Any]:
    """A `dynamic` or `write_only` relationship is never loaded; it keeps what was appended and removed."""
    history = state.committed_state.get(name)
    if history is None:
        return {}
    return {
        "added": _refs(history.added_items, ref),
        "removed": _refs(history.deleted_items, ref),
        "kept": _refs(history.unchanged_items, ref),
    }


def _refs(objects: Iterable[Any], ref: Ref) -> list[str]:
    return [found for found in map(ref, objects) if found is not None]


def _one(value: Any, ref: Ref) -> str | None:
    for name, marker in MARKERS.items():
        if value is marker:
            return name
    return None if value is None else ref(value)


def _parents(state: State, shape: Shape, ref: Ref) -> dict[str, str | bool]:
    known = state.__dict__.get("parents")
    if not known:
        return {}
    names = shape.parent_names
    parents: dict[str, str | bool] = {}
    for token, parent in known.items():
        owner = False if parent is False else parent.obj() and ref(parent.obj())
        if token in names and owner is not None:
            parents[names[token]] = owner
    return parents


def mentions(image: Image, ref: str) -> bool:
    """Whether one of its relationships holds the object, held it, or is to."""
    parts = (part for related in image["relationships"].values() for part in related.values())
    return any(part == ref or (isinstance(part, list) and ref in part) for part in parts)
