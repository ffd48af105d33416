"""What may a page see of the rooms? One frozen Runtime, and the one that serves this request."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from flask import current_app, request

from .access import Access
from .access.accounts import Accounts
from .access.pace import Pace
from .config import Config
from .records.models import Database
from .refusal import Refusal
from .store.audit import Audit
from .store.engine import Store
from .telemetry import Watch
from .telemetry.ledger import Ledger
from .telemetry.long_range import Prometheus
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


class Streams:
    """The places for streams, each of which keeps one of the server's threads for as long as it lasts.

    most: as many as the settings allow. A server that says how many threads it has (`serve`) gets a third of them; of
    any other one, a third of the threads that were seen so far.
    """

    def __init__(self, most: int) -> None:
        self.open = 0
        self.is_leaving: Callable[[], bool] = lambda: False
        self._most, self._threads = most, 0
        self._seen: set[int] = set()
        self._lock = threading.Lock()

    def serve(self, threads: int, is_leaving: Callable[[], bool]) -> None:
        """is_leaving: whether the server is about to end; a stream that went on would hold it up."""
        self._threads, self.is_leaving = threads, is_leaving

    def note_thread(self) -> None:
        if not self._threads and len(self._seen) < 3 * self._most:
            self._seen.add(threading.get_ident())

    def enter(self) -> bool:
        with self._lock:
            if self.open >= min(self._most, (self._threads or len(self._seen)) // 3):
                return False
            self.open += 1
            return True

    def leave(self) -> None:
        with self._lock:
            self.open -= 1


@dataclass(frozen=True)
class Runtime:
    """All that a page may see. bulkhead, exports, streams: the places for pages that use a database, for exports, which
    keep a connection for as long as somebody reads them, and for streams.
    access: the host's, else None; accounts: ours, None with a host's access. alone: not a guest."""

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
    exports: threading.BoundedSemaphore
    streams: Streams
    pace: Pace
    watches: tuple[Watch, ...] = ()
    readers: Readers | None = None
    history: History | None = None
    prometheus: Prometheus | None = None

    @property
    def metrics_are_public(self) -> bool:
        """Whether everybody may read /metrics."""
        public = self.config.metrics_public
        return self.alone if public is None else public

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
