"""Who ends a transaction that nobody uses, and parks a Session? One thread, which lives only while there is one."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable

log = logging.getLogger(__name__)


class Deadlines:
    """Calls `end(name)` when a workspace's time is over. Set from any thread;
    the thread starts with the first deadline and goes with the last."""

    def __init__(self, end: Callable[[str], None]) -> None:
        self._end = end
        self._begin()

    def _begin(self) -> None:
        self._pid = os.getpid()
        self._at: dict[str, float] = {}
        self._changed = threading.Condition()
        self._waits_until = 0.0
        self._thread: threading.Thread | None = None

    def _after_fork(self) -> None:
        """A child has neither its parent's thread nor its open transactions, and the lock may have been taken when it
        was forked."""
        if os.getpid() != self._pid:
            self._begin()

    def set(self, name: str, seconds: float) -> None:
        self._after_fork()
        with self._changed:
            at = self._at[name] = time.monotonic() + seconds
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="poolhouse-deadlines", daemon=True)
                self._thread.start()
            elif at < self._waits_until:  # a later one it finds by itself: no action wakes it
                self._changed.notify()

    def clear(self, name: str) -> None:
        self._after_fork()
        with self._changed:
            self._at.pop(name, None)
            if not self._at:
                self._changed.notify()

    def close(self) -> None:
        self._after_fork()
        with self._changed:
            self._at.clear()
            thread = self._thread
            self._changed.notify()
        if thread is not None and thread is not threading.current_thread():
            thread.join(timeout=5)

    def _run(self) -> None:
        while (name := self._next()) is not None:
            try:
                self._end(name)
            except Exception:  # the thread must outlive it: other transactions have deadlines too
                log.exception("the idle workspace %s could not be parked", name)

    def _next(self) -> str | None:
        """Waits for the next deadline; None when there is none left, and then the thread is over."""
        with self._changed:
            while self._at:
                name = min(self._at, key=self._at.__getitem__)
                self._waits_until = self._at[name]
                left = self._waits_until - time.monotonic()
                if left <= 0:
                    del self._at[name]
                    return name
                self._changed.wait(left)
                self._waits_until = 0.0
            self._thread = None
            return None
