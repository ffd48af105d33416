"""Which numbers are kept by endpoint, and by statement? Tables of one thread each, with a bounded number of rows.

The first names that a process meets get rows of their own; every later one counts under `__other__`."""

from __future__ import annotations

import re
import threading
from collections.abc import Set
from typing import Any

from . import own_acts
from .recorder import STATEMENT_SECONDS
from .scopes import NONE

OTHER = "__other__"
ENDPOINTS = 20
"""Endpoints with a row of their own, in one process."""
ERROR_NAMES = 30
"""Classes of a driver's errors with a count of their own, in one process."""
REFUSED_REMEMBERED = 1_000
FINGERPRINTS = 1_000
"""Pairs of endpoint and statement with a row of their own, in one process."""
TEXTS_REMEMBERED = 2_000
CHARACTERS_REMEMBERED = 1_000_000
"""Of one endpoint in one thread."""
LONG = 8_000
"""Texts that are longer, an INSERT of a thousand rows say, are one statement where so many characters are the same."""
READ = 50_000
"""Characters of a statement that are looked through for its fingerprint."""
STATEMENT_SUM = len(STATEMENT_SECONDS) + 1
"""The place of the seconds in a statement's row; before it stand the buckets, +Inf last."""
HOLDS, HOLD_SECONDS, WAIT_SECONDS, REQUESTS = range(4)
"""The places of an endpoint's row."""

OPERATIONS = ("select", "insert", "update", "delete", "ddl", "other")
NAMES_OF_DDL = frozenset({"create", "alter", "drop", "truncate", "comment", "grant", "revoke", "rename"})
SPELLINGS = {"replace": "insert", "values": "select", "table": "select", "upsert": "insert"}
_WORD = re.compile(r"\s+|--[^\n]*|/\*.*?\*/|'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|\w+|.", re.S)
_PLACE = r"(?:\?|%s|%\(\w+\)s(?:::\w+(?:\[\])?)?|:\w+|\$\d+(?:::\w+(?:\[\])?)?|@\w+|NULL|DEFAULT|#)"
_FINGERPRINT = (
    (re.compile(r"--[^\n]*|/\*.*?\*/", re.S), " "),
    (re.compile(r"'(?:[^']|'')*'"), "#"),
    (re.compile(r"(?<![\w$.\"])\d+(?:\.\d+)?(?![\w\"])"), "#"),
    (re.compile(r"\s+"), " "),
    (re.compile(rf"\(\s*{_PLACE}(?:\s*,\s*{_PLACE})*\s*\)", re.I), "(…)"),
    (re.compile(r"\(…\)(?:\s*,\s*\(…\))+"), "(…), …"),
)


class Names:
    """The first `most` names that a process meets, shared by all its threads; and `__none__`, and those in `agreed`.

    kind: under which a refused name counts as dropped, once. agreed: the names that all processes tell apart.
    """

    def __init__(self, most: int, kind: str = "series") -> None:
        self.agreed: Set[Any] = frozenset()
        self._most = most
        self._kind = kind
        self._names: set[Any] = {NONE}
        self._refused: set[Any] = set()
        self._lock = threading.RLock()  # a finalizer may ask within `admits`, in the same thread

    def admits(self, name: Any) -> bool:
        with self._lock:
            if name in self._names or name in self.agreed:
                return True
            if len(self._names) <= self._most:
                self._names.add(name)
                return True
            if name not in self._refused and len(self._refused) < REFUSED_REMEMBERED:
                self._refused.add(name)
                own_acts.dropped(self._kind)
            return False

    def begin_at_zero(self) -> None:
        self._lock = threading.RLock()
        self._refused.clear()


class Endpoints(dict[str, list[Any]]):
    """One thread's row for each endpoint."""

    def __init__(self, names: Names) -> None:
        self._names = names

    @property
    def rows(self) -> dict[Any, list[Any]]:
        return self

    def __missing__(self, endpoint: str) -> list[Any]:
        if endpoint != OTHER and not self._names.admits(endpoint):
            return self[OTHER]
        # setdefault: a finalizer may have made the row meanwhile, in the same thread
        return self.setdefault(endpoint, [0] * (REQUESTS + 1))


class Statements(dict[str, "Texts"]):
    """One thread's statements, by endpoint. rows: by (endpoint, operation, fingerprint)."""

    def __init__(self, endpoints: Names, pairs: Names) -> None:
        self._rows: dict[Any, list[Any]] = {}
        self._endpoints = endpoints
        self._pairs = pairs

    @property
    def rows(self) -> dict[Any, list[Any]]:
        return self._rows

    def __missing__(self, endpoint: str) -> Texts:
        if endpoint != OTHER and not self._endpoints.admits(endpoint):
            return self[OTHER]
        return self.setdefault(endpoint, Texts(endpoint, self))

    def row(self, endpoint: str, text: str) -> list[Any]:
        operation, fingerprint = operation_of(text), fingerprint_of(text)
        if not self._pairs.admits((endpoint, fingerprint)):
            fingerprint = OTHER
        return self._rows.setdefault((endpoint, operation, fingerprint), [0] * (STATEMENT_SUM + 1))


class Texts(dict[str, list[Any]]):
    """The row of each statement text of one endpoint. SQLAlchemy gives the same text object again and again; texts
    that differ in the number of their parameters share a row."""

    def __init__(self, endpoint: str, statements: Statements) -> None:
        self._endpoint = endpoint
        self._statements = statements
        self._characters = 0

    def __missing__(self, text: str) -> list[Any]:
        key = text[:LONG]
        known = self.get(key)
        if known is not None:
            return known
        if len(self) >= TEXTS_REMEMBERED or self._characters >= CHARACTERS_REMEMBERED:
            self.clear()
            self._characters = 0
        row = self[key] = self._statements.row(self._endpoint, text)
        self._characters += len(key)
        return row


def fingerprint_of(text: str) -> str:
    """The statement without its values: literals are `#`, lists of parameters `(…)`, white space is one blank.

    >>> fingerprint_of("SELECT a FROM t WHERE b IN (?, ?, ?)\\n AND c = 'x''y' LIMIT 10")
    'SELECT a FROM t WHERE b IN (…) AND c = # LIMIT #'
    >>> fingerprint_of("INSERT INTO t (a, b) VALUES (%(a__0)s, %(b__0)s), (%(a__1)s, %(b__1)s)")
    'INSERT INTO t (a, b) VALUES (…), …'
    """
    if len(text) > READ:
        text = _cut(text)
    for pattern, replacement in _FINGERPRINT:
        text = pattern.sub(replacement, text)
    return text.strip()[:LONG]


def _cut(text: str) -> str:
    """The beginning, up to the end of a list of values, and never within a value."""
    beginning = text[: text.rfind(")", 0, READ) + 1] or text[:READ]
    return beginning if beginning.count("'") % 2 == 0 else beginning[: beginning.rindex("'")]


def operation_of(statement: str) -> str:
    """Which of OPERATIONS a statement is, by its first word, or after WITH by the first verb outside parentheses.

    >>> operation_of("WITH t AS (SELECT 1) INSERT INTO u SELECT * FROM t")
    'insert'
    >>> operation_of("/* shop */ select 1"), operation_of("DROP TABLE t"), operation_of("PRAGMA x")
    ('select', 'ddl', 'other')
    """
    depth, common = 0, False
    for match in _WORD.finditer(statement):
        word = match[0].lower()
        depth += (word == "(") - (word == ")")
        if not word[0].isalpha() or (common and depth):
            continue
        if word == "with" and not common:
            common = True
            continue
        word = SPELLINGS.get(word, word)
        if word in NAMES_OF_DDL:
            return "ddl"
        if word in OPERATIONS and word not in ("ddl", "other"):
            return word
        if not common:
            return "other"
    return "other"
