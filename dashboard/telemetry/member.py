"""How does one process take part in a ledger? It says its word twice a second, reads what all have said, and folds the
dead; while the file cannot be used it goes on alone."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from ..config import Config
from . import history, incidents, judging, membership, merging, own_acts, points, registers, unwritable, watches
from .faults import fault
from .reading import Reading
from .recent import Memory
from .rows import Retired, Row, Rows, Transaction
from .snapshot import Said, own

T = TypeVar("T")


class Member:
    """This process in one ledger. Its methods are called by the publisher thread and by any reader, one at a time."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.config = Config()
        self.rows = Rows(folder)
        self.children_join = False
        self._begin()

    def _begin(self) -> None:
        self._lock = threading.RLock()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self.joined = False
        self._standing = membership.Standing()
        self._known = membership.Known()
        self._apart: registers.Labels = {}
        self._refused: set[tuple[str, str]] = set()
        self._looked: dict[str, float] = {}
        self._memory = Memory()
        self._duties = judging.Duties(self.rows)

    def worker(self) -> int | None:
        return self._standing.worker or None

    def forget(self) -> None:
        """In a forked child, which is another process and has said nothing yet."""
        self._begin()
        if self.children_join:
            watches.at_first_use.append(self.begin_to_publish)

    def join(self) -> None:
        self.begin_to_publish()
        self._try_to_publish()

    def begin_to_publish(self) -> None:
        with self._lock:
            if self.joined:
                return
            self.joined = True
            self._stop = threading.Event()
            self._thread = threading.Thread(
                target=self._publish_on, args=(self._stop,), name="poolhouse-ledger", daemon=True
            )
            self._thread.start()

    def leave(self) -> None:
        with self._lock:
            if not self.joined:
                return
            self._try_to_publish()
            self.joined = False
            self._stop.set()
            thread, self._thread = self._thread, None
            try:
                with self.rows.writing() as transaction:
                    standing = membership.leave(transaction, self._standing)
                self._standing = standing
            except (sqlite3.Error, OSError):
                pass  # the row stays, and whoever reads next finds its process gone
            self.rows.close()
        if thread is not None and thread is not threading.current_thread():
            thread.join(timeout=5.0)

    def read(self) -> Reading:
        try:
            with self._lock:
                rows, retired = self._exchange()
                memory = self._memory
            return merging.merge(rows, retired.values(), self.config, time.time(), memory)
        except (sqlite3.Error, OSError, ValueError) as error:
            with self._lock:
                known, own = self._known, self._alone
                return unwritable.read(self.rows, known, self._standing, own, self.config, self._memory, str(error))

    def look(self, pool: str) -> bool:
        now = time.time()
        with self._lock:
            until = points.look(self._looked, pool, now, self.config.look_seconds)
            if until is None:
                return False
            self.tell(lambda transaction: transaction.points.look(pool, until))  # else this process alone does
            return True

    def ask(self, question: Callable[[Transaction], T]) -> T | None:
        try:
            with self._lock, self.rows.looking() as transaction:
                return question(transaction)
        except (sqlite3.Error, OSError):
            return None

    def tell(self, word: Callable[[Transaction], T]) -> T | None:
        """What is written down, and its answer; None where the file cannot be used."""
        try:
            with self._lock, self.rows.writing() as transaction:
                return word(transaction)
        except (sqlite3.Error, OSError):
            return None

    def _own(self) -> Said:
        now = time.time()
        self._looked = {pool: until for pool, until in self._looked.items() if until > now}
        return own(self.config, self._looked)

    def _publish_on(self, stop: threading.Event) -> None:
        while not stop.wait(self.config.publish_seconds):
            self._try_to_publish()

    def _try_to_publish(self) -> None:
        try:
            with self._lock:
                if self.joined:
                    rows, retired = self._exchange()
                    self._duties.judge(rows, retired.values(), self.config, self._memory)
                    self._duties.record(self._standing.key, self.config)
        except (sqlite3.Error, OSError):
            pass  # readers are told; the numbers are published with the next word
        except Exception:
            fault("publish")

    def _exchange(self) -> tuple[list[Row], dict[str, Retired]]:
        """Says what is to be said, folds the dead, and answers the whole ledger: one transaction."""
        said = self._own() if self.joined else None
        both = self.config.metric_names == "both"
        standing = self._standing
        refused: set[tuple[str, str]] = set()
        with self.rows.writing() as transaction:
            generation = transaction.generation()
            if self._known.generation not in ("", generation):
                membership.bring_back(transaction, self._known)
            agreed = transaction.labels()
            if said is not None:
                transaction.add_labels(registers.admit(agreed, said, both))
                refused = registers.refused(agreed, said)
                said = registers.folded(said, agreed) if refused else said
                standing = membership.say(transaction, standing, said)
            dead = membership.fold_the_dead(transaction, self.config.elsewhere_seconds)
            incidents.note_dead(transaction.execute, dead, self.config)
            rows, retired = transaction.rows(), transaction.retired()
            now = time.time()
            self._looked = transaction.points.looked(now, self.config.look_seconds)
            if said is not None:
                sums = (merging.parsed(one.sums) for one in retired.values())
                self._duties.has_lease = history.append(transaction.points, standing.key, now, rows, list(sums))
            self._memory = judging.memory(transaction.points, self.config, now)
            heard = self._duties.hear(transaction.execute) if said is not None else []
        self._standing = standing
        self._known = membership.Known(generation, retired, rows, agreed)
        if said is not None:
            self._note_refused(refused, agreed)
        self._duties.grant(heard, standing.key, standing.worker)
        return rows, retired

    def _alone(self) -> Said:
        """This process's word while the ledger is away: it alone decides which new values have series."""
        both = self.config.metric_names == "both"
        return registers.apart(self._apart, self._known.labels, self._own(), both)

    def _note_refused(self, refused: set[tuple[str, str]], agreed: registers.Labels) -> None:
        registers.tell(agreed)
        for _ in refused - self._refused:
            own_acts.dropped("series")
        self._refused |= refused
