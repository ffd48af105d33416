"""Was a row that a flush is about to write changed by somebody else since it was read? Locked, re-read and compared
before any of it is written."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
import sqlalchemy.orm as sa_orm
from sqlalchemy.orm.base import NO_VALUE, PASSIVE_NO_RESULT

from ..records.columns import Column
from ..records.models import Model
from ..refusal import Refusal
from . import tape
from .conflicts import Conflict, Difference
from .image import keeps, shown

if TYPE_CHECKING:
    from .live import Live

State = sa_orm.InstanceState[Any]
Row = Mapping[str, Any]

KEYS, KEYS_OF_PARTS = 500, 100
"""Rows that one statement asks for: with a key of one column, and of several."""
WHY = "check"
_UNKNOWN = (NO_VALUE, PASSIVE_NO_RESULT)
_SILENT = sa_orm.PassiveFlag.PASSIVE_NO_INITIALIZE


@dataclass
class Staged:
    """One row to be written. mine: what it is to hold in the columns that are changed. marked: it is to go."""

    state: State
    model: Model
    marked: bool
    mine: dict[str, Any] = field(default_factory=dict)

    @property
    def identity(self) -> tuple[Any, ...]:
        assert self.state.key is not None
        return tuple(self.state.key[1])

    def base(self, name: str) -> Any:
        """What the column held at the last commit or load; NO_VALUE where nobody knows."""
        state = self.state
        was = state.committed_state.get(name, state.dict.get(name, NO_VALUE))
        return NO_VALUE if any(was is each for each in _UNKNOWN) else was


def check(live: Live) -> None:
    """Before a flush. Raises Conflict, with nothing written; what somebody else changed beside it is taken over."""
    found = [each for each in staged(live) if each.state.key not in live.checked]
    if not found:
        return
    rows = read(live, found, lock=True)
    conflict = Conflict()
    for each in found:
        conflict.differences += differences(live, each, rows.get(each.state.key))
    if conflict.differences:
        live.seen = conflict.seen()
        raise conflict
    for each in found:
        row = rows.get(each.state.key)
        if row is None:  # both deleted it: then there is nothing left to do
            live.session._expunge_states([each.state])
        else:
            take_over(each, row)
            live.checked.add(each.state.key)


# what is to be written


def staged(live: Live) -> list[Staged]:
    """The persistent rows that a flush would change or delete."""
    session = live.session
    found: dict[State, Staged] = {}
    models: dict[type, Model | None] = {}

    def hold(state: State, mine: dict[str, Any], *, marked: bool) -> None:
        if state.class_ not in models:
            models[state.class_] = _model(live, state)
        model = models[state.class_]
        if model is None or state.key is None:
            return
        if state in found:
            found[state].mine.update(mine)
        else:
            found[state] = Staged(state, model, marked, mine)

    for state in session._deleted:
        hold(state, {}, marked=True)
    for state in list(session.identity_map._modified):
        for changed, mine in () if state in session._deleted else _changes(state):
            if mine and changed not in session._deleted:
                hold(changed, mine, marked=False)
    return list(found.values())


def _model(live: Live, state: State) -> Model | None:
    try:
        return live.board.models.of_class(state.class_)
    except Refusal:
        return None


def _changes(state: State) -> Iterator[tuple[State, dict[str, Any]]]:
    mine = {}
    for name in (*state.committed_state, *state.__dict__.get("_pending_mutations", ())):
        prop = state.mapper.attrs.get(name)
        if isinstance(prop, sa_orm.ColumnProperty):
            was, now = state.committed_state[name], state.dict.get(name)
            if state.manager[name].impl.is_equal(now, was) is not True:  # as its history would say
                mine[name] = now
        elif isinstance(prop, sa_orm.RelationshipProperty) and not prop.viewonly:
            history = state.get_history(name, _SILENT)
            if not history.has_changes():
                continue
            if prop.direction is sa_orm.RelationshipDirection.MANYTOONE:
                target = state.dict.get(name)
                mine.update(_synchronized(prop, None if target is None else sa.inspect(target), state))
            elif prop.direction is sa_orm.RelationshipDirection.ONETOMANY:
                yield from _of_children(prop, state, history)
    yield state, mine


def _of_children(prop: Any, state: State, history: Any) -> Iterator[tuple[State, dict[str, Any]]]:
    """What a collection changes is in the rows of those who are in it."""
    for objects, parent in ((history.added, state), (history.deleted, None)):
        for obj in objects or ():
            if obj is not None:
                child: State = sa.inspect(obj)
                yield child, _synchronized(prop, parent, child)


def _synchronized(prop: Any, source: State | None, target: State) -> dict[str, Any]:
    """The columns that SQLAlchemy fills from a related object's while it flushes."""
    mine = {}
    for here, there in prop.synchronize_pairs:
        attribute = target.mapper._columntoproperty.get(there)
        if attribute is not None:
            value = None if source is None else source.dict.get(source.mapper._columntoproperty[here].key)
            if target.dict.get(attribute.key, NO_VALUE) != value or attribute.key in target.committed_state:
                mine[attribute.key] = value
    return mine


# what is there now


def read(live: Live, found: Iterable[Staged], *, lock: bool) -> dict[Any, Row]:
    """By identity key the rows as they are now, with the columns that are loaded or changed. One SELECT for each class
    and some hundred keys, in the order of tables and keys, so that two who do this do not wait for each other."""
    by_mapper: dict[sa_orm.Mapper[Any], list[Staged]] = {}
    for each in found:
        by_mapper.setdefault(each.state.mapper, []).append(each)
    rows: dict[Any, Row] = {}
    with tape.because(WHY):
        for mapper in sorted(by_mapper, key=lambda mapper: (str(mapper.local_table), mapper.class_.__name__)):
            connection = live.session.connection(bind_arguments={"mapper": mapper})
            if lock and connection.dialect.name == "sqlite":
                _begin_writing(live, connection)
            rows.update(_rows(connection, mapper, by_mapper[mapper], lock, live.narrowing(mapper)))
    return rows


def _begin_writing(live: Live, connection: sa.Connection) -> None:
    """SQLite locks no row: from here on nobody else writes, and what was read before this transaction wrote is read
    again."""
    made = tape.current.get()
    if live.registry.main.shared or live.wrote or (made is not None and made.wrote):
        return  # the host's own connection, whose transaction is not ours to end; or the lock is held already
    raw: Any = connection.connection.dbapi_connection
    if raw.in_transaction:
        connection.exec_driver_sql("ROLLBACK")
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def _rows(
    connection: sa.Connection, mapper: sa_orm.Mapper[Any], found: list[Staged], lock: bool, narrowing: list[Any]
) -> Iterator[tuple[Any, Row]]:
    names = _names(found)
    keys, columns = mapper.primary_key, [mapper.column_attrs[name].columns[0] for name in names]
    statement = sa.select(*keys, *columns).select_from(mapper.persist_selectable).where(*narrowing).order_by(*keys)
    statement = statement.with_for_update() if lock else statement
    identities = {each.identity: each.state.key for each in found}
    wanted, size = _sorted(identities), KEYS if len(keys) == 1 else KEYS_OF_PARTS
    for start in range(0, len(wanted), size):
        batch = wanted[start : start + size]
        of_one = len(keys) == 1
        condition = keys[0].in_([each[0] for each in batch]) if of_one else sa.tuple_(*keys).in_(batch)
        for row in connection.execute(statement.where(condition)):
            identity = tuple(row[: len(keys)])
            if identity in identities:
                yield identities[identity], dict(zip(names, row[len(keys) :], strict=True))


def _names(found: list[Staged]) -> list[str]:
    """What is read of these rows: whatever of them is in memory. The key is read anyway."""
    names: dict[str, None] = {}
    for each in found:
        names.update(dict.fromkeys(each.mine))
        names.update(dict.fromkeys(column.name for column in each.model.columns if column.name in each.state.dict))
    columns, tables = found[0].state.mapper.column_attrs, found[0].state.mapper.tables
    return [name for name in names if getattr(columns[name].columns[0], "table", None) in tables]


def _sorted(identities: Iterable[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    try:
        return sorted(identities)
    except TypeError:  # a key's type need not know an order
        return sorted(identities, key=str)


# both compared


def differences(live: Live, each: Staged, row: Row | None) -> Iterator[Difference]:
    """Where the row is neither what mine was made from nor what mine is to make of it."""
    ref = live.board.ref(each.state.obj()) or live.board.join(each.state.obj()) or ""
    if row is None and each.marked:
        return
    for name in each.mine if not each.marked else row or ():
        column, base = each.model.column(name), each.base(name)
        if row is not None and (name not in row or base is NO_VALUE or same(column, row[name], base)):
            continue
        if row is not None and not each.marked and same(column, row[name], each.mine[name]):
            continue
        before = None if base is NO_VALUE else shown(column, base)
        mine = None if each.marked else shown(column, each.mine[name])
        theirs = None if row is None else shown(column, row[name])
        deleted = "theirs" if row is None else "mine" if each.marked else ""
        yield Difference(ref, each.model, name, before, mine, theirs, deleted)


def same(column: Column, one: Any, other: Any) -> bool:
    try:
        if one is other or bool(one == other):
            return True
    except Exception:  # a foreign value's __eq__ may raise anything
        pass
    return shown(column, one) == shown(column, other) or not (keeps(column, one) and keeps(column, other))


def take_over(each: Staged, row: Row) -> None:
    """What somebody else made of the row is the base of mine from now on; what I changed stays."""
    state, changed = each.state, []
    for name, theirs in row.items():
        if name not in state.dict or (state.dict[name] is theirs and name not in state.committed_state):
            continue
        base = each.base(name)
        if base is NO_VALUE or same(each.model.column(name), theirs, base):
            continue
        if name in state.committed_state:
            state.committed_state[name] = theirs
        else:
            sa_orm.attributes.set_committed_value(state.obj(), name, theirs)
            changed.append(name)
    if changed:
        state.manager.dispatch.refresh(state, None, changed)  # mutable values learn whose they are
        state._expire_attributes(state.dict, _pointing(state, changed))


def _pointing(state: State, changed: Iterable[str]) -> list[str]:
    """The loaded relationships that the changed columns let point elsewhere."""
    columns = {column for name in changed for column in state.mapper.column_attrs[name].columns}
    return [
        prop.key
        for prop in state.mapper.relationships
        if prop.direction is sa_orm.RelationshipDirection.MANYTOONE
        and prop.key in state.dict
        and prop.key not in state.committed_state
        and columns & prop.local_columns
    ]
