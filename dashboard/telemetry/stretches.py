"""What of a pool's history fits a table that a person reads? A minute of the last fifteen, or an hour of the day."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from .history import History

SECONDS = {"minute": 60, "minutes": 60, "15m": 60, "24h": 3600}
"""By a history's span: how long a row is."""


@dataclass(frozen=True)
class Stretch:
    """at: ISO 8601, when it began. None: nobody wrote, or there is nothing to tell. checkouts to rollbacks: means a
    second; timeouts, errors: how many; wait_p95, hold_p95: the longest of its points, in seconds."""

    at: str
    used_most: float | None
    waiters_most: float | None
    checkouts: float | None
    statements: float | None
    commits: float | None
    rollbacks: float | None
    timeouts: float | None
    errors: float | None
    wait_p95: float | None
    hold_p95: float | None


def stretches(history: History) -> tuple[Stretch, ...]:
    """The rows that somebody wrote anything in, the latest first."""
    length = SECONDS[history.span]
    places: dict[int, list[int]] = {}
    for place, at in enumerate(history.at):
        places.setdefault(int(at) // length * length, []).append(place)
    made = (_stretch(history, at, places[at]) for at in sorted(places, reverse=True))
    return tuple(one for one in made if one.used_most is not None or one.checkouts is not None)


def _stretch(history: History, at: int, places: list[int]) -> Stretch:
    def points(name: str) -> list[float]:
        series = history.series[name]
        return [value for place in places if (value := series[place]) is not None]

    return Stretch(
        at=datetime.fromtimestamp(at, UTC).isoformat().replace("+00:00", "Z"),
        used_most=_most(points("used_most")),
        waiters_most=_most(points("waiters_most")),
        checkouts=_mean(points("checkouts")),
        statements=_mean(points("statements")),
        commits=_mean(points("commits")),
        rollbacks=_mean(points("rollbacks")),
        timeouts=_sum(points("timeouts"), history.step),
        errors=_sum(points("errors"), history.step),
        wait_p95=_most(points("wait_p95")),
        hold_p95=_most(points("hold_p95")),
    )


def _most(values: Iterable[float]) -> float | None:
    return max(values, default=None)


def _mean(values: list[float]) -> float | None:
    return sum(values) / len(values) if values else None


def _sum(rates: list[float], step: int) -> float | None:
    return round(sum(rates) * step) if rates else None
