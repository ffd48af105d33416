"""One session of a database server, as the server itself tells it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

STATEMENT_CHARACTERS = 500
_NUMBER = r"(?<![\w$.\"`])\d+(?:\.\d+)?(?![\w\"`])"
STANDARD = re.compile(rf"[eE]?'(?:[^']|'')*(?:'|$)|\$(\w*)\$.*?(?:\$\1\$|$)|/\*.*?(?:\*/|$)|--[^\n]*|{_NUMBER}", re.S)
"""Literals and comments of SQL as PostgreSQL reads it."""
MYSQL = re.compile(
    rf"'(?:[^'\\]|\\.|'')*(?:'|$)|\"(?:[^\"\\]|\\.|\"\")*(?:\"|$)|/\*.*?(?:\*/|$)|(?:--|#)[^\n]*|{_NUMBER}", re.S
)
"""As MySQL does: with backslashes, and with texts in double quotes."""


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
    return None if not statement else " ".join(values.sub("#", statement).split())[:STATEMENT_CHARACTERS]


def numbers(many: Iterable[int] | None) -> tuple[int, ...]:
    """Sorted, each once; 0 is a prepared transaction, which no session has."""
    return tuple(sorted({int(one) for one in many or () if one}))
