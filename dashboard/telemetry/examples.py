"""Which line of the program did it, for which endpoint? The newest occasion of each, for what happens once in a
request at most."""

from __future__ import annotations

import sys
import threading
import time
from dataclasses import dataclass
from typing import Any

from . import lines

KEPT = 50


@dataclass
class Example:
    """The newest occasion. count: of all occasions, since the example is kept. at: seconds since 1970."""

    places: tuple[lines.Place, ...]
    cure: str
    at: float
    count: int


class Examples:
    """By what it is and for which endpoint; of too many, those that have not happened for longest are forgotten."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str], Example] = {}
        self._lock = threading.RLock()

    def note(self, name: str, endpoint: str, cure: str = "", times: int = 1) -> None:
        """It happens now, for so many times. Called where it does, for the program's stack."""
        places = lines.stack(sys._getframe(2)) or ()
        own = tuple(place for place in places if not lines.is_installed(place[0].co_filename))
        with self._lock:
            before = self._known.pop((name, endpoint), None)
            if len(self._known) >= KEPT:
                del self._known[next(iter(self._known))]
            count = times + (0 if before is None else before.count)
            self._known[name, endpoint] = Example(own or places, cure, time.time(), count)

    def said(self) -> list[dict[str, Any]]:
        """As plain data, the name under `path`."""
        with self._lock:
            known = list(self._known.items())
        return [
            {
                "path": name,
                "endpoint": endpoint,
                "stack": list(lines.stack_of(one.places)),
                "cure": one.cure,
                "at": one.at,
                "count": one.count,
            }
            for (name, endpoint), one in known
        ]

    def begin_at_zero(self) -> None:
        self._lock = threading.RLock()
        self._known.clear()
