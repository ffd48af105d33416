"""What may a page see of the rooms? One frozen Runtime, and the one that serves this request."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from flask import current_app, request

from .access import Access
from .access.accounts import Accounts
from .config import Config
from .records.models import Database
from .refusal import Refusal
from .store.audit import Audit
from .store.engine import Store
from .telemetry import Watch
from .telemetry.ledger import Ledger
from .workspaces.history import History
from .workspaces.reading import Readers
from .workspaces.registry import Workspaces


@dataclass(frozen=True)
class Service:
    """Something that runs beside the requests of one process: begun after the fork, ended before the exit."""

    start: Callable[[], object]
    stop: Callable[[], object]


@dataclass
class Services:
    """Starts the services once in each process: gunicorn forks after create_app(),
    and a thread does not survive a fork."""

    items: tuple[Service, ...]
    _started_in: int | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def start(self) -> None:
        if self._started_in == os.getpid():
            return
        with self._lock:
            if self._started_in == os.getpid():
                return
            try:
                for service in self.items:
                    service.start()
            finally:  # what could not be begun is not tried again with each request
                self._started_in = os.getpid()

    def stop(self) -> None:
        with self._lock:
            if self._started_in != os.getpid():
                return
            for service in reversed(self.items):
                service.stop()
            self._started_in = None


@dataclass(frozen=True)
class Runtime:
    """All that a page may see. bulkhead: the places for pages that use a database. access: the host's, else None;
    accounts: ours, None with a host's access. alone: not a guest."""

    name: str
    config: Config
    alone: bool
    ledger: Ledger
    store: Store
    audit: Audit
    databases: Mapping[str, Database]
    workspaces: Workspaces | None
    access: Access | None
    accounts: Accounts | None
    secret_key: str
    services: Services
    bulkhead: threading.BoundedSemaphore
    watches: tuple[Watch, ...] = ()
    readers: Readers | None = None
    history: History | None = None

    def start(self) -> None:
        """Begins what runs beside the requests. Called by gunicorn's hook, else by the first request;
        harmless when begun."""
        self.services.start()

    def stop(self) -> None:
        self.services.stop()

    def close(self) -> None:
        """Takes every listener off the host's engines and Sessions, and closes what is ours."""
        self.stop()
        if self.readers is not None:
            self.readers.close()
        if self.workspaces is not None:
            self.workspaces.close()
        for watch in self.watches:
            watch.stop()
        self.store.engine.dispose()


@dataclass(frozen=True)
class NotStarted:
    """What stands in the place of a Runtime that could not be made. config: None where the settings are what is
    wrong."""

    reason: Refusal
    config: Config | None


def current() -> Runtime:
    """The Runtime whose page this request is for: our blueprints carry its name."""
    name = (request.blueprint or "poolhouse").partition(".")[0]
    runtime = current_app.extensions[name]
    assert isinstance(runtime, Runtime)
    return runtime
