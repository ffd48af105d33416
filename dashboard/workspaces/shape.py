"""What is there to know of a model whose objects are drawn as images? Found once, not for each object."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any

import sqlalchemy.orm as sa_orm

from ..records.columns import Column
from ..records.kinds import Kind
from ..records.models import Model
from ..records.numbers import SAFE_INTEGER, Integer

State = sa_orm.InstanceState[Any]
_SIMPLE = (str, int, bool, type(None))


class Shape:
    """Of one model.

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
    as_they_are = column.kind.native if type(column.kind).format is Kind.format else ()
    own: set[type] = {str, bool}.intersection(as_they_are)
    if type(column.kind).format is Integer.format:
        own.add(int)
    if column.format(None) is None:
        own.add(type(None))
    return frozenset(own)


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
