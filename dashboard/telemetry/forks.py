"""What of a fork while another thread is in a SQLite file of ours? The fork waits for it, a moment at most.

SQLite keeps in memory, by file, what a process has locked; a child inherits that, and the locks themselves it does not.
So it would find its parent's transaction in its way for ever, and what it writes could be lost with the log that the
last one to close the file takes away. No file of ours is open when a process is forked."""

from __future__ import annotations

import os
import time
import weakref
from threading import get_ident
from typing import Protocol

WAIT_SECONDS = 1.0
"""A fork of the program is not held up for longer; where somebody is in the file still, the child keeps off it."""


class Holding(Protocol):
    """Who has such a file open."""

    def pause(self, seconds: float) -> bool:
        """Before a fork: waits so long until nobody is in the file, and closes it. Whether it is closed."""

    def go_on(self) -> None:
        """After the fork, in the parent, where it was paused."""

    def forget(self, was_paused: bool) -> None:
        """After the fork, in the child."""


holding: weakref.WeakSet[Holding] = weakref.WeakSet()
_paused: dict[int, list[Holding]] = {}
"""By the thread that forks."""


def _before() -> None:
    paused = _paused[get_ident()] = []
    until = time.monotonic() + WAIT_SECONDS
    for one in list(holding):
        if one.pause(max(0.0, until - time.monotonic())):
            paused.append(one)


def _in_parent() -> None:
    for one in _paused.pop(get_ident(), ()):
        one.go_on()


def _in_child() -> None:
    paused = _paused.pop(get_ident(), [])
    _paused.clear()
    for one in list(holding):
        one.forget(one in paused)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before, after_in_parent=_in_parent, after_in_child=_in_child)
