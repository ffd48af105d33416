"""What has Poolhouse itself done in this process? Actions on workspaces, what it dropped, its listeners' time.

Nothing here is on the hot path: the rooms above call it once an action, the listeners once in 1,024 calls."""

from __future__ import annotations

import os
import threading
from bisect import bisect_left

from .recorder import SECONDS, Numbers

SAMPLED = 1_023
"""A listener tells its time when `number of its calls & SAMPLED` is 0."""
_numbers: Numbers = {}
_lock = threading.RLock()  # a finalizer may drop something within `numbers`, in the same thread


def action(verb: str, outcome: str) -> None:
    """One action on a workspace. verb: a known one. outcome: ok, refused or failed."""
    _count(f"action|{verb}|{outcome}", 1)


def commit(outcome: str, seconds: float) -> None:
    """One commit of a workspace. outcome: ok, conflict or failed.

    >>> commit("ok", 0.002)
    >>> numbers()["workspace commit|ok"][2] >= 1
    True
    """
    with _lock:
        row = _numbers.setdefault(f"workspace commit|{outcome}", [0] * (len(SECONDS) + 2))
        row[bisect_left(SECONDS, seconds)] += 1
        row[-1] += seconds


def dropped(kind: str, number: int = 1) -> None:
    """Something was not kept, because its bound was reached."""
    _count(f"dropped|{kind}", number)


def listened(room: str, begun: float, ended: float) -> None:
    """One call of a listener of this room, by the clock of `time.perf_counter`: it stands for 1,024."""
    _count(f"listener|{room}", (ended - begun) * (SAMPLED + 1))


def numbers() -> Numbers:
    """A copy of everything since this process began."""
    with _lock:
        return {name: value[:] if isinstance(value, list) else value for name, value in _numbers.items()}


def _count(name: str, number: float) -> None:
    with _lock:
        _numbers[name] = _numbers.get(name, 0) + number


def _after_fork() -> None:
    global _lock
    _lock = threading.RLock()
    _numbers.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
