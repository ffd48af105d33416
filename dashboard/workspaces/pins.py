"""Who holds an open transaction, and is it still there?"""

from __future__ import annotations

import itertools
import weakref
from typing import Any

from ..refusal import Refusal
from ..store.workspaces import Row
from ..telemetry.processes import Process, is_gone, this_process
from .view import open_transaction

GONE = "the worker that held it is gone."
IDLE = "nobody did anything in it for {seconds:g} seconds, so it was rolled back."
ENDED = "its worker ended."
FAILED = "its flush failed, and the database rolled all of it back."
BROKEN = "the connection broke."
LOST = (
    "The open transaction was lost: {why} What it had flushed was not committed; everything is staged again as it was."
)

_holders: weakref.WeakValueDictionary[int, Any] = weakref.WeakValueDictionary()
_numbers = itertools.count(1)


def number(holder: Any) -> int:
    """A number for one that holds transactions in this process; `holder.closed` says when it holds none any more."""
    given = next(_numbers)
    _holders[given] = holder
    return given


def pin(given: int) -> str:
    """What the store says of a workspace whose transaction is open here: the process, and which holder in it."""
    return f"{this_process()}#{given}"


def is_over(written: str) -> bool:
    """Whoever wrote this pin is certainly gone."""
    process, _, given = written.partition("#")
    if process != str(this_process()):
        return is_gone(Process.parse(process))
    holder = _holders.get(int(given))
    return holder is None or holder.closed


def refusal(row: Row) -> Refusal:
    """For an action on a workspace whose transaction is open elsewhere."""
    open_ = open_transaction(row) or {}
    who, since = open_.get("actor", row.owner), open_.get("since", "")
    message = f"{row.name} has an open transaction on another worker: {who} has been in it since {since}."
    remedy = f"It ends with a commit or a rollback there, or by itself at {open_.get('ends_at', 'its time limit')}."
    return Refusal("pinned", message, remedy=remedy, details=open_)
