"""How many workspaces are kept, and what is in them? A count for the metrics, which never wait for the store."""

from __future__ import annotations

import threading
import time
from collections import Counter

from ..refusal import Refusal
from ..store.workspaces import KeptWorkspaces, Row
from ..telemetry.faults import fault
from ..telemetry.reading import KeptCounts
from .states import BADGES, badge

FRESH_SECONDS = 2.0
TRUSTED_SECONDS = 60.0
PATIENCE_SECONDS = 0.05
COUNTED_AT_ONCE = 50


class Tally:
    """Counts what is kept in a thread of its own, when somebody asks and the last count is old.

    Only workspaces that have another version than at the last count are read, at most 50 at once: the next count goes
    on from there.
    """

    def __init__(self, kept: KeptWorkspaces) -> None:
        self._kept = kept
        self._badges: dict[int, tuple[int, Counter[str]]] = {}
        self._counts: KeptCounts | None = None
        self._counted_at = 0.0
        self._counting = threading.Lock()

    def now(self) -> KeptCounts | None:
        """The count; None where there was none within the last minute, because the store is away."""
        if time.monotonic() - self._counted_at > FRESH_SECONDS and self._counting.acquire(blocking=False):
            thread = threading.Thread(target=self._count, name="poolhouse-tally", daemon=True)
            thread.start()
            thread.join(PATIENCE_SECONDS)
        return self._counts if time.monotonic() - self._counted_at <= TRUSTED_SECONDS else None

    def _count(self) -> None:
        try:
            rows = self._kept.rows()
            self._badges = {row.id: self._badges[row.id] for row in rows if row.id in self._badges}
            self._read([row for row in rows if self._badges.get(row.id, (None,))[0] != row.version])
            objects = sum((badges for _, badges in self._badges.values()), Counter())
            self._counts = KeptCounts(
                len(rows), sum(row.pin is not None for row in rows), {each: objects[each] for each in BADGES}
            )
            self._counted_at = time.monotonic()
        except Refusal:  # the store is away
            pass
        except Exception:
            fault("tally")
        finally:
            self._counting.release()

    def _read(self, rows: list[Row]) -> None:
        for row in rows[:COUNTED_AT_ONCE]:
            try:
                kept = self._kept.load(row)
            except Refusal as refusal:
                if refusal.code != "stale":
                    raise
                continue  # changed just now: the next count reads it
            badges = Counter(badge(image["state"], image["flags"]) for image in kept.images.values())
            self._badges[row.id] = (row.version, badges)
