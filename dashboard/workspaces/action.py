"""How is one action done, so that it either succeeds whole or leaves the workspace as it was?"""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from ..refusal import Refusal
from ..store.change_sets import COMMITTED, LOST
from ..store.workspaces import Change, KeptWorkspaces
from . import committing, elsewhere, failures, pins, session, settle, staged, steps, tape, undoing, walks
from .case import Case
from .conflicts import Conflict
from .live import Live
from .request import Done, Plan, Request
from .snapshot import Snapshot
from .tape import Recording

if TYPE_CHECKING:
    from .registry import Workspaces


TRIES = 4  # a deadlock or a serialisation failure is tried again three times


class Action:
    """One verb on one workspace, whose lock the caller holds."""

    def __init__(
        self, workspaces: Workspaces, kept: KeptWorkspaces, live: Live, request: Request, plan: Plan, actor: str
    ) -> None:
        self._workspaces = workspaces
        self._kept = kept
        self._live = live
        self._request = request
        self._plan = plan
        self._actor = actor
        self._at = tape.now()
        self._was_open = live.wrote
        self._begun_again = False
        self._intended = False

    def do(self) -> Done:
        live, main = self._live, self._live.registry.main
        with (
            main.taken_by(live),
            session.narrowed(self._request.sight, self._request.models),
            tape.recording(self._workspaces.config) as made,
        ):
            self._restored()
            made.connection = live.connection_number()
            live.intend = self._intend
            case = Case(live, self._request, made)
            made.failed = case.watch
            made.sent = partial(live.changes.note_links, live.registry.links)
            try:
                done = self._run(made)
                after = self._after(made, done)
            except Exception as error:
                raise self._failed(error, made, case) from error
            self._keep(done, after, made)
        return done

    def _run(self, made: Recording) -> Done:
        """Tries again where somebody else was faster, as long as a person waits for one row."""
        live, verb = self._live, self._request.verb
        until = time.monotonic() + self._workspaces.config.workspace_wait_seconds
        for left in reversed(range(TRIES)):
            try:
                done = self._plan.run(live)
                return replace(done, notice=pins.BEGUN_AGAIN) if self._begun_again else done
            except sa.exc.DBAPIError as error:
                if not left or self._intended or time.monotonic() >= until:
                    raise
                if not failures.may_be_repeated(error, live, verb):
                    raise
            self._begun_again = self._was_open
            live.park()
            for statement in made.statements:
                statement["why"] = "tried"
            made.moves.clear()
            self._restored()
        raise AssertionError("the last try answers or raises")

    def _restored(self) -> None:
        live = self._live
        try:
            live.restore(staged.lose(live.snapshot) if self._begun_again else None)
            live.base = None
        except Exception as error:
            live.park()
            raise failures.unrestorable(live.row.name, error) from error

    def _shaped(self, after: Snapshot, done: Done) -> Snapshot:
        """With what can be undone from here, and what the person must be told."""
        before, now = self._live.snapshot, self._live.row.version
        if self._plan.shape is not None:
            after = self._plan.shape(before, after, now)
        else:
            most = self._workspaces.config.undo_kept
            after = steps.stepped(before, after, now, verb=self._request.verb, most=most)
        if self._plan.takes_over:
            return after.told("taken_over", f"{self._actor} took this workspace over from {self._live.row.owner}.")
        return after if done.notice is None else after.told(*done.notice)

    def _after(self, made: Recording, done: Done) -> Snapshot:
        """What the workspace is now. Raises Refusal("too_large") while that can still be refused."""
        live, config = self._live, self._workspaces.config
        live.wrote = live.wrote or (made.wrote and live.holds_connection())
        live.give_back()
        live.note_loaded()
        intent = live.row.intent if self._intended else None
        after = replace(self._shaped(live.capture(), done), change_set=(intent or {}).get("change_set"))
        grown = len(after.images) > len(live.snapshot.images)
        if grown and len(after.images) > config.workspace_objects:
            raise Refusal(
                "too_large",
                f"That makes {len(after.images)} objects; a workspace holds {config.workspace_objects}.",
                remedy="Expunge and drop what you do not need, or load fewer.",
            )
        if live.texts.size(after) > config.workspace_bytes and not self._intended:
            raise Refusal(
                "too_large",
                f"The workspace would be larger than {config.workspace_bytes} bytes.",
                remedy="Keep large values out of it.",
            )
        return after

    # the store

    def _keep(self, done: Done, after: Snapshot, made: Recording) -> None:
        live, before = self._live, self._live.snapshot
        moves = tape.transitions(made, live.board.ref, before.images, after.images)
        line = self._plan.line(done)
        what = undoing.what(self._request, done, self._plan.touched)
        entry = {**self._entry(made, line, moves, None), "what": what, "version": live.row.version + 1}
        entry.update(walks.told(self._plan, done, before, after))
        change = self._change(entry, before, after, made)
        try:
            saved = self._kept.save(live.row, change)
        except Refusal as refusal:
            raise self._unkept(refusal, change, after) from refusal
        if saved is None:
            live.park()
            raise self._workspaces.overtaken(live.row, self._request.verb)
        live.kept = saved, after
        self._workspaces.transactions.watch(live)

    def _change(self, entry: Mapping[str, Any], before: Snapshot, after: Snapshot, made: Recording) -> Change:
        live = self._live
        settings = None if self._plan.settings is None else {**live.row.settings, **self._plan.settings}
        if self._plan.takes_over:
            settings = {**live.row.settings, "since": self._at}
        return Change(
            self._at,
            self._actor,
            self._request.verb,
            after.header(),
            live.texts.of(after.changed_since(before)),
            entry,
            len(after.images),
            self._open_still(made),
            self._workspaces.transactions.hold() if live.wrote else None,
            settings,
            COMMITTED if self._intended else "",
            owner=self._actor if self._plan.takes_over else None,
        )

    def _open_still(self, made: Recording) -> Mapping[str, Any] | None:
        """The open transaction, which has all its time again."""
        live = self._live
        opened = live.row.transaction if self._was_open and not self._begun_again else None
        return self._workspaces.transactions.told(live, opened, self._at, self._actor, made.connection)

    def _entry(
        self, made: Recording, line: str, moves: list[list[str]], error: Mapping[str, Any] | None
    ) -> dict[str, Any]:
        entry = tape.entry(
            made,
            action=self._request.verb,
            python=line,
            at=self._at,
            moves=moves,
            held=self._live.holds_connection(),
            touched=(*self._plan.touched, *((model.name, "") for model in (*self._plan.models, *self._plan.reads))),
            error=error,
        )
        note = self._request.arguments.get("note")
        return {**entry, "note": note} if self._request.verb == "commit" and note else entry

    def _intend(self) -> None:
        """Just before a COMMIT. From here on nobody else changes the workspace before the outcome is known."""
        live, arguments = self._live, self._request.arguments
        intent, change_set = committing.announce(
            live,
            self._workspaces.config,
            process=self._workspaces.transactions.pin(),
            at=self._at,
            author=self._actor,
            note=str(arguments.get("note") or ""),
        )
        row = self._kept.intend(live.row, intent, change_set)
        if row is None:
            raise self._workspaces.overtaken(live.row, self._request.verb)
        live.row, self._intended = row, True

    def _unkept(self, refusal: Refusal, change: Change, after: Snapshot) -> Refusal:
        """The store went away during the action: memory never runs ahead of it,
        unless the database has the commit already."""
        live = self._live
        if not self._intended:
            live.park()
            return refusal
        live.unsaved = replace(change, header=after.told("kept_late", settle.KEPT_LATE).header())
        live.kept = live.row, after
        return settle.kept_late()

    # failure

    def _failed(self, error: Exception, made: Recording, case: Case) -> Refusal:
        """The refusal for it. The workspace is as it was; what a failed action sent stands on its tape."""
        live, before = self._live, self._live.snapshot
        if self._intended and failures.broke(error):
            return self._unknown()
        told = bool(made.statements) or (not isinstance(error, Refusal))
        case.close()
        after = self._set_back(error, made)
        refusal = failures.explained(error, case)
        if not told and after is None and not self._intended:
            return refusal
        ref = self._request.arguments.get("ref")
        problem = elsewhere.problem(error, refusal, ref)
        if "explained" in refusal.details:
            problem["explained"] = refusal.details["explained"]
        entry = self._entry(made, self._plan.line(Done(ref=ref)), [], problem)
        if isinstance(error, Conflict):
            entry["seen"] = live.seen  # whoever resolves it may be another worker
        if after is not None:
            change = replace(self._change(entry, before, after, made), outcome="", how="")
        else:
            open_ = self._open_still(made)
            change = Change(self._at, self._actor, self._request.verb, entry=entry, transaction=open_, pin=live.row.pin)
        if self._intended:
            change = replace(change, outcome=LOST, how=settle.REFUSED)
        if not self._keep_failure(change, after) and not self._intended:
            return self._workspaces.overtaken(live.row, self._request.verb)
        return refusal

    def _unknown(self) -> Refusal:
        """The intent stays, for whoever comes next to settle, here or on another worker."""
        live = self._live
        live.park()
        with suppress(Refusal):  # the store is away too: then it is settled here
            live.row = self._kept.intend(live.row, {**(live.row.intent or {}), "over": True}) or live.row
        return settle.unknown(live.row.name)

    def _keep_failure(self, change: Change, after: Snapshot | None) -> bool:
        """False where somebody else changed the workspace meanwhile: then it was not done to what the actor saw."""
        live = self._live
        try:
            saved = self._kept.save(live.row, change)
        except Refusal:  # the store is away: whoever comes next finds the pin over, or settles the intent
            if self._intended:
                live.unsaved = change
            return True
        if saved is None:
            live.park()
            return False
        live.kept = saved, after or live.snapshot
        self._workspaces.transactions.watch(live)
        return True

    def _set_back(self, error: Exception, made: Recording) -> Snapshot | None:
        """Makes the workspace what it was. Answers a snapshot only where that cannot be: the new truth then."""
        live = self._live
        if not self._was_open:
            live.park()
            return None
        if self._begun_again or not live.is_intact(error):
            live.park()
            return staged.lose(live.snapshot).told("transaction_lost", failures.lost(error, live.snapshot.savepoints))
        if not made.wrote:
            live.rewind()
            return None
        live.note_loaded()
        before, after = live.snapshot, live.capture()
        return replace(after, undo=before.undo, redo=before.redo, committed=before.committed)
