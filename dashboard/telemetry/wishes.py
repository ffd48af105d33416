"""How is a connection of another process replaced? Somebody wishes it in the ledger; each process hears it with its
next word, and says what it did."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from . import watching
from .faults import fault
from .incident_rows import Execute
from .lives import of
from .rows import Key, dump
from .watches import PoolWatch, records_of

if TYPE_CHECKING:
    from .ledger import Ledger

KEPT_SECONDS = 60.0


@dataclass(frozen=True)
class Wish:
    """That connections of a pool are not used again: of one worker, or of all; one by its number, or all."""

    number: int
    pool: str
    worker: int | None
    connection: int | None


def wish(ledger: Ledger, pool: str, *, worker: int | None = None, connection: int | None = None) -> int | None:
    """That connections are not used again: of one worker, or of all; one by its number, or all of the pool. Answers the
    wish's number; None where the ledger cannot be used."""
    return ledger.tell(lambda transaction: add(transaction.execute, pool, worker, connection))


def answers(ledger: Ledger, number: int) -> dict[str, int]:
    """How many connections each process has marked by now."""
    return ledger.ask(lambda transaction: granted(transaction.execute, number)) or {}


def add(execute: Execute, pool: str, worker: int | None, connection: int | None) -> int:
    now = time.time()
    old = "SELECT number FROM wish WHERE at < ? OR at > ?"
    execute(f"DELETE FROM granted WHERE wish IN ({old})", (now - KEPT_SECONDS, now))
    execute("DELETE FROM wish WHERE at < ? OR at > ?", (now - KEPT_SECONDS, now))
    query = "INSERT INTO wish (at, pool, worker, connection) VALUES (?, ?, ?, ?) RETURNING number"
    return int(execute(query, (now, pool, worker, connection)).fetchone()[0])


def last(execute: Execute) -> int:
    """The number of the last wish there was: what was wished before a process came is not for it."""
    found = execute("SELECT seq FROM sqlite_sequence WHERE name = 'wish'").fetchone()
    return 0 if found is None else int(found[0])


def after(execute: Execute, number: int) -> list[Wish]:
    found = execute("SELECT number, pool, worker, connection FROM wish WHERE number > ? ORDER BY number", (number,))
    return [Wish(*row) for row in found.fetchall()]


def granted(execute: Execute, number: int) -> dict[str, int]:
    """By the process that did something, how many connections it was."""
    return dict(execute("SELECT process, connections FROM granted WHERE wish = ?", (number,)).fetchall())


def say_granted(execute: Execute, wish: Wish, process: Key, connections: int) -> None:
    execute("INSERT OR REPLACE INTO granted VALUES (?, ?, ?)", (wish.number, dump(process), connections))


def grant(wish: Wish) -> int:
    """Has this process's connections replaced when they are next taken; how many these are. Whoever has one out keeps
    it until they give it back."""
    done = 0
    for watch in list(watching.active):
        for record in _records(watch) if watch.name == wish.pool else ():
            try:
                if record.dbapi_connection is not None and wish.connection in (None, of(watch, record).number):
                    record.invalidate(soft=True)
                    done += 1
            except Exception:  # a listener of the program's may fail
                fault("wish")
    return done


def _records(watch: PoolWatch) -> Iterator[Any]:
    """Out or idle; without those that the parent of a fork opened."""
    held = watch.held.copy()
    yield from held
    for pool in watch.all_pools():
        for record in records_of(pool):
            if record not in held and (watch.foreign is None or record not in watch.foreign):
                yield record
