"""Why did the ORM ask the database? Each of its SELECTs, by kind, and by the relationship that it was for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import orm as sa_orm

from . import n_plus_one, scopes
from .faults import fault
from .pools import Listener
from .recorder import Numbers
from .sessions import EXPIRED, SESSION, TABLES, SessionWatch, by_class
from .tables import OTHER, Names

KINDS_OF_LOADS = ("query", "lazy", "eager", "refresh", "deferred")
BY_PATH = ("lazy", "eager")
"""The kinds that are told apart by their relationship too."""
LOADS = {kind: SESSION.counter(f"loads|{kind}") for kind in KINDS_OF_LOADS}
PATHS = 50
"""Relationships with a row of their own, in one process."""
KEYS_REMEMBERED = 1_000
N_PLUS_ONE = "n_plus_one"
MANY = 10
"""So many lazy loads of one relationship in one scope are an N+1."""
LAZY = "lazy"
"""The key of a scope's marks under which its lazy loads are counted."""
INSIDE_A_LOAD = "sa_top_level_orm_context"
"""The execution option by which SQLAlchemy says that a load belongs to one that is going on: immediateload()."""

paths = Names(PATHS, "paths")


class Paths(dict[tuple[str, Any], list[int]]):
    """One thread's counts by (kind, relationship). rows: by (kind, `Author.books`)."""

    def __init__(self) -> None:
        self._rows: dict[Any, list[Any]] = {}

    @property
    def rows(self) -> dict[Any, list[Any]]:
        return self._rows

    def __missing__(self, key: tuple[str, Any]) -> list[int]:
        if len(self) >= KEYS_REMEMBERED:  # a program may make ever new classes
            self.clear()
        kind, relationship = key
        name = path_name(relationship)
        row = self._rows.setdefault((kind, name if paths.admits(name) else OTHER), [0])
        self[key] = row
        return row


TABLES["loads"] = Paths
_ended: Numbers = {}


def path_name(relationship: Any) -> str:
    return f"{relationship.parent.class_.__name__}.{relationship.key}"


def listeners(watch: SessionWatch) -> dict[str, Listener]:
    return {"do_orm_execute": _do_orm_execute(watch)}


def _do_orm_execute(watch: SessionWatch) -> Listener:
    local = watch.local

    def do_orm_execute(execution: Any) -> None:
        try:
            # is_select first: what follows raises for INSERT, UPDATE and text
            if (
                not execution.is_select
                or not execution.is_orm_statement
                or by_class[execution.session.__class__] is not watch
            ):
                return
            if execution.is_column_load:
                kind = "deferred" if _is_deferred(execution) else "refresh"
            elif not execution.is_relationship_load:
                kind = "query"
            else:
                kind = _note_relationship(watch, execution)
            local.cells[LOADS[kind]] += 1
        except Exception:
            fault("do_orm_execute")

    return do_orm_execute


def _is_deferred(execution: Any) -> bool:
    """Columns that were never loaded: deferred ones, and those of a subclass that the query left out."""
    only = execution._orm_compile_options()._only_load_props
    if not only:
        return False
    state = execution.load_options._refresh_state
    if not state.expired_attributes.intersection(only):
        return True
    was_expired = state.expired or state.__dict__.get(EXPIRED)
    return not was_expired and state.mapper.inherits is not None


def _note_relationship(watch: SessionWatch, execution: Any) -> str:
    """Counts the relationship; the kind."""
    loads = watch.local.loads
    path = execution.loader_strategy_path.path
    relationship = next(part for part in reversed(path) if isinstance(part, sa_orm.RelationshipProperty))
    if execution.lazy_loaded_from is None or INSIDE_A_LOAD in execution.execution_options:
        loads["eager", relationship][0] += 1
        return "eager"
    loads["lazy", relationship][0] += 1
    scope = scopes.here()
    if scope is not None:
        seen = scope.marks.setdefault(LAZY, {})
        number = seen[relationship] = seen.get(relationship, 0) + 1
        if number == MANY:
            loads[N_PLUS_ONE, relationship][0] += 1
            n_plus_one.note(path_name(relationship), path, scope.endpoint)
    return "lazy"


def numbers(watches: Mapping[type, SessionWatch]) -> Numbers:
    """By name: `loads|lazy|Author.books`, `loads|eager|...`, `n_plus_one|...`, of all registries together."""
    sums = dict(_ended)
    for watch in list(watches.values()):
        _add(sums, watch)
    return sums


def bury(watch: SessionWatch) -> None:
    """A registry that is no longer watched keeps its counts."""
    _add(_ended, watch)


def _add(sums: Numbers, watch: SessionWatch) -> None:
    for (kind, name), (count,) in watch.recorder.rows("loads").items():
        key = f"{N_PLUS_ONE}|{name}" if kind == N_PLUS_ONE else f"loads|{kind}|{name}"
        sums[key] = sums.get(key, 0) + count


def begin_at_zero() -> None:
    """In a forked child."""
    _ended.clear()
    paths.begin_at_zero()
    n_plus_one.begin_at_zero()
