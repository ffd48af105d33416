"""Who holds an open transaction, and is it still there?"""

from __future__ import annotations

import datetime
import itertools
import os
import weakref
from collections.abc import Mapping
from typing import Any

from ..refusal import Refusal
from ..store.workspaces import Row
from ..telemetry import processes
from ..telemetry.processes import Process, is_gone

GONE = "the worker that held it is gone."
LATE = "its time was over, and the worker that held it did not end it."
IDLE = "nobody did anything in it for {seconds:g} seconds, so it was rolled back."
ENDED = "its worker ended."
FAILED = "its flush failed, and the database rolled all of it back."
BROKEN = "the connection broke."
LOST = (
    "The open transaction was lost: {why} What it had flushed was not committed; everything is staged again as it was."
)

BEGUN_AGAIN = (
    "begun_again",
    "Somebody else was faster, and the database ended the open transaction. Everything was sent again, in a new one.",
)
SAVEPOINTS = "Its savepoints are gone with it."
LATE_SECONDS = 60.0
"""After its end a transaction that its worker did not end is ended by whoever looks: nobody can commit it then."""
COMMIT_SECONDS = 600.0
"""After so long a commit that was announced on another machine is settled by its rows."""

_here: list[Process] = []
os.register_at_fork(after_in_child=_here.clear)


def this_process() -> Process:
    """Asked of the kernel once: it is wanted several times in each action."""
    if not _here:
        _here.append(processes.this_process())
    return _here[0]


_holders: weakref.WeakValueDictionary[int, Any] = weakref.WeakValueDictionary()
_numbers = itertools.count(1)


def number(holder: Any) -> int:
    """A number for one that holds transactions in this process; `holder.closed` says when it holds none any more."""
    given = next(_numbers)
    _holders[given] = holder
    return given


def pin(given: int, path: str = "") -> str:
    """What the store says of a workspace whose transaction is open here: the process, which holder in it, and where it
    listens for the other workers of its machine."""
    return f"{this_process()}#{given}" + (f"@{path}" if path else "")


def address(written: str | None) -> str:
    """Where the holder listens; "" where it does not."""
    return (written or "").partition("#")[2].partition("@")[2]


def is_here(written: str | None) -> bool:
    """The holder is on this machine, in this boot."""
    process, here = Process.parse((written or "///0/0").partition("#")[0]), this_process()
    return (process.host, process.boot) == (here.host, here.boot)


def is_over(written: str) -> bool:
    """Whoever wrote this pin is certainly gone."""
    process, _, given = written.partition("#")
    if process != str(this_process()):
        return is_gone(Process.parse(process))
    holder = _holders.get(int(given.partition("@")[0]))
    return holder is None or holder.closed


def is_late(row: Row) -> bool:
    """Its worker is on another machine that is gone, or hangs. It cannot commit any more: before a COMMIT it compares
    the version."""
    ends = (row.transaction or {}).get("ends_at")
    return ends is not None and seconds_since(ends) > LATE_SECONDS


def is_over_commit(intent: Mapping[str, Any]) -> bool:
    """Nobody will tell any more how the commit that was announced went: the rows must."""
    process = intent["process"]
    if intent.get("over"):  # its own worker does not know
        return True
    return is_over(process) or (not is_here(process) and seconds_since(intent["at"]) > COMMIT_SECONDS)


def seconds_since(moment: str) -> float:
    then = datetime.datetime.fromisoformat(moment)
    return (datetime.datetime.now(datetime.UTC) - then).total_seconds()


def open_transaction(row: Row) -> Mapping[str, Any] | None:
    """As it is drawn; None when there is none."""
    if row.transaction is None:
        return None
    present = datetime.datetime.now(datetime.UTC)
    since = datetime.datetime.fromisoformat(row.transaction["since"])
    ends = datetime.datetime.fromisoformat(row.transaction["ends_at"])
    return {
        **row.transaction,
        "seconds": max(0, int((present - since).total_seconds())),
        "ends_in": max(0, round((ends - present).total_seconds())),
    }


class Elsewhere(Refusal):
    """An action on a workspace whose transaction another worker holds: nothing was done here, and it may be passed on.

    row: the workspace as it was found.
    """

    row: Row


def lost(why: str, savepoints: int) -> str:
    """In words. savepoints: how many were open in it."""
    return f"{LOST.format(why=why)} {SAVEPOINTS}" if savepoints else LOST.format(why=why)


def elsewhere(row: Row) -> Elsewhere:
    open_ = open_transaction(row) or {}
    who, since = open_.get("actor", row.owner), open_.get("since", "")
    where = "worker" if is_here(row.pin) else "machine"
    message = f"{row.name} has an open transaction on another {where}: {who} has been in it since {since}."
    remedy = f"It ends with a commit or a rollback there, or by itself at {open_.get('ends_at', 'its time limit')}."
    found = Elsewhere("pinned", message, remedy=remedy, details=open_)
    found.row = row
    return found
