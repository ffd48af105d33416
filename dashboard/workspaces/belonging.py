"""To whom does a row belong again when a change set is undone? By relationship: the columns alone do not tell
SQLAlchemy what to insert first, and it lets go of what belonged to an object that goes, or deletes it along."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
import sqlalchemy.orm as sa_orm

from ..refusal import Refusal
from .live import Live
from .values import put

Made = dict[tuple[sa_orm.Mapper[Any], tuple[Any, ...]], Any]
"""The objects of an undo, by base mapper and identity."""
Relationship = sa_orm.RelationshipProperty[Any]


class Belonging:
    """Of the objects of one undo. Its owners: those with relationships of which their members know nothing."""

    def __init__(self, live: Live, made: Made) -> None:
        self._live, self._made = live, made
        self._owners = [(owner, prop) for owner in made.values() for prop in _one_sided(owner)]

    def give_back(self, obj: Any) -> None:
        """To what comes back together with it."""
        for prop in _pointers(obj):
            target = self._made.get((prop.mapper.base_mapper, _pointed(obj, prop)))
            if target is not None and target is not obj:
                put(obj, prop.key, target)
        for owner, prop in self._owners:
            if _is_member(obj, owner, prop):
                _add(owner, prop, obj)

    def set_back(self, obj: Any, before: Mapping[str, Any]) -> None:
        """What was changed of it, as it was before, and away from what is to go."""
        state: sa_orm.InstanceState[Any] = sa.inspect(obj)
        changed = {column for name in before for column in state.mapper.column_attrs[name].columns}
        left = [
            (prop, found)
            for prop in _pointers(obj)
            if changed & prop.local_columns
            and (found := self._made.get((prop.mapper.base_mapper, _pointed(obj, prop)))) is not None
        ]
        owned = [(owner, prop) for owner, prop in self._owners if _is_member(obj, owner, prop)]
        for prop, found in left:
            sa_orm.attributes.set_committed_value(obj, prop.key, found)
        for name, value in before.items():
            put(obj, name, value)
        for owner, prop in owned:
            if not _is_member(obj, owner, prop):
                _take(owner, prop, obj)
                self._give(obj, prop)
        self.give_back(obj)
        for prop, _ in left:
            there = _pointed(obj, prop)
            if (prop.mapper.base_mapper, there) not in self._made:
                put(obj, prop.key, self._still_there(obj, prop.mapper, there))

    def _give(self, obj: Any, prop: Relationship) -> None:
        """To the owner that it had, which this undo does not touch otherwise."""
        pairs = dict(prop.local_remote_pairs or ())
        there = tuple(_value(obj, pairs[column]) if column in pairs else None for column in prop.parent.primary_key)
        if (prop.parent.base_mapper, there) not in self._made:
            owner = self._still_there(obj, prop.parent, there)
            if owner is not None:
                _add(owner, prop, obj)

    def _still_there(self, obj: Any, mapper: sa_orm.Mapper[Any], there: tuple[Any, ...]) -> Any:
        if None in there:
            return None
        found = self._live.session.get(mapper.class_, there if len(there) > 1 else there[0])
        if found is None:
            name = self._live.board.model(obj).title
            message = f"A {name} belonged to a {mapper.class_.__name__} that is not there any more."
            raise Refusal("failed", message, remedy="Undo it by hand.")
        return found


def _pointers(obj: Any) -> list[Relationship]:
    """The relationships by which it points to one other, by that one's key."""
    found = []
    for prop in sa.inspect(obj).mapper.relationships:
        there = {column for _, column in prop.local_remote_pairs or ()}
        one = prop.direction is sa_orm.RelationshipDirection.MANYTOONE and not prop.viewonly
        if one and set(prop.mapper.primary_key) <= there:
            found.append(prop)
    return found


def _pointed(obj: Any, prop: Relationship) -> tuple[Any, ...]:
    """The identity that its columns point to now."""
    pairs = {there: here for here, there in prop.local_remote_pairs or ()}
    return tuple(_value(obj, pairs[column]) for column in prop.mapper.primary_key)


def _one_sided(owner: Any) -> list[Relationship]:
    return [
        prop
        for prop in sa.inspect(owner).mapper.relationships
        if prop.direction is sa_orm.RelationshipDirection.ONETOMANY and not prop.viewonly and not prop._reverse_property
    ]


def _is_member(obj: Any, owner: Any, prop: Relationship) -> bool:
    pairs = prop.local_remote_pairs or ()
    if obj is owner or not isinstance(obj, prop.mapper.class_):
        return False
    values = [(_value(owner, here), _value(obj, there)) for here, there in pairs]
    return bool(values) and all(one is not None and one == other for one, other in values)


def _value(obj: Any, column: Any) -> Any:
    state: sa_orm.InstanceState[Any] = sa.inspect(obj)
    return state.dict.get(state.mapper.get_property_by_column(column).key)


def _add(owner: Any, prop: Relationship, obj: Any) -> None:
    held = getattr(owner, prop.key)
    if not prop.uselist:
        put(owner, prop.key, obj)
    elif not _holds(held, obj):
        sa_orm.collections.collection_adapter(held).append_with_event(obj)


def _take(owner: Any, prop: Relationship, obj: Any) -> None:
    held = getattr(owner, prop.key)
    if not prop.uselist:
        put(owner, prop.key, None)
    elif _holds(held, obj):
        sa_orm.collections.collection_adapter(held).remove_with_event(obj)


def _holds(held: Any, obj: Any) -> bool:
    return any(each is obj for each in sa_orm.collections.collection_adapter(held))
