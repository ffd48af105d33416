"""How is one setting read, and what is said when its value is wrong?"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any


class WrongSetting(ValueError):
    """A setting has a value that it does not take. The text names the key, the value and what is allowed."""


@dataclass(frozen=True)
class Setting:
    """One row of the table, kept in the metadata of its Config field. Bounds have no key of their own in contract.md
    but are set the same way."""

    key: str
    kind: str
    meaning: str
    read: Callable[[str], Any]
    secret: bool = False
    bound: bool = False


SWITCHES = {"on": True, "1": True, "true": True, "off": False, "0": False, "false": False}


def switch(text: str) -> bool:
    try:
        return SWITCHES[text.strip().lower()]
    except KeyError:
        raise ValueError("on or off") from None


def choice(*allowed: str) -> Callable[[str], str]:
    def read(text: str) -> str:
        if text not in allowed:
            raise ValueError("one of " + ", ".join(allowed))
        return text

    return read


def whole(least: int, most: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        if not text.strip().isdigit() or not least <= int(text) <= most:
            raise ValueError(f"a whole number from {least} to {most}")
        return int(text)

    return read


def seconds(least: float, most: float) -> Callable[[str], float]:
    def read(text: str) -> float:
        try:
            seconds = float(text)
        except ValueError:
            seconds = float("nan")
        if not least <= seconds <= most:
            raise ValueError(f"a number of seconds from {least:g} to {most:g}")
        return seconds

    return read


def urls(text: str) -> Mapping[str, str]:
    try:
        value = json.loads(text)
    except ValueError:
        value = None
    if not isinstance(value, dict) or not all(isinstance(url, str) for url in value.values()):
        raise ValueError('a JSON object of name to URL, like {"shop": "postgresql+psycopg://..."}')
    return dict(value)


def addresses(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


def value_of(setting: Setting, given: Any) -> Any:
    """What a setting is given as text, or as a Python value in a host's config. Raises WrongSetting."""
    text = (
        ("on" if given else "off")
        if isinstance(given, bool)
        else json.dumps(given)
        if isinstance(given, dict)
        else str(given)
    )
    try:
        return setting.read(text)
    except ValueError as error:
        shown = "(hidden)" if setting.secret else repr(text)
        raise WrongSetting(f"{setting.key} is {shown}; allowed: {error}") from None
