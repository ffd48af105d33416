"""What are the metrics' values just now, for a person? The same samples that Prometheus gets, in words."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import inf
from typing import Any

from .exposition import Metric, observed
from .metrics import METRICS
from .reading import Reading
from .samples import Sample

SERIES_SHOWN = 30


@dataclass(frozen=True)
class Present:
    """One metric. series: (labels, value) in words, the first few; more: how many there are beside those."""

    name: str
    type: str
    help: str
    series: tuple[tuple[str, str], ...]
    more: int = 0


def present(reading: Reading, metrics: Iterable[Metric] = METRICS) -> tuple[Present, ...]:
    return tuple(_present(metric, samples) for metric, samples in observed(metrics, reading))


def _present(metric: Metric, samples: list[Sample]) -> Present:
    shown = tuple(
        (", ".join(f"{name}={text}" for name, text in zip(metric.labels, labels, strict=True)), _said(metric, value))
        for labels, value in samples[:SERIES_SHOWN]
    )
    return Present(metric.name, metric.type, metric.help, shown, max(0, len(samples) - SERIES_SHOWN))


def _said(metric: Metric, value: Any) -> str:
    """Of a histogram how often and how much on average."""
    if metric.type != "histogram":
        return "no limit" if value == inf else f"{value:,.6g}"
    count = sum(value[:-1])
    return f"{count:,g} times, {value[-1] / count:.4g} on average" if count else "0 times"
