"""How is a live part drawn once for all who look at it, and when did it change?"""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from ..refusal import Refusal
from ..runtime import Runtime
from .html import templates
from .shell import SharedShell

KEPT = 200
"""Drawings that are remembered; the oldest go."""


@dataclass(frozen=True)
class Topic:
    """One live part. template: the same that its page includes. shown: its context, of the runtime and of what stands
    behind the topic's name (`pool/default`: "default"); it asks no watched database and knows no request. ticks: how
    many ticks of the stream old a drawing may be."""

    template: str
    shown: Callable[[Runtime, str], Any]
    ticks: int = 1


@dataclass(frozen=True)
class Drawing:
    """mark: of its content, the same in every process. is_there: False where what it shows is gone."""

    html: str
    mark: str
    at: float
    is_there: bool = True


@dataclass
class _Place:
    lock: threading.Lock = field(default_factory=threading.Lock)
    drawing: Drawing | None = None


class Drawings:
    """The drawings of one mount. Nothing runs here by itself: who wants a drawing that is too old makes it, and whoever
    wants it meanwhile waits for that one. A viewer who leaves leaves nothing behind."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._places: dict[tuple[Any, ...], _Place] = {}
        self._lock = threading.Lock()

    def drawing(self, name: str, argument: str, topic: Topic, shell: SharedShell, *, seconds: float) -> Drawing:
        """seconds: how old it may be."""
        place = self._place((name, argument, *shell.viewpoint))
        with place.lock:
            if place.drawing is None or self._clock() - place.drawing.at >= seconds:
                place.drawing = self._drawn(argument, topic, shell)
            return place.drawing

    def _place(self, key: tuple[Any, ...]) -> _Place:
        with self._lock:
            place = self._places.pop(key, None) or _Place()
            self._places[key] = place  # the last used is the last
            while len(self._places) > KEPT:
                del self._places[next(iter(self._places))]
            return place

    def _drawn(self, argument: str, topic: Topic, shell: SharedShell) -> Drawing:
        at = self._clock()
        try:
            html = drawn(topic.template, topic.shown(shell.runtime, argument), shell)
        except Refusal as refusal:
            return Drawing(drawn("components/refusal.html", refusal, shell), refusal.code, at, is_there=False)
        return Drawing(html, hashlib.sha256(html.encode()).hexdigest()[:16], at)


def drawn(template: str, context: Any, shell: SharedShell) -> str:
    text = templates.get_template(template).render(page=context, shell=shell)
    return text.encode("utf-8", "replace").decode("utf-8")
