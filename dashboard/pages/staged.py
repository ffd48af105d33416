"""What has this person staged, and where? The bar at the foot of every page."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from weakref import WeakKeyDictionary

from ..refusal import Refusal
from ..runtime import current
from ..workspaces.registry import Workspaces
from . import gate

log = logging.getLogger("poolhouse")
PATIENCE_SECONDS = 0.3
RETRY_SECONDS = 5.0
"""A store that hangs holds no page up: for so long it is not asked again, and no bar is drawn."""
COUNTS_KEPT = 1_000
STAGED = ("pending", "modified", "deleted")


@dataclass(frozen=True)
class Staged:
    """One workspace with something to commit. is_open: its transaction is."""

    name: str
    version: int
    changes: int
    is_open: bool


@dataclass(frozen=True)
class StagedBar:
    staged: tuple[Staged, ...]


def of_this_person() -> tuple[Staged, ...]:
    """Theirs with something staged, the last one changed first; nothing where the store does not answer at once.
    Numbers alone, so that no rule of a host's is asked for them."""
    workspaces, seen = current().workspaces, gate.visit()
    if workspaces is None or seen.person is None:
        return ()
    name = seen.person.name
    reader = _readers.setdefault(workspaces, _Reader())
    return reader.read(lambda: _read(workspaces, reader, name))


class _Reader:
    """Asks the store in a thread of its own, one at a time. counts: of each version, which never change."""

    def __init__(self) -> None:
        self.counts: dict[tuple[str, str, int, str], int] = {}
        self._away_until = 0.0
        self._lock = threading.Lock()

    def read(self, ask: Callable[[], tuple[Staged, ...]]) -> tuple[Staged, ...]:
        if time.monotonic() < self._away_until:
            return ()
        found: list[tuple[Staged, ...]] = []

        def answer() -> None:
            try:
                found.append(ask())
            except Refusal as refusal:
                log.debug("nothing is known of what is staged: %s", refusal)

        thread = threading.Thread(target=answer, name="poolhouse-staged", daemon=True)
        thread.start()
        thread.join(PATIENCE_SECONDS)
        if found:
            return found[0]
        self._away_until = time.monotonic() + RETRY_SECONDS
        return ()

    def count(self, key: tuple[str, str, int, str], counted: Callable[[], int]) -> int:
        with self._lock:
            if key not in self.counts:
                if len(self.counts) >= COUNTS_KEPT:
                    self.counts.clear()
                self.counts[key] = counted()
            return self.counts[key]


_readers: WeakKeyDictionary[Workspaces, _Reader] = WeakKeyDictionary()


def _read(workspaces: Workspaces, reader: _Reader, name: str) -> tuple[Staged, ...]:
    theirs = [each for each in workspaces.summaries(actor=name) if each.owner == name and each.objects]
    found = []
    for each in sorted(theirs, key=lambda each: each.updated_at, reverse=True):
        key = (name, each.name, each.version, each.updated_at)
        changes = reader.count(key, partial(_changes, workspaces, each.name, name))
        if changes or each.transaction is not None:
            found.append(Staged(each.name, each.version, changes, each.transaction is not None))
    return tuple(found)


def _changes(workspaces: Workspaces, workspace: str, name: str) -> int:
    counts = workspaces.view(workspace, actor=name).counts
    return sum(counts[badge] for badge in STAGED)
