"""Where do the states stand, and how do the arrows run between them? Drawn broad, and upright on a narrow screen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

Pair = tuple[str, str]
"""From which state to which."""


@dataclass(frozen=True)
class Place:
    """Where a state stands: the middle of its box. breadth: of the box, where it is not as broad as the others."""

    state: str
    x: int
    y: int
    breadth: int = 0


@dataclass(frozen=True)
class Line:
    """One arrow. path: of an SVG; x, y, anchor: where its words stand, as they are broken into lines."""

    path: str
    words: tuple[str, ...]
    x: int
    y: int
    anchor: str = "middle"


@dataclass(frozen=True)
class Drawing:
    """name: broad or upright. breadth, tallness: of a state's box. step: from line to line of the words."""

    name: str
    width: int
    height: int
    breadth: int
    tallness: int
    step: int
    places: tuple[Place, ...]
    lines: Mapping[Pair, Line]


BROAD = Drawing(
    "broad", 960, 390, 132, 44, 16,
    (
        Place("transient", 86, 188),
        Place("pending", 326, 188),
        Place("persistent", 570, 188),
        Place("expired", 570, 40),
        Place("deleted", 758, 334),
        Place("detached", 868, 188),
        Place("database", 570, 350),
    ),
    {
        ("transient", "pending"): Line("M154 178H256", ("add",), 205, 150),
        ("pending", "transient"): Line("M258 198H158", ("expunge, rollback",), 206, 222),
        ("pending", "persistent"): Line("M394 188H500", ("flush",), 446, 160),
        ("persistent", "transient"): Line("M524 212C470 290 180 300 92 216", ("rollback",), 300, 292),
        ("persistent", "expired"): Line("M550 164V68", ("commit, expire, rollback",), 538, 108, "end"),
        ("expired", "persistent"): Line("M592 64V160", ("refresh, or reading it",), 604, 108, "start"),
        ("persistent", "detached"): Line("M638 178H798", ("expunge, close",), 718, 150),
        ("detached", "persistent"): Line("M800 198H642", ("add",), 720, 222),
        ("persistent", "deleted"): Line("M604 212L702 308", ("delete, flush",), 682, 302, "end"),
        ("deleted", "persistent"): Line("M738 310L640 214", ("rollback",), 714, 262, "start"),
        ("deleted", "detached"): Line("M800 310L856 216", ("commit",), 846, 274, "start"),
        ("database", "persistent"): Line("M570 326V216", ("query, get, merge",), 558, 286, "end"),
    },
)  # fmt: skip
UPRIGHT = Drawing(
    "upright", 328, 566, 104, 40, 14,
    (
        Place("transient", 136, 28),
        Place("pending", 136, 130),
        Place("database", 266, 130),
        Place("persistent", 164, 250, 308),
        Place("expired", 62, 402),
        Place("detached", 266, 402),
        Place("deleted", 164, 532),
    ),
    {
        ("transient", "pending"): Line("M120 50V104", ("add",), 110, 74, "end"),
        ("pending", "transient"): Line("M152 108V54", ("expunge,", "rollback"), 162, 68, "start"),
        ("pending", "persistent"): Line("M136 152V222", ("flush",), 148, 184, "start"),
        ("persistent", "transient"): Line("M48 228V42Q48 28 62 28H80", ("rollback",), 56, 184, "start"),
        ("database", "persistent"): Line("M266 152V222", ("query,", "get,", "merge"), 254, 172, "end"),
        ("persistent", "expired"): Line("M22 272V374", ("commit,", "expire,", "rollback"), 31, 300, "start"),
        ("expired", "persistent"): Line("M92 380V276", ("refresh,", "or read-", "ing it"), 99, 300, "start"),
        ("persistent", "deleted"): Line("M174 272V504", ("delete,", "flush"), 166, 450, "end"),
        ("deleted", "persistent"): Line("M198 510V276", ("rollback",), 205, 450, "start"),
        ("persistent", "detached"): Line("M232 272V374", ("expunge,", "close"), 240, 308, "start"),
        ("detached", "persistent"): Line("M298 380V276", ("add",), 303, 316, "start"),
        ("deleted", "detached"): Line("M218 532H262Q276 532 276 518V428", ("commit",), 283, 478, "start"),
    },
)  # fmt: skip
"""On a telephone: no wider than its screen, and its words as large as elsewhere."""
