"""What is told of the checkout, or of the wait, that somebody chose on the lanes?"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property

from ..runtime import Runtime
from ..telemetry.reading import Holder
from .holds import Hold, Wait, Watched
from .lanes import told

SAME = 0.01
"""Seconds: moments that differ by less are of one event."""
SHOWN = 20
_KEY = re.compile(r"(\d{1,9})-(wait|\d{1,9})-(\d{1,15})-(\d{1,15})")
PROCESSES = {
    "pg_stat_activity": "SELECT pid, state, wait_event_type, wait_event, xact_start, state_change, query\n"
    "FROM pg_stat_activity\nWHERE pid = {};",
    "processlist": "SELECT id, user, command, time, state, info\nFROM information_schema.processlist\nWHERE id = {};",
}
"""By the database's own view of its connections, how one finds one."""
MYSQL = ("mysql", "mariadb")


def view_of(runtime: Runtime, pool: str) -> str:
    """Where the database of this pool lists its connections; PostgreSQL's where it is none that we know."""
    database = runtime.databases.get(pool)
    is_mysql = database is not None and database.engine.dialect.name in MYSQL
    return "processlist" if is_mysql else "pg_stat_activity"


@dataclass(frozen=True)
class Chosen:
    """key: as the bar has it. view: where the database lists its connections."""

    key: str
    view: str
    _watched: Watched
    _overdue: float
    told = staticmethod(told)

    @cached_property
    def holds(self) -> tuple[Hold, ...]:
        place = _KEY.fullmatch(self.key)
        if place is None or place[2] == "wait":
            return ()
        since, until = int(place[3]) / 1000, int(place[4]) / 1000
        mine = (life for life in self._watched.lives if (life.worker, life.number) == (int(place[1]), int(place[2])))
        found = [hold for life in mine for hold in life.holds if _is_within(hold, since, until)]
        return tuple(found[:SHOWN])

    @property
    def hold(self) -> Hold | None:
        """The one that is meant, where it can be told."""
        return self.holds[0] if len(self.holds) == 1 else None

    @property
    def holder(self) -> Holder | None:
        return self._watched.holder_of(self.hold) if self.hold else None

    @cached_property
    def wait(self) -> Wait | None:
        place = _KEY.fullmatch(self.key)
        if place is None or place[2] != "wait":
            return None
        since = int(place[3]) / 1000
        mine = (one for one in self._watched.waits if one.worker == int(place[1]))
        return next((one for one in mine if abs(one.since - since) < SAME), None)

    @property
    def behind(self) -> tuple[Holder, ...]:
        """For whose connection it waits: any one of these will do."""
        holders = (one for one in self._watched.holders if self.wait and one.worker == self.wait.worker)
        return tuple(sorted(holders, key=lambda one: -one.seconds)[:SHOWN])

    @property
    def is_overdue(self) -> bool:
        return self.hold is not None and self.hold.seconds > self._overdue

    @property
    def age(self) -> str:
        one = self.hold or self.wait
        return told(one.seconds) if one else ""

    @property
    def title(self) -> str:
        if self.hold:
            return f"{self.hold.endpoint or 'A checkout'}, {self.age}"
        if self.wait:
            return f"{self.wait.endpoint or 'Somebody'} {'gave up' if self.wait.gave_up else 'waits'}"
        return f"{len(self.holds)} checkouts" if self.holds else "A checkout of before"

    @property
    def sql(self) -> str | None:
        process = self.holder.server_process if self.holder else None
        return PROCESSES[self.view].format(process) if process else None


def _is_within(hold: Hold, since: float, until: float) -> bool:
    """until: 0 for one that went on when it was chosen."""
    if not until:
        return abs(hold.since - since) < SAME
    return hold.since > since - SAME and hold.until < until + SAME
