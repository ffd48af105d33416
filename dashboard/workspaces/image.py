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

from ..records.columns import Column
from ..records.keys import key_of
from ..records.models import Model
from . import schemas
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


def columns_of(model: Model) -> Mapping[str, Column]:
    return model.columns_by_name


def capture(
    obj: object, model: Model, ref: Ref, *, number: int, marked: bool, leaving: bool, before: Mapping[str, Any] | None
) -> Image:
    """The image of a live object. Sends no SQL.

    marked: it is in `session.deleted`. leaving: its delete was flushed, and its transaction is open.
    before: its last image, which knows what was not kept then.
    """
    state: sa_orm.InstanceState[Any] = sa.inspect(obj)
    values, unkept = _values(state, model)
    unkept |= {name for name in (before or {}).get("unkept", ()) if name in state.expired_attributes}
    committed, unknown = _committed(state, model)
    return {
        "schema": schemas.SCHEMA,
        "ref": ref(obj),
        "number": number,
        "model": model.name,
        "key": None if state.key is None else key_of(model, state.key[1]),
        "token": None if state.key is None else state.key[2],
        "label": str(model.label(obj)),
        "state": state_of(state),
        "flags": list(flags_of(state, marked, unkept)),
        "values": values,
        "committed": committed,
        "unknown": unknown,
        "expired": sorted(state.expired_attributes),
        "unkept": sorted(unkept),
        "nulls": sorted(name for name in values if isinstance(state.dict[name], sa.sql.elements.Null)),
        "relationships": _relationships(state, ref),
        "parents": _parents(state, ref),
        "order": state.insert_order,
        "was_deleted": state._deleted,
        "leaving": leaving,
        "is_expired": state.expired,
        "modified": state.modified,
    }


def _values(state: sa_orm.InstanceState[Any], model: Model) -> tuple[dict[str, Any], set[str]]:
    dict_, values, unkept = state.dict, {}, set()
    for column in model.columns:
        name = column.name
        if name in dict_:
            value = dict_[name]
            values[name] = shown(column, value)
            if not keeps(column, value):
                unkept.add(name)
    return values, unkept


def keeps(column: Column, value: Any) -> bool:
    """`column.keeps`, short for the values that most columns hold."""
    return (type(value) in _SIMPLE and isinstance(value, column.kind.native)) or column.keeps(value)


def shown(column: Column, value: Any) -> Any:
    """The value as it is shown, before a restore and after: an int in a Numeric column, say of a default,
    is a Decimal by then."""
    given = column.format(value)
    if value is None or isinstance(value, column.kind.native) or not column.keeps(value):
        return given
    return column.format(column.restore(given))


def _committed(state: sa_orm.InstanceState[Any], model: Model) -> tuple[dict[str, Any], list[str]]:
    committed, unknown = {}, []
    for column in model.columns:
        if column.name in state.committed_state:
            value = state.committed_state[column.name]
            if value is NO_VALUE or not keeps(column, value):
                unknown.append(column.name)
            else:
                committed[column.name] = shown(column, value)
    return committed, unknown


def _relationships(state: sa_orm.InstanceState[Any], ref: Ref) -> dict[str, Any]:
    pending = state.__dict__.get("_pending_mutations", {})
    images = {}
    for prop in state.mapper.relationships:
        name = prop.key
        impl = state.manager[name].impl
        image = (
            _appended(state, name, ref)
            if getattr(impl, "dynamic", False)
            else _related(state, name, impl.collection, ref)
        )
        if name in pending:
            image["added"] = _refs(pending[name].added_items, ref)
            image["removed"] = _refs(pending[name].deleted_items, ref)
        if image:
            images[name] = image
    return images


def _related(state: sa_orm.InstanceState[Any], name: str, many: bool, ref: Ref) -> dict[str, Any]:
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


def _appended(state: sa_orm.InstanceState[Any], name: str, ref: Ref) -> dict[str, Any]:
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


def _parents(state: sa_orm.InstanceState[Any], ref: Ref) -> dict[str, str | bool]:
    known = state.__dict__.get("parents")
    if not known:
        return {}
    names = {id(token): name for name, token in parent_tokens(state.mapper).items()}
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


def parent_tokens(mapper: sa_orm.Mapper[Any]) -> dict[str, Any]:
    """By name, what stands in `state.parents` for each relationship that can hold an instance of this class."""
    tokens = {}
    for owner in mapper.registry.mappers:
        for prop in owner.relationships:
            if prop.parent is owner and mapper.isa(prop.mapper):
                tokens[f"{owner.class_.__module__}.{owner.class_.__qualname__}.{prop.key}"] = owner.class_manager[
                    prop.key
                ].impl.parent_token
    return tokens
