"""A process whose every register is full: more endpoints, errors, paths and statements than any of them takes."""

from __future__ import annotations

from typing import Any

from dashboard.telemetry import own_acts, watching
from dashboard.telemetry.recorder import SECONDS, STATEMENT_SECONDS

ENDPOINTS, ERRORS, STATEMENTS, ACTIONS = 30, 40, 60, 25
STATEMENT = (
    "SELECT book.id AS book_id, book.title AS book_title, book.price AS book_price, author.name AS author_name"
    " FROM book JOIN author ON author.id = book.author_id WHERE book.shelf_{number} = ? AND book.copies > ?"
    " ORDER BY book.title LIMIT ? OFFSET ?"
)


def fill(pool: str, first: int = 0) -> None:
    """Fills what is watched as `pool` in this process. first: the number of the first name, so that two processes
    may have other ones."""
    for watch in watching.active:
        if watch.name == pool:
            _fill(watch, first)


def fill_own() -> None:
    for number in range(ACTIONS):
        for outcome in ("ok", "refused", "failed"):
            own_acts.action(f"verb-{number}", outcome)
    for outcome in ("ok", "conflict", "failed"):
        own_acts.commit(outcome, 0.002)


def _fill(watch: Any, first: int) -> None:
    local = watch.local
    for cell in range(len(local.cells)):
        local.cells[cell] += 3
    for number in range(first, first + ERRORS):
        watch.count_error(f"Error{number}")
    for number in range(first, first + ENDPOINTS):
        endpoint = f"shop.endpoint_{number}"
        row = local.endpoints[endpoint]
        row[:] = [value + 1 for value in row]
        for text in range(STATEMENTS):
            row = local.statements[endpoint][STATEMENT.format(number=chr(97 + text % 26) * (1 + text // 26))]
            row[:] = [value + 2 for value in row]
    bounds = {"hold": SECONDS, "wait|ok": SECONDS, "request seconds": SECONDS, "statement|select": STATEMENT_SECONDS}
    for family, seconds in bounds.items():
        for bucket in range(seconds.index(0.25), len(seconds)):
            watch.note_slow(family, bucket, seconds[bucket], f"shop.endpoint_{first}")
