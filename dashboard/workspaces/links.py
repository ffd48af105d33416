"""Which rows between two models were written? A many-to-many relationship's, read from the statements of a flush."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
import sqlalchemy.orm as sa_orm

from ..records.keys import key_of
from ..records.models import Model, Models
from ..refusal import Refusal

if TYPE_CHECKING:
    from .live import Live


@dataclass(frozen=True)
class Between:
    """The side of a many-to-many relationship that its rows are told by. owner, target: by the column of the table
    between them that holds it, the columns of the key."""

    model: Model
    prop: sa_orm.RelationshipProperty[Any]
    target: Model
    owner_keys: tuple[str, ...]
    target_keys: tuple[str, ...]


@dataclass(frozen=True)
class Link:
    """One row between two objects that was added or removed. key, target: of the owner and of the other."""

    between: Between
    key: str
    target: str
    added: bool

    @property
    def name(self) -> str:
        return str(self.between.prop.key)

    @property
    def group(self) -> str:
        return str(self.between.model.mapper.base_mapper.class_.__qualname__)

    def owner(self, live: Live) -> dict[str, Any]:
        """The entry of an owner of which nothing else was changed."""
        model = self.between.model
        for ref, obj in live.board.objects.items():
            state: Any = sa.inspect(obj)
            if state.key is not None and state.mapper.isa(model.mapper) and key_of(model, state.key[1]) == self.key:
                known = live.board.model(obj)
                return _entry(ref, known.name, self.key, str(known.label(obj)))
        return _entry("", model.name, self.key, self.key)


def _entry(ref: str, model: str, key: str, label: str) -> dict[str, Any]:
    return {
        "ref": ref, "model": model, "key": key, "label": label, "kind": "changed",
        "before": {}, "after": {}, "unkept": [],
    }  # fmt: skip


class Links:
    """The tables between the models of one database, each told by one of its two relationships."""

    def __init__(self, models: Models) -> None:
        self._models = models
        self._tables: dict[sa.Table, Between] | None = None

    def tables(self) -> Mapping[sa.Table, Between]:
        if self._tables is None:
            found: dict[sa.Table, Between] = {}
            for model in self._models:
                for prop in model.mapper.relationships:
                    between = _between(self._models, model, prop)
                    if between is not None and isinstance(prop.secondary, sa.Table):
                        found.setdefault(prop.secondary, between)
            mapped = {table for model in self._models for table in model.mapper.tables}
            self._tables = {table: between for table, between in found.items() if table not in mapped}
        return self._tables

    def of(self, context: Any) -> Iterator[Link]:
        """context: SQLAlchemy's own of a statement."""
        compiled = getattr(context, "compiled", None)
        if compiled is None or not (context.isinsert or context.isdelete):
            return
        between = self.tables().get(compiled.statement.table)
        if between is None:
            return
        for row in context.compiled_parameters:
            key, target = _key(between.model, between.owner_keys, row), _key(between.target, between.target_keys, row)
            if key is not None and target is not None:
                yield Link(between, key, target, bool(context.isinsert))


def _key(model: Model, names: tuple[str, ...], row: Mapping[str, Any]) -> str | None:
    try:
        return key_of(model, [row[name] for name in names])
    except (KeyError, ValueError):
        return None


def _between(models: Models, model: Model, prop: sa_orm.RelationshipProperty[Any]) -> Between | None:
    """None for what is no many-to-many relationship between the keys of two models."""
    if prop.secondary is None or prop.viewonly or prop.parent is not model.mapper:
        return None
    try:
        target = models.of_class(prop.mapper.class_)
    except Refusal:
        return None
    here = {column: str(other.key) for column, other in prop.synchronize_pairs}
    there = {column: str(other.key) for column, other in prop.secondary_synchronize_pairs or ()}
    if not set(model.mapper.primary_key) <= here.keys() or not set(target.mapper.primary_key) <= there.keys():
        return None
    owner_keys = tuple(here[column] for column in model.mapper.primary_key)
    return Between(model, prop, target, owner_keys, tuple(there[column] for column in target.mapper.primary_key))
