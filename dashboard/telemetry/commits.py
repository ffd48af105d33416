"""When is a transaction counted, and as what?

SQLAlchemy tells of a COMMIT before it is sent, and the database may yet refuse it. So a holder remembers it until
something shows how it went: the connection's next event counts it, or its error makes it a rollback. A reader adds
those that SQLAlchemy has left meanwhile. None is counted too soon, and none twice."""

from __future__ import annotations

from bisect import bisect_left
from typing import Any
from weakref import ref

from .recorder import SECONDS
from .watches import COMMIT, ENDS, FAIRY, TRANSACTION, WATCH, PoolWatch

LOOSE_KEPT = 1_000
_SECONDS_SUM = len(SECONDS) + 1


def end_transaction(holder: list[Any], ends: tuple[float, float, int]) -> None:
    """Counts a transaction. ends: since when and how long (perf_counter's seconds), and its cells in TRANSACTION."""
    _, seconds, base = holder[ENDS] = ends
    cells = holder[WATCH].local.cells
    cells[base + bisect_left(SECONDS, seconds)] += 1
    cells[base + _SECONDS_SUM] += seconds


def is_over(committing: ref[Any]) -> bool:
    """Whether SQLAlchemy has left the transaction that it began to commit: only then did the database take it."""
    connection = committing()
    return connection is None or connection._transaction is None


def settle_commit(holder: list[Any]) -> None:
    """Counts the commit that the holder remembers: nothing has said that it failed."""
    if _claim_commit(holder):
        end_transaction(holder, holder[ENDS])


def refuse_commit(holder: list[Any]) -> None:
    """The database took nothing of it, so it was a rollback."""
    if _claim_commit(holder):
        since, seconds, _ = holder[ENDS]
        end_transaction(holder, (since, seconds, TRANSACTION["rollback"]))


def _claim_commit(holder: list[Any]) -> bool:
    """Forgotten before it is counted: a reader that comes between sees it late, and never twice."""
    is_loose = holder[FAIRY] is None
    mine = not is_loose or holder[WATCH].loose_commits.pop(id(holder), None) is holder
    holder[COMMIT] = None
    return mine


def loosen(holder: list[Any]) -> None:
    """Its hold is over, and its Connection may go on: it was detached, or somebody else has taken the same one."""
    holder[FAIRY] = None
    if holder[COMMIT] is not None:
        note_loose(holder)


def end_holds(watch: PoolWatch) -> None:
    """Nobody will tell of their end any more."""
    for record in list(watch.held.copy()):
        holder = watch.held.pop(record, None)
        if holder is not None:
            loosen(holder)


def note_loose(holder: list[Any]) -> None:
    """A commit of a Connection that is nobody's hold, where a reader would not find it."""
    watch: PoolWatch = holder[WATCH]
    watch.loose_commits[id(holder)] = holder
    if len(watch.loose_commits) > LOOSE_KEPT:  # else only a reader settles them
        settle_loose(watch)


def settle_loose(watch: PoolWatch) -> None:
    for holder in list(watch.loose_commits.copy().values()):
        committing = holder[COMMIT]
        if committing is not None and is_over(committing):
            settle_commit(holder)


def add_late(watch: PoolWatch, sums: list[Any]) -> None:
    """Adds the commits that have gone well and are not counted yet. Called when the cells have been read: whatever is
    counted in between is missing once, and never there twice."""
    for holder in list(watch.held.copy().values()):
        committing, ends = holder[COMMIT], holder[ENDS]
        if committing is not None and is_over(committing):
            _, seconds, base = ends
            sums[base + bisect_left(SECONDS, seconds)] += 1
            sums[base + _SECONDS_SUM] += seconds
