"""One session of a database server, as the server itself tells it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

STATEMENT_CHARACTERS = 500
_NUMBER = r"(?<![\w$.\"`])(?:0[xX][0-9a-fA-F]+|(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?)(?![\w\"`])"
_WITH_BACKSLASHES = r"'(?:[^'\\]|\\(?:.|$)|'')*(?:'|$)"
STANDARD = re.compile(
    rf"(?P<name>\"(?:[^\"]|\"\")*(?:\"|$))|(?<![\w$])[eE]{_WITH_BACKSLASHES}|'(?:[^']|'')*(?:'|$)"
    rf"|\$(?P<tag>\w*)\$.*?(?:\$(?P=tag)\$|$)|/\*.*?(?:\*/|$)|--[^\n]*|{_NUMBER}",
    re.S,
)
"""Literals and comments of SQL as PostgreSQL reads it; and names, in which an apostrophe begins no text."""
MYSQL = re.compile(
    rf"(?P<name>`(?:[^`]|``)*(?:`|$))|{_WITH_BACKSLASHES}|\"(?:[^\"\\]|\\(?:.|$)|\"\")*(?:\"|$)"
    rf"|/\*.*?(?:\*/|$)|(?:--|#)[^\n]*|{_NUMBER}",
    re.S,
)
"""As MySQL does: with backslashes in every text, and with texts in double quotes."""


@dataclass(frozen=True)
class ServerSession:
    """process: the server's number of it. started: with the number it is nobody else's; empty where the numbers are
    never used again. program: as its client calls itself; client: from where. state: as the server says; wait: what it
    waits for. state_seconds: since when it is in this state; transaction_seconds: since when its transaction is open.
    blocked_by: the numbers of those whose locks it waits for."""

    process: int
    started: str
    user: str | None
    program: str | None
    client: str | None
    database: str | None
    state: str | None
    wait: str | None
    statement: str | None
    state_seconds: float | None
    transaction_seconds: float | None
    blocked_by: tuple[int, ...] = ()


@dataclass(frozen=True)
class ServerSessions:
    sessions: tuple[ServerSession, ...]
    connections: int
    limit: int | None


def without_values(statement: str | None, values: re.Pattern[str]) -> str | None:
    """Short, in one line, every literal as `#`: a driver may have put values into it that not everybody may see. The
    server may have cut it anywhere.

    >>> without_values("UPDATE t SET a = 'it''s', b = 12 WHERE c = 'cut he", STANDARD)
    'UPDATE t SET a = #, b = # WHERE c = #'
    """
    if not statement:
        return None
    shown = values.sub(lambda found: found["name"] or "#", statement)
    return " ".join(shown.split())[:STATEMENT_CHARACTERS]


def numbers(many: Iterable[int] | None) -> tuple[int, ...]:
    """Sorted, each once; 0 is a prepared transaction, which no session has."""
    return tuple(sorted({int(one) for one in many or () if one}))
