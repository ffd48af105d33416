"""What has every process of this machine last said, the dead ones included? One file that all share.

Whoever reads publishes itself first, so that nobody sees himself late. membership.py keeps the ledger's rules."""

from __future__ import annotations

import atexit
import os
import sqlite3
import threading
import time
from pathlib import Path

from ..config import Config
from . import membership, merging
from .faults import fault
from .reading import Reading as Reading
from .rows import Retired, Row, Rows
from .snapshot import own

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
            self._member = _members.setdefault(self.folder.resolve(), _Member(self.folder.resolve()))
            if config is not None:
                self._member.config = config

    def join(self) -> None:
        """This process publishes from now on, twice a second. A forked child joins anew. Never raises for a file that
        cannot be used."""
        self._member.join()

    def joined(self) -> bool:
        return self._member.joined

    def worker(self) -> int | None:
        """This process's small number, as `Reading.workers` has it; None while it has no row."""
        return self._member.worker()

    def leave(self) -> None:
        """Publishes a last time, folds the own row and stops."""
        self._member.leave()

    def read(self) -> Reading:
        """The sum over all processes; with `problem` set, of this one only. Uses no connection of a watched pool."""
        return self._member.read()


class _Member:
    """This process in one ledger. Its methods are called by the publisher thread and by any reader, one at a time."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.config = Config()
        self.rows = Rows(folder)
        self._begin()

    def _begin(self) -> None:
        self._lock = threading.RLock()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self.joined = False
        self._standing = membership.Standing()
        self._known = membership.Known()

    def worker(self) -> int | None:
        return self._standing.worker or None

    def forget(self) -> None:
        """In a forked child, which is another process and has said nothing yet."""
        self.rows.forget()
        self._begin()

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
            return merging.merge(rows, retired.values(), self.config, time.time())
        except (sqlite3.Error, OSError, ValueError) as error:
            problem = f"The ledger {self.rows.path} cannot be used ({error}): these numbers are of this process only."
            return merging.alone(own(self.config), self.config, self._standing.started_at, problem)

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

    def _exchange(self) -> tuple[list[Row], dict[str, Retired]]:
        """Says what is to be said, folds the dead, and answers the whole ledger: one transaction."""
        said = own(self.config) if self.joined else None
        standing = self._standing
        with self.rows.writing() as transaction:
            generation = transaction.generation()
            if self._known.generation not in ("", generation):
                membership.bring_back(transaction, self._known)
            if said is not None:
                standing = membership.say(transaction, standing, said)
            membership.fold_the_dead(transaction)
            rows, retired = transaction.rows(), transaction.retired()
        self._standing = standing
        self._known = membership.Known(generation, retired, rows)
        return rows, retired


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
        member.forget()


atexit.register(_leave_all)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
