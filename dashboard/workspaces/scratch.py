"""On which Session is a flush tried out? On one of its own, with the same objects, that is rolled back whatever
happens: the workspace's own is not touched."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa
import sqlalchemy.orm as sa_orm

from ..telemetry import parked
from . import checking, flush_order, tape
from . import snapshot as snapshots
from .board import Board
from .conflicts import Conflict, Difference
from .image import mentions
from .live import Live
from .sent import name_of
from .snapshot import Snapshot


@dataclass(frozen=True)
class Written:
    """An object that the flush wrote. ref: on the board before it, else None; name: what people call it.
    key: of its row. changed: its attributes that were. values: what it holds."""

    obj: object
    mapper: sa_orm.Mapper[Any]
    ref: str | None
    name: str
    key: tuple[Any, ...] | None
    deleted: bool
    changed: frozenset[str]
    values: Mapping[str, Any]


class Scratch(Live):
    """A copy of one workspace, for a flush that is taken back.

    conflicts: what somebody else changed. written: all that was written, in no order.
    """

    def __init__(self, live: Live, snapshot: Snapshot | None = None) -> None:
        super().__init__(live.registry, live.row, live.snapshot if snapshot is None else snapshot)
        self.wrote = live.wrote
        self.checked = set(live.checked)
        self.conflicts: list[Difference] = []
        self.written: list[Written] = []
        self._of = live

    def begin(self) -> None:
        """The objects as they are in the workspace, on its open transaction's connection where it has one."""
        session: Any = self.registry.scratch()
        if self._of.wrote:
            session.connections = self._of.connections()
        session.autoflush = False
        session.expire_on_commit = False
        self.session = session
        self.board = Board(self.registry.models, self.snapshot.numbers)
        snapshots.restore(session, self.board, self.snapshot)
        session.live = self

    def end(self) -> None:
        """Rolls back, only what was done here."""
        session, self.session = self.session, None
        if session is None:
            return
        session.live = None
        parked.laid_aside(session, wrote=True)
        snapshots.empty(session)
        session.close()

    def flush(self) -> None:
        """As a commit flushes."""
        flush_order.until_clean(self.session)

    # what the Session tells

    def flush_begins(self) -> None:
        try:
            checking.check(self)
        except Conflict as conflict:
            self.conflicts += conflict.differences

    def flush_ends(self, states: Mapping[sa_orm.InstanceState[Any], tuple[bool, bool]]) -> None:
        for state in states:
            self.checked |= {state.key, state.mapper._identity_key_from_state(state)}
        self.written += [self._written(state, gone) for state, (gone, listed) in states.items() if not listed]

    def _written(self, state: sa_orm.InstanceState[Any], gone: bool) -> Written:
        """After the flush, before SQLAlchemy forgets what the object was."""
        obj = state.obj()
        ref = None if obj is None else self.board.ref(obj)
        key = state.mapper._identity_key_from_state(state)
        identity = None if None in key[1] else tuple(key[1])
        changed = frozenset(state.committed_state) if not gone else frozenset[str]()
        name = ref or self._name(state.mapper, identity)
        return Written(obj, state.mapper, ref, name, identity, gone, changed, dict(state.dict))

    def _name(self, mapper: sa_orm.Mapper[Any], identity: tuple[Any, ...] | None) -> str:
        model = next((each for each in self.registry.models if each.mapper is mapper), None)
        return mapper.class_.__name__ if model is None else name_of(model, identity)

    def take_back(self) -> None:
        """What was flushed; the Session can still ask the database as it was before."""
        self.session.live = None
        snapshots.empty(self.session)
        self.session.rollback()

    def transaction_ended(self) -> None:
        return None


def without(snapshot: Snapshot, refs: Iterable[str]) -> Snapshot | None:
    """As if these new objects had never been made. None where that cannot be: one of them is not new, or another
    object holds it."""
    gone = set(refs)
    kept = {ref: image for ref, image in snapshot.images.items() if ref not in gone}
    new = all(ref in snapshot.images and snapshot.images[ref]["state"] == "pending" for ref in gone)
    if not gone or not new or any(mentions(image, ref) for image in kept.values() for ref in gone):
        return None
    return replace(snapshot, images=kept, new=tuple(ref for ref in snapshot.new if ref not in gone))


@contextmanager
def patience(connection: sa.Connection, seconds: float, usual: float) -> Iterator[None]:
    """Inside, this connection waits so long for a row that somebody else has locked."""
    name = connection.dialect.name
    if name == "postgresql":  # its transaction's end, or its savepoint's, takes it back
        _set(connection, f"SET LOCAL lock_timeout = {int(seconds * 1000)}")
        yield
        return
    words = {
        "sqlite": lambda seconds: f"PRAGMA busy_timeout = {int(seconds * 1000)}",
        "mysql": lambda seconds: f"SET SESSION innodb_lock_wait_timeout = {max(1, round(seconds))}",
        "mariadb": lambda seconds: f"SET SESSION innodb_lock_wait_timeout = {max(1, round(seconds))}",
    }.get(name)
    if words is None:
        yield
        return
    _set(connection, words(seconds))
    try:
        yield
    finally:
        if not connection.closed and not connection.invalidated:
            _set(connection, words(usual))


def _set(connection: sa.Connection, statement: str) -> None:
    with tape.because("review"):
        connection.exec_driver_sql(statement)
