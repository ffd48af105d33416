"""What does this process hold of one workspace? Its Session and objects, and what the open transaction has flushed."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from threading import RLock
from typing import Any

import sqlalchemy as sa
import sqlalchemy.orm as sa_orm

from ..store.workspaces import Row
from ..telemetry import parked
from ..telemetry.transactions import RELEASING
from . import along, checking, elsewhere, fitting, flush_order, staged, tape
from . import snapshot as snapshots
from .board import Board
from .changes import Changes
from .image import Image
from .session import Registry, criteria, scope
from .snapshot import Snapshot
from .texts import Texts


class Live:
    """One workspace in this process. Whoever touches it holds its lock.

    kept: row and snapshot, as the store has them, the last time anybody looked; both at once, because whoever only
    looks does not hold the lock.
    session: None while parked; then the next action restores it.
    wrote: something was sent in the open transaction that only its commit or rollback settles.
    epoch: names what the open transaction sent last. base: the snapshot restored just now, if not the last one.
    left_out: fields that its classes did not take when it was restored. along: what goes along with the last flush.
    unsaved: what was committed to the database when the store could not be reached.
    checked: the identity keys of rows that the open transaction has locked or written: nobody else changes them.
    seen: by ref and column, what somebody else made of it when a conflict was last told.
    """

    def __init__(self, registry: Registry, row: Row, snapshot: Snapshot) -> None:
        self.registry = registry
        self.kept = row, snapshot
        self.lock = RLock()
        self.session: Any = None
        self.board = Board(registry.models, snapshot.numbers)
        self.wrote = False
        self.epoch: str | None = None
        self.base: Snapshot | None = None
        self.left_out: tuple[str, ...] = ()
        self.since: str | None = None
        self.deadline: float | None = None
        self.used = time.monotonic()
        self.unsaved: Any = None
        self._staged: dict[str, Image] = {}
        self._folded: dict[str, tuple[Image, Image, Image]] = {}
        self._fresh: set[str] = set()
        self.texts = Texts()
        self.changes = Changes()
        self.along = along.Along()
        self.elsewhere: dict[str, elsewhere.Note] = {}
        self._marks: list[tuple[dict[str, Image], Any, set[Any]]] = []
        self.committing = False
        self.checked: set[Any] = set()
        self.seen: dict[str, dict[str, Any]] = {}
        self.intend: Callable[[], None] = lambda: None

    @property
    def row(self) -> Row:
        return self.kept[0]

    @row.setter
    def row(self, row: Row) -> None:
        self.kept = row, self.kept[1]

    @property
    def snapshot(self) -> Snapshot:
        return self.kept[1]

    # what an action does with the Session

    def restore(self, snapshot: Snapshot | None = None) -> None:
        """The Session, as the snapshot says. Sends no SQL. snapshot: another one than the last."""
        if self.session is None:
            self.base, snapshot = snapshot, snapshot or self.snapshot
            token = scope.set(self.row.id)
            try:
                session: Any = self.registry.sessions()
            finally:
                scope.reset(token)
            session.autoflush = self.row.settings["autoflush"]
            session.expire_on_commit = self.row.settings["expire_on_commit"]
            self.board = Board(self.registry.models, snapshot.numbers)
            snapshot, self.left_out = fitting.fitted(snapshot, self.registry.models)
            snapshots.restore(session, self.board, snapshot)
            session.live = self
            self.session = session

    def rewind(self, snapshot: Snapshot | None = None) -> None:
        """Sets the objects back to the snapshot, inside the transaction that stays open.
        snapshot: another one than the last, of the same transaction."""
        self.base = snapshot
        self.session.live = None
        try:
            snapshots.restore(self.session, self.board, snapshot or self.snapshot)
        finally:
            self.session.live = self

    def become(self, snapshot: Snapshot, *, inside: bool) -> None:
        """What an earlier version was. inside: in the transaction that is open; else that one is rolled back."""
        if inside:
            self.rewind(snapshot)
            return
        self.park()
        self.restore(snapshot)

    def park(self) -> None:
        """Lets go of the Session: its connection goes back, an open transaction is rolled back.
        The next action restores it. No object changes its state by it, so none is told to."""
        session, self.session = self.session, None
        wrote = self.wrote
        self.transaction_ended()
        self.deadline = None
        if session is None:
            return
        session.live = None
        parked.laid_aside(session, wrote=wrote)
        snapshots.empty(session)
        token = scope.set(self.row.id)
        try:
            self.registry.sessions.remove()
        except sa.exc.SQLAlchemyError:  # the connection is broken: the pool has thrown it away
            self.registry.sessions.registry.clear()
        finally:
            scope.reset(token)

    def give_back(self) -> None:
        """The connection goes back unless something was written in its transaction;
        the Session stays in what a plain one would call a transaction."""
        transaction = self.session.get_transaction()
        if transaction is None or self.wrote:
            return
        self._staged.clear()
        if not transaction._connections:
            return
        marked = [connection.info for connection, *_ in transaction._connections.values() if not connection.invalidated]
        for info in marked:
            info[RELEASING] = True
        transaction.close()
        for info in marked:
            info.pop(RELEASING, None)
        again = self.session.begin()
        for name in ("_new", "_deleted", "_dirty", "_key_switches"):
            getattr(again, name).update(getattr(transaction, name))

    def holds_connection(self) -> bool:
        transaction = None if self.session is None else self.session.get_transaction()
        return transaction is not None and bool(transaction._connections)

    def is_intact(self, error: Exception) -> bool:
        """Whether the transaction that was open before an action failed is still the one that it was."""
        transaction = None if self.session is None else self.session._transaction  # the innermost: of a savepoint
        if transaction is None or not transaction.is_active or not self.wrote:
            return False
        return not isinstance(error, sa.exc.DBAPIError) and all(
            not connection.invalidated for connection, *_ in transaction._connections.values()
        )

    def connections(self) -> dict[sa.Engine, sa.Connection]:
        """Those that the open transaction holds, by their engine."""
        transaction = None if self.session is None else self.session.get_transaction()
        held = () if transaction is None else transaction._connections.values()
        return {connection.engine: connection for connection, *_ in held}

    def connection_number(self) -> int | None:
        """Of the connection that the open transaction holds."""
        return next((self.registry.number(connection) for connection in self.connections().values()), None)

    def capture(self) -> Snapshot:
        """What the workspace is now, each object that was flushed with the image that holds if its transaction is
        lost."""
        found = snapshots.capture(self.session, self.board, self.base or self.snapshot)
        if self.base is None:  # not of an undo, which brings old values back
            found = elsewhere.noted(self, found)
        notices = (fitting.told(self.left_out),) if self.left_out else ()
        found = replace(found, notices=notices, fields=fitting.fields_of(self.registry.models, found))
        self.base, self.left_out = None, ()
        if self.wrote:
            self.epoch = self.epoch or secrets.token_hex(6)
            found = replace(found, epoch=self.epoch, savepoints=len(self._marks))
            found = replace(found, images={ref: self._in_transaction(ref, now) for ref, now in found.images.items()})
        return found.like(self.snapshot)

    def _in_transaction(self, ref: str, now: Image) -> Image:
        base = self._staged.get(ref)
        if base is not None:
            known = self._folded.get(ref)
            if known is None or known[0] is not base or known[1] != now:
                known = self._folded[ref] = base, now, {**now, "staged": staged.fold(base, now)}
            return known[2]
        return {**now, "fresh": True} if ref in self._fresh else now

    def commit(self) -> None:
        """`session.commit()`. Its flushes are sent first, so that what is about to be committed can be written down
        before the COMMIT."""
        self.committing = True
        try:
            flush_order.until_clean(self.session)
            if self.wrote:
                if not self.session.expire_on_commit:
                    checking.keep_what_is_kept(self)
                self.intend()
            self.session.commit()
        finally:
            self.committing = False

    # what the Session tells

    def flush_begins(self) -> None:
        """Before a flush makes them the committed ones, the changes that it writes are compared with the rows as they
        are now, and kept."""
        self.along = along.found(self, checking.check(self))
        if self.committing:
            return
        self.board.join_all(self.session)
        session = self.session
        states = [*session._new, *session.identity_map._modified, *session._deleted]
        for state in dict.fromkeys(states):
            ref = self.board.ref(state.obj())
            if ref is not None:
                self._keep(ref, snapshots.capture_one(session, self.board, state.obj(), self.snapshot))

    def _keep(self, ref: str, now: Image) -> None:
        base = self._staged.get(ref)
        if base is None and ref in self._fresh:
            base = staged.unseen(now)
        self._staged[ref] = now if base is None else staged.fold(base, now)

    def flush_ends(self, states: Mapping[sa_orm.InstanceState[Any], tuple[bool, bool]]) -> None:
        made = tape.current.get()
        self.wrote = self.wrote or made is None or made.wrote
        self.epoch = secrets.token_hex(6)
        known, first = {*self.board.objects}, len(self.changes.steps)
        for state, (is_delete, listed_only) in states.items():
            shape, obj = self.board.shape(state.class_), state.obj()
            kept = shape is not None and shape.keeps_key(state)
            now: Any = state.key if kept else state.mapper._identity_key_from_state(state)
            self.checked.update((state.key, now))
            if not listed_only and obj is not None and shape is not None:
                joined = self.board.join(obj) or ""
                self.changes.note(self, state, shape, joined, now[1], is_delete=is_delete)
        along.note(self, self.along, first)
        if self.committing:
            return
        for state in states:
            ref = self.board.ref(state.obj())
            if ref is not None and ref not in self._staged and ref not in self._fresh and ref in self.snapshot.images:
                found = self.snapshot.images[ref]
                self._staged[ref] = found.get("staged", found)
        self.board.join_all(self.session)
        self._fresh |= {*self.board.objects} - known  # not seen before this transaction

    def note_loaded(self) -> None:
        """After an action inside a transaction that has written: what it loaded is fresh, unless it was made here."""
        if self.wrote:
            known = {*self.snapshot.images, *self._staged}
            self.board.join_all(self.session)
            self._fresh |= {
                ref for ref, obj in self.board.objects.items() if ref not in known and sa.inspect(obj).key is not None
            }

    def transaction_ended(self) -> None:
        made = tape.current.get()
        if made is not None:
            made.wrote = False
        self.wrote = False
        self.epoch = None
        self.since = None
        self._staged.clear()
        self._folded.clear()
        self._fresh.clear()
        self.changes.clear()
        self.checked.clear()
        self._marks.clear()

    def mark(self) -> None:
        """A savepoint was opened: a rollback to it forgets what comes after."""
        self.wrote, self.epoch = True, secrets.token_hex(6)
        self._marks.append((dict(self._staged), self.changes.mark(), set(self.checked)))

    def back_to_mark(self) -> None:
        """It was rolled back to, and with it the locks since then are gone."""
        self._staged, changes, self.checked = self._marks.pop()
        self.changes.back_to(changes)
        self.epoch = secrets.token_hex(6)

    def narrowing(self, mapper: sa_orm.Mapper[Any]) -> list[Any]:
        """What rows of this class the present actor may see."""
        return [condition for class_, condition, _ in criteria.get() if issubclass(mapper.class_, class_)]
