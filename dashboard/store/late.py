"""What if the store was away when its process started? Whoever uses it next does first what the start left undone."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import sqlalchemy as sa

from ..refusal import Refusal
from .engine import Store

WAIT_SECONDS = 5.0
"""How long one thread waits for another that is trying just now."""


class LateStore(Store):
    """A Store that may begin later than its process. As long as it has not begun, every use tries again, and raises
    the Refusal that says why not."""

    def __init__(self, url: str, seconds: float | None = None) -> None:
        super().__init__(url, seconds)
        self._undone: Callable[[], object] | None = None
        self._trying = threading.Lock()
        self._tried_by: int | None = None

    def put_off(self, undone: Callable[[], object]) -> None:
        """undone: what must be done before the first use; raises Refusal while it cannot be. What it does with the
        store itself is let through."""
        self._undone = undone

    @contextmanager
    def reading(self) -> Iterator[sa.Connection]:
        self._begin()
        with super().reading() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[sa.Connection]:
        self._begin()
        with super().writing() as connection:
            yield connection

    def _begin(self) -> None:
        if self._undone is None or self._tried_by == threading.get_ident():
            return
        if not self._trying.acquire(timeout=WAIT_SECONDS):
            raise Refusal("store_away", "The store cannot be reached just now.", remedy="Try again in a moment.")
        try:
            self._tried_by = threading.get_ident()
            if self._undone is not None:
                self._undone()
                self._undone = None
        finally:
            self._tried_by = None
            self._trying.release()
