"""On which connections are records read? On a small pool of their own, so that no open workspace keeps them waiting;
where the host's one connection is shared, on that, when no workspace has something written in it."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa
import sqlalchemy.orm as sa_orm

from ..config import Config
from ..records.models import Database
from ..refusal import Refusal
from ..telemetry import watch_sessions
from .engine import WorkspaceEngine, is_shared
from .lives import Lives, inherited
from .registry import Workspaces
from .session import WorkspaceSessionMixin, sync_class

POOL_NAME = "records"


class Reader:
    """Sessions of the host's own class that only read one database."""

    wrote = False

    def __init__(self, database: Database, config: Config, lives: Lives, name: str) -> None:
        self._database, self._config, self._lives, self._name = database, config, lives, name
        self._engines: dict[sa.Engine, WorkspaceEngine] = {}
        self._guard = threading.RLock()
        self.main = self._engine(database.engine)
        maker = database.maker
        options = {**maker.kw, "autoflush": False, "autobegin": True, "close_resets_only": True}
        options.setdefault("bind", None if options.get("binds") else database.engine)
        class_ = type(
            "RecordsSession", (WorkspaceSessionMixin, sync_class(maker)), {"find_engine": staticmethod(self._find)}
        )
        self._watch = watch_sessions(class_, registry=POOL_NAME)
        self._maker: Any = sa_orm.sessionmaker(class_=class_, **options)

    @contextmanager
    def session(self) -> Iterator[sa_orm.Session]:
        with self.main.taken_by(self), self._maker() as session:
            yield session

    def _find(self, engine: sa.Engine) -> sa.Engine:
        ours = any(made.engine is engine for made in list(self._engines.values()))
        return engine if ours else self._engine(engine).engine

    def _engine(self, host: sa.Engine) -> WorkspaceEngine:
        with self._guard:
            if host not in self._engines:
                self._engines[host] = self._made(host)
            return self._engines[host]

    def _made(self, host: sa.Engine) -> WorkspaceEngine:
        if is_shared(host) and host is self._database.engine:
            return self._lives.registry(self._database.name).main
        number = len(self._engines) + 1
        return WorkspaceEngine(
            host,
            connections=self._config.records_connections,
            seconds=self._config.workspace_wait_seconds,
            name=self._name if number == 1 else f"{self._name}-{number}",
            mappers=lambda: (model.mapper for model in self._database.models),
        )

    def close(self) -> None:
        self._watch.stop()
        for engine in self._engines.values():
            if not engine.shared:
                engine.close()

    def forget(self) -> None:
        for engine in self._engines.values():
            engine.forget()


class Readers:
    """A Reader for each database, made when it is first needed. A forked child starts with none of its parent's."""

    def __init__(self, databases: Mapping[str, Database], workspaces: Workspaces, config: Config) -> None:
        self._databases, self._config, self._lives = databases, config, workspaces._lives  # of the same room
        self._begin()

    def _begin(self) -> None:
        self._pid = os.getpid()
        self._guard = threading.RLock()
        self._readers: dict[str, Reader] = {}

    @contextmanager
    def session(self, database: str) -> Iterator[sa_orm.Session]:
        """A Session on this database, whose connection is given back at the end. Raises Refusal: not_found, busy."""
        with self._reader(database).session() as session:
            yield session

    def _reader(self, name: str) -> Reader:
        if os.getpid() != self._pid:
            inherited.append(self._readers)
            for reader in self._readers.values():
                reader.forget()
            self._begin()
        with self._guard:
            if name not in self._readers:
                if name not in self._databases:
                    raise Refusal("not_found", f"There is no database {name[:80]!r} here.")
                alone = len(self._databases) == 1 or name == "default"
                pool = POOL_NAME if alone else f"{POOL_NAME}.{name}"
                self._readers[name] = Reader(self._databases[name], self._config, self._lives, pool)
            return self._readers[name]

    def close(self) -> None:
        """Gives every connection back; the next question makes new ones."""
        with self._guard:
            for reader in self._readers.values():
                reader.close()
            self._readers.clear()
