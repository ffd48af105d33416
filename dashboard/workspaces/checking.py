"""Was a row that a flush is about to write changed by somebody else since it was read? Locked, re-read and compared
before any of it is written."""

from __future__ import annotations

import datetime
import uuid
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
import sqlalchemy.orm as sa_orm
from sqlalchemy.orm.base import NO_VALUE

from ..records.columns import Column
from . import checking_links, elsewhere, tape
from .conflicts import Conflict, Difference
from .shape import keeps, shown
from .writing import Staged, State, model_of, staged

if TYPE_CHECKING:
    from .live import Live

Row = Mapping[str, Any]

KEYS, KEYS_OF_PARTS = 500, 100
"""Rows that one statement asks for: with a key of one column, and of several."""
WHY = "check"
_COMPARED = (str, int, bool, float, Decimal, datetime.datetime, datetime.date, uuid.UUID, bytes)


def check(live: Live) -> list[Staged]:
    """Before a flush. Raises Conflict, with nothing written; what somebody else changed beside it is taken over.
    Answers what is to be written."""
    every = staged(live)
    found = [each for each in every if each.state.key not in live.checked]
    note_rows(live, read(live, [each for each in every if _lacks(live, each)], lock=False))
    _check(live, found)
    checking_links.check(live)
    return every


def _check(live: Live, found: list[Staged]) -> None:
    if not found:
        return
    rows = read(live, found, lock=True)
    conflict = Conflict()
    changed = [each for each in found if not _is_as_it_was(each, rows.get(each.state.key))]
    for each in changed:
        conflict.differences += differences(live, each, rows.get(each.state.key))
    if conflict.differences:
        live.seen = conflict.seen()
        raise conflict
    for each in changed:
        row, ref = rows.get(each.state.key), live.board.ref(each.state.obj()) or ""
        if row is None:  # both deleted it: then there is nothing left to do
            live.session._expunge_states([each.state])
            live.elsewhere[ref] = {"what": elsewhere.DELETED, "columns": []}
            continue
        taken = take_over(each, row)
        if taken:
            live.elsewhere[ref] = elsewhere.changed(taken)
    live.checked.update(each.state.key for each in found if each.state.key in rows)
    note_rows(live, rows)


def _is_as_it_was(each: Staged, row: Row | None) -> bool:
    """Short for most rows: all of it is what mine was made from, by values that are compared as Python does."""
    if row is None or not row.keys() >= each.mine.keys():
        return False
    dict_, committed = each.state.dict, each.state.committed_state
    for name, theirs in row.items():
        base = committed[name] if name in committed else dict_.get(name, theirs)
        if base is not theirs and not (type(base) is type(theirs) and type(base) in _COMPARED and base == theirs):
            return False
    return True


def note_rows(live: Live, rows: Mapping[Any, Row]) -> None:
    """What the rows were before they were first written; what was known first holds."""
    known = live.changes.rows
    for key, row in rows.items():
        known[key] = {**row, **known[key]} if key in known else row


def keep_what_is_kept(live: Live) -> None:
    """With `expire_on_commit` off, objects go on with what was sent; where the database has kept another value
    (rounded, cut, by a trigger), they go on with that: it is what the next flush compares with."""
    states = [state for state in live.session.identity_map.all_states() if state.key in live.checked]
    known = ((state, model_of(live, state)) for state in states)
    found = [Staged(state, model, marked=False) for state, model in known if model is not None]
    rows = read(live, found, lock=False)
    for each in found:
        for name, kept in rows.get(each.state.key, {}).items():
            dict_ = each.state.dict
            if name in dict_ and not same(each.model.column(name), kept, dict_[name]):
                sa_orm.attributes.set_committed_value(each.state.obj(), name, kept)


def _lacks(live: Live, each: Staged) -> bool:
    """Of a row that this transaction has written before: something of it is written now that was never read."""
    if each.state.key not in live.checked:
        return False
    row = live.changes.rows.get(each.state.key, {})
    names = _stored(each) if each.marked else [name for name in each.mine if each.base(name) is NO_VALUE]
    return any(name not in row and name not in each.state.dict for name in names)


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
            if lock:
                begin_writing(live, connection)
            rows.update(_rows(connection, mapper, by_mapper[mapper], lock, live.narrowing(mapper)))
    return rows


def begin_writing(live: Live, connection: sa.Connection) -> None:
    """SQLite locks no row: from here on nobody else writes, and what was read before this transaction wrote is read
    again."""
    made = tape.current.get()
    if (
        connection.dialect.name != "sqlite"
        or live.registry.main.shared
        or live.wrote
        or (made is not None and made.wrote)
    ):
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
    statement = statement.with_for_update() if lock and _locks_rows(connection, mapper, found) else statement
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


def _locks_rows(connection: sa.Connection, mapper: sa_orm.Mapper[Any], found: list[Staged]) -> bool:
    """On PostgreSQL FOR UPDATE takes the right to UPDATE, in every strength. An account that may only delete locks the
    table against other writers instead."""
    if connection.dialect.name != "postgresql" or not all(each.marked for each in found):
        return True
    quote = connection.dialect.identifier_preparer.format_table
    names = [quote(table) for table in mapper.tables if isinstance(table, sa.Table)]
    asked = [sa.func.has_any_column_privilege(name, "UPDATE") for name in names]
    if all(connection.execute(sa.select(*asked)).one()):
        return True
    connection.exec_driver_sql(f"LOCK TABLE {', '.join(names)} IN SHARE ROW EXCLUSIVE MODE")
    return False


def _names(found: list[Staged]) -> list[str]:
    """What is read of these rows: whatever of them is in memory, of one that is to go all of it. The key is read
    anyway."""
    names: set[str] = set()
    for each in found:
        names.update(each.mine, each.state.dict)
    stored = _stored(found[0])
    if any(each.marked for each in found):
        return stored
    return [name for name in stored if name in names]


def _stored(each: Staged) -> list[str]:
    """The attributes that are columns of its tables."""
    columns, tables = each.state.mapper.column_attrs, each.state.mapper.tables
    return [column.name for column in each.model.columns if _table(columns[column.name]) in tables]


def _table(attribute: Any) -> Any:
    return getattr(attribute.columns[0], "table", None)


def _sorted(identities: Iterable[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    try:
        return sorted(identities)
    except TypeError:  # a key's type need not know an order
        return sorted(identities, key=str)


# both compared


def differences(live: Live, each: Staged, row: Row | None) -> Iterator[Difference]:
    """Where the row is not what mine was made from. That theirs is the same as mine does not matter: of two who count
    one up, both are to be counted."""
    ref = live.board.ref(each.state.obj()) or live.board.join(each.state.obj()) or ""
    if row is None and each.marked:
        return
    for name in each.mine if not each.marked else row or ():
        column, base = each.model.column(name), each.base(name)
        if row is not None and (name not in row or base is NO_VALUE or same(column, row[name], base)):
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


def take_over(each: Staged, row: Row) -> list[str]:
    """What somebody else made of the row is the base of mine from now on; what I changed stays. Answers which columns
    that are."""
    state, changed, rebased = each.state, [], []
    for name, theirs in row.items():
        if name not in state.dict or (state.dict[name] is theirs and name not in state.committed_state):
            continue
        base = each.base(name)
        if base is NO_VALUE or same(each.model.column(name), theirs, base):
            continue
        if name in state.committed_state:
            state.committed_state[name] = theirs
            rebased.append(name)
        else:
            sa_orm.attributes.set_committed_value(state.obj(), name, theirs)
            changed.append(name)
    if changed:
        state.manager.dispatch.refresh(state, None, changed)  # mutable values learn whose they are
        state._expire_attributes(state.dict, _pointing(state, changed))
    return [name for name in (*changed, *rebased) if not each.model.column(name).version]


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
