"""How is SQL or Python coloured? By Pygments, each text once."""

from __future__ import annotations

from functools import lru_cache

from markupsafe import Markup, escape
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexer import Lexer
from pygments.lexers import PythonLexer, SqlLexer

CHARACTERS = 20_000
"""Of a text that is coloured; a longer one is shown as it is."""
KEPT = 2_000
_LEXERS: dict[str, Lexer] = {
    "sql": SqlLexer(stripnl=False, ensurenl=False),
    "python": PythonLexer(stripnl=False, ensurenl=False),
}
_FORMATTER = HtmlFormatter(nowrap=True, classprefix="c-")


def coloured(text: str, language: str = "sql") -> Markup:
    """As HTML with a class for each kind of word, safe whatever stands in the text."""
    return _coloured(text, language) if len(text) <= CHARACTERS else escape(text)


@lru_cache(maxsize=KEPT)
def _coloured(text: str, language: str) -> Markup:
    return Markup(highlight(text, _LEXERS[language], _FORMATTER))
