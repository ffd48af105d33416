"""What did a rule compare, in words and with units? As its finding's numbers name it."""

from __future__ import annotations

from collections.abc import Mapping

from .lanes import told

WORDS = {
    "held_seconds": "held for",
    "overdue_seconds": "overdue after",
    "overdue": "overdue now",
    "leaks": "new leaks",
    "running_seconds": "runs for",
    "stuck_seconds": "stuck after",
    "idle_seconds": "idle for",
    "slow_seconds": "slow from",
    "seconds": "within the last",
    "used": "in use",
}
"""Where the name alone does not say it."""


def judged(numbers: Mapping[str, float]) -> list[tuple[str, str]]:
    """Each as (what, how much).

    >>> judged({"held_seconds": 5.063, "waiters": 4.0, "requests_per_second": 2.394, "ratio": 0.25})
    [('held for', '5.1 s'), ('waiters', '4'), ('requests', '2.4 a second'), ('ratio', '25 %')]
    """
    return [(_what(name), _how_much(name, number)) for name, number in numbers.items()]


def _what(name: str) -> str:
    return WORDS.get(name) or name.removesuffix("_seconds").removesuffix("_per_second").replace("_", " ")


def _how_much(name: str, number: float) -> str:
    if name.endswith("per_second"):
        return f"{number:.1f} a second"
    if name.endswith("seconds"):
        return told(number)
    return f"{100 * number:.0f} %" if name == "ratio" else f"{number:g}"
