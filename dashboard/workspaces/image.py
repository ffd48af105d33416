"""What is one object, as plain data?

The image holds what SQLAlchemy's own pickling of an instance holds, attribute by attribute,
so that what is restored is the same in every respect, and no validator, listener, cascade or SELECT runs a second time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import cached_property
from typing import Any

import sqlalchemy as sa
import sqlalchemy.orm as sa_orm
from sqlalchemy.orm.base import NO_VALUE, PASSIVE_NO_RESULT

from ..records.columns import Column
from ..records.kinds import Kind
from ..records.labels import LABEL_CHARACTERS
from ..records.models import Model
from ..records.numbers import SAFE_INTEGER, Integer
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
State = sa_orm.InstanceState[Any]
MARKERS = {"NO_VALUE": NO_VALUE, "PASSIVE_NO_RESULT": PASSIVE_NO_RESULT}
_SIMPLE = (str, int, bool, type(None))


def columns_of(model: Model) -> Mapping[str, Column]:
    return model.columns_by_name


class Shape:
    """What each image of one model's objects asks for: found once, not for each object.

    columns: with the types of which a value is its own JSON and comes back as it went. group: of models whose keys
    are of one kind, a class and its subclasses.
    """

    def __init__(self, model: Model) -> None:
        self.model = model
        self.mapper = model.mapper
        self.columns = tuple((column.name, column, _plain_types(column)) for column in model.columns)
        self.by_name = {name: (column, types) for name, column, types in self.columns}
        manager: Any = model.mapper.class_manager
        self.names = frozenset(manager)
        self.group = str(self.mapper.base_mapper.class_.__qualname__)
        self.relationships = {prop.key: manager[prop.key].impl for prop in model.mapper.relationships}
        self.dynamic = {name for name, impl in self.relationships.items() if getattr(impl, "dynamic", False)}
        self.key_names = {self.mapper.get_property_by_column(column).key for column in self.mapper.primary_key}

    @cached_property
    def parent_names(self) -> Mapping[int, str]:
        return {id(token): name for name, token in parent_tokens(self.mapper).items()}

    def is_empty(self, state: State) -> bool:
        """Nothing of it is in memory, nothing was changed: it has expired, all of it."""
        changed = state.committed_state or "_pending_mutations" in state.__dict__
        return not changed and self.names.isdisjoint(state.dict)

    def keeps_key(self, state: State) -> bool:
        """No flush that wrote what is changed now has given it another identity."""
        return state.key is not None and self.key_names.isdisjoint(state.committed_state)

    def told(self, name: str, value: Any) -> tuple[Any, bool]:
        """A value as it is shown, and whether it is kept by that."""
        column, types = self.by_name[name]
        if type(value) in types and (type(value) is not int or -SAFE_INTEGER <= value <= SAFE_INTEGER):
            return value, True
        return shown(column, value), keeps(column, value)


def _plain_types(column: Column) -> frozenset[type]:
    own = {type_ for type_ in (str, bool) if type_ in column.kind.native and type(column.kind).format is Kind.format}
    if type(column.kind).format is Integer.format:
        own.add(int)
    if column.format(None) is None:
        own.add(type(None))
    return frozenset(own)


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
    state: State = sa_orm.attributes.instance_state(obj)  # type: ignore[arg-type]
    found: Image = {
        "schema": schemas.SCHEMA,
        "ref": ref(obj),
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
        "parents": _parents(state, shape, ref) if "parents" in state.__dict__ else {},
        "order": state.insert_order,
        "was_deleted": state._deleted,
        "leaving": leaving,
        "is_expired": state.expired,
        "modified": state.modified,
    }
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
    found["unkept"], found["flags"] = sorted(unkept), list(flags_of(state, marked, unkept))
    return found


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
