"""Why did the ORM ask the database? Each of its SELECTs, by kind, and by the relationship that it was for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy import orm as sa_orm

from . import n_plus_one, scopes
from .examples import Examples
from .faults import fault
from .recorder import Numbers
from .sessions import EXPIRED, SESSION, TABLES, SessionWatch
from .tables import OTHER, Names

KINDS_OF_LOADS = ("query", "lazy", "eager", "refresh", "deferred")
BY_PATH = ("lazy", "eager")
"""The kinds that are told apart by their relationship too."""
LOADS = {kind: SESSION.counter(f"loads|{kind}") for kind in KINDS_OF_LOADS}
PATHS = 50
"""Relationships with a row of their own, in one process."""
KEYS_REMEMBERED = 1_000
N_PLUS_ONE = "n_plus_one"
REFRESHES = "refreshes"
MANY = 10
"""So many lazy loads of one relationship in one scope are an N+1; so many refreshes in one are worth an example."""
MANY_OF_A_THREAD = 100
"""The same for what a thread does outside of every scope."""
LAZY, REFRESHED = "lazy", "refreshed"
"""The keys of a scope's marks under which its lazy loads and its refreshes are counted."""
INSIDE_A_LOAD = "sa_top_level_orm_context"
"""The execution option by which SQLAlchemy says that a load belongs to one that is going on: immediateload()."""

LOAD_OPTIONS = "_sa_orm_load_options"
"""The execution option by which SQLAlchemy says for whom a statement loads."""
PLUGIN = "compile_state_plugin"
"""The attribute of a statement that says whether it is the ORM's."""
FOR = "_poolhouse_loads"
"""The attribute of a Connection: the registration of the Session that has it."""
HOLDER = "_poolhouse"
"""The attribute that a Connection has where its Engine's statements are listened to."""

paths = Names(PATHS)
refreshes = Examples()
"""Where columns that had expired were read again, ten in one scope, and each ten more."""


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


def begun(watch: SessionWatch, connection: Any) -> None:
    """A Session of this registration has begun a transaction: the Connection's SELECTs of the ORM are counted for it.

    Not by `do_orm_execute`: as soon as anybody listens to that, SQLAlchemy does much of each query's work twice. The
    listener of a watched Engine's statements calls `count`; where nobody watches the Engine, the Connection alone is
    listened to: other threads are walking through the Engine's listeners, which may not change meanwhile.
    """
    its = connection.__dict__
    is_new = FOR not in its
    its[FOR] = watch
    if is_new and HOLDER not in its and isinstance(connection, sa.Connection):
        sa.event.listen(connection, "after_cursor_execute", _after_cursor_execute)


def _after_cursor_execute(
    connection: Any, cursor: Any, statement: str, parameters: Any, context: Any, many: bool
) -> None:
    if HOLDER not in connection.__dict__:  # else its Engine has come to be watched meanwhile
        count(connection, context)


def count(connection: Any, context: Any) -> None:
    """The context's statement has been executed. Counts it where it is a SELECT of the ORM."""
    try:
        asked = context.invoked_statement
        if asked is not None and asked.is_select and asked._propagate_attrs.get(PLUGIN) == "orm":
            watch = connection.__dict__[FOR]
            watch.local.cells[LOADS[_kind(watch, asked, context.execution_options)]] += 1
    except Exception:
        fault("loads")


def _kind(watch: SessionWatch, asked: Any, options: Any) -> str:
    how: Any = getattr(asked, "_compile_options", None)
    path = getattr(how, "_current_path", None)
    if path is None:  # a UNION
        return "query"
    load = options.get(LOAD_OPTIONS)
    if how._for_refresh_state:
        if _is_deferred(how._only_load_props, load._refresh_state):
            return "deferred"
        _note_refresh(watch)
        return "refresh"
    if path.is_root:
        return "query"
    is_lazy = load is not None and load._lazy_loaded_from is not None and INSIDE_A_LOAD not in options
    return _note_relationship(watch, path.path, is_lazy)


def _is_deferred(only: Any, state: Any) -> bool:
    """Columns that were never loaded: deferred ones, and those of a subclass that the query left out."""
    if not only:
        return False
    if not state.expired_attributes.intersection(only):
        return True
    was_expired = state.expired or state.__dict__.get(EXPIRED)
    return not was_expired and state.mapper.inherits is not None


def _note_relationship(watch: SessionWatch, path: Any, is_lazy: bool) -> str:
    """Counts the relationship; the kind."""
    loads = watch.local.loads
    relationship = next(part for part in reversed(path) if isinstance(part, sa_orm.RelationshipProperty))
    if not is_lazy:
        loads["eager", relationship][0] += 1
        return "eager"
    loads["lazy", relationship][0] += 1
    scope = scopes.here()
    if scope is not None:
        seen = scope.marks.setdefault(LAZY, {})
        number = seen[relationship] = seen.get(relationship, 0) + 1
        if number == MANY:
            loads[N_PLUS_ONE, relationship][0] += 1
            n_plus_one.examples.note(path_name(relationship), scope.endpoint, n_plus_one.cure_of(path))
    return "lazy"


def _note_refresh(watch: SessionWatch) -> None:
    """Keeps the line of one of so many: to look for it costs as much as the rest of the listener."""
    scope = scopes.here()
    if scope is None:
        if not (watch.local.cells[LOADS["refresh"]] + 1) % MANY_OF_A_THREAD:
            refreshes.note("", scopes.NONE, times=MANY_OF_A_THREAD)
        return
    number = scope.marks[REFRESHED] = scope.marks.get(REFRESHED, 0) + 1
    if not number % MANY:
        refreshes.note("", scope.endpoint, times=MANY)


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
    n_plus_one.examples.begin_at_zero()
    refreshes.begin_at_zero()
