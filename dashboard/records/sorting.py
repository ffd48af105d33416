"""By what is a list sorted, and what tells equal rows of it apart?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
import sqlalchemy.orm as sa_orm

from ..refusal import Refusal
from . import views
from .columns import Column
from .cursors import Part
from .numbers import Float
from .search import Searched, is_sortable
from .sight import Seen

PHYSICAL = {"sqlite": "rowid", "postgresql": "ctid"}
"""What tells the rows of a table without a key apart."""


@dataclass(frozen=True)
class Sorting:
    """What a list of this model is sorted by. asked: names, `-` in front for descending.

    Raises Refusal("not_understood") for what cannot be.
    """

    session: sa_orm.Session
    view: Seen
    searched: Searched
    asked: tuple[str, ...]

    def parts(self) -> list[Part]:
        """What was asked, and what tells equal rows apart: in the direction of the last one, so that one index serves
        both ways."""
        if len(self.asked) > len(self.view.columns):
            raise _unknown("A column is sorted by once.")
        parts: list[Part] = []
        names: set[str] = set()
        for word in self.asked:
            name = word.removeprefix("-")
            column = self.searched.column(name)
            if not is_sortable(column) or name in names:
                raise _unknown(f"{name} cannot be sorted by{' twice' if name in names else ''}.")
            names.add(name)
            parts.append(self._part(column, word.startswith("-")))
        return [*parts, *self._ties(names, parts[-1].descending if parts else False)]

    def physical(self) -> Any:
        """The place of a row, as an expression; None where the database has no such thing, as for a view's."""
        table, name = self.view.model.mapper.local_table, PHYSICAL.get(self.searched.dialect)
        if name is None or not isinstance(table, sa.Table) or name in table.columns or views.is_one(table):
            return None
        type_ = _Tid() if name == "ctid" else sa.BigInteger()
        return sa.literal_column(f"{_quoted(self.session, table)}.{name}", type_)

    def is_served(self) -> bool:
        """Whether an index has the rows in this order: then a page is found without looking at all of them."""
        first = self.searched.column(self.asked[0].removeprefix("-")) if self.asked else None
        return not self.view.model.keyless and (first is None or has_index(first))

    def _ties(self, names: set[str], descending: bool) -> Sequence[Part]:
        model = self.view.model
        if not model.keyless:
            return [self._part(each, descending) for each in model.key_columns if each.name not in names]
        if (place := self.physical()) is not None:
            return [Part(place, descending, False)]
        rest = [each for each in self.view.columns.values() if is_sortable(each) and each.name not in names]
        return [self._part(each, descending) for each in rest]

    def _part(self, column: Column, descending: bool) -> Part:
        expression = getattr(self.view.model.class_, column.name)
        if self.searched.dialect in ("mysql", "mariadb") and isinstance(column.kind, Float) and column.kind.single:
            expression = expression + sa.literal_column("0e0")  # shown rounded, and so not found again
        kept = self.view.model.mapper.column_attrs[column.name].columns
        nullable = any(getattr(each, "nullable", True) for each in kept)
        return Part(expression, descending, nullable)


def has_index(column: Column) -> bool:
    return column.primary_key or column.indexed or column.unique


class _Tid(sa.types.UserDefinedType[str]):
    """PostgreSQL's place of a row."""

    cache_ok = True

    def get_col_spec(self, **options: Any) -> str:
        return "tid"


def _quoted(session: sa_orm.Session, table: sa.Table) -> str:
    return str(session.get_bind().dialect.identifier_preparer.format_table(table))


def _unknown(message: str) -> Refusal:
    return Refusal("not_understood", message, fields={"sort": message})
