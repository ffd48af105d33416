"""What has every process of this machine last said, the dead ones included? One file that all share; whoever reads
publishes first.

A counter must never fall. What a dead process said is folded into retired sums, exactly once; a process whose row was
folded
begins a new epoch at zero; and when the file itself is deleted, every process brings back what it knows."""

from __future__ import annotations

import atexit
import os
import sqlite3
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

from ..config import Config
from . import merging
from .faults import fault
from .processes import Process, is_gone, this_process
from .reading import Reading
from .rows import Key, Retired, Row, Rows, Transaction, dump
from .snapshot import Said, own

_members: dict[Path, _Member] = {}
_members_lock = threading.RLock()


class Ledger:
    """The ledger of one folder. All Ledgers of one folder in a process are the same member of it.

    folder: where `ledger.db` lies; it is made when something is first read or written. config: publish_seconds,
    stale_seconds and holders_shown count here.
    """

    def __init__(self, folder: Path, config: Config | None = None) -> None:
        self.folder = Path(folder)
        with _members_lock:
            self._member = _members.setdefault(self.folder.absolute(), _Member(self.folder.absolute()))
            if config is not None:
                self._member.config = config

    def join(self) -> None:
        """This process publishes from now on, twice a second. A forked child joins anew. Never raises for a file that
        cannot be used."""
        self._member.join()

    def joined(self) -> bool:
        return self._member.joined

    def leave(self) -> None:
        """Publishes a last time, folds the own row and stops."""
        self._member.leave()

    def read(self) -> Reading:
        """The sum over all processes; with `problem` set, of this one only. Uses no connection of a watched pool."""
        return self._member.read()


@dataclass(frozen=True)
class Known:
    """The whole ledger as it was last seen, at one moment: should the file be deleted, this is what comes back."""

    generation: str = ""
    at: float = 0.0
    retired: list[Retired] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)


class _Member:
    """This process in one ledger. Its methods are called by the publisher thread and by any reader, one at a time."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.config = Config()
        self._forget()
        self._rows = Rows(folder)

    def _forget(self) -> None:
        self._lock = threading.RLock()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self.joined = False
        self._process: Process | None = None
        self._epoch = -1
        self._worker: int | None = None
        self._started_at = time.time()
        self._baseline: Said = {}  # what earlier epochs said: it is in the retired sums already
        self._last: Said = {}  # what this epoch last said, baseline not included
        self._generation: str | None = None
        self._known = Known()

    def join(self) -> None:
        with self._lock:
            if self.joined:
                return
            self.joined = True
            self._stop = threading.Event()
            self._thread = threading.Thread(
                target=self._publish_on, args=(self._stop,), name="poolhouse-ledger", daemon=True
            )
            self._thread.start()
        self._try_to_publish()

    def leave(self) -> None:
        with self._lock:
            if not self.joined:
                return
            self._try_to_publish()
            self.joined = False
            self._stop.set()
            thread, self._thread = self._thread, None
            try:
                with self._rows.writing() as transaction:
                    if self._epoch >= 0 and transaction.generation() == self._generation:
                        self._fold(transaction, self._key)
                        self._baseline, self._last, self._generation = _plus(self._baseline, self._last), {}, None
            except (sqlite3.Error, OSError):
                pass  # the row stays, and whoever reads next finds its process gone
            self._rows.close()
        if thread is not None and thread is not threading.current_thread():
            thread.join(timeout=5.0)

    def read(self) -> Reading:
        try:
            with self._lock:
                rows, retired = self._exchange()
            return merging.merge(rows, retired, self.config, time.time())
        except (sqlite3.Error, OSError, ValueError) as error:
            problem = f"The ledger {self._rows.path} cannot be used ({error}): these numbers are of this process only."
            return merging.alone(own(self.config), self.config, self._started_at, problem)

    def _publish_on(self, stop: threading.Event) -> None:
        while not stop.wait(self.config.publish_seconds):
            self._try_to_publish()

    def _try_to_publish(self) -> None:
        try:
            with self._lock:
                if self.joined:
                    self._exchange()
        except (sqlite3.Error, OSError):
            pass  # readers are told; the numbers are published with the next word
        except Exception:
            fault("publish")

    def _exchange(self) -> tuple[list[Row], list[Retired]]:
        """Says what is to be said, folds the dead, and answers the whole ledger: one transaction."""
        said = own(self.config) if self.joined else None
        with self._rows.writing() as transaction:
            generation = transaction.generation()
            if self._generation is not None and generation != self._generation:
                self._bring_back(transaction)
            if said is not None:
                self._say(transaction, said, generation)
            else:
                self._generation = generation
            for key in transaction.row_keys():
                if is_gone(Process(*key[:4])):
                    self._fold(transaction, key)
            rows, retired = transaction.rows(), transaction.retired()
            self._known = Known(generation, time.time(), retired, rows)
        return rows, retired

    def _say(self, transaction: Transaction, said: Said, generation: str) -> None:
        if self._epoch < 0 or self._generation is None:
            self._enter(transaction, said)
        elif not transaction.update(self._key, dump(self._since_baseline(said))):
            if generation == self._generation:  # somebody folded it: what it last said is in the retired sums for good
                self._baseline = _plus(self._baseline, self._last)
                self._enter(transaction, said)
            else:  # another file, and nobody remembered this row: it is said again, whole
                self._insert(transaction, said)
        self._last = merging.counted(self._since_baseline(said))
        self._generation = generation

    def _enter(self, transaction: Transaction, said: Said) -> None:
        """A new epoch. Rows of this very process that are not its own come from a program that it replaced by exec:
        they are dead."""
        self._process = this_process()
        mine = (self._process.host, self._process.boot, self._process.pid, self._process.started)
        former = [key for key in transaction.row_keys() if key[:4] == mine]
        for key in former:
            self._fold(transaction, key)
        self._epoch = max([self._epoch, *(key[4] for key in former)]) + 1
        self._insert(transaction, said)

    def _insert(self, transaction: Transaction, said: Said) -> None:
        text = dump(self._since_baseline(said))
        self._worker = transaction.insert(self._key, self._worker, self._started_at, time.time(), text)

    def _since_baseline(self, said: Said) -> Said:
        return merging.minus(said, self._baseline) if self._baseline else said

    @property
    def _key(self) -> Key:
        process = self._process or this_process()
        return (process.host, process.boot, process.pid, process.started, self._epoch)

    def _fold(self, transaction: Transaction, key: Key) -> None:
        """Adds what a row last said to the sums of its generation and deletes it, in the transaction of the caller."""
        said = transaction.take(key)
        if said is None:
            return
        generation = transaction.generation()
        before = next((r for r in transaction.retired() if r.generation == generation), None)
        transaction.retire(_folded(before, generation, said))

    def _bring_back(self, transaction: Transaction) -> None:
        """The file was deleted, and this one is new: every process puts back the ledger as it last saw it.

        The retired sums are kept by the generation of the file they grew in, and only a later version replaces an
        earlier
        one: so they come back once, whoever comes first, and whoever knows more corrects it. A process that has died
        since
        is folded into its old generation, as it would have been: two that do this come to the same version and sums.
        The
        rows of the living come back too, for a paused process cannot speak for itself.
        """
        retired = {sums.generation: sums for sums in self._known.retired}
        alive = []
        for row in self._known.rows:
            if is_gone(row.process):
                retired[self._known.generation] = _folded(
                    retired.get(self._known.generation), self._known.generation, row.said
                )
            else:
                alive.append(row)
        there = {sums.generation: sums.version for sums in transaction.retired()}
        if any(
            version > retired[name].version if name in retired else name != transaction.generation()
            for name, version in there.items()
        ):
            alive = []  # somebody knows of more that was folded, maybe of one of these
        elif any(retired[name].version > version for name, version in there.items() if name in retired):
            self._take_back_what_was_folded(transaction)
        for sums in retired.values():
            transaction.retire(sums)
        present = set(transaction.row_keys())
        for row in alive:
            if row.key not in present:
                transaction.insert(row.key, row.worker, row.started_at, row.said_at, row.said)

    def _take_back_what_was_folded(self, transaction: Transaction) -> None:
        """Another process, that knew less, has put back rows that are in our later sums."""
        ours = {row.key for row in self._known.rows}
        for row in transaction.rows():
            if row.key not in ours and row.said_at <= self._known.at:
                transaction.take(row.key)


def _folded(before: Retired | None, generation: str, said: str) -> Retired:
    """The sums of a generation with one more row in them."""
    before = before or Retired(generation, 0, "{}")
    sums = _plus(merging.parsed(before.sums), merging.counted(merging.parsed(said)))
    return Retired(generation, before.version + 1, dump(sums))


def _plus(left: Said, right: Said) -> Said:
    return merging.plus(left, right) if left else right


def joined_ledger() -> Ledger | None:
    """The ledger that this process publishes in, or None; the first where there are several."""
    member = next((member for member in _members.values() if member.joined), None)
    return None if member is None else Ledger(member.folder)


def _leave_all() -> None:
    for member in list(_members.values()):
        member.leave()


def _after_fork() -> None:
    global _members_lock
    _members_lock = threading.RLock()
    for member in _members.values():
        member._rows.forget()
        member._forget()


atexit.register(_leave_all)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
