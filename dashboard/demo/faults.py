"""Which faults can be switched on in the demo, and which are on? A switch is a file, so that all workers see it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from . import faulty
from .faulty import Shop

LOOK_SECONDS = 0.3


@dataclass(frozen=True)
class Fault:
    """finding: what its verdict is called. run: makes the trouble until it is told to stop."""

    name: str
    finding: str
    what: str
    run: Callable[[Shop, threading.Event], None]


FAULTS = tuple(
    Fault(name, finding, " ".join((run.__doc__ or "").split()), run)
    for name, finding, run in (
        ("leaked-connection", "ConnectionLeak", faulty.leak),
        ("pool-too-small", "PoolSaturated", faulty.crowd),
        ("slow-statement", "SlowStatements", faulty.be_slow),
        ("idle-in-transaction", "IdleInTransaction", faulty.idle),
        ("n-plus-one", "NPlusOne", faulty.load_one_by_one),
        ("refresh-storm", "RefreshStorm", faulty.refresh),
        ("survivors", "SessionSurvivors", faulty.survive),
        ("rollback-storm", "RollbackRatio", faulty.roll_back),
        ("database-away", "DatabaseAway", faulty.go_away),
        ("database-flapping", "DatabaseFlapping", faulty.flap),
        ("overflow-churn", "ConnectionChurn", faulty.churn),
        ("fork-sharing", "ForkSharing", faulty.share_over_fork),
        ("lock-held-elsewhere", "StatementStuck", faulty.wait_for_a_lock),
        ("detached-errors", "DetachedErrors", faulty.detach),
    )
)
BY_NAME = {fault.name: fault for fault in FAULTS}


class Faults:
    """The switches of one instance folder, and what of it runs in this process: each worker makes the same trouble.

    A new start finds every switch off.
    """

    def __init__(self, folder: Path, shop: Shop) -> None:
        self._folder, self._shop = folder, shop
        self._running: dict[str, tuple[threading.Event, threading.Thread]] = {}
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Looks at the switches from now on. Call it after a fork, never before."""
        for fault in FAULTS:  # here, and not where it is made: a command on the same folder is no new start
            self._file(fault.name).unlink(missing_ok=True)
        self._stopping.clear()
        self._thread = threading.Thread(target=self._look_on, name="demo-faults", daemon=True)
        self._thread.start()

    def stop(self, seconds: float = 10.0) -> None:
        """Ends what runs here; the switches stay as they are."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join(seconds)
        with self._lock:
            for name in list(self._running):
                self._end(name, seconds)

    def is_on(self, name: str) -> bool:
        return self._file(name).exists()

    def switch(self, name: str, on: bool) -> None:
        """For every worker, within a moment. Raises KeyError for a name that no fault has."""
        file = self._file(BY_NAME[name].name)
        if on:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.touch()
        else:
            file.unlink(missing_ok=True)

    def _file(self, name: str) -> Path:
        return self._folder / "faults" / name

    def _look_on(self) -> None:
        while not self._stopping.wait(LOOK_SECONDS):
            with self._lock:
                for fault in FAULTS:
                    if self.is_on(fault.name) and fault.name not in self._running:
                        self._begin(fault)
                    elif not self.is_on(fault.name) and fault.name in self._running:
                        self._end(fault.name, 0.0)

    def _begin(self, fault: Fault) -> None:
        stop = threading.Event()
        thread = threading.Thread(target=fault.run, args=(self._shop, stop), name=f"demo-{fault.name}", daemon=True)
        self._running[fault.name] = stop, thread
        thread.start()

    def _end(self, name: str, seconds: float) -> None:
        stop, thread = self._running.pop(name)
        stop.set()
        thread.join(seconds)
