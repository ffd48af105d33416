"""Which values of statements are nobody's business? Those of columns that are called like a secret."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from .config import Config

MASK = "***"
WORDS = ("password", "passwd", "token", "secret")
_QUOTED = re.compile(r"'(?:[^']|'')*'|\$(\w{0,63})\$.*?(?:\$\1\$|$)", re.DOTALL)
_FROM_FIRST_TO_LAST = re.compile(r"'.*'", re.DOTALL)
"""Of a statement with backslashes in front of quotes: only its database knows whether they belong to the text."""
_SOURCE = r"""((?:{words})\w{{0,128}}\s*=\s*)("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|[^\s,)=][^,)\n]*)"""
"""Bounded: a value of a million letters that is nothing but such words is looked through once."""


class Masks:
    """words: whose occurrence in a name makes it one of a secret, in any case. keeps: whether values are kept at all.

    >>> masks = Masks(("password",))
    >>> masks.is_secret("new_Password_hash"), masks.text("ALTER ROLE ada PASSWORD 'x'")
    (True, "ALTER ROLE ada PASSWORD '***'")
    >>> masks.source('User(name="Ada", password="x")')
    'User(name="Ada", password="***")'
    """

    def __init__(self, words: Sequence[str] = WORDS, keeps: bool = True) -> None:
        self._words = tuple(word.lower() for word in words)
        self.keeps = keeps
        self._source = re.compile(_SOURCE.format(words="|".join(map(re.escape, self._words))), re.IGNORECASE)

    def is_secret(self, name: str) -> bool:
        name = name.lower()
        return any(word in name for word in self._words)

    def text(self, statement: str) -> str:
        """A statement with no literal in it, where it speaks of a secret."""
        if not self.is_secret(statement):
            return statement
        return (_FROM_FIRST_TO_LAST if "\\'" in statement else _QUOTED).sub(f"'{MASK}'", statement)

    def source(self, python: str) -> str:
        """Lines of Python, without what they give a secret attribute."""
        return self._source.sub(rf'\1"{MASK}"', python) if self.is_secret(python) else python

    def parameters(self, statement: str, parameters: Any, names: Sequence[str] | None) -> Any:
        """What a driver was sent, in the same shape; itself where nothing of it is masked. names: of the parameters of
        one row, in their order, None where nobody knows them, () where the program gave them names of its own: then a
        statement that speaks of a secret shows none."""
        if not parameters:
            return parameters
        rows = parameters if isinstance(parameters, list) else [parameters]
        masked = [self._row(statement, row, names) for row in rows]
        if all(ours is row for ours, row in zip(masked, rows, strict=True)):
            return parameters
        return masked if isinstance(parameters, list) else masked[0]

    def _row(self, statement: str, row: Any, names: Sequence[str] | None) -> Any:
        if isinstance(row, Mapping):
            all_of_it = not self.keeps or (names == () and self.is_secret(statement))
            secret = {name for name in row if all_of_it or self.is_secret(str(name))}
            return {name: MASK if name in secret else value for name, value in row.items()} if secret else row
        known = bool(names) and len(row) % len(names or ()) == 0
        hidden = [not self.keeps or self.is_secret(name) for name in names or ()] if known else [not self.keeps]
        if not known and self.is_secret(statement):
            hidden = [True]
        if not any(hidden):
            return row
        return tuple(MASK if hidden[place % len(hidden)] else value for place, value in enumerate(row))


IN_URLS = Masks((*WORDS, "pwd", "odbc_connect"))
"""Options of a database's URL that may hold a password."""


@lru_cache
def _masks(words: tuple[str, ...], keeps: bool) -> Masks:
    return Masks(words, keeps)


def masks_of(config: Config) -> Masks:
    return _masks((*WORDS, *config.masked), config.parameters)


@lru_cache(4_096)
def _masked(masks: Masks, statement: str) -> str:
    return masks.text(statement)


def told(statement: str, config: Config) -> str:
    """A statement as it is shown: masked, and cut."""
    return _masked(masks_of(config), statement)[: config.statement_characters]
