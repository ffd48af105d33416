"""How does a test wait for another process? It asks until the condition holds, with a deadline; it never sleeps."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable
from typing import Any

PAUSE = threading.Event()  # never set: its wait is the pause between two looks


def until(condition: Callable[[], Any], *, seconds: float = 30.0, what: str = "the condition") -> Any:
    """The first true value of `condition`; AssertionError with the last value after `seconds`.

    >>> until(lambda: 3, what="a number")
    3
    """
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"{what} did not come within {seconds:g} s; the last look gave {value!r}")
        PAUSE.wait(0.05)


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on now."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])
