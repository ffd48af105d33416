"""How do objects go from state to state just now? The diagram of the lifecycle: each arrow with the methods that take
it, as thick as its rate."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import log10

from ..telemetry.reading import Reading
from ..telemetry.recent import Increase
from .lifecycle_shapes import BROAD, UPRIGHT, Drawing, Line

THINNEST, THICKEST = 1.25, 10.0


@dataclass(frozen=True)
class Way:
    """One arrow, and the methods that take it."""

    before: str
    after: str
    methods: str


WAYS = (
    Way("transient", "pending", "add"),
    Way("pending", "transient", "expunge, rollback"),
    Way("pending", "persistent", "flush"),
    Way("persistent", "transient", "rollback"),
    Way("persistent", "expired", "commit, expire, rollback"),
    Way("expired", "persistent", "refresh, or reading it"),
    Way("persistent", "detached", "expunge, close"),
    Way("detached", "persistent", "add"),
    Way("persistent", "deleted", "delete, flush"),
    Way("deleted", "persistent", "rollback"),
    Way("deleted", "detached", "commit"),
    Way("database", "persistent", "query, get, merge"),
)
"""SQLAlchemy's ten transitions, and expiry with its way back; `database` is where a loaded object comes from."""


@dataclass(frozen=True)
class Arrow:
    """thickness: of its line. rate: a second, in words; count: since ever. flows: whether anything goes along it."""

    way: Way
    rate: str
    count: int
    thickness: float
    flows: bool

    @property
    def words(self) -> str:
        return f"{self.way.before} to {self.way.after} by {self.way.methods}: {self.rate} a second, {self.count} in all"


@dataclass(frozen=True)
class Lifecycle:
    """registry: whose alone it is; None: of all. seconds: over which the rates are taken."""

    registry: str | None
    registries: tuple[str, ...]
    seconds: float
    arrows: tuple[Arrow, ...]
    in_memory: int
    drawings = (BROAD, UPRIGHT)

    def lines(self, drawing: Drawing) -> list[tuple[Arrow, Line]]:
        return [(arrow, drawing.lines[arrow.way.before, arrow.way.after]) for arrow in self.arrows]


def lifecycle(reading: Reading, registry: str | None = None) -> Lifecycle:
    """registry: one that there is not has arrows along which nothing ever went."""
    grown = Increase.of(reading)
    names = tuple(one.name for one in reading.sessions.registries)
    chosen = names if registry is None else (registry,)
    counts: dict[tuple[str, str], int] = {}
    for one in reading.sessions.transitions:
        if one.registry in chosen:
            counts[one.from_, one.to] = counts.get((one.from_, one.to), 0) + one.count
    return Lifecycle(
        registry,
        names,
        grown.seconds,
        tuple(_arrow(way, counts, grown, chosen) for way in WAYS),
        sum(one.identity_map_objects for one in reading.sessions.registries if one.name in chosen),
    )


def _arrow(way: Way, counts: Mapping[tuple[str, str], int], grown: Increase, registries: Iterable[str]) -> Arrow:
    rate = sum(grown.rate("transition", name, way.before, way.after) for name in registries)
    count = counts.get((way.before, way.after), 0)
    return Arrow(way, said(rate) if count else "–", count, thickness(rate), rate > 0)


def thickness(rate: float) -> float:
    """Ten times as many are a constant step thicker: 0.1 and 1,000 a second stand on one picture.

    >>> thickness(0), thickness(1), thickness(10), thickness(1e9)
    (1.25, 3.54, 5.66, 10.0)
    """
    return round(min(THICKEST, THINNEST + 2.2 * log10(1 + 10 * max(0.0, rate))), 2)


def said(rate: float) -> str:
    """
    >>> said(0), said(0.12), said(7.25), said(128.4)
    ('0', '0.1', '7.2', '128')
    """
    return f"{rate:.0f}" if rate >= 100 or not rate else f"{rate:.1f}"
