"""How does a listener count without a lock, and who adds it up?

Each thread has its own flat list of numbers ("cells") and is its only writer; a reader adds the lists up. Nothing is
shared on the hot path."""

from __future__ import annotations

import os
import threading
import time
import weakref
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0)
"""Bucket bounds (upper, inclusive) of waits, holds, creations, transactions and flushes, in seconds."""
STATEMENT_SECONDS = (
    0.0001,
    0.00025,
    0.0005,
    0.001,
    0.0025,
    0.005,
    0.01,
    0.025,
    0.05,
    0.1,
    0.25,
    0.5,
    1.0,
    2.5,
    5.0,
    10.0,
)
COUNTS = (1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1000.0)
"""Bucket bounds of how many there were."""
AGE_SECONDS = (1.0, 5.0, 15.0, 60.0, 300.0, 900.0, 3600.0, 14400.0, 86400.0)

Numbers = dict[str, Any]
"""Merged numbers by family name: a count, or for a histogram the list of its bucket counts (+Inf last) with the sum
behind them."""


class Layout:
    """Which cell holds what. Made once at import; the listeners use the positions as constants.

    >>> layout = Layout()
    >>> layout.counter("checkouts"), layout.histogram("hold", (1.0, 5.0)), layout.size
    (0, 1, 5)
    >>> layout.named([7, 2, 0, 1, 9.5])
    {'checkouts': 7, 'hold': [2, 0, 1, 9.5]}
    """

    def __init__(self) -> None:
        self.size = 0
        self._families: list[tuple[str, int, int]] = []

    def counter(self, name: str) -> int:
        return self._take(name, 1)

    def histogram(self, name: str, bounds: Sequence[float]) -> int:
        """The first bucket's position; the sum stands behind the +Inf bucket, at `position + len(bounds) + 1`."""
        return self._take(name, len(bounds) + 2)

    def counters(self, name: str, width: int) -> int:
        """The first of so many counters in a row."""
        return self._take(name, width)

    def _take(self, name: str, width: int) -> int:
        position = self.size
        self._families.append((name, position, width))
        self.size += width
        return position

    def named(self, cells: Sequence[float]) -> Numbers:
        """Families that are not all zero, by name."""
        numbers: Numbers = {}
        for name, position, width in self._families:
            if width == 1:
                if cells[position]:
                    numbers[name] = cells[position]
            elif any(cells[position : position + width]):
                numbers[name] = list(cells[position : position + width])
        return numbers


class Table(Protocol):
    """One thread's rows of numbers."""

    @property
    def rows(self) -> dict[Any, list[Any]]: ...


class _Token:
    """Lives in a thread's own dictionary and nowhere else: once it is gone, so is the thread."""

    __slots__ = ("__weakref__", "since", "thread")

    def __init__(self) -> None:
        self.thread = threading.get_ident()
        self.since = time.perf_counter()


class _Late:
    """What a thread has not got yet when it asks for it: only while Local makes it. There the garbage collector may
    run, and with it the finalizer of a leaked connection, which counts in this thread too."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __get__(self, local: Local | None, _: type) -> Any:
        if local is None:
            return self
        try:
            return local.made()[self._name]
        except KeyError:
            raise AttributeError(self._name) from None


class Local(threading.local):
    """`local.cells` is the calling thread's own list, `local.NAME` its own table of that name. threading.local calls
    __init__ anew in each thread that looks; what is in a slot, all threads share."""

    __slots__ = ("_recorder",)
    cells = _Late("cells")

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self.made()

    def made(self) -> dict[str, Any]:
        """What this thread has, made by whoever gets here first: a finalizer may call this within itself."""
        recorder, own = self._recorder, self.__dict__
        tables = {name: make() for name, make in recorder.tables.items()}
        mine: dict[str, Any] = {"token": _Token(), "cells": [0] * recorder.layout.size, **tables}
        made: dict[str, Any] = own.setdefault("_made", mine)
        own.update(made)
        if made is mine:
            recorder.register(mine["token"], mine["cells"], tables)
        return made

    if TYPE_CHECKING:
        token: _Token

        def __getattr__(self, name: str) -> Any: ...


class Recorder:
    """The cells and tables of all threads for one subject, and their sum.

    tables: by name, what makes a thread's own; each has `rows`, lists of numbers by key, which only grow.
    """

    def __init__(self, layout: Layout, tables: Mapping[str, Callable[[], Table]] | None = None) -> None:
        self.layout = layout
        self.tables = tables or {}
        for name in self.tables:
            if not hasattr(Local, name):
                setattr(Local, name, _Late(name))
        self._lock = threading.RLock()  # a finalizer may run a listener inside `merged`, in the same thread
        self._threads: list[_Thread] = []
        self._ended: list[Any] = [0] * layout.size
        self._ended_rows: dict[str, dict[Any, list[Any]]] = {name: {} for name in self.tables}
        self._shown: list[Any] = [0] * layout.size
        self.local = Local(self)
        _recorders.add(self)

    def register(self, token: _Token, cells: list[Any], tables: dict[str, Table]) -> None:
        with self._lock:
            self._threads.append((weakref.ref(token), cells, tables))

    def threads(self) -> dict[int, float]:
        """The threads that have counted here and are alive: since when, in perf_counter's seconds. A number may be
        given to another thread when its first one has ended."""
        with self._lock:
            tokens = [token() for token, *_ in self._threads]
        return {token.thread: token.since for token in tokens if token is not None}

    def rows(self, name: str) -> dict[Any, list[Any]]:
        """A table's rows, added up over all threads, dead ones included."""
        with self._lock:
            self._fold_dead_threads()
            sums = {key: row[:] for key, row in self._ended_rows[name].items()}
            for _, _, tables in self._threads:
                _add_rows(sums, tables[name].rows.copy())
            return sums

    def merged(self, add_late: Callable[[list[Any]], None] | None = None) -> list[Any]:
        """The sum over all threads, dead ones included. add_late: adds to it, in place, what no thread has counted yet.

        No cell ever falls: what is late is missing for the moment in which its thread takes it over."""
        with self._lock:
            self._fold_dead_threads()
            columns = zip(self._ended, *(cells[:] for _, cells, _ in self._threads), strict=True)
            sums = [sum(column) for column in columns]
            if add_late is not None:
                add_late(sums)
            self._shown = [max(pair) for pair in zip(self._shown, sums, strict=True)]
            return self._shown

    def numbers(self) -> Numbers:
        return self.layout.named(self.merged())

    def _fold_dead_threads(self) -> None:
        alive = []
        for token, cells, tables in self._threads:
            if token() is None:
                self._ended = [total + cell for total, cell in zip(self._ended, cells, strict=True)]
                for name, table in tables.items():
                    _add_rows(self._ended_rows[name], table.rows)
            else:
                alive.append((token, cells, tables))
        self._threads = alive

    def begin_at_zero(self) -> None:
        """In a forked child: its parent's numbers stay the parent's, and only the forking thread lives on."""
        self._lock = threading.RLock()
        self._threads = []
        self._ended = [0] * self.layout.size
        self._shown = [0] * self.layout.size
        self._ended_rows = {name: {} for name in self.tables}
        cells = self.local.cells
        cells[:] = self._ended
        tables = {name: getattr(self.local, name) for name in self.tables}
        for table in tables.values():
            for row in table.rows.values():
                row[:] = [0] * len(row)
        self._threads = [(weakref.ref(self.local.token), cells, tables)]


def _add_rows(sums: dict[Any, list[Any]], rows: dict[Any, list[Any]]) -> None:
    for key, row in rows.items():
        before = sums.get(key)
        sums[key] = row[:] if before is None else [a + b for a, b in zip(before, row, strict=True)]


_Thread = tuple["weakref.ref[_Token]", list[Any], dict[str, Table]]
_recorders: weakref.WeakSet[Recorder] = weakref.WeakSet()


def _after_fork() -> None:
    for recorder in list(_recorders):
        recorder.begin_at_zero()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
