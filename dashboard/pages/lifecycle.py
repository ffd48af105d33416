"""How do objects go from state to state just now? The diagram of the lifecycle: where each state stands, and each arrow
with the methods that take it, as thick as its rate."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import log10

from ..telemetry.reading import Reading
from ..telemetry.recent import Increase

WIDTH, HEIGHT = 960, 390
THINNEST, THICKEST = 1.25, 10.0
BREADTH, TALLNESS = 132, 44
"""Of a state's box."""


@dataclass(frozen=True)
class Place:
    """Where a state stands: the middle of its box."""

    state: str
    x: int
    y: int


PLACES = (
    Place("transient", 86, 188),
    Place("pending", 326, 188),
    Place("persistent", 570, 188),
    Place("expired", 570, 40),
    Place("deleted", 758, 334),
    Place("detached", 868, 188),
    Place("database", 570, 350),
)
"""`database` is where a loaded object comes from."""


@dataclass(frozen=True)
class Way:
    """One arrow. path: of an SVG; x, y, anchor: where its words stand."""

    before: str
    after: str
    methods: str
    path: str
    x: int
    y: int
    anchor: str = "middle"


WAYS = (
    Way("transient", "pending", "add", "M154 178H256", 205, 150),
    Way("pending", "transient", "expunge, rollback", "M258 198H158", 206, 222),
    Way("pending", "persistent", "flush", "M394 188H500", 446, 160),
    Way("persistent", "transient", "rollback", "M524 212C470 290 180 300 92 216", 300, 292),
    Way("persistent", "expired", "commit, expire, rollback", "M550 164V68", 538, 108, "end"),
    Way("expired", "persistent", "refresh, or reading it", "M592 64V160", 604, 108, "start"),
    Way("persistent", "detached", "expunge, close", "M638 178H798", 718, 150),
    Way("detached", "persistent", "add", "M800 198H642", 720, 222),
    Way("persistent", "deleted", "delete, flush", "M604 212L702 308", 682, 302, "end"),
    Way("deleted", "persistent", "rollback", "M738 310L640 214", 714, 262, "start"),
    Way("deleted", "detached", "commit", "M800 310L856 216", 846, 274, "start"),
    Way("database", "persistent", "query, get, merge", "M570 326V216", 558, 286, "end"),
)
"""SQLAlchemy's ten transitions, and expiry with its way back."""


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
    places = PLACES
    width, height, breadth, tallness = WIDTH, HEIGHT, BREADTH, TALLNESS


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
