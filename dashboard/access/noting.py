"""How is it noted that a token or a sign-in was used, without anybody waiting for the store?"""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress

from ..refusal import Refusal

REMEMBERED = 10_000
"""Subjects of which the last note is remembered; past it all are forgotten, and noted once too often."""


class Noting:
    """Writes notes in a thread of its own, one at a time: the last one of each subject, and each at most once in
    `every` seconds. What cannot be written is dropped: it says nothing that anybody decides by.

    write: takes the notes by subject, and may raise Refusal.
    """

    def __init__(self, write: Callable[[dict[str, float]], None], every: float) -> None:
        self._write, self._every = write, every
        self._noted: dict[str, float] = {}
        self._waiting: dict[str, float] = {}
        self._guard = threading.Lock()
        self._thread: threading.Thread | None = None

    def note(self, subject: str, at: float) -> None:
        if abs(at - self._noted.get(subject, float("-inf"))) < self._every:
            return
        with self._guard:
            if len(self._noted) >= REMEMBERED:
                self._noted.clear()
            self._noted[subject] = self._waiting[subject] = at
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._run, name="poolhouse-notes", daemon=True)
                self._thread.start()

    def settle(self) -> None:
        """Waits until all is written."""
        thread = self._thread
        if thread is not None:
            thread.join()

    def _run(self) -> None:
        while True:
            with self._guard:
                notes, self._waiting = self._waiting, {}
                if not notes:
                    self._thread = None
                    return
            with suppress(Refusal):
                self._write(notes)
