"""How do JSON documents and arrays travel, so that SQL NULL and JSON null differ and nothing is shared with the
mapped object?"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from .kinds import Kind, as_text, check_characters
from .numbers import SAFE_INTEGER

DEPTH_MOST = 100
"""Levels of a document or an array; drivers and json itself give up at about a thousand, with an exception of their
own."""


class Document(Kind):
    """A JSON column: `{"json": ...}`; in a form also the document by itself, as text.

    none_as_null: what Python's None means when it is written, as the column's type says.
    """

    name = "json"
    native = (dict, list, tuple, str, int, float, bool, Mapping, type(sa.JSON.NULL))

    def __init__(self, *, none_as_null: bool = False) -> None:
        self.none_as_null = none_as_null

    def format(self, value: Any) -> dict[str, Any]:
        return {"json": None if value is sa.JSON.NULL else plain(value)}

    def read(self, given: Any) -> Any:
        document = given
        if isinstance(given, str):
            document = _loaded(given)
            if not (isinstance(document, dict) and set(document) == {"json"}):
                document = {"json": document}
        if not isinstance(document, Mapping) or set(document) != {"json"}:
            raise ValueError('A JSON document is expected: {"json": ...}')
        inner = document["json"]
        return sa.JSON.NULL if inner is None else copied(inner)

    def check(self, value: Any) -> Any:
        if value is not sa.JSON.NULL:
            check_document(value)
        return value

    def text(self, formatted: Any) -> str:
        inner = formatted["json"]
        wrapped = isinstance(inner, dict) and set(inner) == {"json"}  # by itself it would be read as our own wrapper
        return json.dumps(formatted if wrapped else inner, ensure_ascii=False)

    def key_text(self, value: Any) -> str:
        raise ValueError("A JSON document cannot be written in an address.")


class Array(Kind):
    """An array of PostgreSQL: a list of what its items look like; in a form, that list as JSON text."""

    name = "array"

    def __init__(self, item: Kind, *, dimensions: int | None = None, as_tuple: bool = False) -> None:
        self.item, self.dimensions, self.as_tuple = item, dimensions, as_tuple
        self.native = (list, tuple)

    def format(self, value: Any) -> Any:
        return [self._formatted(item) for item in value]

    def read(self, given: Any) -> Any:
        if isinstance(given, str):
            given = _loaded(given)
        if not isinstance(given, (list, tuple)):
            raise ValueError("A list is expected: [1, 2]")
        return self._read(given, 1)

    def check(self, value: Any) -> Any:
        if (
            self.dimensions is not None
            and value
            and _shape(value) is not None
            and len(_shape(value) or ()) != self.dimensions
        ):
            raise ValueError(f"A list with {self.dimensions} levels is expected.")
        if _shape(value) is None:
            raise ValueError("The lists on one level must be of one length, and none of the inner ones empty.")
        return self._checked(value)

    def key_text(self, value: Any) -> str:
        raise ValueError("A list cannot be written in an address.")

    def _formatted(self, item: Any) -> Any:
        if isinstance(item, (list, tuple)):
            return [self._formatted(inner) for inner in item]
        return None if item is None else self.item.format(item)

    def _read(self, given: Any, depth: int) -> Any:
        if depth > 6:  # PostgreSQL's own limit
            raise ValueError("At most 6 levels.")
        items = (
            self._read(item, depth + 1)
            if isinstance(item, (list, tuple))
            else None
            if item is None
            else self.item.read(item)
            for item in given
        )
        return tuple(items) if self.as_tuple else list(items)

    def _checked(self, value: Any) -> Any:
        items = (
            self._checked(item) if isinstance(item, (list, tuple)) else None if item is None else self.item.check(item)
            for item in value
        )
        return tuple(items) if self.as_tuple else list(items)


def plain(value: Any, depth: int = 0) -> Any:
    """A copy made of dict, list, str, numbers, bool and None alone: mutable wrappers are unwrapped, NaN and
    infinities become text."""
    if depth > DEPTH_MOST:
        return as_text(value)
    if isinstance(value, Mapping):
        return {as_text(name): plain(inner, depth + 1) for name, inner in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [plain(inner, depth + 1) for inner in value]
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    if value is None or isinstance(value, (bool, int, float)):
        return value
    return as_text(value)


def copied(value: Any, depth: int = 0) -> Any:
    """A copy that shares nothing with the request; ValueError where it is too deep."""
    if depth > DEPTH_MOST:
        raise ValueError(f"At most {DEPTH_MOST} levels.")
    if isinstance(value, Mapping):
        return {name: copied(inner, depth + 1) for name, inner in value.items()}
    return [copied(inner, depth + 1) for inner in value] if isinstance(value, (list, tuple)) else value


def check_document(value: Any) -> None:
    """ValueError for what a JSON column does not keep: NaN, infinities, NUL characters, lone surrogates, numbers
    without end."""
    if isinstance(value, dict):
        for name, inner in value.items():
            check_characters(name)
            check_document(inner)
    elif isinstance(value, list):
        for inner in value:
            check_document(inner)
    elif isinstance(value, str):
        check_characters(value)
    elif isinstance(value, float) and not math.isfinite(value):
        raise ValueError("JSON has no NaN and no infinities.")
    elif isinstance(value, int) and abs(value) > SAFE_INTEGER**4:
        raise ValueError("A number in it is too large.")


def _loaded(text: str) -> Any:
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError(f"At most {DEPTH_MOST} levels.") from None
    except ValueError as error:
        where = f" (line {error.lineno}, column {error.colno})" if isinstance(error, json.JSONDecodeError) else ""
        raise ValueError(f"This is not JSON{where}.") from None


def _shape(value: Any) -> tuple[int, ...] | None:
    """The lengths of each level; None where it is not a rectangle."""
    if not isinstance(value, (list, tuple)):
        return ()
    shapes = {_shape(item) for item in value}
    if not shapes:
        return (0,)
    if len(shapes) > 1 or None in shapes:
        return None
    inner = shapes.pop() or ()
    return None if 0 in inner else (len(value), *inner)
