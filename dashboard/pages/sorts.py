"""By which columns is a list sorted, and which addresses sort it otherwise?"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from ..records.columns import Column
from ..records.listing import Asked
from ..records.search import is_sortable

To = Callable[[Asked], str]
"""The address of a list that asks for this."""


@dataclass(frozen=True)
class Sort:
    """What one column has to do with the sort. place: from 1 on, 0 where it is not sorted by. alone: the list sorted by
    nothing else, turned round where it is the first already; also: sorted by it behind the others, turned round where
    it is among them; without: sorted by the others."""

    name: str
    place: int
    descending: bool
    alone: str
    also: str
    without: str

    @property
    def direction(self) -> str:
        return "none" if not self.place else "descending" if self.descending else "ascending"


def sorts_of(columns: Sequence[Column], asked: Asked, to: To) -> tuple[Sort, ...]:
    """Those that are sorted by, in their order; then the others."""
    found = [_sort_of(column, asked, to) for column in columns if is_sortable(column)]
    return tuple(sorted(found, key=lambda sort: sort.place or len(found) + 1))


def _sort_of(column: Column, asked: Asked, to: To) -> Sort:
    names = [word.removeprefix("-") for word in asked.sort]
    at = names.index(column.name) if column.name in names else None
    descending = at is not None and asked.sort[at].startswith("-")
    turned = column.name if descending or at is None else f"-{column.name}"
    also = [*asked.sort[:at], turned, *asked.sort[at + 1 :]] if at is not None else [*asked.sort, turned]
    return Sort(
        name=column.name,
        place=0 if at is None else at + 1,
        descending=descending,
        alone=to(replace(asked, sort=(turned if at == 0 else column.name,))),
        also=to(replace(asked, sort=tuple(also))),
        without=to(replace(asked, sort=tuple(word for word in asked.sort if word.removeprefix("-") != column.name))),
    )
