"""How does a statement read with its parameters in it, so that a person can run it elsewhere?"""

from __future__ import annotations

import datetime
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

_PLACES = re.compile(
    r"""'(?:[^']|'')*'|"(?:[^"]|"")*"|`[^`]*`"""  # what is quoted is left as it is
    r"|--[^\n]*|/\*.*?\*/"
    r"|(?P<named>%\((?P<name>[^)]+)\)s)|(?P<format>%s)|(?P<percent>%%)|(?P<mark>\?)",
    re.DOTALL,
)
_BACKSLASHED = ("mysql", "mariadb")


def rendered(sql: str, parameters: Any, dialect: str) -> str:
    """The statement with one set of its parameters in it; as it is where they do not fit it.

    parameters: as the driver got them, a mapping or a sequence; or the list of values that the tape keeps.

    >>> rendered("INSERT INTO tag (name) VALUES (?)", ("it's",), "sqlite")
    "INSERT INTO tag (name) VALUES ('it''s')"
    >>> rendered("UPDATE book SET price=%(price)s::NUMERIC", {"price": Decimal("7.50")}, "postgresql")
    'UPDATE book SET price=7.50::NUMERIC'
    """
    if not parameters:
        return sql.replace("%%", "%") if "%%" in sql else sql
    by_name = parameters if isinstance(parameters, Mapping) else _by_name(sql, list(parameters))
    values = iter(() if isinstance(parameters, Mapping) else parameters)
    used: list[bool] = []

    def filled(found: re.Match[str]) -> str:
        if found["percent"]:
            return "%"
        if found["named"]:
            used.append(found["name"] in by_name)
            return literal(by_name.get(found["name"]), dialect)
        if found["format"] or found["mark"]:
            value = next(values, _NOTHING)
            used.append(value is not _NOTHING)
            return literal(None if value is _NOTHING else value, dialect)
        return found[0]

    text = _PLACES.sub(filled, sql)
    return text if (all(used) and next(values, _NOTHING) is _NOTHING) or (by_name and all(used)) else sql


_NOTHING = object()


def _by_name(sql: str, values: Sequence[Any]) -> dict[str, Any]:
    """The tape keeps the values alone, in the order of their names in the statement."""
    names = list(dict.fromkeys(found["name"] for found in _PLACES.finditer(sql) if found["named"]))
    return dict(zip(names, values, strict=True)) if len(names) == len(values) else {}


def literal(value: Any, dialect: str) -> str:
    """A value as SQL has it, of what drivers take."""
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return ("true" if value else "false") if dialect == "postgresql" else str(int(value))
    if isinstance(value, float):
        finite = value == value and value not in (float("inf"), float("-inf"))
        return repr(value) if finite else f"'{value}'"
    if isinstance(value, (int, Decimal)):
        return str(value)
    if isinstance(value, (bytes, bytearray, memoryview)):
        return f"'\\x{bytes(value).hex()}'" if dialect == "postgresql" else f"X'{bytes(value).hex()}'"
    if isinstance(value, datetime.timedelta):
        return f"'{value.total_seconds():f} seconds'" if dialect == "postgresql" else _quoted(str(value), dialect)
    if isinstance(value, (datetime.datetime, datetime.date, datetime.time)):
        return _quoted(value.isoformat(" ") if isinstance(value, datetime.datetime) else value.isoformat(), dialect)
    if isinstance(value, (list, tuple)):
        return f"ARRAY[{', '.join(literal(each, dialect) for each in value)}]"
    return _quoted(_text(value), dialect)


def _text(value: Any) -> str:
    document = getattr(value, "obj", None) if type(value).__module__.startswith("psycopg") else None
    return json.dumps(document) if document is not None else str(value)


def _quoted(text: str, dialect: str) -> str:
    text = text.replace("'", "''")
    return f"'{text}'" if dialect not in _BACKSLASHED else "'" + text.replace("\\", "\\\\") + "'"


def sets_of(parameters: Any) -> Iterator[Any]:
    """Each set of parameters that a statement was sent with."""
    if parameters:
        yield from parameters if isinstance(parameters, list) else (parameters,)
