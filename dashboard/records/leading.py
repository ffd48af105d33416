"""Which column of a page of records holds what they are called? It need not be said twice."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from .labels import cut

if TYPE_CHECKING:
    from .columns import Column
    from .listing import Row
    from .models import Model


def leading(model: Model, columns: Sequence[Column], rows: Sequence[Row]) -> str | None:
    """Its name; None where no column alone is what they are called."""
    named = {column.name for column in model.naming_columns}
    return next((each.name for each in columns if each.name in named and _names(rows, each.name)), None)


def _names(rows: Sequence[Row], column: str) -> bool:
    """Whether each record is called what it has there, where it has anything."""
    shown = [(row.label, row._texts.get(column, row.values[column])) for row in rows]
    said = [(label, text) for label, text in shown if text]
    return bool(said) and all(isinstance(text, str) and cut(text) == label for label, text in said)
