"""Were rows between two objects, which a flush is about to add or remove, added or removed by somebody else already?
Then nothing is left to do: a set that has it, has it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
import sqlalchemy.orm as sa_orm

from . import tape

if TYPE_CHECKING:
    from .live import Live

State = sa_orm.InstanceState[Any]
KEYS = 100
"""Owners that one statement asks for."""
WHY = "check"


@dataclass(frozen=True)
class Staged:
    """A row that is to be added or removed, of persistent objects."""

    prop: Any
    owner: State
    target: State
    added: bool


def check(live: Live) -> None:
    """Before a flush, when the rows of the objects themselves are found to be in order."""
    by_prop: dict[Any, list[Staged]] = {}
    for each in _staged(live):
        by_prop.setdefault(each.prop, []).append(each)
    for prop, found in by_prop.items():
        with tape.because(WHY):
            there = set(_pairs(live, prop, found))
        for each in found:
            pair = (*_values(each.owner, prop.synchronize_pairs), *_values(each.target, _other(prop)))
            if (pair in there) == each.added:
                _forget(each.owner, prop.key, each.target, added=each.added)
                for reverse in prop._reverse_property:
                    _forget(each.target, reverse.key, each.owner, added=each.added)


def _staged(live: Live) -> Iterator[Staged]:
    for state in live.session.identity_map._modified:
        for name in (*state.committed_state, *state.__dict__.get("_pending_mutations", ())):
            prop = state.mapper.relationships.get(name)
            if prop is None or prop.secondary is None or prop.viewonly or state in live.session._deleted:
                continue
            if not _is_by_key(prop):
                continue
            history = state.get_history(name, sa_orm.PassiveFlag.PASSIVE_NO_INITIALIZE)
            for objects, added in ((history.added, True), (history.deleted, False)):
                for target in map(sa.inspect, (obj for obj in objects or () if obj is not None)):
                    if target.key is not None and target not in live.session._deleted:
                        yield Staged(prop, state, target, added)


def _other(prop: Any) -> Any:
    return prop.secondary_synchronize_pairs or ()


def _is_by_key(prop: Any) -> bool:
    """Its rows hold keys of both sides, which are known of objects that have expired, too."""
    mappers = ((prop.parent, prop.synchronize_pairs), (prop.mapper, _other(prop)))
    return all(column in mapper.primary_key for mapper, pairs in mappers for column, _ in pairs)


def _values(state: State, pairs: Iterable[Any]) -> tuple[Any, ...]:
    assert state.key is not None
    identity = dict(zip(state.mapper.primary_key, state.key[1], strict=True))
    return tuple(identity[column] for column, _ in pairs)


def _pairs(live: Live, prop: Any, found: list[Staged]) -> Iterator[tuple[Any, ...]]:
    """What is between these owners and anybody."""
    here, there = [column for _, column in prop.synchronize_pairs], [column for _, column in _other(prop)]
    owners = list(dict.fromkeys(_values(each.owner, prop.synchronize_pairs) for each in found))
    connection = live.session.connection(bind_arguments={"mapper": prop.parent})
    for start in range(0, len(owners), KEYS):
        batch = owners[start : start + KEYS]
        condition = here[0].in_([each[0] for each in batch]) if len(here) == 1 else sa.tuple_(*here).in_(batch)
        for row in connection.execute(sa.select(*here, *there).where(condition)):
            yield tuple(row)


def _forget(state: State, name: str, target: State, *, added: bool) -> None:
    """It counts as committed: there, or gone."""
    obj, pending = target.obj(), state.__dict__.get("_pending_mutations", {}).get(name)
    if pending is not None:
        (pending.added_items if added else pending.deleted_items).discard(obj)
    was = state.committed_state.get(name)
    if isinstance(was, list):
        if added and not any(each is obj for each in was):
            was.append(obj)
        elif not added:
            was[:] = [each for each in was if each is not obj]
