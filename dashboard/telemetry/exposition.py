"""How are the metrics written for whoever scrapes them? Byte for byte as prometheus_client would, but quickly.

A scrape answers within milliseconds while the program is busy; the library makes an object of each sample and looks
at each character of each name."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from math import inf
from typing import Any

from .reading import Exemplar, Reading
from .samples import Read, Sample, series

EXEMPLAR_RUNES = 100
"""Of an endpoint in an exemplar; OpenMetrics allows 128 for all labels with their names."""
Exemplars = dict[int, Exemplar]


@dataclass(frozen=True)
class Metric:
    """One entry of the catalogue.

    type: counter, gauge or histogram. source: where the value comes from. merge: how the workers' values become
    one: "sum", "max", or "once" for what is read once. buckets: a histogram's upper bounds. unit:
    only where the name ends in it. exemplars: the family of a pool's numbers whose slow observations are shown.
    """

    name: str
    type: str
    labels: tuple[str, ...]
    help: str
    source: str
    read: Read
    merge: str = "sum"
    buckets: tuple[float, ...] = ()
    exemplars: str = ""

    @property
    def unit(self) -> str:
        stem = self.name.removesuffix("_total")
        return next((unit for unit in ("seconds", "ratio") if stem.endswith("_" + unit)), "")

    @property
    def family(self) -> str:
        return self.name.removesuffix("_total")

    @property
    def lines(self) -> int:
        """Series for each combination of labels."""
        return len(self.buckets) + 3 if self.type == "histogram" else 1


def observed(metrics: Iterable[Metric], reading: Reading) -> Iterator[tuple[Metric, list[Sample]]]:
    """Every metric with its samples; the one that counts all series comes last."""
    count = 1
    for metric in metrics:
        samples: list[Sample] = [((), count)] if metric.read is series else list(metric.read(reading))
        count += len(samples) * metric.lines
        yield metric, samples


def exemplars_of(metric: Metric, labels: tuple[str, ...], reading: Reading) -> Exemplars:
    """By bucket. labels: of one sample of this metric, the pool first."""
    if not metric.exemplars:
        return {}
    pool = reading.pool(labels[0])
    known = {} if pool is None else pool.numbers.get("exemplars", {})
    family = "|".join((metric.exemplars, *labels[1:]))
    return {bucket: exemplar for (name, bucket), exemplar in known.items() if name == family}


def exemplar_labels(exemplar: Exemplar) -> dict[str, str]:
    return {"endpoint": exemplar.endpoint[:EXEMPLAR_RUNES], "worker": str(exemplar.worker)}


def write(metrics: Iterable[Metric], reading: Reading, openmetrics: bool) -> bytes:
    """The whole exposition."""
    lines: list[str] = []
    for metric, samples in observed(metrics, reading):
        name = metric.family if openmetrics else metric.name
        lines += (f"# HELP {name} {_documented(metric.help, openmetrics)}\n", f"# TYPE {name} {metric.type}\n")
        if openmetrics and metric.unit:
            lines.append(f"# UNIT {name} {metric.unit}\n")
        if metric.type == "histogram":
            for labels, value in samples:
                shown = exemplars_of(metric, labels, reading) if openmetrics else {}
                lines += _histogram(metric, labels, value, shown)
        else:
            lines += [f"{metric.name}{_braced(metric.labels, labels)} {number(value)}\n" for labels, value in samples]
    if openmetrics:
        lines.append("# EOF\n")
    return "".join(lines).encode()


def _histogram(metric: Metric, labels: tuple[str, ...], value: Any, shown: Exemplars) -> list[str]:
    before, after = _around_le(metric.labels, labels)
    running, lines = 0, []
    for place, (bound, count) in enumerate(zip(_bounds(metric.buckets), value, strict=False)):
        running += count
        tail = _exemplar(shown[place]) if place in shown else ""
        lines.append(f'{metric.name}_bucket{before}le="{bound}"{after} {number(running)}{tail}\n')
    braced = _braced(metric.labels, labels)
    lines.append(f"{metric.name}_count{braced} {number(running)}\n")
    lines.append(f"{metric.name}_sum{braced} {number(value[-1])}\n")
    return lines


def _exemplar(exemplar: Exemplar) -> str:
    labels = ",".join(f'{name}="{escaped(value)}"' for name, value in exemplar_labels(exemplar).items())
    return f" # {{{labels}}} {number(exemplar.seconds)} {exemplar.at}"


@lru_cache(maxsize=4_096)
def _braced(names: tuple[str, ...], values: tuple[str, ...]) -> str:
    labels = sorted(zip(names, values, strict=True))
    return "{" + ",".join(f'{name}="{escaped(value)}"' for name, value in labels) + "}" if labels else ""


@lru_cache(maxsize=1_024)
def _around_le(names: tuple[str, ...], values: tuple[str, ...]) -> tuple[str, str]:
    """What stands before and after the label `le`: the labels are in the order of their names."""
    labels = sorted(zip(names, values, strict=True))
    before = "".join(f'{name}="{escaped(value)}",' for name, value in labels if name < "le")
    return "{" + before, "".join(f',{name}="{escaped(value)}"' for name, value in labels if name > "le") + "}"


@lru_cache(maxsize=16)
def _bounds(buckets: tuple[float, ...]) -> tuple[str, ...]:
    return tuple(number(bound) for bound in (*buckets, inf))


def escaped(value: str) -> str:
    return value.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")


def _documented(text: str, openmetrics: bool) -> str:
    return escaped(text) if openmetrics else text.replace("\\", r"\\").replace("\n", r"\n")


def number(value: Any) -> str:
    """As Go writes it, which reads it.

    >>> number(3), number(0.25), number(inf), number(12_000_000)
    ('3.0', '0.25', '+Inf', '1.2e+07')
    """
    if value.__class__ is int and -1 < value < 1_000_000:
        return f"{value}.0"
    value = float(value)
    if value in (inf, -inf):
        return "+Inf" if value > 0 else "-Inf"
    text = repr(value)
    dot = text.find(".")
    if value > 0 and dot > 6:
        mantissa = f"{text[0]}.{text[1:dot]}{text[dot + 1 :]}".rstrip("0.")
        return f"{mantissa}e+{dot - 1:02d}"
    return "NaN" if value != value else text
