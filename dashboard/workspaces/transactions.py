"""Whose transaction is open, for how long yet, and who ends it: its time limit, its worker's end, or whoever finds the
worker gone?"""

from __future__ import annotations

import datetime
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from ..config import Config
from ..refusal import Refusal
from ..store.workspaces import Change, KeptWorkspaces, Row
from . import pins, staged
from .deadlines import Deadlines
from .finding import Finder
from .live import Live
from .lives import Lives
from .snapshot import Snapshot
from .tape import now

BUSY_SECONDS = 1.0


class Transactions:
    """The open transactions of this process, and the ends of all others.

    worker: a small number of this process, as people see it.
    closed: this process holds none any more, so a pin of its own is over.
    """

    def __init__(
        self, lives: Lives, kept: KeptWorkspaces, finder: Finder, config: Config, worker: Callable[[], int]
    ) -> None:
        self._lives, self._kept, self._finder, self._config = lives, kept, finder, config
        self._worker = worker
        self.closed = False
        self.number = pins.number(self)
        self._address: Callable[[], str] = str
        self._listen: Callable[[], None] = _nobody
        self._deadlines = Deadlines(self._end_idle)

    def pin(self) -> str:
        """Who holds the transactions that are open here."""
        return pins.pin(self.number, self._address())

    def check_open(self) -> None:
        if self.closed:
            raise Refusal("unavailable", "This worker is going; another one answers in a moment.")

    def hold(self) -> str:
        """The pin, for a transaction that has just been opened: from now on others may pass actions on to it."""
        self._listen()
        return self.pin()

    def reached_by(self, address: Callable[[], str], listen: Callable[[], None]) -> None:
        """How the other workers of this machine reach this one. address: the same all the life of a process."""
        self._address, self._listen = address, listen

    # is it over

    def is_lost(self, row: Row) -> bool:
        """The open transaction that the store tells of is certainly over."""
        if row.pin != self.pin():
            return pins.is_over(row.pin or "") or pins.is_late(row)
        live = self._lives.get(row.name)
        return live is None or not live.wrote or live.row.id != row.id

    def without_lost(self, row: Row) -> Row:
        """For whoever only looks. While an action runs here, its end is not in the store yet:
        then nothing is concluded."""
        with self._lives.held_now(row.name) as taken:
            if not taken:
                return row
            row = self._finder.row(row.name)
            if row.pin is None or not self.is_lost(row) or self._finder.snapshot(row).newer:
                return row
            return self.end_lost(row)

    def end_lost(self, row: Row) -> Row:
        """Of one that is lost: the row as it is then, whoever ended it."""
        late = row.pin != self.pin() and not pins.is_over(row.pin or "")
        ended = self.end(row, self._finder.snapshot(row), pins.LATE if late else pins.GONE)
        return ended or self._finder.row(row.name)

    def end(self, row: Row, snapshot: Snapshot, why: str) -> Row | None:
        """By compare-and-set: everything staged again, in a new version. None when somebody else did it first."""
        told = staged.lose(snapshot).told("transaction_lost", pins.lost(why, snapshot.savepoints))
        change = Change(
            now(), row.owner, "transaction_lost", told.header(), told.changed_since(snapshot), objects=len(told.images)
        )
        after = self._kept.save(row, change)
        live = self._lives.get(row.name)
        if after is not None and live is not None and live.row.id == row.id:
            live.park()
            live.kept = after, told
        return after

    # how long yet

    def keep_time(self, live: Live) -> float:
        """Seconds that the open transaction of this workspace may idle."""
        sqlite = live.registry.main.engine.dialect.name == "sqlite"
        return self._config.sqlite_transaction_seconds if sqlite else self._config.transaction_seconds

    def told(
        self, live: Live, before: Mapping[str, Any] | None, at: str, actor: str, connection: int | None
    ) -> Mapping[str, Any] | None:
        """What the store says of the open transaction after an action. before: what it said until now."""
        if not live.wrote:
            return None
        opened = before or {}
        ends = datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=self.keep_time(live))
        return {
            "since": opened.get("since", at),
            "worker": self._worker(),
            "connection": opened.get("connection", connection),
            "ends_at": ends.isoformat(timespec="seconds").replace("+00:00", "Z"),
            "actor": opened.get("actor", actor),
        }

    def watch(self, live: Live) -> None:
        """After an action: its open transaction, or else its Session, has all its time again."""
        seconds = self.keep_time(live) if live.wrote else self._config.workspace_idle_seconds
        live.deadline = time.monotonic() + seconds if live.wrote else None
        self._deadlines.set(live.row.name, seconds)

    def used(self, live: Live) -> None:
        """Before an action, which may fail in any way."""
        live.used = time.monotonic()
        if live.deadline is None:
            self._deadlines.set(live.row.name, self._config.workspace_idle_seconds)

    def forget(self, name: str) -> None:
        """The workspace is not live here any more."""
        self._deadlines.clear(name)

    def _end_idle(self, name: str) -> None:
        """While an action runs its time begins anew, when it is done."""
        with self._lives.held_now(name) as taken:
            live = self._lives.get(name)
            if live is None:
                return
            again = self._let_go(live, time.monotonic()) if taken else BUSY_SECONDS
            if again is not None:
                self._deadlines.set(name, again)

    def _let_go(self, live: Live, present: float) -> float | None:
        """Of the transaction whose time is over, then of the Session. Else in how many seconds to look again."""
        if live.deadline is not None and live.wrote:
            if present < live.deadline:
                return live.deadline - present
            self.park(live, pins.IDLE.format(seconds=self.keep_time(live)))
        left = live.used + self._config.workspace_idle_seconds - present
        if left > 0 or live.unsaved is not None:
            return max(left, BUSY_SECONDS)
        self._lives.drop(live.row.name)
        return None

    # ending

    def check(self, live: Live) -> None:
        """After something was tried on its connection that was no action: a transaction that broke by it is over."""
        held = live.connections().values() if live.wrote else ()
        if not all(connection.in_transaction() and not connection.invalidated for connection in held):
            self.park(live, pins.BROKEN)

    def park(self, live: Live, why: str) -> None:
        """Parks a workspace; an open transaction is rolled back first, and told as lost."""
        was_open = live.wrote
        live.park()
        if was_open:
            try:
                self.end(live.row, live.snapshot, why)
            except Refusal:  # the store is away: whoever looks next finds the transaction over
                pass

    def close(self) -> None:
        """At the end of the process: open transactions are rolled back and staged again."""
        self.closed = True
        self._deadlines.close()
        for name in self._lives:
            with suppress(Refusal), self._lives.held(name, wait=5.0):  # one that is busy, or whose store is away
                live = self._lives.get(name)
                if live is not None:
                    self.park(live, pins.ENDED)
                    self._lives.drop(name)


def _nobody() -> None:
    return None
