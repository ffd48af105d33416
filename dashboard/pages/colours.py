"""How is SQL or Python coloured? By Pygments, each text once."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, lru_cache

from markupsafe import Markup, escape

CHARACTERS = 20_000
"""Of a text that is coloured; a longer one is shown as it is."""
KEPT = 2_000


def coloured(text: str, language: str = "sql") -> Markup:
    """As HTML with a class for each kind of word, safe whatever stands in the text."""
    return _coloured(text, language) if len(text) <= CHARACTERS else escape(text)


@lru_cache(maxsize=KEPT)
def _coloured(text: str, language: str) -> Markup:
    return Markup(_highlighter(language)(text))


@cache
def _highlighter(language: str) -> Callable[[str], str]:
    """Pygments is loaded by whoever first looks at a text: most workers of a list never do."""
    from pygments import highlight
    from pygments.formatters import HtmlFormatter
    from pygments.lexers import PythonLexer, SqlLexer

    lexer = {"sql": SqlLexer, "python": PythonLexer}[language](stripnl=False, ensurenl=False)
    formatter = HtmlFormatter(nowrap=True, classprefix="c-")
    return lambda text: str(highlight(text, lexer, formatter))
