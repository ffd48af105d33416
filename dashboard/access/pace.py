"""How often may one person ask for what is dear: an export, an import, a review?"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable

from ..refusal import Refusal

MINUTE = 60.0
PEOPLE = 1_000
"""Of whom it is remembered; who asked longest ago is forgotten first."""


class Pace:
    """most: requests of one person within a minute, in one worker."""

    def __init__(self, most: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._most, self._clock = most, clock
        self._asked: dict[str, deque[float]] = {}
        self._guard = threading.Lock()

    def step(self, name: str) -> None:
        """Raises Refusal("throttled") past it; what is refused does not make the wait longer."""
        now = self._clock()
        with self._guard:
            asked = self._asked.pop(name, None) or deque()
            while asked and now - asked[0] >= MINUTE:
                asked.popleft()
            self._asked[name] = asked
            if len(self._asked) > PEOPLE:
                del self._asked[next(iter(self._asked))]
            if len(asked) >= self._most:
                message = f"You have asked for this {self._most} times within a minute."
                raise Refusal("throttled", message, remedy=f"Try again in {MINUTE - (now - asked[0]):.0f} seconds.")
            asked.append(now)
