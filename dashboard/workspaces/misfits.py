"""Which of the values that a statement sent does not fit its column? The drivers name none; their limits tell."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import sqlalchemy as sa

from .sent import Row, Sent

Test = Callable[[sa.Column[Any], Any], bool]

_BITS = {"smallint": 15, "integer": 31, "bigint": 63}
_LARGEST_REAL, _SMALLEST_REAL = 3.4028235e38, 1.1754944e-38
MOMENTS = (sa.Date, sa.DateTime, sa.Time, sa.Interval)


def misfits(error: Any, sent: Sent, dialect: sa.Dialect) -> list[tuple[Row, sa.Column[Any]]]:
    """Each row with the column whose value cannot be kept; more than one where the limits fit several."""
    original = getattr(error, "orig", None) or error
    text = str(original)
    pairs = list(_pairs(sent))
    named = re.search(r"for column (?:[`'\"]?\w+[`'\"]?\.)*[`'\"](\w+)[`'\"]", text)  # MySQL says it
    if named:
        return [(row, column) for row, column, _ in pairs if column.name == named[1]]
    bound = _by_position(text, sent)
    if bound is not None:
        return [(row, column) for row, column, _ in pairs if column.key == bound]
    tests = _tests(text, str(getattr(getattr(original, "diag", None), "message_detail", "") or ""))
    for test in (*tests, _refused_by_its_type(dialect), _beyond_its_type):
        found = [(row, column) for row, column, value in pairs if value is not None and test(column, value)]
        if found:
            return found
    return []


def _pairs(sent: Sent) -> Iterator[tuple[Row, sa.Column[Any], Any]]:
    for row in sent.rows:
        for column in () if sent.table is None else sent.table.columns:
            if column.key in row:
                yield row, column, row[column.key]


def _by_position(text: str, sent: Sent) -> str | None:
    """SQLite's `Error binding parameter 2`: counted from 1."""
    found = re.match(r"Error binding parameter (\d+):", text)
    return sent.order[int(found[1]) - 1] if found and 0 < int(found[1]) <= len(sent.order) else None


def _tests(text: str, detail: str) -> Iterator[Test]:
    """What the database's own words say of the limit, the narrowest first."""
    length = re.search(r"too long for type (?:character|bit)[\w ]*\((\d+)\)", text)
    if length:
        most = int(length[1])
        yield lambda column, value: isinstance(value, str) and len(value) > most and _takes(column) in (None, most)
        yield lambda column, value: isinstance(value, (str, bytes)) and len(value) > most
    digits = re.search(r"precision (\d+), scale (-?\d+)", detail)
    if digits:
        precision, scale = int(digits[1]), int(digits[2])
        yield lambda column, value: _overflows(value, precision, scale)
    whole = re.search(r"\b(smallint|integer|bigint)\b", text)
    if whole and "out of range" in text:
        bits = _BITS[whole[1]]
        yield lambda column, value: _is_beyond(value, bits)
    if re.search(r"out of range", text) and not whole and not digits:
        yield lambda column, value: isinstance(value, float) and _is_beyond_real(value)
    if "NUL" in text:
        yield lambda column, value: isinstance(value, str) and "\0" in value
    quoted = re.search(r': "(.*)"', text, re.DOTALL)
    if quoted:
        yield lambda column, value: str(value) == quoted[1]
    if "too large to convert to SQLite INTEGER" in text:
        yield lambda column, value: _is_beyond(value, 63)
    if "surrogates" in text:
        yield lambda column, value: isinstance(value, str) and not _has_utf8(value)


def _refused_by_its_type(dialect: sa.Dialect) -> Test:
    """A column's type raised: it raises again."""

    def raises(column: sa.Column[Any], value: Any) -> bool:
        try:
            process = column.type._cached_bind_processor(dialect)
            if process is not None:
                process(value)
        except Exception:
            return True
        return False

    return raises


def _beyond_its_type(column: sa.Column[Any], value: Any) -> bool:
    """The model's own limits."""
    type_: Any = column.type
    if isinstance(value, str):
        length = _takes(column)
        return length is not None and len(value) > length
    if isinstance(type_, sa.Integer):
        bits = 15 if isinstance(type_, sa.SmallInteger) else 63 if isinstance(type_, sa.BigInteger) else 31
        return _is_beyond(value, bits)
    if isinstance(type_, sa.Float):
        return isinstance(value, float) and _is_beyond_real(value)
    if isinstance(type_, sa.Numeric) and type_.precision is not None:
        return _overflows(value, type_.precision, type_.scale or 0)
    return False


def _takes(column: sa.Column[Any]) -> int | None:
    return getattr(column.type, "length", None)


def _overflows(value: Any, precision: int, scale: int) -> bool:
    if isinstance(value, bool) or not isinstance(value, (int, float, Decimal)):
        return False
    if value != value or value in (float("inf"), float("-inf")):
        return True
    return bool(abs(round(Decimal(str(value)), scale)) >= Decimal(10) ** (precision - scale))


def _is_beyond(value: Any, bits: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and not -(2**bits) <= value < 2**bits


def _is_beyond_real(value: float) -> bool:
    return value == value and (_LARGEST_REAL < abs(value) < float("inf") or 0 < abs(value) < _SMALLEST_REAL)


def _has_utf8(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def unreadable(sent: Sent, dialect: sa.Dialect) -> list[sa.Column[Any]]:
    """The columns of a SELECT that can hold what Python has no value for: moments first, else what a type must turn."""
    moments = [column for column in sent.columns if isinstance(column.type, MOMENTS)]
    return moments or [column for column in sent.columns if _turns(column, dialect)]


def _turns(column: sa.Column[Any], dialect: sa.Dialect) -> bool:
    try:
        return column.type._cached_result_processor(dialect, None) is not None
    except Exception:  # a foreign type may do anything
        return True
