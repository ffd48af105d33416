"""What does a page owe to people, beside what axe tries? Each answers what is wrong, and leaves the page as it was."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Page

ASKED = Path(__file__).with_suffix(".js").read_text().rstrip()
SMALL = ((640, 400), (320, 256))
"""What is left of a window of 1280 x 800 at 200 %, and of one of 1280 x 1024 at 400 %."""


def asked(page: Page, question: str, value: bool = True) -> Any:
    """The answer of one of the functions in needs.js."""
    return page.evaluate(f"(value) => {ASKED}.{question}(value)", value)


@contextmanager
def sized(page: Page, width: int, height: int) -> Iterator[None]:
    size = page.viewport_size
    page.set_viewport_size({"width": width, "height": height})
    yield
    page.set_viewport_size(size)


def room(page: Page) -> list[str]:
    """Zoomed in: nothing is cut off, and only what is wide by itself scrolls sideways."""
    found = []
    for width, height in SMALL:
        with sized(page, width, height):
            found += [f"{width} px: {each}" for each in (*asked(page, "sideways"), *asked(page, "cut"))]
    return found


def spacing(page: Page) -> list[str]:
    """Lines, words and letters further apart."""
    asked(page, "space", True)
    found = [*asked(page, "sideways"), *asked(page, "cut")]
    asked(page, "space", False)
    return found


def forced_colours(page: Page) -> list[str]:
    page.emulate_media(forced_colors="active")
    found = [*asked(page, "alike"), *asked(page, "unfocused")]
    page.emulate_media(forced_colors="none")
    return found


def focus(page: Page) -> list[str]:
    """Also where little of the page is left between what stands still."""
    found = asked(page, "unfocused")
    for width, height in SMALL:
        with sized(page, width, height):
            found += [f"{width} px: {each}" for each in asked(page, "unfocused")]
    return found


def stillness(page: Page) -> list[str]:
    """Nothing moves for who asked for that, and nothing talks all the time."""
    page.emulate_media(reduced_motion="reduce")
    return [*asked(page, "moving"), *asked(page, "talkative")]


NEEDS: tuple[Callable[[Page], list[str]], ...] = (room, spacing, forced_colours, focus, stillness)
