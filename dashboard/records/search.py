"""Which records are meant? Filters by column, their nesting, and a search over the text: as one condition of SQL."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import mysql

from ..config import SWITCHES, Config
from ..refusal import Refusal
from . import keys
from .columns import Column
from .documents import Array, Document
from .kinds import Binary, Boolean, Choice, Kind, LongText, Opaque, Text, Uuid, check_characters
from .models import Model

ESCAPE = "/"
PART_CHARACTERS = 3
"""Of a text without case that is looked for by itself; a shorter one is in too many rows."""
_EQUAL = frozenset({"eq", "ne", "in"})
_ORDER = frozenset({"lt", "le", "gt", "ge", "between"})
_TEXT = frozenset({"contains", "starts"})
OPERATORS = ("eq", "ne", "lt", "le", "gt", "ge", "contains", "starts", "in", "isnull", "between")


def operators_of(kind: Kind) -> tuple[str, ...]:
    """Which comparisons a column of this kind has.

    >>> operators_of(Boolean())
    ('eq', 'ne', 'in', 'isnull')
    """
    found = {"isnull"}
    if not isinstance(kind, (Opaque, Document, Array, Binary)):
        found |= _EQUAL
        if not isinstance(kind, (Boolean, Choice, Uuid)):
            found |= _ORDER
    if isinstance(kind, Text):
        found |= _TEXT
    return tuple(word for word in OPERATORS if word in found)


def is_sortable(column: Column) -> bool:
    return not isinstance(column.kind, (Opaque, Document, Array, Binary))


@dataclass(frozen=True)
class Filter:
    """One comparison as it was asked for. given: the texts of the address, or the one value of JSON."""

    column: str
    operator: str
    given: tuple[Any, ...]

    @property
    def name(self) -> str:
        return f"f.{self.column}.{self.operator}"


@dataclass(frozen=True)
class Searched:
    """A model as one person may search it. shown: the columns that are not hidden from them, by name."""

    model: Model
    shown: Mapping[str, Column]
    config: Config
    dialect: str

    def column(self, name: str) -> Column:
        """The column; Refusal("not_understood") for one that is not there, or not for this person."""
        try:
            return self.shown[name]
        except KeyError:
            raise _unknown(f"{self.model.title} has no column {name[:80]!r}.", name) from None

    def condition(self, filters: Sequence[Filter], where: str, q: str) -> Any | None:
        """All of it ANDed; None for no condition at all. Raises Refusal: not_understood, invalid."""
        if len(filters) > self.config.filter_terms:
            raise _unknown(f"At most {self.config.filter_terms} conditions.", "f")
        found = [self._compared(each) for each in filters]
        if where:
            found.append(self._nested(where))
        if q:
            found.append(self._searched(q))
        return sa.and_(*found) if found else None

    # filters

    def _compared(self, asked: Filter) -> Any:
        column = self.column(asked.column)
        if asked.operator not in operators_of(column.kind):
            known = ", ".join(operators_of(column.kind))
            raise _unknown(f"{asked.column} cannot be asked for {asked.operator[:40]!r}; it knows {known}.", asked.name)
        expression = getattr(self.model.class_, column.name)
        return _COMPARE[asked.operator](expression, self._values(column, asked), self.dialect)

    def _values(self, column: Column, asked: Filter) -> list[Any]:
        if asked.operator == "isnull":
            return [_switch(asked)]
        several = asked.operator in ("in", "between")
        given = _several(asked.given) if several else list(asked.given[-1:])
        if asked.operator == "between" and len(given) != 2:
            raise _invalid(asked, "Two values are expected: the least and the most.")
        if len(given) > self.config.filter_terms:
            raise _invalid(asked, f"At most {self.config.filter_terms} values.")
        try:
            return [column.sought(value) for value in given]
        except ValueError as error:
            raise _invalid(asked, str(error)) from None

    # nested

    def _nested(self, text: str) -> Any:
        try:
            where = json.loads(text)
        except (ValueError, RecursionError):
            raise _unknown("where is not JSON.", "where") from None
        left = [self.config.filter_terms]
        return self._node(where, self.config.filter_depth, left)

    def _node(self, node: Any, depth: int, left: list[int]) -> Any:
        """`{"and": [...]}`, `{"or": [...]}`, `{"not": {...}}`, or comparisons: `{"price.gt": 5}`."""
        if depth < 1:
            raise _unknown(f"where has more than {self.config.filter_depth} levels.", "where")
        if not isinstance(node, dict) or not node:
            raise _unknown('where is made of objects: {"and": [{"COLUMN.OP": VALUE}, ...]}.', "where")
        return sa.and_(*(self._term(word, value, depth, left) for word, value in node.items()))

    def _term(self, word: str, value: Any, depth: int, left: list[int]) -> Any:
        left[0] -= 1
        if left[0] < 0:
            raise _unknown(f"where has more than {self.config.filter_terms} conditions.", "where")
        if word in ("and", "or"):
            if not isinstance(value, list) or not value:
                raise _unknown(f"{word} takes a list.", "where")
            inner = [self._node(each, depth - 1, left) for each in value]
            return sa.and_(*inner) if word == "and" else sa.or_(*inner)
        if word == "not":  # also what the comparison says nothing about, because it is NULL
            return sa.case((self._node(value, depth - 1, left), 0), else_=1) == 1
        name, dot, operator = word.rpartition(".")
        if not dot:
            raise _unknown(f"{word[:80]!r} is neither and, or, not nor COLUMN.OP.", "where")
        return self._compared(Filter(name, operator, tuple(value) if isinstance(value, list) else (value,)))

    # search

    def _searched(self, q: str) -> Any:
        if len(q) > self.config.search_characters:
            message = f"At most {self.config.search_characters} characters."
            raise Refusal("invalid", f"q: {message}", fields={"q": message})
        try:
            check_characters(q)
        except ValueError as error:
            raise Refusal("invalid", f"q: {error}", fields={"q": str(error)}) from None
        texts = (getattr(self.model.class_, column.name) for column in self.search_columns)
        found = [_contains(each, q, self.dialect) for each in texts]
        return sa.or_(sa.false(), *found, *self._by_key(q))

    @property
    def search_columns(self) -> list[Column]:
        """Those that the host says; else the text columns, those that the label is made of first."""
        said = self.model.told.search
        if said:
            texts = [self.shown[name] for name in said if name in self.shown]
            return [each for each in texts if isinstance(each.kind, Text)]
        first = {column.name for column in self.model.naming_columns}
        texts = [each for each in self.shown.values() if isinstance(each.kind, Text) and not each.deferred]
        return sorted(texts, key=lambda column: (column.name not in first, isinstance(column.kind, LongText)))

    def _by_key(self, q: str) -> list[Any]:
        """A record's own number or UUID is found as well."""
        if self.model.keyless or len(self.model.key_columns) != 1 or isinstance(self.model.key_columns[0].kind, Text):
            return []
        try:
            identity = keys.identity_of(self.model, keys.encode([q.strip()]))
        except (Refusal, ValueError):
            return []
        return [getattr(self.model.class_, self.model.key_columns[0].name) == identity[0]]


def escaped(text: str) -> str:
    """The text with LIKE's wildcards, and what escapes them, as themselves.

    >>> escaped("50%_/")
    '50/%/_//'
    """
    for sign in (ESCAPE, "%", "_"):
        text = text.replace(sign, ESCAPE + sign)
    return text


def _contains(expression: Any, text: str, dialect: str) -> Any:
    """In SQLite a look for the part that has no case, where the text has one, is cheaper than LIKE, which then judges
    few rows: a search reads all of a table."""
    like, part = _like(expression, f"%{escaped(text)}%", dialect), _without_case(text)
    if dialect != "sqlite" or len(part) < PART_CHARACTERS:
        return like
    return sa.and_(sa.func.instr(sa.type_coerce(expression, sa.String()), part) > 0, like)


def _without_case(text: str) -> str:
    """The longest part of a text that is the same in capitals and small letters.

    >>> _without_case("Product 4242"), _without_case("emma")
    (' 4242', '')
    """
    parts = "".join(sign if sign.upper() == sign.lower() else "\0" for sign in text).split("\0")
    return max(parts, key=len)


def _like(expression: Any, pattern: str, dialect: str) -> Any:
    """Whatever the case. SQLite's LIKE is so by itself, and lower() would cost more than the search; MySQL's is so in
    most collations, not in a binary one."""
    text: sa.ColumnElement[str] = sa.type_coerce(expression, sa.String())
    if dialect in ("mysql", "mariadb") and pattern.startswith("%"):  # no index serves it anyway
        text = sa.cast(text, mysql.CHAR(charset="utf8mb4")).collate("utf8mb4_general_ci")
    return text.ilike(pattern, escape=ESCAPE) if dialect == "postgresql" else text.like(pattern, escape=ESCAPE)


def _is_null(expression: Any, wanted: bool) -> Any:
    return expression.is_(None) if wanted else expression.is_not(None)


_COMPARE: Mapping[str, Callable[[Any, list[Any], str], Any]] = {
    "eq": lambda column, values, dialect: column == values[0],
    "ne": lambda column, values, dialect: column.is_distinct_from(values[0]),  # NULL is another value as well
    "lt": lambda column, values, dialect: column < values[0],
    "le": lambda column, values, dialect: column <= values[0],
    "gt": lambda column, values, dialect: column > values[0],
    "ge": lambda column, values, dialect: column >= values[0],
    "contains": lambda column, values, dialect: _like(column, f"%{escaped(values[0])}%", dialect),
    "starts": lambda column, values, dialect: _like(column, f"{escaped(values[0])}%", dialect),
    "in": lambda column, values, dialect: column.in_(values),
    "isnull": lambda column, values, dialect: _is_null(column, values[0]),
    "between": lambda column, values, dialect: column.between(values[0], values[1]),
}


def _several(given: Iterable[Any]) -> list[Any]:
    """Values that were sent one by one; or in one text, as a JSON list or with commas between."""
    values = list(given)
    if len(values) != 1 or not isinstance(values[0], str):
        return values
    if values[0].lstrip().startswith("["):
        try:
            listed = json.loads(values[0])
        except (ValueError, RecursionError):
            listed = None
        if isinstance(listed, list):
            return listed
    return values[0].split(",")


def _switch(asked: Filter) -> bool:
    value = asked.given[-1] if asked.given else ""
    if isinstance(value, bool):
        return value
    try:
        return SWITCHES[str(value).lower()]
    except KeyError:
        raise _invalid(asked, "true or false is expected.") from None


def _unknown(message: str, field: str) -> Refusal:
    return Refusal("not_understood", message, fields={field[:80]: message})


def _invalid(asked: Filter, message: str) -> Refusal:
    return Refusal("invalid", f"{asked.name}: {message}", fields={asked.name: message})
