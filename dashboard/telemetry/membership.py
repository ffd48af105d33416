"""How do the words of processes get into the ledger and out of it, each counted exactly once?

A row is the last word of one epoch of one process. The dead's rows are folded into retired sums; a process that finds
its row folded begins a new epoch at zero; and when the file is deleted, every process brings back what it saw last."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace

from . import history, merging
from .processes import Process, is_elsewhere, is_gone, this_process
from .rows import Key, Retired, Row, Transaction, dump
from .snapshot import Said

KEYS_KEPT = 200
"""How many of the processes in the retired sums are known by name. It matters only to those who looked a moment ago."""


@dataclass(frozen=True)
class Known:
    """The whole ledger as it was last seen, at one moment: should the file be deleted, this is what comes back."""

    generation: str = ""
    retired: dict[str, Retired] = field(default_factory=dict)
    rows: list[Row] = field(default_factory=list)
    labels: dict[str, set[str]] = field(default_factory=dict)


@dataclass(frozen=True)
class Standing:
    """What this process has in the ledger. It changes only when the transaction that says so was committed.

    baseline: what earlier epochs said, which is in the retired sums; last: what this epoch last said.
    """

    started_at: float = field(default_factory=time.time)
    process: Process | None = None
    epoch: int = -1
    worker: int = 0
    baseline: Said = field(default_factory=dict)
    last: Said = field(default_factory=dict)
    generation: str | None = None

    @property
    def key(self) -> Key:
        process = self.process or this_process()
        return (process.host, process.boot, process.pid, process.started, self.epoch)

    def since_baseline(self, said: Said) -> Said:
        return merging.minus(said, self.baseline) if self.baseline else said


def say(transaction: Transaction, standing: Standing, said: Said) -> Standing:
    """Puts this process's word into the ledger; the standing that it has then."""
    generation = transaction.generation()
    if standing.generation is None:
        standing = _enter(transaction, standing, said)
    elif not transaction.update(standing.key, history.word(standing.since_baseline(said))):
        if generation == standing.generation or standing.key in _accounted(transaction):
            standing = replace(standing, baseline=_plus(standing.baseline, standing.last))
            standing = _enter(transaction, standing, said)  # it was folded: what it said is in the sums for good
        else:  # another file, and nobody remembered this row: it is said again, whole
            standing = _insert(transaction, standing, said)
    return replace(standing, generation=generation, last=merging.counted(standing.since_baseline(said)))


def _enter(transaction: Transaction, standing: Standing, said: Said) -> Standing:
    """A new epoch. A row of this very process is of a program that it replaced by exec: that one is dead."""
    standing = replace(standing, process=this_process())
    former = [key for key in transaction.row_keys() if key[:4] == standing.key[:4]]
    for key in former:
        fold(transaction, key)
    known = [key[4] for key in _accounted(transaction) if key[:4] == standing.key[:4]]
    return _insert(transaction, replace(standing, epoch=max([standing.epoch, *known]) + 1), said)


def _insert(transaction: Transaction, standing: Standing, said: Said) -> Standing:
    text = history.word(standing.since_baseline(said))
    row = Row(standing.key, standing.worker, standing.started_at, time.time(), text)
    return replace(standing, worker=transaction.insert(row))


def leave(transaction: Transaction, standing: Standing) -> Standing:
    """Folds the own row; a later epoch begins where this one ended."""
    if standing.generation is None or standing.generation != transaction.generation():
        return standing
    fold(transaction, standing.key)
    return replace(standing, baseline=_plus(standing.baseline, standing.last), last={}, worker=0, generation=None)


def fold_the_dead(transaction: Transaction, elsewhere_seconds: float) -> list[Row]:
    """Answers their last rows. Also those of another machine, or container, that are silent for so long: nobody here
    can see whether they are gone. One that comes back after all begins a new epoch, so that its counts are never lost
    and never there twice."""
    before = time.time() - elsewhere_seconds
    words = [(key, Process(*key[:4]), said_at) for key, said_at in transaction.last_words()]
    gone = [key for key, process, said_at in words if is_gone(process) or (is_elsewhere(process) and said_at < before)]
    return [row for key in gone if (row := fold(transaction, key)) is not None]


def fold(transaction: Transaction, key: Key) -> Row | None:
    """Adds what a row last said to the sums of this file and deletes it, in the transaction of the caller."""
    row = transaction.take(key)
    if row is not None:
        _add_to_sums(transaction, row)
    return row


def _add_to_sums(transaction: Transaction, row: Row) -> None:
    generation = transaction.generation()
    before = transaction.retired().get(generation, Retired(generation))
    said = merging.counted(merging.parsed(row.said))
    sums = dump(_plus(merging.parsed(before.sums), said))
    folded = (*before.folded, row.key)[-KEYS_KEPT:]
    transaction.retire(Retired(generation, before.version + 1, sums, folded))
    if row.started_at < transaction.created_at():  # it may be in somebody's memory of an earlier file
        transaction.settle(row.key, dump(said))


def bring_back(transaction: Transaction, known: Known) -> None:
    """The file was deleted, and this one is new: puts back the ledger as it was last seen. Every process does so.

    The sums of an earlier file are kept by its name, and only a later version replaces an earlier one: so they come
    back once, whoever comes first, and whoever knows more corrects it. Rows come back too, for a paused process cannot
    speak for itself and a dead one never will; each of them once, because it is known of each whether it was counted.
    """
    transaction.add_labels((register, value) for register, values in known.labels.items() for value in values)
    there = transaction.retired()
    for generation, retired in known.retired.items():
        if generation not in there or there[generation].version < retired.version:
            transaction.retire(retired)
            for key in retired.folded:
                _take_back(transaction, key)
    accounted = _accounted(transaction)
    for row in known.rows:
        if row.key in accounted:
            continue
        if is_gone(row.process):
            _add_to_sums(transaction, row)
        else:
            transaction.insert(row)


def _accounted(transaction: Transaction) -> set[Key]:
    """Whose last word is in this file, as a row or in any sums."""
    folded = {key for retired in transaction.retired().values() for key in retired.folded}
    return {*transaction.row_keys(), *transaction.settled(), *folded}


def _take_back(transaction: Transaction, key: Key) -> None:
    """A process that is in the sums of an earlier file. Who knew less may have put its row back, or folded it here."""
    transaction.take(key)
    said = transaction.unsettle(key)
    if said is not None:
        generation = transaction.generation()
        before = transaction.retired()[generation]
        sums = dump(merging.counted(merging.minus(merging.parsed(before.sums), merging.parsed(said))))
        folded = tuple(other for other in before.folded if other != key)
        transaction.retire(Retired(generation, before.version + 1, sums, folded))


def _plus(left: Said, right: Said) -> Said:
    return merging.plus(left, right) if left else right
