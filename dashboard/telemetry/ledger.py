"""What has every process of this machine last said, the dead ones included? One file that all share.

Whoever reads publishes itself first, so that nobody sees himself late. membership.py keeps the ledger's rules."""

from __future__ import annotations

import atexit
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from ..config import Config
from . import demand, history
from .demand import Asked
from .history import History as History
from .member import Member
from .reading import Reading as Reading
from .rows import Transaction

T = TypeVar("T")

_members: dict[Path, Member] = {}
_members_lock = threading.RLock()


class Ledger:
    """The ledger of one folder. All Ledgers of one folder in a process are the same member of it.

    folder: where `ledger.db` lies; it is made when something is first read or written. config: publish_seconds,
    stale_seconds and holders_shown count here.
    """

    def __init__(self, folder: Path, config: Config | None = None) -> None:
        self.folder = Path(folder)
        with _members_lock:
            self._member = _members.setdefault(self.folder.resolve(), Member(self.folder.resolve()))
            if config is not None:
                self._member.config = config

    def join(self, *, children: bool = False) -> None:
        """This process publishes from now on, twice a second. Never raises for a file that cannot be used.

        A forked child has not joined. children: it joins by itself as soon as it uses a watched pool.
        """
        self._member.children_join |= children
        self._member.join()

    def joined(self) -> bool:
        return self._member.joined

    def worker(self) -> int | None:
        """This process's small number, as `Reading.workers` has it; None while it has no row."""
        return self._member.worker()

    def leave(self) -> None:
        """Publishes a last time, folds the own row and stops."""
        self._member.leave()

    def look(self, pool: str) -> bool:
        """Somebody looks at this pool: for the next 10 s every process says more of it. Told at once, and again when
        half of that is over; so a page calls it at each of its readings. Whether it was told now."""
        return self._member.look(pool)

    def history(self, pool: str, *, span: str = "15m") -> History:
        """The pool's series over the last "15m" (a point a second), the same in "minutes" (a point a minute, which
        costs a tenth), "24h" (a point a minute), or the last "minute" (a point a second).

        A pool that nobody knows has a history of gaps. Raises Refusal `not_understood` for any other span.
        """
        step, kept = history.steps_of(span)
        now = time.time()
        found = self._member.ask(lambda transaction: transaction.points.of(step, pool, int(now) - kept - step)) or []
        return history.read(found, pool, span, now)

    def asked(self, pool: str) -> tuple[Asked, ...]:
        """What each worker asked of the pool in the last hour, by minute; nothing where the file cannot be used."""
        now = time.time()
        found = self._member.ask(lambda transaction: (transaction.points.asked(pool), transaction.rows()))
        kept, rows = found or ([], [])
        return demand.asked(kept, demand.present(pool, history.asked_now(rows), kept, now), now)

    def ask(self, question: Callable[[Transaction], T]) -> T | None:
        """What the file answers, within one transaction; None where it cannot be used."""
        return self._member.ask(question)

    def tell(self, word: Callable[[Transaction], T]) -> T | None:
        """Writes into the file, within one transaction; None where it cannot be used."""
        return self._member.tell(word)

    def read(self) -> Reading:
        """The sum over all processes. Uses no connection of a watched pool. With `problem` set nothing can be written:
        then counts stand still, and the others are as they were last seen."""
        return self._member.read()


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
