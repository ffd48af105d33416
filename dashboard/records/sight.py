"""Which rows and columns of a model exist for this person? Every statement about records is made through here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import sqlalchemy as sa

from ..refusal import Refusal
from .columns import Column
from .hidden import other_names
from .models import OWN_TABLES, Model, Models


class Sight(Protocol):
    """What the person may see, as whoever decides says."""

    def sees(self, model: Model) -> bool: ...

    @property
    def rows(self) -> Any: ...

    @property
    def hidden(self) -> Any:
        """As `hidden.hidden_with` makes it whole: of a class with what its bases hide, under every name."""
        ...


@dataclass(frozen=True)
class Seen:
    """One model as one person sees it. columns: by name, without those that are hidden. A model whose key is hidden is
    not seen at all: nobody could be told which record is which.

    Raises Refusal: forbidden.
    """

    model: Model
    columns: Mapping[str, Column]
    conditions: tuple[Any, ...]

    def narrow(self, statement: Any) -> Any:
        """The statement with every rule about rows ANDed to it."""
        return statement.where(*self.conditions) if self.conditions else statement

    def attribute(self, name: str) -> Any:
        return getattr(self.model.class_, self.columns[name].name)

    @property
    def key(self) -> list[Any]:
        return [self.attribute(column.name) for column in self.model.key_columns]


def may_see(model: Model, sight: Sight) -> bool:
    tables = (getattr(table, "name", "") for table in model.mapper.tables)
    return not any(name.startswith(OWN_TABLES) for name in tables) and sight.sees(model)


def seen(model: Model, models: Models, sight: Sight) -> Seen:
    """What there is of a model for this person."""
    if not may_see(model, sight):
        raise _forbidden(model)
    hidden = _hidden(model, models, sight)
    columns = {column.name: column for column in model.columns if column.name not in hidden}
    if not columns or (not model.keyless and any(column.name not in columns for column in model.key_columns)):
        raise _forbidden(model)
    return Seen(model, columns, tuple(_conditions(model, models, sight)))


def _forbidden(model: Model) -> Refusal:
    return Refusal("forbidden", f"You may not see {model.title}.", remedy="Ask somebody who may.")


def _hidden(model: Model, models: Models, sight: Sight) -> set[str]:
    """What is hidden of a subclass is hidden of its base too, in whose lists its rows stand."""
    keys = {column.name for column in model.key_columns}
    below = {name for each in _below(model, models) for name in sight.hidden(each)} - keys
    return below.union(sight.hidden(model), other_names(model.mapper, below))


def _bases(model: Model, models: Models) -> list[Model]:
    """The model itself and those that its class derives from."""
    return models.of_mappers(model.mapper.iterate_to_root())


def _below(model: Model, models: Models) -> list[Model]:
    return models.of_mappers(mapper for mapper in model.mapper.self_and_descendants if mapper is not model.mapper)


def _conditions(model: Model, models: Models, sight: Sight) -> list[Any]:
    """A rule for a base class holds for its subclasses; one for a subclass also for its rows in the base's, where a
    subclass that may not be seen at all has none."""
    found = [rule for each in _bases(model, models) if (rule := sight.rows(each)) is not None]
    for each in _below(model, models):
        rule = sight.rows(each) if sight.sees(each) else sa.false()
        if rule is not None:
            key = sa.tuple_(*(getattr(model.class_, column.name) for column in model.key_columns))
            all_of_it = _all_of(each)
            found.append(sa.or_(key.not_in(all_of_it.correlate(None)), key.in_(all_of_it.where(rule).correlate(None))))
    return found


def _all_of(model: Model) -> Any:
    """The keys of all its rows, by its tables: a Session of a workspace narrows what is selected of a class."""
    mapper = model.mapper
    found = sa.select(*mapper.primary_key).select_from(mapper.persist_selectable)
    if mapper.single and mapper.polymorphic_on is not None:
        found = found.where(
            mapper.polymorphic_on.in_([each.polymorphic_identity for each in mapper.self_and_descendants])
        )
    return found
