"""How does a distribution become a small histogram? A bar for each bucket, the quantiles beside it."""

from __future__ import annotations

from dataclasses import dataclass

from ..telemetry.digests import Distribution
from .lanes import told

FEWEST = 8
"""Places of a histogram: a single bucket is no wall."""


@dataclass(frozen=True)
class Bucket:
    """left, width, height: percent. upto: its upper bound, in words."""

    left: float
    width: float
    height: float
    upto: str
    count: int
    share: float
    is_p95: bool


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
    buckets = tuple(
        Bucket(
            left=round(place * width, 3),
            width=round(width, 3),
            height=round(max(2.0, count / highest * 100), 2) if count else 0.0,
            upto=f"≤ {told(bound)}" if bound < 1e300 else "more",
            count=count,
            share=count / of.count,
            is_p95=bound == marked,
        )
        for place, (bound, count) in enumerate(of.buckets)
    )
    p50, p95, p99 = (_estimated(seconds, of.count) for seconds in (of.p50, of.p95, of.p99))
    return Histogram(name, of.count, told(of.mean) if of.count else "–", p50, p95, p99, buckets)


def _estimated(seconds: float, count: int) -> str:
    """What lies within the lowest bucket is not told more exactly."""
    if not count:
        return "–"
    return told(seconds) if seconds > 0.0005 else "< 0.5 ms"
