"""How far is an action that takes long? It says so now and then, under a name that its form carries; another request
reads it meanwhile, also in another worker."""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, Response

from ..refusal import Refusal
from ..runtime import current
from ..store import progress
from . import actor, gate
from .html import page, url

SAID_SECONDS = 0.5
"""Between two words of one action."""
WAITING = "It has not begun yet."
OVER = "It is over."
_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
Note = Callable[[int, int | None, str], None]


@dataclass(frozen=True)
class ProgressPage:
    """done, total: rows; total is None where nobody knows. over: whether it has ended, well or not."""

    job: str
    done: int
    total: int | None
    words: str
    over: bool

    @property
    def href(self) -> str:
        return url("records.show_progress", job=self.job)

    @property
    def share(self) -> int | None:
        """Of a hundred."""
        return min(100, self.done * 100 // self.total) if self.total else None

    @property
    def public(self) -> dict[str, Any]:
        return {"job": self.job, "done": self.done, "total": self.total, "words": self.words, "over": self.over}


def add_routes(records: Blueprint) -> None:
    records.add_url_rule("/~/progress/<job>", "show_progress", show_progress)


@gate.needs(gate.READ)
def show_progress(job: str) -> Response:
    """Of the person's own action."""
    if not _NAME.fullmatch(job):
        raise Refusal("not_found", "There is no such action.")
    found = progress.find(current().store, actor.name(), job)
    if found is None:
        return page("records/progress.html", ProgressPage(job, 0, None, WAITING, False))
    shown = ProgressPage(job, found.done, found.total, found.words, found.words == OVER)
    return page("records/progress.html", shown)


def new_job() -> str:
    """A name that a form carries."""
    return secrets.token_hex(8)


@contextmanager
def told(given: Mapping[str, Any]) -> Iterator[Note]:
    """`job` of what was sent names the action; without it nobody asks, and nothing is said."""
    job = given.get("job")
    if not isinstance(job, str) or not _NAME.fullmatch(job) or len(actor.name()) > 255:
        yield lambda done, total, words: None
        return
    said = _Said(job)
    try:
        yield said.note
    finally:
        said.end()


class _Said:
    def __init__(self, job: str) -> None:
        self.job, self.store, self.owner = job, current().store, actor.name()
        self.at = 0.0
        self.last: tuple[int, int | None] = (0, None)

    def note(self, done: int, total: int | None, words: str) -> None:
        if time.monotonic() - self.at >= SAID_SECONDS:
            self._keep(done, total, words)

    def end(self) -> None:
        if self.at:
            self._keep(*self.last, OVER)

    def _keep(self, done: int, total: int | None, words: str) -> None:
        """While the store is away the action goes on all the same."""
        self.last, self.at = (done, total), time.monotonic()
        with suppress(Refusal):
            progress.keep(self.store, self.owner, self.job, done, total, words)
