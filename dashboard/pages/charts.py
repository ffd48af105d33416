"""How does a pool's history become small charts? Lines as SVG paths, and the same numbers for who points at them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from math import floor, log10

from ..telemetry.history import COUNTERS, GAUGES, MOST, History
from ..telemetry.long_range import LongRange
from .lanes import told

WIDTH, HEIGHT = 600.0, 96.0
"""Of the drawing; the page stretches it."""
HUES = 6
LATELY = 0.4
"""Of the span: what is known of less is said to have just begun."""
POINTS = {"15m": 10, "24h": 5}
"""By span: how many points of the history are one of the chart."""
SPANS = {"15m": "15 minutes", "6h": "6 hours", "24h": "24 hours", "7d": "7 days", "30d": "30 days"}
Value = float | None


@dataclass(frozen=True)
class Wanted:
    """One chart. lines: (words, series, hue). most: of several points the highest counts, else their mean."""

    name: str
    unit: str
    lines: tuple[tuple[str, str, int], ...]
    most: bool = False


WANTED = (
    Wanted("Checkouts", "a second", (("checkouts", "checkouts", 1),)),
    Wanted("p95 wait", "seconds", (("p95 wait", "wait_p95", 3),), most=True),
    Wanted("p95 hold", "seconds", (("p95 hold", "hold_p95", 4),), most=True),
    Wanted("Transactions", "a second", (("commits", "commits", 1), ("rollbacks", "rollbacks", 6))),
    Wanted("Statements", "a second", (("statements", "statements", 5),)),
    Wanted("Errors", "a second", (("driver errors", "errors", 6), ("timeouts", "timeouts", 3)), most=True),
)
OF_ONE_POOL = (
    Wanted("In use", "", (("in use", "used_most", 1), ("waiting", "waiters_most", 3)), most=True),
    *WANTED[:-1],
    Wanted("Idle in transaction", "", (("connections", "idle_in_transaction", 2),), most=True),
    WANTED[-1],
)


@dataclass(frozen=True)
class Line:
    """path, area: of an SVG, WIDTH by HEIGHT. dot: where it ends. now: its last value, in words."""

    name: str
    hue: int
    path: str
    area: str
    dot: str
    now: str
    values: tuple[Value, ...]


@dataclass(frozen=True)
class Chart:
    """highest: the value at the top, in words. known: for how long, where most of the span was before the record began.
    data: all of it as JSON, for the browser."""

    name: str
    unit: str
    span: str
    lines: tuple[Line, ...]
    highest: str
    middle: str
    known: str
    data: str

    @property
    def is_empty(self) -> bool:
        return all(value is None for line in self.lines for value in line.values)

    @property
    def words(self) -> str:
        """What a reader is told who does not see it."""
        now = ", ".join(f"{line.name} {line.now}" for line in self.lines)
        return f"{self.name}, the last {SPANS[self.span]}: now {now}; at most {self.highest}"


def of_prometheus(told: LongRange) -> Chart:
    """A line for each of its series, the highest first."""
    unit = told.question.unit
    top = nice(max((v for one in told.series for v in one.values if v is not None), default=0.0))
    lines = tuple(_line(one.name, place % HUES + 1, one.values, top, unit) for place, one in enumerate(told.series))
    return _packed(told.question.name, unit, told.span, lines, top, told.begins, told.step)


def charts(history: History, wanted: Iterable[Wanted] = WANTED) -> tuple[Chart, ...]:
    return tuple(_chart(each, history) for each in wanted)


def together(histories: Sequence[History]) -> History | None:
    """All pools as one: what is counted adds up, of times the longest stands. None without any."""
    if not histories:
        return None
    longest = max(histories, key=lambda one: one.at[-1])
    shifted = [_at_the_times_of(longest, one) for one in histories]
    adds = {*GAUGES, *COUNTERS, *MOST}
    series = {
        name: tuple(
            _merged(sum if name in adds else max, values) for values in zip(*(s[name] for s in shifted), strict=True)
        )
        for name in longest.series
    }
    return replace(longest, pool="", series=series)


def _at_the_times_of(other: History, one: History) -> dict[str, tuple[Value, ...]]:
    """They may have been read on two sides of a second."""
    late = round((other.at[-1] - one.at[-1]) / one.step)
    return {name: (*values[late:], *(None,) * late) for name, values in one.series.items()}


def _merged(how: Callable[[Iterable[float]], float], values: Iterable[Value]) -> Value:
    given = [value for value in values if value is not None]
    return how(given) if given else None


def _chart(wanted: Wanted, history: History) -> Chart:
    by = POINTS[history.span]
    columns = [(words, hue, thinned(history.series[name], by, wanted.most)) for words, name, hue in wanted.lines]
    top = nice(max((v for *_, values in columns for v in values if v is not None), default=0.0))
    lines = tuple(_line(words, hue, values, top, wanted.unit) for words, hue, values in columns)
    return _packed(wanted.name, wanted.unit, history.span, lines, top, history.at[0], history.step * by)


def _packed(name: str, unit: str, span: str, lines: tuple[Line, ...], top: float, begins: float, step: int) -> Chart:
    data = {
        "from": begins,
        "step": step,
        "unit": unit,
        "lines": [{"name": line.name, "hue": line.hue, "values": [_short(v) for v in line.values]} for line in lines],
    }
    packed = json.dumps(data, separators=(",", ":"))
    return Chart(name, unit, span, lines, scaled(top, unit), scaled(top / 2, unit), _known(lines, step), packed)


def thinned(values: Sequence[Value], by: int, most: bool) -> tuple[Value, ...]:
    """
    >>> thinned([1, 3, None, None, 5, None], 2, most=False)
    (2.0, None, 5.0)
    >>> thinned([1, 3, None, None, 5, None], 2, most=True)
    (3, None, 5)
    """
    groups = (values[place : place + by] for place in range(0, len(values), by))
    return tuple(_merged(max if most else _mean, group) for group in groups)


def _mean(values: Iterable[float]) -> float:
    given = list(values)
    return sum(given) / len(given)


def nice(highest: float) -> float:
    """The round number at the top of a chart.

    >>> nice(0), nice(0.37), nice(4.2), nice(14), nice(99)
    (1.0, 0.5, 5.0, 20.0, 100.0)
    """
    if highest <= 0:
        return 1.0
    power: float = 10.0 ** floor(log10(highest))
    return next(round(step * power, 9) for step in (1.0, 2.0, 5.0, 10.0) if step * power >= highest * 0.999)


def said(value: float, unit: str) -> str:
    """
    >>> said(0.25, "seconds"), said(12.34, "a second"), said(3.0, "")
    ('250 ms', '12.3', '3')
    """
    return told(value) if unit == "seconds" else f"{value:.1f}" if unit and value % 1 else f"{value:g}"


def scaled(value: float, unit: str) -> str:
    """On the scale nothing is rounded.

    >>> scaled(0.00025, "seconds"), scaled(0.25, "seconds"), scaled(2.5, "seconds"), scaled(2.5, "a second")
    ('0.25 ms', '250 ms', '2.5 s', '2.5')
    """
    if unit != "seconds":
        return f"{value:g}"
    return f"{value:g} s" if value >= 1 else f"{value * 1000:g} ms"


def _known(lines: Sequence[Line], step: float) -> str:
    """Where the record has begun only lately: how long it is."""
    places = [place for line in lines for place, value in enumerate(line.values) if value is not None]
    number = len(lines[0].values) if lines else 0
    known = number - min(places, default=0)
    return told(known * step) if places and known < LATELY * number else ""


def _line(name: str, hue: int, values: tuple[Value, ...], top: float, unit: str) -> Line:
    across = WIDTH / max(1, len(values) - 1)
    spots = [
        None if v is None else (place * across, HEIGHT * (1 - min(v, top) / top)) for place, v in enumerate(values)
    ]
    runs = _runs(spots)
    path = "".join(_path(run) for run in runs)
    area = "".join(f"{_path(run)}V{HEIGHT:g}H{run[0][0]:.1f}Z" for run in runs)
    (x, y) = runs[-1][-1] if runs else (0.0, 0.0)
    dot = f"M{x:.1f} {y:.1f}h.1" if runs else ""
    last = next((value for value in reversed(values[-3:]) if value is not None), None)  # the newest may not be over yet
    return Line(name, hue, path, area, dot, "–" if last is None else said(last, unit), values)


def _runs(spots: Sequence[tuple[float, float] | None]) -> list[list[tuple[float, float]]]:
    """What is known, cut where it is not."""
    runs: list[list[tuple[float, float]]] = [[]]
    for spot in spots:
        if spot is not None:
            runs[-1].append(spot)
        elif runs[-1]:
            runs.append([])
    return [run for run in runs if run]


def _path(run: Sequence[tuple[float, float]]) -> str:
    """A point that stands alone is drawn as a short dash."""
    (x, y), *rest = run
    return f"M{x:.1f} {y:.1f}" + ("".join(f"L{a:.1f} {b:.1f}" for a, b in rest) or "h.1")


def _short(value: Value) -> Value:
    return None if value is None else float(f"{value:.4g}")
