"""Which metrics belong together? By their subject, as the page Monitoring shows them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ..telemetry.present import Present


@dataclass(frozen=True)
class Family:
    """The metrics of one subject, under a name that an address takes."""

    name: str
    title: str
    metrics: tuple[Present, ...]


FAMILIES = (
    ("pools", "Pools", ("pool_",)),
    ("connections", "Connections", ("connection", "endpoint_hold", "engines")),
    ("transactions", "Transactions", ("transaction", "idle_in", "oldest_idle_in")),
    ("statements", "Statements", ("statement", "endpoint_s", "oldest_running", "request")),
    ("sessions", "Sessions and the ORM", ("session", "o", "identity", "n_plus")),
)
"""Name, title, and how their metrics begin after `sqlalchemy_`; the first that fits."""
OTHERS = ("poolhouse", "Poolhouse itself")


def families(metrics: Iterable[Present]) -> tuple[Family, ...]:
    found: dict[tuple[str, str], list[Present]] = {key: [] for key in (*((n, t) for n, t, _ in FAMILIES), OTHERS)}
    for metric in metrics:
        found[_family_of(metric.name)].append(metric)
    return tuple(Family(name, title, tuple(each)) for (name, title), each in found.items())


def _family_of(metric: str) -> tuple[str, str]:
    _, ours, rest = metric.partition("sqlalchemy_")
    fitting = ((name, title) for name, title, begins in FAMILIES if ours and rest.startswith(begins))
    return next(fitting, OTHERS)
