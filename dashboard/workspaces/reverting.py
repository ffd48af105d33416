"""How is what was staged of one object taken back, with no SQL where it is known what there was before?"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa
import sqlalchemy.orm as sa_orm
from sqlalchemy.orm.base import NO_VALUE, PASSIVE_NO_FETCH, PASSIVE_NO_RESULT

from .values import put

_UNKNOWN = (NO_VALUE, PASSIVE_NO_RESULT)


def revert(obj: Any, names: Iterable[str] | None = None) -> None:
    """Sets changed attributes back to what they were when the object was loaded or committed; one of which nobody
    knows what it was is expired. names: only these."""
    state: sa_orm.InstanceState[Any] = sa.inspect(obj)
    pending = state.__dict__.get("_pending_mutations", {})
    changed = [name for name in dict.fromkeys((*state.committed_state, *pending)) if names is None or name in names]
    relationships = [name for name in changed if name in state.mapper.relationships]
    # to-one first, whatever came first: what one side takes back is gone from the other's queue then
    for name in sorted(relationships, key=lambda name: (bool(state.mapper.relationships[name].uselist), name)):
        if name in state.committed_state or name in state.__dict__.get("_pending_mutations", {}):
            _revert_related(obj, state, name)
    columns = [name for name in changed if name not in relationships]
    known = [name for name in columns if state.committed_state.get(name, NO_VALUE) not in _Unknown()]
    for name in known:
        sa_orm.attributes.set_committed_value(obj, name, state.committed_state[name])
    if known:
        state.manager.dispatch.refresh(state, None, known)  # mutable values learn whose they are
    state._expire_attributes(state.dict, [name for name in columns if name not in known])


class _Unknown:
    """`in` by identity: a foreign value's __eq__ may be anything."""

    def __contains__(self, value: object) -> bool:
        return any(value is each for each in _UNKNOWN)


def _revert_related(obj: Any, state: sa_orm.InstanceState[Any], name: str) -> None:
    """By the attribute's own events, so that the other side learns of it."""
    impl: Any = state.manager[name].impl
    was = state.committed_state.get(name, NO_VALUE)
    queued = state.__dict__.get("_pending_mutations", {}).get(name)
    if queued is not None or getattr(impl, "dynamic", False):
        source = queued if queued is not None else was
        _take_back(impl, state, tuple(source.added_items), tuple(source.deleted_items))
        if queued is not None and not (queued.added_items or queued.deleted_items):
            state._pending_mutations.pop(name, None)
            state.committed_state.pop(name, None)
    elif was not in _Unknown():
        put(obj, name, list(was) if impl.collection else was)
        state.committed_state.pop(name, None)
    elif not impl.collection:
        put(obj, name, None)
        state.dict.pop(name, None)
        state.committed_state.pop(name, None)
        state.__dict__.pop("parents", None)  # it had some before, nobody knows which: it is no orphan


def _take_back(impl: Any, state: sa_orm.InstanceState[Any], added: tuple[Any, ...], removed: tuple[Any, ...]) -> None:
    """On the other side where there is one: SQLAlchemy's events then take it out of what is queued here."""
    for items, add in ((added, False), (removed, True)):
        for each in items:
            here, there, value = impl, state, each
            other = next(iter(state.mapper.relationships[impl.key]._reverse_property), None)
            if other is not None:
                there, value = sa.inspect(each), state.obj()
                here = there.manager[other.key].impl
                if not here.collection:
                    revert(each, [other.key])
                    continue
            change = here.append if add else here.remove
            change(there, there.dict, value, None, passive=PASSIVE_NO_FETCH)
