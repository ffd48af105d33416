"""Which line of the program took the connection? Found by walking to the first frame outside SQLAlchemy; put into
words only when somebody looks."""

from __future__ import annotations

import contextlib
import itertools
import os
import sys
import sysconfig
import time
from collections.abc import Callable, Iterator
from functools import lru_cache
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

import sqlalchemy

Place = tuple[CodeType, int]
"""A code object and the offset of its last instruction. The line number is computed on reading: asking a frame for it
costs a walk through its line table."""

STACK_FRAMES = 30
FILES_REMEMBERED = 10_000
_INSIDE = (f"{Path(sqlalchemy.__file__).parent}{os.sep}", f"{Path(__file__).parent}{os.sep}")


GENERATED = "<string>" if sqlalchemy.__version__.startswith("2.0.") else "<sqlalchemy generated"
"""The file name of the wrappers that SQLAlchemy writes at run time; 2.0 gives them a name that a program's have too."""


class _Inside(dict[str, bool]):
    """Is a source file part of the machinery between the program and its pool? Each file is asked about once."""

    def __missing__(self, filename: str) -> bool:
        if len(self) > FILES_REMEMBERED:  # code that is compiled at run time may bring ever new names
            self.clear()
        inside = (
            filename.startswith((*_INSIDE, GENERATED))
            or filename == contextlib.__file__
            or f"{os.sep}flask_sqlalchemy{os.sep}" in filename
        )
        self[filename] = inside
        return inside


inside = _Inside()
keep = "line"
"""What is kept of the code that takes a connection: off, line or full."""


def set_keep(how: str) -> None:
    """Config's `stacks`: "off", "line" or "full"."""
    global keep
    keep = how


depths: dict[int, int] = {}
"""How deep the program's frame lay last, by the code of the ORM's frame at NEAR."""
CALLER, MIDDLE, NEAR = 5, 9, 13


def first_outside(getframe: Callable[[int], FrameType]) -> FrameType:
    """The first frame outside SQLAlchemy, for a listener of `checkout` that calls this itself.

    Each frame that is walked through costs as much as the rest of the listener's work, and a commit lies thirty frames
    deep; asking for the n-th frame costs one frame only. So the depth that was right last time is tried first. Raises
    AttributeError or ValueError where the stack ends too early (a greenlet's does).
    """
    frame: Any = getframe(CALLER)  # of Pool.connect
    depth = CALLER
    while inside[frame.f_code.co_filename]:
        frame = frame.f_back
        depth += 1
        if depth == MIDDLE:
            return _deep(getframe, frame)
    return frame  # type: ignore[no-any-return]


def _deep(getframe: Callable[[int], FrameType], middle: FrameType) -> FrameType:
    frame: Any = getframe(NEAR + 1)
    if not inside[frame.f_code.co_filename]:
        frame, key = middle, None
        depth = MIDDLE + 1
    else:
        depth, key = NEAR + 1, id(frame.f_code)
        guess = depths.get(key)
        if guess is not None and inside[getframe(guess - 1).f_code.co_filename]:
            found = getframe(guess)
            if not inside[found.f_code.co_filename]:
                return found
    while inside[frame.f_code.co_filename]:
        frame = frame.f_back
        depth += 1
    if key is not None:
        depths[key] = depth
    return frame  # type: ignore[no-any-return]


def acquiring(frame: FrameType | None) -> Any:
    """What `keep` asks for, from this frame upward: a Place, a tuple of Places, or None."""
    return first(frame) if keep == "line" else stack(frame)


def first(frame: FrameType | None) -> Place | None:
    """The first Place of the program from this frame upward."""
    return None if keep == "off" else next(_places(frame), None)


def stack(frame: FrameType | None) -> tuple[Place, ...] | None:
    """The innermost Places of the program from this frame upward; None where nothing may be kept, or nothing is
    found."""
    return None if keep == "off" else tuple(itertools.islice(_places(frame), STACK_FRAMES)) or None


def _places(frame: FrameType | None) -> Iterator[Place]:
    for each in _frames(frame):
        if not inside[each.f_code.co_filename] or _is_the_programs(each):
            yield each.f_code, each.f_lasti


def _frames(frame: FrameType | None) -> Iterator[FrameType]:
    """Upward, also past the end of a greenlet's stack: an AsyncEngine works in one, and its parent is the program."""
    module = sys.modules.get("greenlet")
    greenlet = None if module is None else module.getcurrent()
    while frame is not None or greenlet is not None:
        while frame is not None:
            yield frame
            frame = frame.f_back
        greenlet = None if greenlet is None else greenlet.parent
        frame = None if greenlet is None else greenlet.gr_frame


def _is_the_programs(frame: FrameType) -> bool:
    """Code of a program that has no file (`python -c`); SQLAlchemy's own has no module name."""
    return frame.f_code.co_filename == "<string>" and "__name__" in frame.f_globals


def line_of(kept: Any) -> str | None:
    """`shop/report.py:41 in build`, or None where nothing was kept; of a whole stack its innermost line."""
    if kept is None:
        return None
    code, offset = kept if isinstance(kept[0], CodeType) else kept[0]
    return f"{_short(code.co_filename)}:{_number(code, offset)} in {code.co_qualname}"


def stack_of(kept: Any) -> tuple[str, ...]:
    """Every line that was kept, innermost first."""
    if kept is None:
        return ()
    places = (kept,) if isinstance(kept[0], CodeType) else kept
    return tuple(line for place in places if (line := line_of(place)) is not None)


def _number(code: CodeType, offset: int) -> int:
    for start, end, line in code.co_lines():
        if start <= offset < end and line is not None:
            return line
    return code.co_firstlineno


def _short(filename: str) -> str:
    """Relative to where the program was started, else to the folder on sys.path that it was imported from."""
    try:
        here = os.getcwd()  # noqa: PTH109  a Path costs more than all the rest
    except OSError:  # a deployment may take the folder away under a program that runs
        here = ""
    return _short_from(filename, here, tuple(sys.path))


@lru_cache(maxsize=FILES_REMEMBERED)
def _short_from(filename: str, here: str, path: tuple[str, ...]) -> str:
    for folder in (here, *sorted(path, key=len, reverse=True)):
        if folder and filename.startswith(str(Path(folder)) + os.sep):
            return filename[len(str(Path(folder))) + 1 :]
    return filename


STACK_LINES = 20
"""Lines of a thread's stack that are shown."""
_LIBRARY = tuple(f"{sysconfig.get_path(name)}{os.sep}" for name in ("stdlib", "platstdlib"))
_PACKAGES = (f"{os.sep}site-packages{os.sep}", f"{os.sep}dist-packages{os.sep}")
_DRIVERS = ("psycopg", "psycopg_pool", "psycopg2", "asyncpg", "pg8000", "pymysql", "MySQLdb", "aiosqlite", "oracledb")


def is_installed(filename: str) -> bool:
    """Not the program's own: a web server, a framework, the standard library."""
    return filename.startswith(("<frozen ", *_LIBRARY)) or any(part in filename for part in _PACKAGES)


@lru_cache(maxsize=FILES_REMEMBERED)
def _is_beneath(filename: str) -> bool:
    """Whether a file is below the program: SQLAlchemy, a driver, or the standard library."""
    if inside[filename] or any(f"{os.sep}{name}{os.sep}" in filename for name in _DRIVERS):
        return True
    return filename.startswith(("<frozen ", *_LIBRARY)) and not any(part in filename for part in _PACKAGES)


def doing(threads: set[int]) -> dict[int, tuple[str | None, tuple[str, ...]]]:
    """What each thread does at this moment: the program's innermost line, and its stack outside SQLAlchemy, innermost
    first. Without those that are no more."""
    # CPython 3.11 shows a frame that is just ending, too, and crashes if it is touched once its thread has gone on.
    # Who has just been given the interpreter keeps it for a switch interval (5 ms): nobody goes on while we note them.
    time.sleep(0)
    frames = sys._current_frames()
    try:
        places = {thread: _all_places(frames[thread]) for thread in threads if thread in frames}
    finally:
        frames.clear()  # our own frame is among them: it would hold itself
    return {thread: _at_work(found) for thread, found in places.items()}


def _all_places(frame: FrameType | None) -> list[tuple[Place, bool]]:
    """Upward, each with whether it is the program's though its file has no name."""
    places = []
    while frame is not None:
        places.append(((frame.f_code, frame.f_lasti), _is_the_programs(frame)))
        frame = frame.f_back
    return places


def _at_work(places: list[tuple[Place, bool]]) -> tuple[str | None, tuple[str, ...]]:
    innermost: str | None = None
    stack: list[str] = []
    for place, is_the_programs in places:
        filename = place[0].co_filename
        if not inside[filename] or is_the_programs:
            line = line_of(place)
            if line is not None and len(stack) < STACK_LINES:
                stack.append(line)
            if innermost is None and not _is_beneath(filename):
                innermost = line
            if innermost is not None and len(stack) == STACK_LINES:
                break
    return innermost or (stack[0] if stack else None), tuple(stack)
