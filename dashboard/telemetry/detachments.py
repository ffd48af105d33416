"""Where was an object detached from its Session? Kept with the object itself, found once for all objects of a call."""

from __future__ import annotations

import os
import sys
import sysconfig
import weakref
from collections.abc import Callable
from typing import Any

from . import lines
from .faults import Listener, fault
from .sessions import EVENTS, EXPIRED, TRANSITION, SessionWatch, by_class

DETACHING = ("persistent_to_detached", "deleted_to_detached")
DETACHED = "_poolhouse_detached"
"""An attribute of an InstanceState: the place in the program, or None."""
EVENT_LOOP = f"{sysconfig.get_path('stdlib')}{os.sep}asyncio{os.sep}"
Last = tuple[int, Any, int, Any]
"""(how deep the program's frame lay, its code, its offset, the place)"""
NOWHERE: Last = (0, None, 0, None)


def listeners(watch: SessionWatch) -> dict[str, Listener]:
    return {event: _detachment(watch, event, TRANSITION[EVENTS[event]]) for event in DETACHING}


def _detachment(watch: SessionWatch, event: str, cell: int) -> Listener:
    local, find = watch.local, finder()

    def detachment(session: Any, state: Any) -> None:
        try:
            if by_class[session.__class__] is watch:
                local.cells[cell] += 1
                state.__dict__.pop(EXPIRED, None)
                state._poolhouse_detached = find()
        except Exception:
            fault(event)

    return detachment


def finder() -> Callable[[], Any]:
    """A function for a listener that calls it itself for each object. Its frame is asked first whether it still stands
    where it stood for the object before: 0.1 µs."""
    last = NOWHERE
    greenlet: Any = None
    getframe = sys._getframe

    def find() -> Any:
        nonlocal last, greenlet
        depth, code, offset, place = last
        if depth:
            try:
                frame = getframe(depth)
                if frame.f_code is code and frame.f_lasti == offset:
                    return place
            except ValueError:
                pass
        elif greenlet is not None and greenlet() is _greenlet():
            return place
        last = _search(getframe(1))
        here = None if last[0] else _greenlet()
        greenlet = None if here is None else weakref.ref(here)
        return last[3]

    return find


def _search(frame: Any) -> Last:
    if lines.keep == "off":
        return NOWHERE
    depth, first = 1, frame
    while frame is not None and lines.inside[frame.f_code.co_filename]:
        frame = frame.f_back
        depth += 1
    if frame is None:  # a greenlet's stack ends early: the program's frame lies in its parent's
        return (0, None, 0, _of_the_program(lines.first(first)))
    place = (frame.f_code, frame.f_lasti)
    return (depth, *place, _of_the_program(place))


def _of_the_program(place: lines.Place | None) -> lines.Place | None:
    """`async with` closes an AsyncSession in a task of its own: then only the event loop is above it."""
    return None if place is None or place[0].co_filename.startswith(EVENT_LOOP) else place


def _greenlet() -> Any:
    """The greenlet that runs, as an AsyncSession's call does; None on a thread's own stack."""
    module = sys.modules.get("greenlet")
    current = None if module is None else module.getcurrent()
    return None if current is None or current.parent is None else current
