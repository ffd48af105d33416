"""In which order does a flush write what has no order of its own? The same one each time, so that a review can say it.

SQLAlchemy keeps the states of a flush in sets, which Python orders by the addresses of memory.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import sqlalchemy.orm as sa_orm
from sqlalchemy.orm.unitofwork import UOWTransaction
from sqlalchemy.util import topological

State = sa_orm.InstanceState[Any]
FLUSHES = 100
"""SQLAlchemy's commit flushes so often before it gives up: listeners may stage more and more."""


class States(set[State]):
    """Iterated by order of insertion, then by key."""

    _known: tuple[State, ...] = ()

    def __iter__(self) -> Iterator[State]:
        if len(self._known) != len(self):
            self._known = tuple(sorted(set.__iter__(self), key=place))
        return iter(self._known)


def place(state: State) -> tuple[bool, int, str]:
    """The same for the same object in every Session."""
    return state.key is not None, state.insert_order or 0, "" if state.key is None else str(state.key[1])


class OrderedFlush(UOWTransaction):
    """SQLAlchemy's unit of work, whose choice among equals is always the same."""

    def execute(self) -> None:
        actions = sorted(self._generate_actions(), key=_place_of_action)  # type: ignore[no-untyped-call]
        actions.sort(key=lambda action: action.sort_key)
        if not self.cycles:
            for action in topological.sort(self.dependencies, actions):
                action.execute(self)
            return
        for subset in topological.sort_as_subsets(self.dependencies, actions):
            waiting = _Actions(subset)
            while waiting:
                action = next(iter(waiting))
                waiting.remove(action)
                action.execute_aggregate(self, waiting)


class _Actions(list[Any]):
    """As much of a set as an action asks for."""

    def difference_update(self, others: list[Any]) -> None:
        gone = {id(other) for other in others}
        self[:] = [each for each in self if id(each) not in gone]


def _place_of_action(action: Any) -> tuple[bool, int, str]:
    state = getattr(action, "state", None)
    return (False, 0, "") if state is None else place(state)


def settle(context: Any) -> None:
    """Before a flush: `context` is its unit of work, which has nothing in it yet."""
    if type(context) is UOWTransaction and not context.mappers:
        context.__class__ = OrderedFlush
        context.mappers = defaultdict(States)


def until_clean(session: sa_orm.Session) -> None:
    """The flushes of a commit. A first one cancels the delete of what came into a collection: a second one sends it."""
    for _ in range(FLUSHES):
        if session._is_clean():
            return
        session.flush()
