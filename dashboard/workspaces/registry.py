"""The room's doorway: every workspace of this process, and the one way in which an action is done."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import sqlalchemy as sa

from ..config import Config
from ..records.models import Database, Models
from ..refusal import Refusal
from ..store.change_sets import ChangeSet
from ..store.engine import Store
from ..store.workspaces import Change, KeptWorkspaces, Row
from . import failures, pins, scripts, settle, tally, verbs, view, walks
from . import review as reviewing
from .action import Action
from .counting import counted
from .finding import Finder, already_committed, check_version, is_name, stale
from .live import Live
from .lives import Lives
from .outcome import Outcome
from .pins import Elsewhere
from .request import Request
from .review import Review
from .sight import Sight
from .snapshot import Snapshot
from .states import OBJECT_VERBS
from .tape import now
from .transactions import Transactions
from .view import Summary, View

__all__ = ["Elsewhere", "Outcome", "Sight", "Summary", "View", "Workspaces"]

EVERYTHING = Sight(restricts=False)


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
        self._kept = KeptWorkspaces(store, tape=config.tape_kept, change_sets=config.change_sets_kept)
        self.tally = tally.Tally(self._kept)
        self.config = config
        self._lives = Lives(self._databases, config)
        self._finder = Finder(self._databases, self._kept, self._lives)
        self.transactions = Transactions(self._lives, self._kept, self._finder, config, worker)

    # what may be asked

    def summaries(self, sight: Sight = EVERYTHING, *, actor: str | None = None) -> tuple[Summary, ...]:
        """Every workspace that the actor may look at, by name."""
        rows = (row for row in self._kept.rows() if self._finder.is_open_to(row, actor, sight))
        return tuple(view.summary(self._seen(row)) for row in rows)

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
        if not is_name(name):
            message = "A name begins with a letter or digit and has at most 64 letters, digits, _, . and -."
            raise Refusal("invalid", message, fields={"name": message})
        models = self._finder.models(database)
        settings: dict[str, Any] = {"autoflush": autoflush, "expire_on_commit": expire_on_commit, "sandbox": sandbox}
        row = Row(0, name, owner, database, {**settings, "since": now()}, 1, 0, 0, None, None, None, now())
        row = self._kept.open(row, Snapshot().header(), most=self.config.workspaces_kept)
        return view.draw(row, Snapshot(), (), models, EVERYTHING)

    def view(self, name: str, sight: Sight = EVERYTHING, *, actor: str | None = None) -> View:
        """The workspace as it is kept. Sends nothing to the database that is looked at.
        actor: who looks; Refusal("forbidden") where the workspace is not open to them."""
        row = self._finder.row(name)
        self._finder.check_open(row, actor, sight)
        if row.intent is not None:
            snapshot = self._finder.snapshot(row)
            uncertain = pins.is_over_commit(row.intent) and not snapshot.newer
            return self._finder.draw(
                row, snapshot.told("commit_uncertain", settle.UNCERTAIN) if uncertain else snapshot, sight
            )
        if row.pin is not None:
            row = self.transactions.without_lost(row)
        return self._finder.draw(row, self._finder.snapshot(row), sight)

    def copied(self, name: str, kind: str, sight: Sight = EVERYTHING, *, actor: str | None = None) -> str:
        """Its tape as `tape.py`, `tape.sql` or `test_tape.py`."""
        row = self._finder.row(name)
        self._finder.check_open(row, actor, sight)
        models = self._finder.models(row.database)
        walk = walks.walk(row, self._kept.tape(row), self._finder.snapshot(row), models, sight)
        return scripts.copied(walk, kind, self._databases[row.database].engine.dialect.name)

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
        self.transactions.check_open()
        with self._lives.held(name):
            row = self._finder.row(name)
            self._finder.check_open(row, actor, sight)
            if verb == "discard":
                return self._discard(row, actor, version, sight)
            check_version(self._kept, row, version, verb)
            live = self._live(row)
            check_version(self._kept, live.row, version, verb)
            if verb == "take-over" and actor == row.owner:
                raise Refusal("wrong_state", f"{row.name} is yours already.")
            request = Request(
                verb,
                arguments,
                live.snapshot,
                live.registry.models,
                sight,
                partial(self._finder.earlier, live.row, live.snapshot),
                partial(self._kept.entry_of, live.row),
                self.config,
                bool(row.settings["sandbox"]),
            )
            plan = verbs.plan(request)
            sight.permit(verb, *plan.models)
            sight.permit("load", *plan.reads)
            if row.settings["autoflush"] and (verb in OBJECT_VERBS or verb in ("objects", "load")):
                sight.permit("flush", *request.staged())
            done = Action(self, self._kept, live, request, plan, actor).do()
            self._lives.park_oldest(live)
            row, snapshot = live.row, live.snapshot
        return Outcome(partial(self._finder.draw, row, snapshot, sight), done.ref, done.merged)

    def review(self, name: str, *, actor: str, sight: Sight = EVERYTHING, run: bool = False) -> Review:
        """What a commit would do: tried out, and taken back. Changes nothing.
        run: also where listeners of the program would run that are not ours."""
        self.transactions.check_open()
        with self._lives.held(name):
            row = self._finder.row(name)
            self._finder.check_open(row, actor, sight)
            live = self._live(row)
            try:
                return reviewing.review(live, self._kept.tape(live.row), sight, self.config, run=run)
            finally:
                self.transactions.check(live)

    def discard(self, name: str, *, actor: str, version: int | None = None, sight: Sight = EVERYTHING) -> Outcome:
        """The workspace goes, whatever is in it."""
        return self.act(name, "discard", {}, actor=actor, version=version, sight=sight)

    def engine(self, database: str) -> sa.Engine:
        """The synchronous engine on which the workspaces of a database work."""
        return self._lives.registry(database).main.engine

    def close(self) -> None:
        """At the end of the process: open transactions are rolled back and staged again, connections go back."""
        try:
            self.transactions.close()
        finally:
            self._lives.close()

    def _seen(self, row: Row) -> Row:
        """As the list shows it: a transaction whose worker is gone is ended by whoever looks."""
        if row.pin is None or row.intent is not None:
            return row
        try:
            return self.transactions.without_lost(row)
        except Refusal:  # discarded or changed meanwhile
            return row

    # acting

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
        if row.pin is not None and self.transactions.is_lost(row):
            row = self.transactions.end_lost(row)
        if row.pin is not None and row.pin != self.transactions.pin():
            raise pins.elsewhere(row)
        live = self._lives.get(row.name)
        known = None if live is None else live.row.tape
        if live is None:
            live = Live(self._lives.registry(row.database), row, self._finder.stored(row))
            self._lives.put(live)
        elif live.row.version != row.version or (live.wrote and row.pin is None):
            live.park()
            live.kept = row, self._finder.stored(row)
        if known != row.tape:
            live.seen = self._kept.seen(row)
        live.row = row
        self.transactions.used(live)
        return live

    def _settled(self, row: Row) -> Row:
        """A commit was announced, its outcome was not: its worker tells in a moment, or it is gone and the rows say
        which it is."""
        if (row.intent or {}).get("process") != self.transactions.pin():
            row = self._finder.decided(row, self.config.workspace_wait_seconds)
        intent = row.intent
        if intent is None:
            return row
        if intent["process"] != self.transactions.pin() and not pins.is_over_commit(intent):
            raise settle.still_committing(row.name)
        self._lives.drop(row.name)
        before = self._finder.stored(row)
        registry = self._lives.registry(row.database)
        try:
            after, outcome, how = settle.settle(registry, before, intent, self._kept.change_set)
        except sa.exc.SQLAlchemyError as error:
            raise failures.away(error) from error
        change = Change(
            now(), intent["actor"], "settle", after.header(), after.changed_since(before),
            objects=len(after.images), outcome=outcome, how=how,
        )  # fmt: skip
        return self._kept.save(row, change) or self._finder.row(row.name)

    def settle(self, found: ChangeSet) -> None:
        """Finds out what became of a commit that was announced, if its worker is gone."""
        with self._lives.held(found.workspace):
            row = self._kept.row(found.workspace) if is_name(found.workspace) else None
            if row is not None and row.intent is not None:
                self._settled(row)
            elif found.database in self._databases:
                settle.orphan(self._lives.registry(found.database), found, self._kept)

    def overtaken(self, row: Row, verb: str) -> Refusal:
        """For an action that found another version in the store than it was made from."""
        now = self._kept.row(row.name)
        if verb == "commit" and now is not None and now.id == row.id:
            now = self._finder.decided(now, self.config.workspace_wait_seconds)
            number = self._kept.committed(row, row.version)
            if number is not None:
                return already_committed(now, number)
        return stale(row)

    # ending

    def _discard(self, row: Row, actor: str, version: int | None, sight: Sight) -> Outcome:
        """Needs nothing of what is in it: a workspace that nobody can restore any more can still be discarded
        by its owner, and by whoever is not restricted."""
        if sight.restricts and actor != row.owner:
            staged_models = Request(
                "discard", {}, self._finder.snapshot(row), self._finder.models(row.database), sight
            ).staged()
            sight.permit("discard", *staged_models)
        if row.pin is not None and row.pin != self.transactions.pin() and not self.transactions.is_lost(row):
            raise pins.elsewhere(row)
        check_version(self._kept, row, version, "discard")
        self._lives.drop(row.name)
        self.transactions.forget(row.name)
        while not self._kept.discard(row):
            again = self._finder.row(row.name)
            if (again.id, again.version, again.pin) != (row.id, row.version, row.pin):
                raise stale(row)
            row = again
        gone = view.draw(replace(row, transaction=None), Snapshot(), (), Models(), sight)
        return Outcome(lambda: gone, removed=True)

    def _save_late(self, live: Live, row: Row) -> Row:
        """What was committed while the store was away is written into it now, if nobody else went on meanwhile."""
        change, live.unsaved = live.unsaved, None
        if (live.row.version, live.row.pin) == (row.version, row.pin) and row.intent is not None:
            saved = self._kept.save(row, change)
            if saved is not None:
                live.row = saved
                return saved
        live.park()
        return self._finder.row(row.name)
