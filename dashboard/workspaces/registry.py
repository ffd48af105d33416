"""The room's doorway: every workspace of this process, and the one way in which an action is done."""

from __future__ import annotations

import itertools
import os
import re
import threading
import time
import weakref
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import sqlalchemy as sa

from ..config import Config
from ..records.models import Database, Model, Models
from ..refusal import Refusal
from ..store.engine import Store
from ..store.workspaces import Change, Kept, KeptWorkspaces, Row
from ..telemetry.processes import Process, is_gone, this_process
from . import failures, settle, staged, verbs, view
from .action import Action
from .deadlines import Deadlines
from .live import Live
from .request import Request
from .session import Registry
from .sight import Sight
from .snapshot import Snapshot
from .tape import now
from .view import Outcome, Summary, View

__all__ = ["Outcome", "Sight", "Summary", "View", "Workspaces"]

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}", re.ASCII)
_instances: weakref.WeakValueDictionary[int, Workspaces] = weakref.WeakValueDictionary()
_numbers = itertools.count(1)
EVERYTHING = Sight()
GONE = "the worker that held it is gone."
LOST = (
    "The open transaction was lost: {why} What it had flushed was not committed; everything is staged again as it was."
)


class Workspaces:
    """The workspaces of these databases, kept in this store.
    Safe to use from many threads; a forked child starts with no Session of its parent.

    databases: by name. worker: a small number of this process, as people see it.
    Raises Refusal for whatever a person cannot have.
    """

    def __init__(
        self, databases: Mapping[str, Database], store: Store, config: Config, *, worker: Callable[[], int] = os.getpid
    ) -> None:
        self._databases = dict(databases)
        self._kept = KeptWorkspaces(store, versions=config.undo_kept, tape=config.tape_kept)
        self.config = config
        self.worker = worker
        self._number = next(_numbers)
        _instances[self._number] = self
        self._begin()

    def _begin(self) -> None:
        self._pid = os.getpid()
        self._guard = threading.RLock()
        self._registries: dict[str, Registry] = {}
        self._lives: dict[str, Live] = {}
        self._locks: dict[str, threading.RLock] = {}
        self._deadlines = Deadlines(self._end_idle)
        self._closed = False

    # what may be asked

    def summaries(self) -> tuple[Summary, ...]:
        """Every workspace, by name."""
        return tuple(map(view.summary, self._kept.rows()))

    def open(
        self,
        name: str,
        owner: str,
        *,
        database: str = "default",
        autoflush: bool = False,
        expire_on_commit: bool = True,
        sandbox: bool = False,
    ) -> View:
        """A new, empty workspace. Raises Refusal "invalid", "not_found" (its database), "taken" or "too_large"."""
        if not isinstance(name, str) or not NAME.fullmatch(name):
            message = "A name begins with a letter or digit and has at most 64 letters, digits, _, . and -."
            raise Refusal("invalid", message, fields={"name": message})
        models = self._models(database)
        settings = {"autoflush": autoflush, "expire_on_commit": expire_on_commit, "sandbox": sandbox}
        row = Row(0, name, owner, database, settings, 1, 0, 0, None, None, None, now())
        row = self._kept.open(row, Snapshot().header(), most=self.config.workspaces_kept)
        return view.draw(row, Snapshot(), (), models, EVERYTHING)

    def view(self, name: str, sight: Sight = EVERYTHING) -> View:
        """The workspace as it is kept. Sends nothing to the database that is looked at."""
        row = self._row(name)
        if row.intent is not None:
            snapshot = self._snapshot(row)
            uncertain = self._is_over(row.intent["process"])
            return self._draw(row, snapshot.told("commit_uncertain", settle.UNCERTAIN) if uncertain else snapshot, sight)
        if row.pin is not None:
            row = self._without_lost_pin(row)
        return self._draw(row, self._snapshot(row), sight)

    def act(
        self,
        name: str,
        verb: str,
        arguments: Mapping[str, Any],
        *,
        actor: str,
        version: int | None = None,
        sight: Sight = EVERYTHING,
    ) -> Outcome:
        """Does one verb. version: the one that the actor saw.
        Raises the Refusal for whatever cannot be done; the workspace is then as it was."""
        if self._closed:
            raise Refusal("unavailable", "This worker is going; another one answers in a moment.")
        with self._held(name):
            row = self._row(name)
            if version is not None and version != row.version:
                raise Refusal(
                    "stale",
                    f"{name} is at version {row.version} now; yours was {version}.",
                    remedy="Look at it again.",
                    details={"version": row.version},
                )
            live = self._live(row)
            if verb == "discard":
                return self._discard(live, sight)
            request = Request(verb, arguments, live.snapshot, live.registry.models, sight)
            plan = verbs.plan(request)
            self._permit(verb, plan.models, sight)
            outcome = Action(self, self._kept, live, request, plan, actor).do()
            self._remember(live)
        snapshot = live.snapshot
        return Outcome(self._draw(live.row, snapshot, sight), outcome.ref, outcome.merged, outcome.left)

    def discard(self, name: str, *, actor: str, version: int | None = None, sight: Sight = EVERYTHING) -> Outcome:
        """The workspace goes, whatever is in it."""
        return self.act(name, "discard", {}, actor=actor, version=version, sight=sight)

    def close(self) -> None:
        """At the end of the process: open transactions are rolled back and staged again, connections go back."""
        self._closed = True
        self._deadlines.close()
        for name in list(self._lives):
            with self._held(name, wait=5.0):
                live = self._lives.pop(name, None)
                if live is not None:
                    self._park_open(live, "its worker ended.")
        for registry in self._registries.values():
            registry.close()
        self._registries.clear()

    # finding

    def _models(self, database: str) -> Models:
        if database not in self._databases:
            raise Refusal("not_found", f"There is no database {str(database)[:80]!r} here.")
        return self._databases[database].models

    def _row(self, name: str) -> Row:
        row = self._kept.row(name) if isinstance(name, str) and NAME.fullmatch(name) else None
        if row is None:
            raise Refusal("not_found", f"There is no workspace {str(name)[:80]!r}.")
        return row

    def _snapshot(self, row: Row) -> Snapshot:
        live = self._lives.get(row.name)
        if live is not None:
            row_now, snapshot = live.row, live.snapshot
            if (row_now.id, row_now.version) == (row.id, row.version):
                return snapshot
        return _snapshot(self._kept.load(row))

    def _draw(self, row: Row, snapshot: Snapshot, sight: Sight) -> View:
        return view.draw(row, snapshot, self._kept.tape(row), self._models(row.database), sight)

    def _registry(self, database: str) -> Registry:
        with self._guard:
            if database not in self._registries:
                found = self._databases.get(database)
                if found is None:
                    raise Refusal(
                        "not_found",
                        f"The database {database} is not here any more.",
                        remedy="Discard the workspace, or give the database back its name.",
                    )
                name = "workspaces" if len(self._databases) == 1 or database == "default" else f"workspaces.{database}"
                self._registries[database] = Registry(
                    found,
                    connections=self.config.workspace_connections,
                    seconds=self.config.workspace_wait_seconds,
                    pool_name=name,
                )
            return self._registries[database]

    def _live(self, row: Row) -> Live:
        """This process's side of the workspace, brought to what the store says.
        Refusal("pinned") where another process holds its transaction."""
        live = self._lives.get(row.name)
        if live is not None and live.row.id != row.id:
            live.park()
            live = None
        if live is not None and live.unsaved is not None:
            row = self._save_late(live, row)
        if row.intent is not None:
            row = self._settled(row)
        if row.pin is not None and self._is_lost(row):
            row = self._end_pin(row, self._snapshot(row), GONE) or self._row(row.name)
        if row.pin is not None and row.pin != self.pin():
            raise self._pinned(row)
        if live is None:
            live = Live(self._registry(row.database), row, _snapshot(self._kept.load(row)))
            self._lives[row.name] = live
        elif live.row.version != row.version or (live.wrote and row.pin is None):
            live.park()
            live.snapshot = _snapshot(self._kept.load(row))
        live.row = row
        live.used = time.monotonic()
        return live

    @contextmanager
    def _held(self, name: str, wait: float | None = None) -> Iterator[None]:
        """The workspace's lock, waited for a bounded time. In a forked child everything begins anew."""
        if os.getpid() != self._pid:
            inherited.append((self._lives, self._registries))
            for registry in self._registries.values():
                registry.forget()
            self._begin()
        with self._guard:
            lock = self._locks.setdefault(str(name), threading.RLock())
        if not lock.acquire(timeout=self.config.workspace_wait_seconds if wait is None else wait):
            raise Refusal(
                "busy", f"Somebody else is doing something in {name} just now.", remedy="Try again in a moment."
            )
        try:
            yield
        finally:
            lock.release()

    def _permit(self, verb: str, models: tuple[Model, ...], sight: Sight) -> None:
        for model in models:
            if not sight.may(verb, model):
                raise Refusal("forbidden", f"You may not {verb} {model.title}.", remedy="Ask somebody who may.")

    # pins

    def pin(self) -> str:
        """Who holds the open transactions of this object: the process, and which of its Workspaces."""
        return f"{this_process()}#{self._number}"

    def _is_lost(self, row: Row) -> bool:
        """The open transaction that the store tells of is certainly over."""
        if row.pin != self.pin():
            return self._is_over(row.pin or "")
        live = self._lives.get(row.name)
        return live is None or not live.wrote or live.row.id != row.id

    def _is_over(self, pin: str) -> bool:
        """Whoever wrote this pin is certainly gone. Of ourselves: no."""
        process, _, number = pin.partition("#")
        if process != str(this_process()):
            return is_gone(Process.parse(process))
        other = _instances.get(int(number))
        return other is None or (other is not self and other._closed)

    def _settled(self, row: Row) -> Row:
        """A commit was announced and its outcome was not: whoever holds the workspace's lock now, with that worker gone, finds out."""
        intent = row.intent or {}
        if intent["process"] != self.pin() and not self._is_over(intent["process"]):
            raise settle.still_committing(row.name)
        live = self._lives.pop(row.name, None)
        if live is not None:
            live.park()
        before = _snapshot(self._kept.load(row))
        try:
            after = settle.settle(self._registry(row.database), before, intent)
        except sa.exc.SQLAlchemyError as error:
            raise failures.away(error) from error
        change = Change(now(), intent["actor"], "settle", after.header(), after.changed_since(before), objects=len(after.images))
        return self._kept.save(row, change) or self._row(row.name)

    def _without_lost_pin(self, row: Row) -> Row:
        """For whoever only looks. While an action runs here, its end is not in the store yet:
        then nothing is concluded."""
        lock = self._locks.get(row.name)
        if lock is not None and not lock.acquire(blocking=False):
            return row
        try:
            row = self._row(row.name)
            if row.pin is None or not self._is_lost(row):
                return row
            return self._end_pin(row, self._snapshot(row), GONE) or self._row(row.name)
        finally:
            if lock is not None:
                lock.release()

    def _end_pin(self, row: Row, snapshot: Snapshot, why: str) -> Row | None:
        """By compare-and-set: everything staged again, in a new version. None when somebody else did it first."""
        told = staged.lose(snapshot).told("transaction_lost", LOST.format(why=why))
        change = Change(
            now(), row.owner, "transaction_lost", told.header(), told.changed_since(snapshot), objects=len(told.images)
        )
        after = self._kept.save(row, change)
        live = self._lives.get(row.name)
        if after is not None and live is not None and live.row.id == row.id:
            live.park()
            live.row, live.snapshot = after, told
        return after

    def _pinned(self, row: Row) -> Refusal:
        open_ = view.open_transaction(row) or {}
        who, since = open_.get("actor", row.owner), open_.get("since", "")
        message = f"{row.name} has an open transaction on another worker: {who} has been in it since {since}."
        remedy = f"It ends with a commit or a rollback there, or by itself at {open_.get('ends_at', 'its time limit')}."
        return Refusal("pinned", message, remedy=remedy, details=open_)

    def keep_time(self, live: Live) -> float:
        """Seconds that the open transaction of this workspace may idle."""
        sqlite = live.registry.main.engine.dialect.name == "sqlite"
        return self.config.sqlite_transaction_seconds if sqlite else self.config.transaction_seconds

    def watch_deadline(self, live: Live) -> None:
        """After an action: its open transaction has all its time again, or none is open."""
        if live.wrote:
            live.deadline = time.monotonic() + self.keep_time(live)
            self._deadlines.set(live.row.name, self.keep_time(live))
        else:
            live.deadline = None
            self._deadlines.clear(live.row.name)

    def _end_idle(self, name: str) -> None:
        with self._held(name, wait=60.0):
            live = self._lives.get(name)
            if live is not None and live.deadline is not None and time.monotonic() >= live.deadline:
                self._park_open(
                    live, f"nobody did anything in it for {self.keep_time(live):g} seconds, so it was rolled back."
                )

    def _park_open(self, live: Live, why: str) -> None:
        """Parks a workspace; an open transaction is rolled back first, and told as lost."""
        was_open = live.wrote
        live.park()
        if was_open:
            try:
                self._end_pin(live.row, live.snapshot, why)
            except Refusal:  # the store is away: whoever looks next finds the transaction over
                pass

    # ending

    def _discard(self, live: Live, sight: Sight) -> Outcome:
        self._permit("discard", (), sight)
        row, snapshot = live.row, live.snapshot
        live.park()
        self._deadlines.clear(row.name)
        while not self._kept.discard(row):
            again = self._row(row.name)
            if (again.id, again.version) != (row.id, row.version):
                raise Refusal("stale", f"{row.name} was changed by somebody else just now.", remedy="Look at it again.")
            row = again
        del self._lives[row.name]
        gone = view.draw(replace(row, transaction=None), snapshot, (), self._models(row.database), sight)
        return Outcome(gone, removed=True)

    def _remember(self, live: Live) -> None:
        """Parks who was used longest ago, when too many Sessions are live."""
        with self._guard:
            others = [
                each for each in self._lives.values() if each is not live and not each.wrote and each.unsaved is None
            ]
            excess = len(self._lives) - self.config.workspace_sessions
            oldest = sorted(others, key=lambda each: each.used)[: max(0, excess)]
        for each in oldest:
            lock = self._locks.get(each.row.name)
            if lock is not None and lock.acquire(blocking=False):
                try:
                    if not each.wrote and self._lives.get(each.row.name) is each:
                        each.park()
                        del self._lives[each.row.name]
                finally:
                    lock.release()

    def _save_late(self, live: Live, row: Row) -> Row:
        """What was committed while the store was away is written into it now, if nobody else went on meanwhile."""
        change, live.unsaved = live.unsaved, None
        if (live.row.version, live.row.pin) == (row.version, row.pin) and row.intent is not None:
            saved = self._kept.save(row, change)
            if saved is not None:
                live.row = saved
                return saved
        live.park()
        return self._row(row.name)


inherited: list[Any] = []
"""What a forked child got from its parent: kept, because letting go of it would end the parent's connections."""


def _snapshot(kept: Kept) -> Snapshot:
    return Snapshot.of(kept.header, kept.images)
