"""What does a database mean by the code of its error?"""

from __future__ import annotations

from typing import Any

STOPPED = frozenset({"57014", "1969", "3024", "SQLITE_INTERRUPT"})
_BUSY = frozenset({"55P03", "40P01", "40001", "57014", "1205", "1213", "3024"})
_FORBIDDEN = frozenset({"42501", "1044", "1142", "1143", "1227", "1370", "SQLITE_AUTH"})
_MISSING = frozenset({"1054", "1146", "1305", "1356"})


def code(error: Any) -> str:
    """Of a DBAPIError, what the driver calls it: MySQL's number, an SQLSTATE, or SQLite's name."""
    arguments = getattr(error.orig, "args", ())
    if arguments and isinstance(arguments[0], int):
        return str(arguments[0])
    for name in ("sqlstate", "pgcode", "sqlite_errorname"):
        if found := getattr(error.orig, name, None):
            return str(found)
    return ""


def is_busy(error: Any) -> bool:
    """Somebody else has the row, or was faster: the same may succeed in a moment."""
    text = str(error.orig).lower()
    return code(error) in _BUSY or "database is locked" in text or "table is locked" in text


def is_forbidden(error: Any) -> bool:
    """The account lacks a right."""
    return code(error) in _FORBIDDEN


def lacks_schema(error: Any) -> bool:
    """A table or column is not there, or the statement is not of this database."""
    text = str(error.orig).lower()
    words = text.startswith("no such ") or "syntax error" in text or "has no column" in text
    return words or code(error) in _MISSING or (code(error).startswith("42") and not is_forbidden(error))
