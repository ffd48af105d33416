"""Which workspaces does this process hold live, and who may touch one now?"""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from ..config import Config
from ..records.models import Database
from ..refusal import Refusal
from .live import Live
from .session import Registry

inherited: list[Any] = []
"""What a forked child got from its parent: kept, because letting go of it would end the parent's connections."""


class Lives:
    """The Live of each workspace by name, its lock, and the registries that their Sessions come from.

    A forked child starts empty: its parent's Sessions and connections are not its own.
    """

    def __init__(self, databases: Mapping[str, Database], config: Config) -> None:
        self._databases = databases
        self._config = config
        self._begin()

    def _begin(self) -> None:
        self._pid = os.getpid()
        self._guard = threading.RLock()
        self._registries: dict[str, Registry] = {}
        self._by_name: dict[str, Live] = {}
        self._locks: weakref.WeakValueDictionary[str, threading.RLock] = weakref.WeakValueDictionary()

    def __iter__(self) -> Iterator[str]:
        return iter(list(self._by_name))

    def get(self, name: str) -> Live | None:
        return self._by_name.get(name)

    def put(self, live: Live) -> None:
        self._by_name[live.row.name] = live

    def drop(self, name: str) -> None:
        """Parks it, if it is there, and forgets it."""
        live = self._by_name.pop(name, None)
        if live is not None:
            live.park()

    @contextmanager
    def held(self, name: str, wait: float | None = None) -> Iterator[None]:
        """The workspace's lock, waited for a bounded time."""
        self._after_fork()
        lock = self._lock(name)
        if not lock.acquire(timeout=self._config.workspace_wait_seconds if wait is None else wait):
            message = f"Somebody else is doing something in {name} just now."
            raise Refusal("busy", message, remedy="Try again in a moment.")
        try:
            yield
        finally:
            lock.release()

    @contextmanager
    def held_now(self, name: str) -> Iterator[bool]:
        """The workspace's lock if nobody has it; False while an action runs."""
        self._after_fork()
        lock = self._lock(name)
        taken = lock.acquire(blocking=False)
        try:
            yield taken
        finally:
            if taken:
                lock.release()

    def _lock(self, name: str) -> threading.RLock:
        """Kept by those who have it or wait for it: there are more names than workspaces."""
        with self._guard:
            lock = self._locks.get(str(name))
            if lock is None:
                lock = self._locks[str(name)] = threading.RLock()
            return lock

    def _after_fork(self) -> None:
        if os.getpid() != self._pid:
            inherited.append((self._by_name, self._registries))
            for registry in self._registries.values():
                registry.forget()
            self._begin()

    def registry(self, database: str) -> Registry:
        """Where Sessions on this database come from; made when the first workspace needs it."""
        self._after_fork()
        with self._guard:
            if database not in self._registries:
                found = self._databases.get(database)
                if found is None:
                    message = f"The database {database} is not here any more."
                    raise Refusal("not_found", message, remedy="Give it back its name, or discard the workspace.")
                alone = len(self._databases) == 1 or database == "default"
                self._registries[database] = Registry(
                    found,
                    connections=self._config.workspace_connections,
                    seconds=self._config.workspace_wait_seconds,
                    pool_name="workspaces" if alone else f"workspaces.{database}",
                )
            return self._registries[database]

    def park_oldest(self, keep: Live) -> None:
        """Parks who was used longest ago while too many are live; never one with an open transaction."""
        with self._guard:
            others = [
                live for live in self._by_name.values() if live is not keep and not live.wrote and live.unsaved is None
            ]
            excess = len(self._by_name) - self._config.workspace_sessions
        for live in sorted(others, key=lambda live: live.used)[: max(0, excess)]:
            with self.held_now(live.row.name) as taken:
                if taken and not live.wrote and self._by_name.get(live.row.name) is live:
                    self.drop(live.row.name)

    def close(self) -> None:
        for registry in self._registries.values():
            registry.close()
        self._registries.clear()
