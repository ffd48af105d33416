"""One page of a list of records: which rows, what of them, how many there are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
import sqlalchemy.orm as sa_orm

from ..config import Config
from ..refusal import Refusal
from . import rows
from .columns import Column
from .counting import Count, bounded, keys_of
from .cursors import Cursors, Part, raw, same, segments
from .kinds import Binary
from .models import Model, Models
from .reading import Stopped, a_while, is_stopped, limited
from .references import Reference, References, references
from .search import Filter, Searched
from .sight import Seen, Sight, seen
from .sorting import Sorting, has_index
from .told import formatted


@dataclass(frozen=True)
class Asked:
    """What a list's address asks for. sort: names, `-` in front for descending. columns: () for the usual ones.
    size: 0 for the usual one. after, before: a cursor, or ""."""

    q: str = ""
    sort: tuple[str, ...] = ()
    filters: tuple[Filter, ...] = ()
    where: str = ""
    columns: tuple[str, ...] = ()
    after: str = ""
    before: str = ""
    size: int = 0


@dataclass(frozen=True)
class Row:
    """One record of a page. key: None where it cannot be addressed. values: by column, as JSON says them. references:
    by column, what a foreign key points to. _texts: by column, how the host says that it is shown."""

    key: str | None
    label: str
    values: Mapping[str, Any]
    badge: str | None
    references: Mapping[str, Reference]
    _texts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Listing:
    """columns: those that are shown; available: those that could be. after, before: the cursors of the neighbouring
    pages, None where there is none."""

    model: Model
    columns: tuple[Column, ...]
    available: tuple[Column, ...]
    rows: tuple[Row, ...]
    after: str | None
    before: str | None
    count: Count


def listing(
    session: sa_orm.Session, model: Model, models: Models, sight: Sight, asked: Asked, config: Config, secret: str
) -> Listing:
    """The page. Everything that is wrong with what is asked is refused before the database is.

    Raises Refusal: not_understood, invalid, forbidden, overloaded, database_away.
    """
    return read_page(Page(session, seen(model, models, sight), asked, config, secret), models, sight)


def read_page(page: Page, models: Models, sight: Sight) -> Listing:
    """Raises Refusal: overloaded, database_away."""
    session, view, model = page.session, page.view, page.view.model
    try:
        with limited(session, page.config.records_seconds, model):
            found, after, before = page.read()
            pointed = references(session, view, page.columns, found, models, sight)
            count = page.count(found)
    except Stopped:
        raise page.too_slow() from None
    drawn_rows = tuple(drawn(model, each, page.columns, pointed) for each in found)
    return Listing(model, page.columns, tuple(view.columns.values()), drawn_rows, after, before, count)


def drawn(model: Model, found: rows.Found, columns: Sequence[Column], pointed: References) -> Row:
    """A row as it is shown."""
    values = {column.name: rows.shown(column, found.values[column.name]) for column in columns}
    key = rows.identity(model, found.values)
    points = {name: known[value] for name, known in pointed.items() if (value := _hashable(found, name)) in known}
    texts = formatted(model, {name: found.values[name] for name in values}) if model.told.formats else {}
    return Row(key, rows.text_of(model, found.values), values, None, points, texts)


def _hashable(found: rows.Found, name: str) -> Any:
    value = found.values[name]
    return None if isinstance(value, (dict, list)) else value


def usual_columns(view: Seen) -> tuple[Column, ...]:
    """What is shown unless somebody chooses: what the host says, else nothing that is deferred or binary."""
    said = tuple(view.columns[name] for name in view.model.told.list if name in view.columns)
    if said:
        return said
    plain = tuple(each for each in view.columns.values() if not each.deferred and not isinstance(each.kind, Binary))
    return plain or tuple(view.columns.values())


class Page:
    """within: what else the rows must meet."""

    def __init__(
        self,
        session: sa_orm.Session,
        view: Seen,
        asked: Asked,
        config: Config,
        secret: str,
        *,
        within: tuple[Any, ...] = (),
    ) -> None:
        self.session, self.view, self.asked, self.config = session, view, asked, config
        self.dialect = session.get_bind(mapper=view.model.mapper).dialect.name
        self.searched = Searched(view.model, view.columns, config, self.dialect)
        chosen = [self.searched.column(name) for name in dict.fromkeys(asked.columns)]
        self.columns = tuple(chosen) or usual_columns(view)
        self.size = self._size()
        self.sorting = Sorting(session, view, self.searched, asked.sort)
        self.parts = self.sorting.parts()
        asked_for = self.searched.condition(asked.filters, asked.where, asked.q)
        self.conditions = within if asked_for is None else (*within, asked_for)
        self.cursors = Cursors(secret, f"{view.model.name}:{','.join(asked.sort)}")
        if asked.after and asked.before:
            raise _unknown("A page is after a row or before one, not both.", "before")
        self.place = self.cursors.read(asked.before or asked.after) if asked.before or asked.after else None
        self.counted: Count | None = None

    def read(self) -> tuple[list[rows.Found], str | None, str | None]:
        """The rows with the cursors of the next and of the previous page."""
        if self.is_numbered:
            return self._read_by_number()
        if self.asked.q and self.place is None and not (self.view.model.keyless or self.sorting.is_served()):
            return self._read_once()
        backward = bool(self.asked.before)
        found = self._fetch([part.turned() for part in self.parts] if backward else self.parts)
        more, found = len(found) > self.size, found[: self.size]
        if backward:
            found.reverse()
        if self.place is None and not more:
            self.counted = Count(len(found), True)
        after = self._cursor(found, -1, more or backward)
        before = self._cursor(found, 0, more if backward else self.place is not None)
        return found, after, before

    @property
    def is_numbered(self) -> bool:
        """Nothing tells equal rows apart."""
        return bool(self.view.model.keyless) and self.sorting.physical() is None

    def _read_once(self) -> tuple[list[rows.Found], str | None, str | None]:
        """No index serves the search nor its sort: one scan finds its first page and its count."""
        most = self.config.records_count
        keys = [raw(each, self.dialect).label(f"key_{number}") for number, each in enumerate(self.view.key)]
        places = self.session.execute(self.statement(self.parts).add_columns(*keys).limit(most + 1)).all()
        self.counted = Count(min(len(places), most), len(places) <= most)
        if not places:
            return [], None, None
        on_page = same(self.view.key, places[: self.size], self.dialect)
        found = rows.fetch(self.session, self.statement(self.parts).where(on_page), self._selected)
        return found, self._cursor(found, -1, len(places) > self.size), None

    def _read_by_number(self) -> tuple[list[rows.Found], str | None, str | None]:
        """Where nothing tells equal rows apart, a cursor is the number of a page's first row, and how many it has."""
        begin, size = self.place or (0, self.size)
        statement = self.statement(self.parts).offset(begin).limit(size + 1)
        found = rows.fetch(self.session, statement, self._selected)
        if not begin and len(found) <= size:
            self.counted = Count(len(found), True)
        earlier = min(begin, self.size)
        after = self.cursors.write([begin + size, self.size]) if len(found) > size else None
        before = self.cursors.write([begin - earlier, earlier]) if begin else None
        return found[:size], after, before

    def count(self, found: Sequence[rows.Found]) -> Count:
        """Of all pages together; found: what is on this one. Where counting takes too long, that is said to be not
        all."""
        if self.counted is not None:
            return self.counted
        everything = self._narrowed(keys_of(self.view))
        try:
            if not self.asked.q:
                return bounded(self.session, everything, self.config.records_count)
            with a_while(self.session, self.config.search_count_seconds, self.view.model):
                if self.place is None and not self.is_numbered:
                    return self._counted_on(found)
                return bounded(self.session, everything, self.config.records_count)
        except sa.exc.DBAPIError as error:
            if is_stopped(error):
                return Count(len(found), False)
            raise

    def _counted_on(self, found: Sequence[rows.Found]) -> Count:
        """No index serves a search: what is behind its first page is looked at from there on, not from the
        beginning."""
        total, most = len(found), self.config.records_count
        for segment in segments(self.parts, found[-1].place, self.dialect):
            further = self._narrowed(keys_of(self.view)).where(segment.condition)
            counted = bounded(self.session, further, max(0, most - total))
            total += counted.value
            if not counted.exact:
                return Count(most, False)
        return Count(total, True)

    def too_slow(self) -> Refusal:
        seconds = f"stopped after {self.config.records_seconds:g} s"
        slow = [name for name in self.asked.sort[:1] if not has_index(self.view.columns[name.removeprefix("-")])]
        remedy = "Narrow it with a filter of an indexed column."
        if slow:
            message = f"The sort by {slow[0].removeprefix('-')} has no index: {seconds}."
            return Refusal("overloaded", message, remedy=f"Sort by an indexed column. {remedy}")
        what = "The search" if self.asked.q else "The list"
        return Refusal("overloaded", f"{what} reads too many rows: {seconds}.", remedy=remedy)

    def _fetch(self, parts: Sequence[Part]) -> list[rows.Found]:
        """One range of the index after the other, until the page is full: as good as always that is the first."""
        if self.place is None:
            return rows.fetch(self.session, self.statement(parts).limit(self.size + 1), self._selected)
        found: list[rows.Found] = []
        for segment in segments(parts, self.place, self.dialect):
            statement = self.statement(segment.parts).where(segment.condition)
            found += rows.fetch(self.session, statement.limit(self.size + 1 - len(found)), self._selected)
            if len(found) > self.size:
                break
        return found

    @property
    def _selected(self) -> rows.Selected:
        return rows.selected(self.view, self.columns, tuple(part.expression for part in self.parts), self.dialect)

    def statement(self, parts: Sequence[Part]) -> Any:
        statement = sa.select().select_from(self.view.model.class_)
        return self._narrowed(statement).order_by(*(part.order() for part in parts))

    def _narrowed(self, statement: Any) -> Any:
        return self.view.narrow(statement).where(*self.conditions)

    def _cursor(self, found: list[rows.Found], at: int, wanted: bool) -> str | None:
        return self.cursors.write(found[at].place) if found and wanted else None

    def _size(self) -> int:
        most = self.config.records_rows_most
        if not 0 <= self.asked.size <= most:
            raise _unknown(f"size is a whole number from 1 to {most}.", "size")
        return self.asked.size or min(self.config.records_rows, most)


def _unknown(message: str, field: str) -> Refusal:
    return Refusal("not_understood", message, fields={field: message})
