"""What went wrong inside telemetry itself? Counted by listener, told to the log once a minute, never to the program."""

from __future__ import annotations

import logging
import os
import threading
import time

log = logging.getLogger("poolhouse")

_counts: dict[str, int] = {}
_logged: dict[str, float] = {}
_lock = threading.RLock()
LOG_SECONDS = 60.0


def fault(listener: str) -> None:
    """Called inside an `except`: counts the fault, and logs it with its traceback at most once a minute for each
    listener."""
    try:
        now = time.monotonic()
        with _lock:
            _counts[listener] = _counts.get(listener, 0) + 1
            due = now - _logged.get(listener, -LOG_SECONDS) >= LOG_SECONDS
            if due:
                _logged[listener] = now
        if due:
            log.error("telemetry: the listener %s failed; the program is not affected", listener, exc_info=True)
    except Exception:  # a logging handler of the program's may fail, and that must not reach its checkout
        pass


def counts() -> dict[str, int]:
    """Faults by listener since this process began."""
    with _lock:
        return dict(_counts)


def _after_fork() -> None:
    global _lock
    _lock = threading.RLock()
    _counts.clear()
    _logged.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
