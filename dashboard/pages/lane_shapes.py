"""What is the picture of a pool's last minute made of? Frozen data in percent of the time shown, so that one drawing
fits every width."""

from __future__ import annotations

from dataclasses import dataclass

from .holds import Hold

BLOCK = 1.35
"""Percent: as wide as a column is drawn."""


@dataclass(frozen=True)
class Part:
    """A piece of a lane, in percent. kind: transaction, idle, overdue or unknown."""

    kind: str
    left: float
    width: float


@dataclass(frozen=True)
class Endpoint:
    """How its bars are told from others: by colour, and by letter. hue 0: it is not known whose they are."""

    name: str | None
    hue: int = 0
    letter: str = ""


@dataclass(frozen=True)
class Bar:
    """One checkout, or several. key: by which it is found again. words: what it is, in a sentence."""

    key: str
    left: float
    width: float
    endpoint: Endpoint
    parts: tuple[Part, ...]
    words: str
    label: str
    is_open: bool
    is_overdue: bool


@dataclass(frozen=True)
class Lane:
    """name: of the connection that has the place now, or had it last; empty where the place was never filled.
    known: percent from the left of which only the latest checkouts are kept, and nothing is drawn."""

    name: str
    state: str
    left: float
    width: float
    known: float
    bars: tuple[Bar, ...] = ()


@dataclass(frozen=True)
class WaitBar:
    key: str
    row: int
    left: float
    width: float
    words: str
    gave_up: bool


@dataclass(frozen=True)
class WorkerLanes:
    """more: how many waited beside those drawn."""

    worker: int
    used: int
    limit: float | None
    waiters: tuple[WaitBar, ...]
    more: int
    lanes: tuple[Lane, ...]

    @property
    def rows(self) -> int:
        return 1 + max((one.row for one in self.waiters), default=-1)


@dataclass(frozen=True)
class Column:
    """One second of the whole pool, in percent: how much was used, and who waited above it."""

    left: float
    used: float
    waiting: float
    words: str


@dataclass(frozen=True)
class Lanes:
    """left_out: lanes beyond those that are drawn; the table has them. highest: what the columns' full height is."""

    pool: str
    at: float
    workers: tuple[WorkerLanes, ...]
    endpoints: tuple[Endpoint, ...]
    columns: tuple[Column, ...]
    highest: float
    rows: tuple[Row, ...]
    left_out: int = 0

    @property
    def used_outline(self) -> str:
        """All columns as one shape of a square of 100."""
        return "".join(_block(one.left, 100 - one.used, one.used) for one in self.columns if one.used)

    @property
    def waiting_outline(self) -> str:
        above = ((one, max(0.0, 100 - one.used - one.waiting)) for one in self.columns if one.waiting)
        return "".join(_block(one.left, top, 100 - one.used - top) for one, top in above)


@dataclass(frozen=True)
class Row:
    """One checkout as the table tells it. key: by which it is found again. words: how long it was held."""

    key: str
    hold: Hold
    words: str
    is_overdue: bool


def _block(left: float, top: float, height: float) -> str:
    return f"M{left:g} {top:.4g}h{BLOCK}v{height:.4g}h-{BLOCK}z"
