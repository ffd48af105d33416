"""Light, dark, or as the person's system has it? Kept in a cookie of our own, so that the first paint is right and no
script is needed."""

from __future__ import annotations

from werkzeug.wrappers import Response

from ..refusal import Refusal
from . import cookies

THEMES = ("system", "light", "dark")


def name() -> str:
    given = cookies.kept("theme")
    return given if given in THEMES else THEMES[0]


def following(theme: str) -> str:
    """What the switch changes to."""
    return THEMES[(THEMES.index(theme) + 1) % len(THEMES)]


def keep(response: Response, theme: str) -> None:
    """Raises Refusal("invalid") for a theme that there is not."""
    if theme not in THEMES:
        message = f"One of {', '.join(THEMES)} is expected."
        raise Refusal("invalid", message, fields={"theme": message})
    cookies.keep(response, "theme", theme)
