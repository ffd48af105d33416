"""What does a list's address say, and which addresses does its page link to? All state of a list is in its address."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any
from urllib.parse import urlencode

from flask import request
from markupsafe import Markup

from ..records.columns import Column
from ..records.leading import leading
from ..records.listing import Asked, Listing, Row
from ..records.references import Reference
from ..records.search import Filter, operators_of
from ..refusal import Refusal
from .html import url
from .sorts import Sort, sorts_of

TAKEN = ("q", "sort", "where", "columns", "size", "after", "before")
"""What a list's address may say beside its filters."""
CHOSEN = ("filter-column", "filter-operator", "filter-value")
"""The three fields in which a person without JavaScript adds a filter."""
WORDS = {
    "eq": "equal to",
    "ne": "not",
    "lt": "less than",
    "le": "at most",
    "gt": "more than",
    "ge": "at least",
    "contains": "containing",
    "starts": "starting with",
    "in": "one of",
    "between": "between",
    "isnull": "NULL",
}
"""The operators, as people say them."""
NUMBERS = frozenset({"integer", "big integer", "float", "numeric"})


@dataclass(frozen=True)
class Chip:
    """A filter in words, and the address of the list without it."""

    words: str
    without: str


@dataclass(frozen=True)
class Head:
    """A column's head. sort: None where it cannot be sorted by. is_number: it stands at the right.
    can_edit: a cell of it can be edited where it stands."""

    name: str
    type: str
    sort: Sort | None
    operators: tuple[str, ...]
    is_number: bool = False
    can_edit: bool = False


@dataclass(frozen=True)
class SavedView:
    """list: the address of the list that it is."""

    name: str
    list: str


@dataclass(frozen=True)
class ListViews:
    """How a person likes to see a list. columns: those that it has unless its address says others; () for the usual
    ones."""

    model: str
    columns: tuple[str, ...] = ()
    views: tuple[SavedView, ...] = ()


PLAIN_CHARACTERS = 80
"""Of a text that a cell shows as it is; a longer one is cut."""


@dataclass(frozen=True)
class ListPage:
    """A list as HTML needs it: the addresses of everything that can be done with it."""

    listing: Listing
    asked: Asked
    heads: tuple[Head, ...]
    sorts: tuple[Sort, ...]
    chips: tuple[Chip, ...]
    next: str | None
    previous: str | None
    first: str
    kept: tuple[tuple[str, str], ...]
    all_columns: tuple[Column, ...]
    filtered: tuple[Column, ...]
    liked: ListViews

    words = WORDS

    @staticmethod
    def operators(column: Column) -> str:
        return " ".join(operators_of(column.kind))

    @cached_property
    def lead(self) -> Head | None:
        """The column that holds what the records are called: it stands first, as their link, and is not said twice."""
        name = leading(self.listing.model, self.listing.columns, self.listing.rows)
        return next((head for head in self.heads if head.name == name), None)

    @cached_property
    def rest(self) -> tuple[Head, ...]:
        """The columns beside the record's own."""
        return tuple(head for head in self.heads if head != self.lead)

    @property
    def marks(self) -> dict[str, Markup]:
        """Of each column how its cells begin: a page has some hundred."""
        number = Markup(' class="number"')
        begin = Markup('<td{} data-column="{}">')
        return {head.name: begin.format(number if head.is_number else "", head.name) for head in self.rest}

    @property
    def narrowed(self) -> bool:
        return bool(self.asked.q or self.asked.filters or self.asked.where)

    def cells(self, row: Row, null: Markup) -> Iterator[tuple[str, Any, Reference | None]]:
        """Of each column what its cell shows, and what it points to; None where that is more than a plain text or NULL:
        most are no more, and a page has some hundred. null: how NULL is drawn."""
        for head in self.rest:
            value = row._texts.get(head.name, row.values[head.name])
            plain = type(value) is int or (type(value) is str and 0 < len(value) <= PLAIN_CHARACTERS)
            text = null if value is None else value if plain else None
            yield head.name, text, row.references.get(head.name)

    @property
    def query(self) -> str:
        """As a saved view keeps it."""
        return urlencode(self.kept)

    @property
    def chooser(self) -> list[tuple[int | str, str]]:
        """Every column with its place; those that are not shown have none."""
        shown = {head.name: place for place, head in enumerate(self.heads, 1)}
        rest = (column.name for column in self.all_columns if column.name not in shown)
        return [*((place, name) for name, place in shown.items()), *(("", name) for name in rest)]

    def export(self, form: str) -> str:
        """All rows, not only those of this page."""
        said = [(name, text) for name, text in self.kept if name not in ("size", "columns")]
        if self.asked.columns or self.liked.columns:
            said.append(("columns", ",".join(head.name for head in self.heads)))
        query = urlencode([("format", form), *said])
        return f"{url('records.export_records', model=self.listing.model.name)}?{query}"

    @property
    def public(self) -> dict[str, Any]:
        found = self.listing
        return {
            "model": found.model.name,
            "columns": [column.name for column in found.columns],
            "rows": found.rows,
            "next": self.next,
            "previous": self.previous,
            "count": found.count,
        }


# what was asked


def asked_for(given: Mapping[str, list[str]]) -> Asked:
    """A list's address as it is meant. Raises Refusal("not_understood") for what it cannot say.

    >>> asked_for({"sort": ["-price,title"], "f.price.gt": ["5"]}).sort
    ('-price', 'title')
    """
    unknown = next((name for name in given if name not in TAKEN and not name.startswith("f.")), None)
    if unknown is not None:
        raise Refusal("not_understood", f"A list takes no {unknown[:80]!r}.", fields={unknown[:80]: "Not known."})
    said = {name: given[name][-1] for name in TAKEN if name in given}
    size = said.get("size") or "0"
    if not (size.isascii() and size.isdigit() and len(size) < 10):
        raise Refusal("not_understood", "size is a whole number.", fields={"size": "A whole number."})
    return Asked(
        q=said.get("q", "").strip(),
        sort=_names(said.get("sort", "")),
        filters=tuple(_filters(given)),
        where=said.get("where", ""),
        columns=_names(said.get("columns", "")),
        after=said.get("after", ""),
        before=said.get("before", ""),
        size=int(size),
    )


def _filters(given: Mapping[str, list[str]]) -> Iterator[Filter]:
    for name, values in given.items():
        if name.startswith("f."):
            column, dot, operator = name[2:].rpartition(".")
            if not dot:
                raise Refusal("not_understood", "A filter is f.COLUMN.OP=VALUE.", fields={name[:80]: "f.COLUMN.OP"})
            if operator in ("in", "between"):
                yield Filter(column, operator, tuple(values))
            else:
                yield from (Filter(column, operator, (value,)) for value in values)


def _names(text: str) -> tuple[str, ...]:
    return tuple(name for name in text.split(",") if name)


def with_chosen_filter(model: str) -> str:
    """The list with one filter more, as the form of a filter was sent."""
    column, operator, value = (request.args.get(name, "") for name in CHOSEN)
    left_out = (*CHOSEN, "after", "before")
    kept = [(name, text) for name, text in request.args.items(multi=True) if name not in left_out]
    if column:
        kept.append((f"f.{column}.{operator or 'eq'}", value or ("true" if operator == "isnull" else "")))
    return address(model, kept)


# addresses


def address(model: str, said: list[tuple[str, str]]) -> str:
    query = urlencode([(name, text) for name, text in said if text or name.startswith("f.")])
    return url("records.show_list", model=model) + (f"?{query}" if query else "")


def _said(asked: Asked) -> list[tuple[str, str]]:
    """An address that asks for the same, from the first page on."""
    said = [("q", asked.q), ("sort", ",".join(asked.sort)), ("where", asked.where)]
    said += [(each.name, str(value)) for each in asked.filters for value in each.given]
    said += [("columns", ",".join(asked.columns)), ("size", str(asked.size or ""))]
    return [(name, text) for name, text in said if text or name.startswith("f.")]


def list_page(read: Listing, asked: Asked, liked: ListViews | None = None) -> ListPage:
    name = read.model.name
    offered = read.model.told.filters

    base = address(name, [])

    def to(changed: Asked, *more: tuple[str, str]) -> str:
        query = urlencode([*_said(changed), *more])
        return f"{base}?{query}" if query else base

    chips = [Chip(_in_words(each), to(replace(asked, filters=_without(asked, each)))) for each in asked.filters]
    if asked.where:
        chips.append(Chip(f"where {asked.where}", to(replace(asked, where=""))))
    sorts = sorts_of(read.available, asked, to)
    known = {sort.name: sort for sort in sorts}
    return ListPage(
        listing=read,
        asked=asked,
        heads=tuple(_head(column, known.get(column.name)) for column in read.columns),
        sorts=sorts,
        chips=tuple(chips),
        next=to(asked, ("after", read.after)) if read.after else None,
        previous=to(asked, ("before", read.before)) if read.before else None,
        first=to(asked),
        kept=tuple(_said(asked)),
        all_columns=read.available,
        filtered=tuple(column for column in read.available if not offered or column.name in offered),
        liked=liked or ListViews(name),
    )


def _in_words(each: Filter) -> str:
    """A filter as a person would say it.

    >>> _in_words(Filter("price", "between", ("5", "9"))), _in_words(Filter("isbn", "isnull", ("false",)))
    ('price between 5 and 9', 'isbn not NULL')
    """
    given = [str(text) for text in each.given]
    if each.operator == "isnull":
        return f"{each.column} {'not ' if given[:1] and given[0].lower() in ('0', 'off', 'false') else ''}NULL"
    joined = " and ".join(given) if each.operator == "between" else ", ".join(given)
    return f"{each.column} {WORDS.get(each.operator, each.operator)} {joined or '(empty text)'}"


def _without(asked: Asked, left_out: Filter) -> tuple[Filter, ...]:
    return tuple(each for each in asked.filters if each is not left_out)


def _head(column: Column, sort: Sort | None) -> Head:
    can_edit = column.editable and not column.primary_key and column.kind.name != "binary"
    operators = operators_of(column.kind)
    return Head(column.name, column.type_name, sort, operators, is_number(column), can_edit)


def is_number(column: Column) -> bool:
    return column.kind.name in NUMBERS and not column.foreign_key
