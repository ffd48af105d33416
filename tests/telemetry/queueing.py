"""What does an hour of load do to a pool of a given size? A simulation on numbers: no thread, no clock, no chance
beyond its seed."""

from __future__ import annotations

import heapq
import random
from bisect import bisect_left
from collections.abc import Callable
from itertools import count

from dashboard.telemetry.recorder import SECONDS
from dashboard.telemetry.watches import MOST_TOLD

Load = list[tuple[float, float]]
"""(when a connection is asked for, for how long it will be held) of each checkout, in their order; seconds."""


def arriving(seed: int, rate: Callable[[float], float], hold: Callable[[random.Random], float], seconds: float) -> Load:
    """Requests that know nothing of each other. rate: so many a second, at a moment."""
    chance, now, load = random.Random(seed), 0.0, []
    while now < seconds:
        now += chance.expovariate(rate(now))
        load.append((now, hold(chance)))
    return load


def in_bursts(seed: int, rate: float, together: int, hold: Callable[[random.Random], float], seconds: float) -> Load:
    """So many bursts a second, each of so many requests at the same moment."""
    chance = random.Random(seed)
    moments = arriving(seed, lambda _: rate, lambda _: 0.0, seconds)
    return [(at, hold(chance)) for at, _ in moments for _ in range(together)]


class Pool:
    """A pool of one worker with so many connections that serves a load, first come, first served.

    waits: of each checkout, in seconds. said(at): what its worker had published by then, as a part of a row's word.
    """

    def __init__(self, load: Load, connections: int) -> None:
        self.connections = connections
        self.waits: list[float] = []
        self._events: list[tuple[float, str, int]] = []
        taken: list[float] = []  # when each connection that is out comes back
        queue: list[float] = []  # when those that wait will get theirs
        for at, hold in load:
            while taken and taken[0] <= at:
                heapq.heappop(taken)
            begin = at if len(taken) < connections else heapq.heappop(taken)
            heapq.heappush(taken, begin + hold)
            queue = [one for one in queue if one > at]
            if begin > at:
                queue.append(begin)
                self._note(at, "wanted", len(queue) + connections)
                self._note(begin, "wait|ok", bisect_left(SECONDS, begin - at), begin - at)
            self._note(begin, "in use", len(taken))
            self._note(begin + hold, "hold", bisect_left(SECONDS, hold), hold)
            self.waits.append(begin - at)
        self._events.sort()

    def _note(self, at: float, family: str, place: int, seconds: float = 0.0) -> None:
        self._events.append((at, family, place, seconds))

    def p99(self) -> float:
        return sorted(self.waits)[int(0.99 * len(self.waits))]

    def numbers_by_minute(self) -> list[tuple[float, dict]]:
        """What the recorder would have counted by the end of each minute."""
        widths = {"in use": MOST_TOLD + 1, "wanted": MOST_TOLD + 1}
        numbers: dict = {"checkouts": 0}
        ends = count(60, 60)
        found, end = [], next(ends)
        for at, family, place, seconds in self._events:
            while at >= end:
                found.append(
                    (float(end), {name: row if name == "checkouts" else list(row) for name, row in numbers.items()})
                )
                end = next(ends)
            row = numbers.setdefault(family, [0] * widths.get(family, len(SECONDS) + 2))
            if family in widths:
                row[min(place, MOST_TOLD)] += 1
                numbers["checkouts"] += family == "in use"
            else:
                row[place] += 1
                row[-1] += seconds
        return found
