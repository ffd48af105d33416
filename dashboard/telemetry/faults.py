"""What went wrong inside telemetry itself? Counted by listener, told to the log once a minute, never to the program; a
listener that goes on failing is switched off."""

from __future__ import annotations

import gc
import logging
import os
import sys
import threading
import time
from collections.abc import Callable
from types import CodeType, FunctionType
from typing import Any

log = logging.getLogger("poolhouse")
Listener = Callable[..., Any]

_counts: dict[str, int] = {}
_logged: dict[str, float] = {}
_minutes: dict[str, tuple[float, int]] = {}
_lock = threading.RLock()
LOG_SECONDS = 60.0
FAULTS_A_MINUTE = 100
"""A listener that fails more often is switched off."""
NEVER_OFF = frozenset(
    {"publish", "recreate", "scope", "scope error", "history", "incidents", "pool word", "session word"}
)
"""What others stand on, or what answers something to the program."""

off: dict[str, int] = {}
"""Listeners of this process that are switched off, and how often they had failed by then."""
_replaced: list[tuple[FunctionType, CodeType]] = []


def fault(listener: str) -> None:
    """Called inside an `except` of the guarded function itself: counts the fault, logs it with its traceback at most
    once a minute for each listener, and switches a function that fails too often off."""
    try:
        now = time.monotonic()
        with _lock:
            _counts[listener] = _counts.get(listener, 0) + 1
            due = now - _logged.get(listener, -LOG_SECONDS) >= LOG_SECONDS
            if due:
                _logged[listener] = now
            since, number = _minutes.get(listener, (now, 0))
            _minutes[listener] = (since, number + 1) if now - since < LOG_SECONDS else (now, 1)
            too_many = number + 1 > FAULTS_A_MINUTE and now - since < LOG_SECONDS
        if due:
            log.error("telemetry: the listener %s failed; the program is not affected", listener, exc_info=True)
        if listener not in NEVER_OFF and (too_many or listener in off):
            _switch_off(listener, sys._getframe(1).f_code)
    except Exception:  # a logging handler of the program's may fail, and that must not reach its checkout
        pass


def _switch_off(listener: str, code: CodeType) -> None:
    """Gives every function of this code another one, which returns at once.

    So no listener has to ask at each of its calls whether it is off, and SQLAlchemy's collections, which other threads
    are walking through just now, stay as they are.
    """
    with _lock:
        is_new = listener not in off
        off.setdefault(listener, _counts.get(listener, 0))
        for function in [found for found in gc.get_referrers(code) if isinstance(found, FunctionType)]:
            _replaced.append((function, code))
            function.__code__ = _idle(code)
    if is_new:
        log.warning("telemetry: the listener %s failed %d times and is switched off", listener, off[listener])


def _idle(code: CodeType) -> CodeType:
    """A function that does nothing. A function can be given the code of another one only if both close over as many
    variables."""
    names = [f"_{number}" for number in range(len(code.co_freevars))]
    closed = f"({', '.join(names)},)" if names else "()"
    answer = "arguments[2], arguments[3]" if code.co_name == "before_cursor_execute" else "None"
    parameters = ", ".join(names)
    source = f"def outer({parameters}):\n def idle(*arguments, **_):\n  if 0: {closed}\n  return {answer}\n return idle"
    scope: dict[str, Any] = {}
    exec(source, scope)
    outer: Callable[..., FunctionType] = scope["outer"]
    return outer(*names).__code__.replace(co_name=code.co_name)


def switch_on() -> None:
    """Everything that was switched off works again, and its faults are counted anew."""
    with _lock:
        for function, code in reversed(_replaced):
            function.__code__ = code
        _replaced.clear()
        off.clear()
        _minutes.clear()


def counts() -> dict[str, int]:
    """Faults by listener since this process began."""
    with _lock:
        return dict(_counts)


def _after_fork() -> None:
    global _lock
    _lock = threading.RLock()
    switch_on()
    _counts.clear()
    _logged.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
