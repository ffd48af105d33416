"""What kind of Session does a workspace hold? The host's own class, on the workspaces' engines,
watched for flushes and for what an actor may see."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
import sqlalchemy.orm as sa_orm

from ..records.models import Database, Model
from ..telemetry import watch_sessions
from . import flush_order, tape
from .engine import POOL_NAME, WorkspaceEngine
from .links import Links
from .sight import Sight

if TYPE_CHECKING:
    from .live import Live

scope: ContextVar[int | None] = ContextVar("poolhouse_workspace", default=None)
"""The workspace whose Session the registries hand out in this thread."""

criteria: ContextVar[tuple[tuple[type, Any, Any], ...]] = ContextVar("poolhouse_criteria", default=())
"""By class what narrows every SELECT to the rows that the present actor may see: the condition, and it as a loader
option."""


class WorkspaceSessionMixin:
    """In front of the host's class: its statements go to the workspaces' engines."""

    live: Live | None = None
    find_engine: Callable[[sa.Engine], sa.Engine]

    def get_bind(self, *arguments: Any, **options: Any) -> Any:
        bind = super().get_bind(*arguments, **options)  # type: ignore[misc]
        return type(self).find_engine(bind.engine)


class ScratchSessionMixin:
    """In front of that: on a connection that is open already, inside a savepoint."""

    connections: Mapping[sa.Engine, sa.Connection] = {}

    def get_bind(self, *arguments: Any, **options: Any) -> Any:
        engine = super().get_bind(*arguments, **options)  # type: ignore[misc]
        return self.connections.get(engine, engine)


class Registry:
    """The Sessions of the workspaces on one database: a `scoped_session` whose scope is the current workspace.

    keeps_history: the database was seen to have the table of change sets.
    """

    def __init__(self, database: Database, *, connections: int, seconds: float, pool_name: str = POOL_NAME) -> None:
        self._connections, self._seconds, self._pool_name = connections, seconds, pool_name
        self.engines: dict[sa.Engine, WorkspaceEngine] = {}
        self.models = database.models
        self.main = self._engine(database.engine)
        self.links = Links(database.models)
        self.keeps_history = False
        self._watch = None
        maker = database.maker
        self.session_class: type[sa_orm.Session] = type(
            "WorkspaceSession", (WorkspaceSessionMixin, sync_class(maker)), {"find_engine": staticmethod(self._find)}
        )
        tape.listen_to_session(self.session_class, self.number)
        for name, listener in _LISTENERS.items():
            sa.event.listen(self.session_class, name, listener)
        self._watch = watch_sessions(self.session_class, registry="workspaces")
        self._scratches: Any = None
        self._scratch_watch: Any = None
        options = {**maker.kw, "autobegin": True, "close_resets_only": True}
        options.setdefault("bind", None if options.get("binds") else database.engine)
        self.sessions = sa_orm.scoped_session(
            sa_orm.sessionmaker(class_=self.session_class, **options), scopefunc=scope.get
        )
        self._scratch_options = {**options, "join_transaction_mode": "create_savepoint"}
        self._guard = threading.Lock()
        self._kind = sync_class(maker)

    def scratch(self) -> Any:
        """A Session whose flush is taken back. Not one of the workspaces': what it does is nobody's action."""
        with self._guard:
            if self._scratches is None:
                bases = (ScratchSessionMixin, WorkspaceSessionMixin, self._kind)
                class_: Any = type("ReviewSession", bases, {"find_engine": staticmethod(self._find)})
                for name, listener in _LISTENERS.items():
                    sa.event.listen(class_, name, listener)
                self._scratch_watch = watch_sessions(class_, registry="reviews")
                self._scratches = sa_orm.sessionmaker(class_=class_, **self._scratch_options)
        return self._scratches()

    def _find(self, engine: sa.Engine) -> sa.Engine:
        ours = any(made.engine is engine for made in self.engines.values())
        return engine if ours else self._engine(engine).engine

    def _engine(self, host: sa.Engine) -> WorkspaceEngine:
        if host not in self.engines:
            known = len(self.engines)
            name = self._pool_name if not known else f"{self._pool_name}-{known + 1}"
            made = WorkspaceEngine(
                host,
                connections=self._connections,
                seconds=self._seconds,
                name=name,
                mappers=lambda: (model.mapper for model in self.models),
            )
            tape.listen_to_engine(made)
            self.engines[host] = made
        return self.engines[host]

    def number(self, connection: sa.Connection) -> int:
        return next(
            (each.number(connection) for each in self.engines.values() if each.engine is connection.engine),
            self.main.number(connection),
        )

    def close(self) -> None:
        if self._watch is not None:
            self._watch.stop()
        if self._scratch_watch is not None:
            self._scratch_watch.stop()
        for engine in self.engines.values():
            engine.close()

    def forget(self) -> None:
        for engine in self.engines.values():
            engine.forget()


def sync_class(maker: Any) -> type[sa_orm.Session]:
    """The class of a sessionmaker; of an async_sessionmaker, the Session inside."""
    class_ = maker.class_
    return class_ if issubclass(class_, sa_orm.Session) else getattr(class_, "sync_session_class", sa_orm.Session)


def _of(session: sa_orm.Session) -> Live | None:
    return getattr(session, "live", None)


def _before_flush(session: sa_orm.Session, context: Any, instances: Any) -> None:
    flush_order.settle(context)
    live = _of(session)
    if live is not None:
        live.flush_begins()


def _after_flush(session: sa_orm.Session, context: Any) -> None:
    live = _of(session)
    if live is not None:
        live.flush_ends(context.states)


def _after_transaction_end(session: sa_orm.Session, transaction: sa_orm.SessionTransaction) -> None:
    live = _of(session)
    if live is not None and transaction.parent is None:
        live.transaction_ended()


def _do_orm_execute(state: sa_orm.ORMExecuteState) -> None:
    narrowed = criteria.get()
    if not narrowed or not state.is_select:
        return
    if state.is_column_load and isinstance(state.statement, sa.Select):
        # loader criteria do not touch the refresh of an object that is there already
        mapper = state.bind_mapper
        for class_, condition, _ in narrowed:
            if mapper is not None and issubclass(mapper.class_, class_):
                state.statement = state.statement.where(condition)
    else:
        state.statement = state.statement.options(*(option for _, _, option in narrowed))


_LISTENERS: dict[str, Callable[..., None]] = {
    "before_flush": _before_flush,
    "after_flush": _after_flush,
    "after_transaction_end": _after_transaction_end,
    "do_orm_execute": _do_orm_execute,
}


@contextmanager
def narrowed(sight: Sight, models: Iterable[Model]) -> Iterator[None]:
    """Inside, this thread loads only rows that the actor may see, wherever they come from."""
    conditions = ((model.class_, condition) for model in models if (condition := sight.rows(model)) is not None)
    token = criteria.set(tuple((class_, condition, _option(class_, condition)) for class_, condition in conditions))
    try:
        yield
    finally:
        criteria.reset(token)


def _option(class_: type, condition: Any) -> Any:
    return sa_orm.with_loader_criteria(class_, condition, include_aliases=True, propagate_to_loaders=False)
