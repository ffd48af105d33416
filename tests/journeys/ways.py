"""In which ways is a journey walked? With JavaScript and without, light, dark, wide, narrow, by the keyboard alone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from playwright.sync_api import Browser, ConsoleMessage, Page

from tests.journeys.hands import BY_KEYS


@dataclass(frozen=True)
class Way:
    """name: a part of the names of what is made on it, and of its pictures."""

    name: str
    scripted: bool
    theme: str
    width: int
    by_keys: bool = False

    @property
    def options(self) -> dict[str, Any]:
        """Of the browser's context."""
        size = {"width": self.width, "height": 900}
        return {"viewport": size, "color_scheme": self.theme, "java_script_enabled": self.scripted}


WAYS = {
    "with JavaScript, light, 1280": Way("js", True, "light", 1280),
    "with JavaScript, dark, 360": Way("js-360", True, "dark", 360),
    "without JavaScript, dark, 1280": Way("plain", False, "dark", 1280),
    "without JavaScript, light, 360": Way("plain-360", False, "light", 360),
    "by keys with JavaScript, dark, 1280": Way("js-keys", True, "dark", 1280, by_keys=True),
    "by keys without JavaScript, light, 360": Way("plain-keys", False, "light", 360, by_keys=True),
}
"""Each value of each meets each value of each other."""


def is_complaint(message: ConsoleMessage) -> bool:
    """The browser's own line about an answer of 4xx is none: a refusal is what such a test asks for."""
    return message.type in ("error", "warning") and not message.text.startswith("Failed to load resource")


@contextmanager
def opened(browser: Browser, *, by_keys: bool = False, **options: Any) -> Iterator[Page]:
    """A window in which every complaint of the console and every static file that is missing is a fault."""
    with browser.new_context(**options) as context:
        if by_keys:
            BY_KEYS.add(context)
        page = context.new_page()
        said: list[str] = []
        page.on("console", lambda message: said.append(message.text) if is_complaint(message) else None)
        page.on(
            "response",
            lambda answer: said.append(answer.url) if "/static/" in answer.url and answer.status >= 400 else None,
        )
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("filechooser", lambda _: None)  # asked for only when it is to come, it may have come before
        yield page
        assert said == []
