"""Which panels does a Grafana dashboard need? One for each metric of the list, with its PromQL, made of the list."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from .exposition import Metric
from .metrics import METRICS

RATE = "[$__rate_interval]"
SHARES = {"p50": 0.5, "p95": 0.95, "p99": 0.99}
OPEN = {"endpoint", "path", "error", "action", "listener", "database", "finding", "badge"}
"""Labels of which nothing is known until something happens: then there is nothing, which is zero."""
SECTIONS = {"pool": "Pools", "registry": "Sessions", "": "Poolhouse itself"}
WIDTH, HEIGHT, IN_A_ROW = 8, 7, 3
SOURCE = {"type": "prometheus", "uid": "${datasource}"}


@dataclass(frozen=True)
class Query:
    """legend: Grafana's, with its label names in braces."""

    promql: str
    legend: str


@dataclass(frozen=True)
class Panel:
    title: str
    help: str
    unit: str
    section: str
    queries: tuple[Query, ...]


def panels(metrics: Iterable[Metric] = METRICS) -> tuple[Panel, ...]:
    return tuple(
        Panel(metric.name, metric.help, _unit(metric), _section(metric), tuple(_queries(metric))) for metric in metrics
    )


def dashboard(metrics: Iterable[Metric] = METRICS) -> str:
    """The dashboard as JSON, to be imported as it is: it asks which Prometheus, and which pools."""
    return json.dumps(
        {
            "title": "Poolhouse",
            "uid": "poolhouse",
            "tags": ["sqlalchemy", "poolhouse"],
            "schemaVersion": 39,
            "editable": True,
            "refresh": "30s",
            "time": {"from": "now-6h", "to": "now"},
            "templating": {"list": [_data_source(), _pools()]},
            "panels": list(_laid_out(panels(metrics))),
        },
        indent=1,
    )


def _queries(metric: Metric) -> Iterator[Query]:
    where = '{pool=~"$pool"}' if "pool" in metric.labels else ""
    by, legend = ", ".join(metric.labels), " ".join(f"{{{{{label}}}}}" for label in metric.labels)
    if metric.type == "histogram":
        buckets = f"sum by ({', '.join((*metric.labels, 'le'))}) (rate({metric.name}_bucket{where}{RATE}))"
        for name, share in SHARES.items():
            yield Query(f"histogram_quantile({share:g}, {buckets})", f"{name} {legend}".strip())
        return
    how = "sum" if metric.merge == "sum" else "max"
    value = f"rate({metric.name}{where}{RATE})" if metric.type == "counter" else f"{metric.name}{where}"
    nothing = " or vector(0)" if OPEN & set(metric.labels) else ""
    grouped = f" by ({by})" if by else ""
    yield Query(f"{how}{grouped} ({value}){nothing}", legend or metric.name)


def _unit(metric: Metric) -> str:
    if metric.unit == "seconds":
        return "percentunit" if metric.type == "counter" else "s"  # seconds of a second
    if metric.unit == "ratio":
        return "percentunit"
    return "ops" if metric.type == "counter" else "short"


def _section(metric: Metric) -> str:
    if metric.name.startswith("poolhouse_"):
        return SECTIONS[""]
    return SECTIONS["pool" if "pool" in metric.labels else "registry"]


def _laid_out(every: tuple[Panel, ...]) -> Iterator[dict[str, Any]]:
    """Sections under each other, three panels beside each other."""
    number, y = 0, 0
    for section, group in groupby(sorted(every, key=lambda one: list(SECTIONS.values()).index(one.section)), _by):
        number += 1
        yield {"id": number, "type": "row", "title": section, "collapsed": False, "panels": [], "gridPos": _at(0, y, 1)}
        y += 1
        for place, panel in enumerate(group):
            number += 1
            column = place % IN_A_ROW
            yield _drawn(panel, number, _at(column * WIDTH, y + HEIGHT * (place // IN_A_ROW), HEIGHT))
        y += HEIGHT * (place // IN_A_ROW + 1)


def _by(panel: Panel) -> str:
    return panel.section


def _at(x: int, y: int, height: int) -> dict[str, int]:
    return {"x": x, "y": y, "w": WIDTH if height > 1 else WIDTH * IN_A_ROW, "h": height}


def _drawn(panel: Panel, number: int, place: dict[str, int]) -> dict[str, Any]:
    return {
        "id": number,
        "type": "timeseries",
        "title": panel.title,
        "description": panel.help,
        "datasource": SOURCE,
        "gridPos": place,
        "fieldConfig": {"defaults": {"unit": panel.unit, "min": 0}, "overrides": []},
        "options": {"legend": {"displayMode": "list", "placement": "bottom"}, "tooltip": {"mode": "multi"}},
        "targets": [
            {"refId": chr(ord("A") + place), "datasource": SOURCE, "expr": query.promql, "legendFormat": query.legend}
            for place, query in enumerate(panel.queries)
        ],
    }


def _data_source() -> dict[str, Any]:
    return {"name": "datasource", "type": "datasource", "query": "prometheus", "label": "Prometheus"}


def _pools() -> dict[str, Any]:
    return {
        "name": "pool",
        "label": "Pool",
        "type": "query",
        "datasource": SOURCE,
        "query": {"query": "label_values(sqlalchemy_pool_connections, pool)", "refId": "pool"},
        "refresh": 2,
        "multi": True,
        "includeAll": True,
        "allValue": ".*",
        "current": {"text": "All", "value": "$__all"},
    }
