"""How does the database go about a SELECT of which only the text is known, without its values? It is never executed."""

from __future__ import annotations

import re
from itertools import count
from typing import Any

import sqlalchemy as sa

from ..refusal import Refusal
from .aside import aside

LINES_MOST = 300
CHARACTERS_MOST = 500
"""Of a line."""
HOW = {"sqlite": "EXPLAIN QUERY PLAN ", "postgresql": "EXPLAIN (GENERIC_PLAN) "}
VALUES = {"sqlite": "NULL", "postgresql": "${}"}
"""What stands where a value was; elsewhere 1, because MySQL plans nothing for NULL."""
_PLACES = re.compile(r"%\(\w+\)s(?:::\w+(?:\[\])?)?|%s|\?|(?<!:):[A-Za-z_]\w*|\$\d+(?:::\w+(?:\[\])?)?|#|…")
_NAMES = re.compile(r"""("(?:[^"]|"")*"|`(?:[^`]|``)*`)""")


def explain(engine: sa.Engine, statement: str, seconds: float) -> tuple[str, ...]:
    """The plan, line by line. statement: a fingerprint, with placeholders or signs where values were.

    Raises Refusal: wrong_state for what is no SELECT, or is not planned without its values; database_away.
    """
    words = question(engine.dialect.name, statement)

    def ask(connection: sa.Connection) -> tuple[str, ...] | None:
        try:
            return _plan(connection.dialect.name, connection.exec_driver_sql(words))
        except sa.exc.DBAPIError as error:
            if error.connection_invalidated:
                raise
            return None

    plan = aside(engine, ask, seconds)
    if plan is None:
        message = "The database does not plan this statement without its values."
        raise Refusal("wrong_state", message, remedy="Explain it where the program runs it, with values of its own.")
    return plan


def question(kind: str, statement: str) -> str:
    """
    >>> question("sqlite", "SELECT a FROM t WHERE b IN (…) LIMIT #")
    'EXPLAIN QUERY PLAN SELECT a FROM t WHERE b IN (NULL) LIMIT NULL'
    >>> question("postgresql", 'SELECT a FROM "t?" WHERE b = %(b_1)s::INTEGER AND c::date = # LIMIT #')
    'EXPLAIN (GENERIC_PLAN) SELECT a FROM "t?" WHERE b = $1 AND c::date = $2 LIMIT $3'
    """
    if not re.match(r"select\b", statement, re.I) or ";" in statement:
        raise Refusal("wrong_state", "Only a SELECT is explained.", remedy="What writes is not tried here.")
    number = count(1)
    value = VALUES.get(kind, "1")
    parts = _NAMES.split(statement)  # names in quotation marks stand at the odd places
    bare = (part if place % 2 else _PLACES.sub(lambda _: value.format(next(number)), part)
            for place, part in enumerate(parts))  # fmt: skip
    return HOW.get(kind, "EXPLAIN ") + "".join(bare)


def _plan(kind: str, answer: Any) -> tuple[str, ...]:
    rows = answer.fetchmany(LINES_MOST)
    if kind == "postgresql":
        lines = [str(row[0]) for row in rows]
    elif kind == "sqlite":
        depth = {0: -1}
        for number, parent, *_ in rows:
            depth[number] = depth.get(parent, -1) + 1
        lines = ["  " * depth[row[0]] + str(row[3]) for row in rows]
    else:
        names = list(answer.keys())
        lines = [", ".join(f"{n}: {v}" for n, v in zip(names, row, strict=True) if v is not None) for row in rows]
    return tuple(line[:CHARACTERS_MOST] for line in lines)
