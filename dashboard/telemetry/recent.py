"""What has happened within the last seconds? The counts of now, less those that one process noted a moment ago."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .reading import Reading

FAMILIES = frozenset(("wait", "hold", "leaks", "connection errors", "invalidations", "closed", "statement"))
"""Of a pool's numbers: what the rules judge by how it grew."""
NO_ROW: list[float] = []
FORGOTTEN = 3
"""What was noted more than so many times the judged seconds ago tells nothing of now."""


@dataclass(frozen=True)
class Memory:
    """What the ledger remembers for the rules. at: seconds since 1970 of the sums (0.0: none yet). begun: since when
    each finding holds, by its key."""

    at: float = 0.0
    sums: str = "{}"
    begun: Mapping[str, float] = field(default_factory=dict)


@lru_cache(maxsize=4)
def _parsed(text: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(text)
    return found


def counts(reading: Reading) -> dict[str, Any]:
    """All that the rules judge by its growth, by plain keys: numbers, and histograms as lists."""
    found: dict[str, Any] = {f"faults|{listener}": count for listener, count in reading.faults.items()}
    for pool in reading.pools:
        for name, value in pool.numbers.items():
            if name.partition("|")[0] in FAMILIES:
                found[f"pool|{pool.name}|{name}"] = value
    for registry in reading.sessions.registries:
        for what in ("survivors", "session transactions|commit", "session transactions|rollback", "loads|refresh"):
            found[f"registry|{registry.name}|{what}"] = registry.numbers.get(what, 0)
    for arrow in reading.sessions.transitions:
        found[f"transition|{arrow.registry}|{arrow.from_}|{arrow.to}"] = arrow.count
    for one in reading.sessions.n_plus_one:
        found[f"n_plus_one|{one.path}"] = one.count
        for example in one.examples:
            found[f"n_plus_one in|{one.path}|{example.endpoint}"] = example.count
    for example in reading.sessions.refreshes:
        found[f"refreshes in|{example.endpoint}"] = example.count
    for kind, number in reading.sessions.error_counts.items():
        found[f"orm errors|{kind}"] = number
    return found


class Increase:
    """How much each count has grown, and within how many seconds. Nothing has, where nobody has noted counts yet."""

    def __init__(self, now: Mapping[str, Any], before: Mapping[str, Any], seconds: float) -> None:
        self.seconds = seconds
        self._now, self._before = now, before

    @classmethod
    def of(cls, reading: Reading) -> Increase:
        memory, now = reading.memory, counts(reading)
        seconds = reading.at - memory.at
        if not memory.at or not 0 < seconds <= FORGOTTEN * reading.config.judged_seconds:
            return cls(now, now, 1.0)
        return cls(now, _parsed(memory.sums), seconds)

    def number(self, *key: str) -> float:
        name = "|".join(key)
        return max(0.0, float(self._now.get(name, 0)) - float(self._before.get(name, 0)))

    def row(self, *key: str) -> list[float]:
        """Of a histogram: its buckets and its sum; empty where it has none."""
        name = "|".join(key)
        now = self._now.get(name)
        if now is None:
            return NO_ROW
        before = self._before.get(name) or [0] * len(now)
        return [max(0.0, a - b) for a, b in zip(now, before, strict=True)]

    def rate(self, *key: str) -> float:
        return self.number(*key) / self.seconds

    def names(self, *prefix: str) -> list[str]:
        """The last parts of all keys that begin so."""
        start = "|".join(prefix) + "|"
        return [name.removeprefix(start) for name in self._now if name.startswith(start)]
