"""How would a person write this action in Python?"""

from __future__ import annotations

import datetime
import enum
import re
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

import sqlalchemy as sa

LINE_CHARACTERS = 300
"""Shown of one line; the whole of it is what a script takes."""


def variable(ref: str) -> str:
    """The name of an object's variable, made of its ref.

    >>> variable("OrderLine:3,2"), variable("Book:new-1")
    ('order_line_3_2', 'book_new_1')
    """
    model, _, key = ref.partition(":")
    model = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", model.rpartition(".")[2])
    name = re.sub(r"\W", "_", f"{model.lower()}_{key.lower().replace('~', '__').replace('-', '_')}", flags=re.ASCII)
    return name if name[0].isalpha() or name[0] == "_" else "_" + name


def literal(value: Any) -> str:
    """A value as source.

    >>> literal(Decimal("7.50")), literal(None)
    ('Decimal("7.50")', 'None')
    """
    if isinstance(value, sa.sql.elements.Null):
        return "null()"
    if value is sa.JSON.NULL:
        return "JSON.NULL"
    if isinstance(value, enum.Enum):
        return f"{type(value).__name__}.{value.name}"
    if isinstance(value, float) and (value != value or value in (float("inf"), float("-inf"))):
        return f'float("{value}")'
    if isinstance(value, (list, tuple, dict)):
        return repr(value)
    text = repr(value)
    if isinstance(value, (str, Decimal, datetime.date, datetime.time, datetime.timedelta)):
        text = _double_quoted(value, text)
    return text


def _double_quoted(value: Any, text: str) -> str:
    plain = str(value)
    if isinstance(value, str) and '"' not in plain and "\\" not in text and text.startswith("'"):
        return f'"{plain}"'
    return f'Decimal("{plain}")' if isinstance(value, Decimal) else text


def shown(source: str) -> str:
    """Source as people read it: no line without end."""
    lines = source.split("\n")
    return "\n".join(line if len(line) <= LINE_CHARACTERS else line[: LINE_CHARACTERS - 1] + "…" for line in lines)


def identity(values: Iterable[Any]) -> str:
    """A primary key as `session.get` takes it."""
    parts = [literal(value) for value in values]
    return parts[0] if len(parts) == 1 else f"({', '.join(parts)})"


def call(name: str, arguments: Mapping[str, str]) -> str:
    """`User(name="Ada")`, of arguments that are source already."""
    return f"{name}({', '.join(f'{key}={value}' for key, value in arguments.items())})"
