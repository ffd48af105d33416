"""How does a distribution become a small histogram? A bar for each bucket, the quantiles beside it."""

from __future__ import annotations

from dataclasses import dataclass

from ..telemetry.digests import Distribution
from .lanes import told

FEWEST = 8
"""Places of a histogram: a single bucket is no wall."""
APART = 20.0
"""Percent of the width between two names, at least: on a phone they would be printed over each other."""


@dataclass(frozen=True)
class Bucket:
    """left, width, height: percent. upto: its upper bound, in words. is_named: whether there is room for them below."""

    left: float
    width: float
    height: float
    upto: str
    count: int
    share: float
    is_p95: bool
    is_named: bool = False


@dataclass(frozen=True)
class Histogram:
    name: str
    count: int
    mean: str
    p50: str
    p95: str
    p99: str
    buckets: tuple[Bucket, ...]


def histogram(name: str, of: Distribution) -> Histogram:
    """Each bucket is as wide as the next, whatever its bounds: they grow by about two, so that the picture is
    logarithmic in time. A bucket in which something fell is never too low to be seen."""
    highest = max((count for _, count in of.buckets), default=0)
    width = 100 / max(FEWEST, len(of.buckets))
    marked = next((bound for bound, _ in of.buckets if bound >= of.p95), None)
    named = _named(len(of.buckets), next((n for n, (bound, _) in enumerate(of.buckets) if bound == marked), 0), width)
    buckets = tuple(
        Bucket(
            left=round(place * width, 3),
            width=round(width, 3),
            height=round(max(2.0, count / highest * 100), 2) if count else 0.0,
            upto=f"≤ {told(bound)}" if bound < 1e300 else "more",
            count=count,
            share=count / of.count,
            is_p95=bound == marked,
            is_named=place in named,
        )
        for place, (bound, count) in enumerate(of.buckets)
    )
    p50, p95, p99 = (_estimated(seconds, of.count) for seconds in (of.p50, of.p95, of.p99))
    return Histogram(name, of.count, told(of.mean) if of.count else "–", p50, p95, p99, buckets)


def _named(number: int, marked: int, width: float) -> set[int]:
    """The marked one always, the first and the last where they do not stand in its way.

    >>> _named(6, 4, 12.5), _named(20, 10, 5.0), _named(3, 1, 12.5)
    ({0, 4}, {0, 10, 19}, {1})
    """
    return {place for place in (0, marked, number - 1) if place == marked or abs(place - marked) * width >= APART}


def _estimated(seconds: float, count: int) -> str:
    """What lies within the lowest bucket is not told more exactly."""
    if not count:
        return "–"
    return told(seconds) if seconds > 0.0005 else "< 0.5 ms"
