"""What can be told while nothing can be written into the ledger: it is locked, full, forbidden, or no ledger?

No counter may fall meanwhile, whichever worker is asked. So counts stand still as all can see them, unless this process
is the only one."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from dataclasses import replace

from ..config import Config
from . import history, merging
from .membership import Known, Standing
from .reading import Reading
from .recent import Memory
from .rows import Retired, Row, Rows
from .snapshot import Said


def read(
    file: Rows, known: Known, standing: Standing, own: Callable[[], Said], config: Config, memory: Memory, why: str
) -> Reading:
    """own: this process's word; known: the ledger as it was last seen."""
    trouble = f"The ledger {file.path} cannot be used ({why})"
    rows, retired = _seen(file, known)
    if not rows and not retired:
        problem = f"{trouble}: these numbers are of this process only."
        return merging.alone(own(), config, standing.started_at, problem)
    others = [row for row in rows if row.key != standing.key]
    if others:
        problem = f"{trouble}: counts stand still, and the other workers are shown as they were last seen."
    else:
        problem = f"{trouble}: what is counted now is lost if this process ends."
    mine = [_as_now(row, standing, own(), is_only=not others) for row in rows if row not in others]
    return merging.merge([*mine, *others], retired.values(), config, time.time(), memory, problem)


def _seen(file: Rows, known: Known) -> tuple[list[Row], dict[str, Retired]]:
    """The ledger as it lies there, or as it was last seen."""
    try:
        with file.looking() as transaction:
            return transaction.rows(), transaction.retired()
    except (sqlite3.Error, OSError, ValueError):
        return known.rows, known.retired


def _as_now(row: Row, standing: Standing, said: Said, is_only: bool) -> Row:
    said = standing.since_baseline(said)
    said = said if is_only else merging.with_counts_of(said, merging.parsed(row.said))
    return replace(row, said_at=time.time(), said=history.word(said))
