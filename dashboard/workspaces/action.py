"""How is one action done, so that it either succeeds whole or leaves the workspace as it was?"""

from __future__ import annotations

import datetime
import logging
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from ..refusal import Refusal
from ..store.workspaces import Change, KeptWorkspaces
from . import failures, pins, session, staged, tape
from .case import Case
from .live import Live
from .request import Done, Plan, Request
from .snapshot import Snapshot
from .tape import Recording

if TYPE_CHECKING:
    from .registry import Workspaces


log = logging.getLogger(__name__)

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
        self._intended = False

    def do(self) -> Done:
        live, main = self._live, self._live.registry.main
        with (
            main.taken_by(live),
            session.narrowed(self._request.sight, self._request.models),
            tape.recording(self._workspaces.config.statement_characters) as made,
        ):
            self._restored()
            made.connection = live.connection_number()
            live.intend = self._intend
            case = Case(live, self._request, made)
            made.failed = case.watch
            try:
                done = self._run(made)
                after = self._after(made)
            except Exception as error:
                raise self._failed(error, made, case) from error
            self._keep(done, after, made)
        return done

    def _run(self, made: Recording) -> Done:
        """Tries again where somebody else was faster, as long as a person waits for one row."""
        config, live, started = self._workspaces.config, self._live, time.monotonic()
        for left in reversed(range(TRIES)):
            try:
                return self._plan.run(live)
            except sa.exc.DBAPIError as error:
                waited = time.monotonic() - started >= config.workspace_wait_seconds
                if not left or waited or self._was_open or self._intended or not failures.is_busy(error):
                    raise
            live.park()
            for statement in made.statements:
                statement["why"] = "tried"
            made.moves.clear()
            self._restored()
        raise AssertionError("the last try answers or raises")

    def _restored(self) -> None:
        try:
            self._live.restore()
        except Exception as error:
            self._live.park()
            log.exception("the workspace %s cannot be restored", self._live.row.name)
            why = (
                error.message if isinstance(error, Refusal) else f"its classes do not take it ({type(error).__name__})."
            )
            remedy = "Give back the model or column that is missing, or discard the workspace."
            raise Refusal("unavailable", f"The workspace cannot be restored: {why}", remedy=remedy) from error

    def _after(self, made: Recording) -> Snapshot:
        """What the workspace is now. Raises Refusal("too_large") while that can still be refused."""
        live, config = self._live, self._workspaces.config
        live.wrote = live.wrote or (made.wrote and live.holds_connection())
        live.give_back()
        live.note_loaded()
        after = live.capture()
        grown = len(after.images) > len(live.snapshot.images)
        if grown and len(after.images) > config.workspace_objects:
            raise Refusal(
                "too_large",
                f"That makes {len(after.images)} objects; a workspace holds {config.workspace_objects}.",
                remedy="Expunge and drop what you do not need, or load fewer.",
            )
        if live.bytes_of(after) > config.workspace_bytes and not self._intended:
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
        change = self._change(self._entry(made, line, moves, None), before, after, made)
        try:
            saved = self._kept.save(live.row, change)
        except Refusal as refusal:
            raise self._unkept(refusal, change, after) from refusal
        if saved is None:
            live.park()
            raise _overtaken(live)
        live.row, live.snapshot = saved, after
        self._workspaces.watch_deadline(live)

    def _change(self, entry: Mapping[str, Any], before: Snapshot, after: Snapshot, made: Recording) -> Change:
        settings = None if self._plan.settings is None else {**self._live.row.settings, **self._plan.settings}
        return Change(
            self._at,
            self._actor,
            self._request.verb,
            after.header(),
            after.changed_since(before),
            entry,
            len(after.images),
            self._transaction(made),
            self._workspaces.pin() if self._live.wrote else None,
            settings,
        )

    def _transaction(self, made: Recording) -> Mapping[str, Any] | None:
        live = self._live
        if not live.wrote:
            return None
        opened = live.row.transaction if self._was_open and live.row.transaction else {}
        ends = datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=self._workspaces.keep_time(live))
        return {
            "since": opened.get("since", self._at),
            "worker": self._workspaces.worker(),
            "connection": opened.get("connection", made.connection),
            "ends_at": ends.isoformat(timespec="seconds").replace("+00:00", "Z"),
            "actor": opened.get("actor", self._actor),
        }

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
        live = self._live
        intent = {"process": self._workspaces.pin(), "at": self._at, "actor": self._actor, "objects": live.witnesses()}
        row = self._kept.intend(live.row, intent)
        if row is None:
            raise _overtaken(live)
        live.row, self._intended = row, True

    def _unkept(self, refusal: Refusal, change: Change, after: Snapshot) -> Refusal:
        """The store went away during the action: memory never runs ahead of it,
        unless the database has the commit already."""
        live = self._live
        if not self._intended:
            live.park()
            return refusal
        header = after.told(
            "kept_late",
            "The last commit was written to the database; the store was away then, and knows of it only now.",
        ).header()
        live.unsaved = replace(change, header=header)
        live.snapshot = after
        return Refusal(
            "store_away",
            "It was committed to the database. The store cannot be reached just now: it is told as soon as it is back.",
            remedy="Do not commit again; look at the workspace in a moment.",
        )

    # failure

    def _failed(self, error: Exception, made: Recording, case: Case) -> Refusal:
        """The refusal for it. The workspace is as it was; what a failed action sent stands on its tape."""
        live, before = self._live, self._live.snapshot
        told = bool(made.statements) or (not isinstance(error, Refusal))
        case.close()
        after = self._set_back(error, made)
        refusal = failures.refusal(error, case)
        if not told and after is None and not self._intended:
            return refusal
        problem = {"code": refusal.code, "message": refusal.message, "class": type(error).__name__}
        entry = self._entry(made, self._plan.line(Done(ref=self._request.arguments.get("ref"))), [], problem)
        if after is not None:
            change = self._change(entry, before, after, made)
        else:
            change = Change(
                self._at,
                self._actor,
                self._request.verb,
                entry=entry,
                transaction=live.row.transaction,
                pin=live.row.pin,
            )
        if not self._keep_failure(change, after) and not self._intended:
            return _overtaken(live)
        return refusal

    def _keep_failure(self, change: Change, after: Snapshot | None) -> bool:
        """False where somebody else changed the workspace meanwhile: then it was not done to what the actor saw."""
        live = self._live
        try:
            saved = self._kept.save(live.row, change)
        except (
            Refusal
        ):  # the store is away: the pin is found to be over, or the intent to be settled, by whoever comes next
            if self._intended:
                live.unsaved = change
            return True
        if saved is None:
            live.park()
            return False
        live.row = saved
        if after is not None:
            live.snapshot = after
        self._workspaces.watch_deadline(live)
        return True

    def _set_back(self, error: Exception, made: Recording) -> Snapshot | None:
        """Makes the workspace what it was. Answers a snapshot only where that cannot be: the new truth then."""
        live = self._live
        if not self._was_open:
            live.park()
            return None
        if not self._is_intact(error):
            live.park()
            return staged.lose(live.snapshot).told("transaction_lost", _lost(error))
        if not made.wrote:
            live.rewind()
            return None
        live.note_loaded()
        return live.capture()

    def _is_intact(self, error: Exception) -> bool:
        """Whether the transaction that was open before is still the one that it was."""
        live = self._live
        transaction = None if live.session is None else live.session.get_transaction()
        if transaction is None or not transaction.is_active or not live.wrote:
            return False
        return not isinstance(error, sa.exc.DBAPIError) and all(
            not connection.invalidated for connection, *_ in transaction._connections.values()
        )


def _overtaken(live: Live) -> Refusal:
    return Refusal("stale", f"{live.row.name} was changed by somebody else just now.", remedy="Look at it again.")


def _lost(error: Exception) -> str:
    broken = isinstance(error, sa.exc.DBAPIError) and error.connection_invalidated
    return pins.LOST.format(why=pins.BROKEN if broken else pins.FAILED)
