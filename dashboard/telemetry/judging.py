"""What does a process do beside publishing? One of them judges each second what the rules find, and notes what they
need for it; each now and then writes down what its connections did."""

from __future__ import annotations

import time
from collections.abc import Iterable

from ..config import Config
from . import incidents, merging, wishes
from .findings import findings
from .incident_rows import Execute
from .points import Points
from .reading import Reading
from .recent import Memory, counts
from .rows import Key, Retired, Row, Rows, dump
from .snapshot import tapes
from .wishes import Wish

EVERY_SECONDS = 1.0
RECORD_SECONDS = 5.0
"""How often a process writes down what its connections did."""


def memory(points: Points, config: Config, now: float) -> Memory:
    """What a reading of now is judged by."""
    at, sums = points.recent(now, config.judged_seconds) or (0.0, "{}")
    return Memory(at, sums, points.findings_since())


def note(points: Points, execute: Execute, reading: Reading) -> None:
    """Done by one process, each second, whether anybody looks or not."""
    points.note_recent(reading.at, dump(counts(reading)), 2 * reading.config.judged_seconds)
    incidents.note(points, execute, reading, findings(reading))


class Duties:
    """Of one process. has_lease: whether it is the one that judges."""

    def __init__(self, file: Rows) -> None:
        self.has_lease = False
        self._file = file
        self._judged_at = self._recorded_at = 0.0
        self._heard: int | None = None

    def judge(self, rows: list[Row], retired: Iterable[Retired], config: Config, memory: Memory) -> None:
        now = time.time()
        if not self.has_lease or 0 <= now - self._judged_at < EVERY_SECONDS:
            return
        self._judged_at = now
        reading = merging.merge(rows, retired, config, now, memory)
        with self._file.writing() as transaction:
            note(transaction.points, transaction.execute, reading)

    def record(self, process: Key, config: Config) -> None:
        now = time.time()
        if 0 <= now - self._recorded_at < RECORD_SECONDS or not (known := tapes(config)):
            return
        self._recorded_at = now
        with self._file.writing() as transaction:
            incidents.record(transaction.execute, process, now, known)

    def hear(self, execute: Execute) -> list[Wish]:
        """What was wished since the last time, within somebody's transaction. It is granted outside of it."""
        if self._heard is None:
            self._heard = wishes.last(execute)
        heard = wishes.after(execute, self._heard)
        self._heard = max([self._heard, *(wish.number for wish in heard)])
        return heard

    def grant(self, heard: Iterable[Wish], process: Key, worker: int) -> None:
        for wish in heard:
            if wish.worker in (None, worker) and (done := wishes.grant(wish)):
                with self._file.writing() as transaction:
                    wishes.say_granted(transaction.execute, wish, process, done)
