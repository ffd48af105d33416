"""Which rows is a flush about to write, and what is each to hold? Asked before SQLAlchemy does it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
import sqlalchemy.orm as sa_orm
from sqlalchemy.orm.base import NO_VALUE, PASSIVE_NO_RESULT

from ..records.models import Model
from ..refusal import Refusal

if TYPE_CHECKING:
    from .live import Live

State = sa_orm.InstanceState[Any]
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


def staged(live: Live) -> list[Staged]:
    """The persistent rows that a flush would change or delete."""
    session = live.session
    found: dict[State, Staged] = {}
    models: dict[type, Model | None] = {}

    def hold(state: State, mine: dict[str, Any], *, marked: bool) -> None:
        if state.class_ not in models:
            models[state.class_] = model_of(live, state)
        model = models[state.class_]
        if model is None or state.key is None:
            return
        if state in found:
            found[state].mine.update(mine)
        else:
            found[state] = Staged(state, model, marked, mine)

    for state in session._deleted:
        hold(state, {}, marked=True)
    for state in session._deleted:
        for child, mine in _let_go(state):
            if mine and child not in session._deleted:
                hold(child, mine, marked=False)
    for state in list(session.identity_map._modified):
        for changed, mine in () if state in session._deleted else _changes(state):
            if mine and changed not in session._deleted:
                hold(changed, mine, marked=False)
    return list(found.values())


def model_of(live: Live, state: State) -> Model | None:
    try:
        return live.board.models.of_class(state.class_)
    except Refusal:
        return None


def _changes(state: State) -> Iterator[tuple[State, dict[str, Any]]]:
    mine, attributes = {}, state.mapper.attrs
    for name in (*state.committed_state, *state.__dict__.get("_pending_mutations", ())):
        prop = attributes.get(name)
        if isinstance(prop, sa_orm.ColumnProperty):
            was, now = state.committed_state[name], state.dict.get(name)
            if state.manager[name].impl.is_equal(now, was) is not True:  # as its history would say
                mine[name] = now
        elif isinstance(prop, sa_orm.RelationshipProperty) and not prop.viewonly:
            history = _history(state, name)
            if not history.has_changes():
                continue
            if prop.direction is sa_orm.RelationshipDirection.MANYTOONE:
                target = state.dict.get(name)
                mine.update(_synchronized(prop, None if target is None else sa.inspect(target), state))
            elif prop.direction is sa_orm.RelationshipDirection.ONETOMANY:
                yield from _of_children(prop, state, history)
    yield state, mine


def _history(state: State, name: str) -> Any:
    """Of a relationship, with no SQL: a one-to-one that was set unloaded would be asked for what it was."""
    if state.committed_state.get(name) is not PASSIVE_NO_RESULT:
        return state.get_history(name, _SILENT)
    now = state.dict.get(name)
    return sa_orm.attributes.History([] if now is None else [now], (), [None])


def _of_children(prop: Any, state: State, history: Any) -> Iterator[tuple[State, dict[str, Any]]]:
    """What a collection changes is in the rows of those who are in it."""
    for objects, parent in ((history.added, state), (history.deleted, None)):
        for obj in objects or ():
            if obj is not None:
                child: State = sa.inspect(obj)
                yield child, _synchronized(prop, parent, child)


def _let_go(state: State) -> Iterator[tuple[State, dict[str, Any]]]:
    """The children that a row which goes leaves behind without a parent, as far as they are in memory; others are read
    in the flush itself."""
    for prop in state.mapper.relationships:
        if prop.direction is not sa_orm.RelationshipDirection.ONETOMANY or prop.viewonly:
            continue
        if prop.cascade.delete or prop.passive_deletes == "all":
            continue
        history = state.get_history(prop.key, _SILENT)
        for obj in (*(history.unchanged or ()), *(history.deleted or ())):
            if obj is not None:
                child: State = sa.inspect(obj)
                yield child, _synchronized(prop, None, child)


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
