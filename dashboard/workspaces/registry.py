"""The room's doorway: every workspace of this process, and the one way in which an action is done."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import sqlalchemy as sa

from ..config import Config
from ..records.models import Database, Models
from ..refusal import Refusal
from ..store.engine import Store
from ..store.workspaces import Change, Kept, KeptWorkspaces, Row
from . import failures, pins, settle, staged, tally, verbs, view
from .action import Action
from .counting import counted
from .deadlines import Deadlines
from .live import Live
from .lives import Lives
from .request import Request
from .sight import Sight
from .snapshot import Snapshot
from .states import OBJECT_VERBS
from .tape import now
from .view import Outcome, Summary, View

__all__ = ["Outcome", "Sight", "Summary", "View", "Workspaces"]

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}", re.ASCII)
EVERYTHING = Sight(restricts=False)
AWAY = "The database cannot be reached, so its tables are not known: this is the workspace as it was kept."


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
        self.tally = tally.Tally(self._kept)
        self.config = config
        self.worker = worker
        self.closed = False
        self._lives = Lives(self._databases, config)
        self._number = pins.number(self)
        self._deadlines = Deadlines(self._end_idle)

    # what may be asked

    def summaries(self, sight: Sight = EVERYTHING, *, actor: str | None = None) -> tuple[Summary, ...]:
        """Every workspace that the actor may look at, by name."""
        return tuple(view.summary(row) for row in self._kept.rows() if self._is_open_to(row, actor, sight))

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
        if not _is_name(name):
            message = "A name begins with a letter or digit and has at most 64 letters, digits, _, . and -."
            raise Refusal("invalid", message, fields={"name": message})
        models = self._models(database)
        settings = {"autoflush": autoflush, "expire_on_commit": expire_on_commit, "sandbox": sandbox}
        row = Row(0, name, owner, database, settings, 1, 0, 0, None, None, None, now())
        row = self._kept.open(row, Snapshot().header(), most=self.config.workspaces_kept)
        return view.draw(row, Snapshot(), (), models, EVERYTHING)

    def view(self, name: str, sight: Sight = EVERYTHING, *, actor: str | None = None) -> View:
        """The workspace as it is kept. Sends nothing to the database that is looked at.
        actor: who looks; Refusal("forbidden") where the workspace is not open to them."""
        row = self._row(name)
        self._check_open(row, actor, sight)
        if row.intent is not None:
            snapshot = self._snapshot(row)
            uncertain = pins.is_over(row.intent["process"])
            return self._draw(
                row, snapshot.told("commit_uncertain", settle.UNCERTAIN) if uncertain else snapshot, sight
            )
        if row.pin is not None:
            row = self._without_lost_pin(row)
        return self._draw(row, self._snapshot(row), sight)

    @counted
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
        if self.closed:
            raise Refusal("unavailable", "This worker is going; another one answers in a moment.")
        with self._lives.held(name):
            row = self._row(name)
            self._check_open(row, actor, sight)
            if verb == "discard":
                return self._discard(row, actor, version, sight)
            _check_version(row, version)
            live = self._live(row)
            _check_version(live.row, version)
            request = Request(verb, arguments, live.snapshot, live.registry.models, sight)
            plan = verbs.plan(request)
            sight.permit(verb, *plan.models)
            sight.permit("load", *plan.reads)
            if row.settings["autoflush"] and (verb in OBJECT_VERBS or verb in ("objects", "load")):
                sight.permit("flush", *request.staged())
            done = Action(self, self._kept, live, request, plan, actor).do()
            self._lives.park_oldest(live)
            row, snapshot = live.row, live.snapshot
        return Outcome(self._draw(row, snapshot, sight), done.ref, done.merged, done.left)

    def discard(self, name: str, *, actor: str, version: int | None = None, sight: Sight = EVERYTHING) -> Outcome:
        """The workspace goes, whatever is in it."""
        return self.act(name, "discard", {}, actor=actor, version=version, sight=sight)

    def close(self) -> None:
        """At the end of the process: open transactions are rolled back and staged again, connections go back."""
        self.closed = True
        self._deadlines.close()
        for name in self._lives:
            with self._lives.held(name, wait=5.0):
                live = self._lives.get(name)
                if live is not None:
                    self._park_open(live, pins.ENDED)
                    self._lives.drop(name)
        self._lives.close()

    # finding

    def _models(self, database: str) -> Models:
        if database not in self._databases:
            raise Refusal("not_found", f"There is no database {str(database)[:80]!r} here.")
        return self._databases[database].models

    def _row(self, name: str) -> Row:
        row = self._kept.row(name) if _is_name(name) else None
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
        found = self._databases.get(row.database)
        models = Models() if found is None else found.models
        try:
            len(models)
        except Refusal as refusal:
            if refusal.code != "database_away" or sight.restricts:  # without its models nothing can be withheld
                raise
            away = {"code": "database_away", "message": AWAY}
            models, snapshot = Models(), replace(snapshot, notices=(*snapshot.notices, away))
        return view.draw(row, snapshot, self._kept.tape(row), models, sight)

    # who may

    def _check_open(self, row: Row, actor: str | None, sight: Sight) -> None:
        if actor is not None and actor != row.owner and self._is_narrowed(row, sight):
            message = f"{row.name} is {row.owner}'s: it may hold records that you may not see."
            raise Refusal("forbidden", message, remedy="Open a workspace of your own.")

    def _is_open_to(self, row: Row, actor: str | None, sight: Sight) -> bool:
        try:
            self._check_open(row, actor, sight)
        except Refusal:
            return False
        return True

    def _is_narrowed(self, row: Row, sight: Sight) -> bool:
        """Whether the actor sees only some rows: a snapshot sends no SQL, so what is in it cannot be asked then."""
        found = self._databases.get(row.database)
        if not sight.restricts or found is None:
            return False
        return any(sight.rows(model) is not None for model in found.models)

    def _live(self, row: Row) -> Live:
        """This process's side of the workspace, brought to what the store says.
        Refusal("pinned") where another process holds its transaction."""
        live = self._lives.get(row.name)
        if live is not None and live.row.id != row.id:
            self._lives.drop(row.name)
        elif live is not None and live.unsaved is not None:
            row = self._save_late(live, row)
        if row.intent is not None:
            row = self._settled(row)
        if row.pin is not None and self._is_lost(row):
            row = self._end_pin(row, self._snapshot(row), pins.GONE) or self._row(row.name)
        if row.pin is not None and row.pin != self.pin():
            raise pins.refusal(row)
        live = self._lives.get(row.name)
        if live is None:
            live = Live(self._lives.registry(row.database), row, _snapshot(self._kept.load(row)))
            self._lives.put(live)
        elif live.row.version != row.version or (live.wrote and row.pin is None):
            live.park()
            live.snapshot = _snapshot(self._kept.load(row))
        live.row = row
        live.used = time.monotonic()
        return live

    # pins

    def pin(self) -> str:
        """Who holds the transactions that are open here."""
        return pins.pin(self._number)

    def _is_lost(self, row: Row) -> bool:
        """The open transaction that the store tells of is certainly over."""
        if row.pin != self.pin():
            return pins.is_over(row.pin or "")
        live = self._lives.get(row.name)
        return live is None or not live.wrote or live.row.id != row.id

    def _settled(self, row: Row) -> Row:
        """A commit was announced, its outcome was not, and that worker is gone: the rows say which it is."""
        intent = row.intent or {}
        if intent["process"] != self.pin() and not pins.is_over(intent["process"]):
            raise settle.still_committing(row.name)
        self._lives.drop(row.name)
        before = _snapshot(self._kept.load(row))
        try:
            after = settle.settle(self._lives.registry(row.database), before, intent)
        except sa.exc.SQLAlchemyError as error:
            raise failures.away(error) from error
        images = after.changed_since(before)
        change = Change(now(), intent["actor"], "settle", after.header(), images, objects=len(after.images))
        return self._kept.save(row, change) or self._row(row.name)

    def _without_lost_pin(self, row: Row) -> Row:
        """For whoever only looks. While an action runs here, its end is not in the store yet:
        then nothing is concluded."""
        with self._lives.held_now(row.name) as taken:
            if not taken:
                return row
            row = self._row(row.name)
            if row.pin is None or not self._is_lost(row):
                return row
            return self._end_pin(row, self._snapshot(row), pins.GONE) or self._row(row.name)

    def _end_pin(self, row: Row, snapshot: Snapshot, why: str) -> Row | None:
        """By compare-and-set: everything staged again, in a new version. None when somebody else did it first."""
        told = staged.lose(snapshot).told("transaction_lost", pins.LOST.format(why=why))
        change = Change(
            now(), row.owner, "transaction_lost", told.header(), told.changed_since(snapshot), objects=len(told.images)
        )
        after = self._kept.save(row, change)
        live = self._lives.get(row.name)
        if after is not None and live is not None and live.row.id == row.id:
            live.park()
            live.row, live.snapshot = after, told
        return after

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
        with self._lives.held(name, wait=60.0):
            live = self._lives.get(name)
            if live is not None and live.deadline is not None and time.monotonic() >= live.deadline:
                self._park_open(live, pins.IDLE.format(seconds=self.keep_time(live)))

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

    def _discard(self, row: Row, actor: str, version: int | None, sight: Sight) -> Outcome:
        """Needs nothing of what is in it: a workspace that nobody can restore any more can still be discarded
        by its owner, and by whoever is not restricted."""
        if sight.restricts and actor != row.owner:
            staged_models = Request("discard", {}, self._snapshot(row), self._models(row.database), sight).staged()
            sight.permit("discard", *staged_models)
        if row.pin is not None and row.pin != self.pin() and not self._is_lost(row):
            raise pins.refusal(row)
        _check_version(row, version)
        self._lives.drop(row.name)
        self._deadlines.clear(row.name)
        while not self._kept.discard(row):
            again = self._row(row.name)
            if (again.id, again.version, again.pin) != (row.id, row.version, row.pin):
                raise _stale(row)
            row = again
        gone = view.draw(replace(row, transaction=None), Snapshot(), (), Models(), sight)
        return Outcome(gone, removed=True)

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


def _is_name(name: object) -> bool:
    return isinstance(name, str) and NAME.fullmatch(name) is not None


def _check_version(row: Row, version: int | None) -> None:
    if version is not None and version != row.version:
        message = f"{row.name} is at version {row.version} now; yours was {version}."
        raise Refusal("stale", message, remedy="Look at it again.", details={"version": row.version})


def _stale(row: Row) -> Refusal:
    return Refusal("stale", f"{row.name} was changed by somebody else just now.", remedy="Look at it again.")


def _snapshot(kept: Kept) -> Snapshot:
    return Snapshot.of(kept.header, kept.images)
