"""Where in a list does a page begin? After the sort values of one row, with NULLs in the place that the database gives
them, so that its indexes serve."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from ..refusal import Refusal

NULLS_LAST = frozenset({"postgresql", "oracle"})
"""Dialects in which NULL is greater than every value; in the others it is less."""
ROW_VALUES = frozenset({"postgresql", "sqlite"})
"""Dialects whose indexes serve `(a, b) > (1, 2)`."""


@dataclass(frozen=True)
class Part:
    """One column of a sort. expression: what is compared. nullable: whether it can be NULL."""

    expression: Any
    descending: bool
    nullable: bool

    def turned(self) -> Part:
        return Part(self.expression, not self.descending, self.nullable)

    def order(self) -> Any:
        return self.expression.desc() if self.descending else self.expression.asc()


def raw(expression: Any, dialect: str) -> Any:
    """The value exactly as the database has it: what SQLAlchemy reads may be rounded (a Numeric of SQLite), and a page
    that began at a rounded value would miss rows or show them twice."""
    if dialect == "postgresql":
        return sa.cast(sa.type_coerce(expression, sa.types.NullType()), sa.Text)
    return sa.type_coerce(expression, sa.types.NullType())


@dataclass(frozen=True)
class Segment:
    """One range of an index. parts: what is left to sort by in it; the others have one value each there, and MySQL
    sorts all of the range where it is told to order by such a one too."""

    condition: Any
    parts: tuple[Part, ...]


def segments(parts: Sequence[Part], values: Sequence[Any], dialect: str) -> list[Segment]:
    """What comes after these raw values, in the order in which it comes.

    Each is one range of an index, which an OR of all of them would not be.
    """
    bound = [_bound(part, value, dialect) for part, value in zip(parts, values, strict=True)]
    last = [_nulls_come_last(part, dialect) for part in parts]
    if _is_one_range(parts, values, last, dialect):
        left, right = sa.tuple_(*(part.expression for part in parts)), sa.tuple_(*bound)
        after = Segment(left < right if parts[0].descending else left > right, tuple(parts))
        return [after, Segment(parts[0].expression.is_(None), tuple(parts[1:]))] if last[0] else [after]
    found: list[Segment] = []
    for number in reversed(range(len(parts))):
        part, value = parts[number], values[number]
        before = [_equal(parts[n], values[n], bound[n]) for n in range(number)]
        if value is not None:
            after_it = part.expression < bound[number] if part.descending else part.expression > bound[number]
            found.append(Segment(sa.and_(*before, after_it), tuple(parts[number:])))
            if last[number]:
                found.append(Segment(sa.and_(*before, part.expression.is_(None)), tuple(parts[number + 1 :])))
        elif not last[number]:
            found.append(Segment(sa.and_(*before, part.expression.is_not(None)), tuple(parts[number:])))
    return found


def same(expressions: Sequence[Any], rows: Sequence[Sequence[Any]], dialect: str) -> Any:
    """The condition of being one of these rows, told by raw values of which none is NULL."""
    parts = [Part(expression, False, False) for expression in expressions]
    bound = [[_bound(part, value, dialect) for part, value in zip(parts, row, strict=True)] for row in rows]
    if len(parts) == 1:
        return parts[0].expression.in_([value for (value,) in bound])
    keys = ([part.expression == value for part, value in zip(parts, row, strict=True)] for row in bound)
    return sa.or_(*(sa.and_(*key) for key in keys))


def _is_one_range(parts: Sequence[Part], values: Sequence[Any], last: Sequence[bool], dialect: str) -> bool:
    return (
        dialect in ROW_VALUES
        and len({part.descending for part in parts}) == 1
        and None not in values
        and not any(last[1:])
    )


def _nulls_come_last(part: Part, dialect: str) -> bool:
    return part.nullable and (dialect in NULLS_LAST) != part.descending


def _equal(part: Part, value: Any, bound: Any) -> Any:
    return part.expression.is_(None) if value is None else part.expression == bound


def _bound(part: Part, value: Any, dialect: str) -> Any:
    if value is None:
        return sa.null()
    if dialect == "postgresql":
        return sa.cast(sa.bindparam(None, value, type_=sa.Text()), part.expression.type)
    return sa.bindparam(None, value, type_=_AsItIs())


class _AsItIs(sa.types.UserDefinedType[Any]):
    """A raw value goes back as it came: NullType would take the column's type, which would change it."""

    cache_ok = True


class Cursors:
    """Writes and reads cursors of one list in one sort: opaque, and signed, so that what is not ours never comes near
    the database.

    >>> cursors = Cursors("secret", "Book by title")
    >>> cursors.read(cursors.write(["Emma", 7]))
    ['Emma', 7]
    """

    def __init__(self, secret: str, of: str) -> None:
        self._key, self._of = secret.encode(), of.encode()

    def write(self, values: Sequence[Any]) -> str | None:
        """None for a value that has no JSON; then no page begins there."""
        try:
            text = json.dumps([_written(value) for value in values]).encode()
        except TypeError:
            return None
        return base64.urlsafe_b64encode(self._signature(text) + text).decode().rstrip("=")

    def read(self, cursor: str) -> list[Any]:
        """Raises Refusal("not_understood") for what was not written by us, for this list in this sort."""
        try:
            data = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        except (binascii.Error, ValueError):
            raise _unknown() from None
        if not hmac.compare_digest(data[:16], self._signature(data[16:])):
            raise _unknown()
        return [_read(value) for value in json.loads(data[16:])]

    def _signature(self, text: bytes) -> bytes:
        return hmac.new(self._key, b"cursor\0" + self._of + b"\0" + text, hashlib.sha256).digest()[:16]


def _unknown() -> Refusal:
    message = "This page's place is not known: it was made for another sort, or not by this Poolhouse."
    return Refusal("not_understood", message, remedy="Begin at the first page.")


def _written(value: Any) -> Any:
    if isinstance(value, (bytes, bytearray, memoryview)):
        return {"bytes": base64.b64encode(bytes(value)).decode()}
    if value is None or isinstance(value, (str, int, float)):
        return value
    return {"text": str(value)}  # a driver's Decimal, date or UUID: the database reads its text as exactly the same


def _read(value: Any) -> Any:
    if isinstance(value, dict):
        return base64.b64decode(value["bytes"]) if "bytes" in value else value["text"]
    return value
