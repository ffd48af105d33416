"""How is a statement shown so that a person can read it? Broken into lines by sqlparse, coloured by Pygments."""

from __future__ import annotations

from functools import lru_cache

from markupsafe import Markup

from .colours import coloured

CHARACTERS = 8_000
"""Of a statement that is broken into lines: for a longer one that takes too long."""


def shown(statement: str) -> Markup:
    return coloured(laid_out(statement))


@lru_cache(maxsize=500)
def laid_out(statement: str) -> str:
    """`#`, a value that was left out, is a comment to readers of SQL: they see a question mark.

    >>> print(laid_out("SELECT a.id FROM a JOIN b ON b.a_id = a.id WHERE b.c = # LIMIT #"))
    SELECT a.id
    FROM a
    JOIN b ON b.a_id = a.id
    WHERE b.c = ?
    LIMIT ?
    """
    import sqlparse  # here: a worker that shows no statement has no need of it

    text = statement.replace("#", "?")
    if len(text) > CHARACTERS:
        return text
    try:
        return str(sqlparse.format(text, reindent=True))
    except (sqlparse.exceptions.SQLParseError, RecursionError):  # it is nested too deep
        return text
