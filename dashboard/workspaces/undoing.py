"""Which earlier version does an undo restore, which does a redo, and what becomes of an open transaction?"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from ..refusal import Refusal
from . import staged
from .live import Live
from .request import Done, Plan, Request
from .snapshot import Snapshot
from .steps import EARLIER, reason

HISTORY = "History's undo opens a workspace with the reverse of the commit staged."
ENDED = (
    "The open transaction was rolled back for the {verb}: what had been flushed in it is staged again, "
    "and nothing of it is in the database."
)


def plan(request: Request) -> Plan:
    """Undo, or redo. Raises Refusal("wrong_state") where there is nothing to go to."""
    before, verb = request.snapshot, request.verb
    steps = before.undo if verb == "undo" else before.redo
    if not steps:
        committed = verb == "undo" and before.committed
        raise Refusal("wrong_state", reason(before, verb), remedy=HISTORY if committed else "")
    version, made = steps[-1]
    target = _earlier(request, version)
    changed = target.changed_since(before)
    names = dict.fromkeys(found["model"] for found in (*changed.values(), *_here(before, changed)) if found)
    inside = before.epoch is not None and before.epoch == target.epoch

    def run(live: Live) -> Done:
        goal = target if inside and live.wrote else _as_staged(target)
        ended = live.wrote and not inside
        live.become(replace(goal, numbers={**goal.numbers, **before.numbers}), inside=inside and live.wrote)
        return Done(notice=("transaction_ended", ENDED.format(verb=verb)) if ended else None)

    def shape(_: Snapshot, after: Snapshot, now: int) -> Snapshot:
        here = (now, made)
        undo = before.undo[:-1] if verb == "undo" else (*before.undo, here)
        redo = (*before.redo, here) if verb == "undo" else before.redo[:-1]
        return replace(after, undo=undo, redo=redo, committed=before.committed)

    entry = request.made(made)
    line = f"# {verb}: {entry.get('what', EARLIER)}"
    rolled = before.epoch is not None and not inside
    models = tuple(request.models.find(name) for name in names if name in request.models)
    touched = tuple((model, name) for model, name in entry.get("touched", ()))
    return Plan(run, f"session.rollback()\n{line}" if rolled else line, touched, models, shape=shape, goes=made)


def _here(before: Snapshot, changed: Any) -> list[Any]:
    return [found for found in before.images.values() if found["number"] in changed]


def _earlier(request: Request, version: int) -> Snapshot:
    try:
        found = request.earlier(version)
    except Refusal as refusal:
        if refusal.code != "stale":
            raise
        message = f"The version to {request.verb} to is not kept any more."
        raise Refusal("wrong_state", message, remedy="`DASHBOARD_UNDO` says how many steps are kept.") from None
    found.check_known()
    return found


def _as_staged(target: Snapshot) -> Snapshot:
    """The earlier version without the transaction that was open in it: as staged, never as flushed."""
    flushed = target.epoch is not None or any("staged" in found or "fresh" in found for found in target.images.values())
    return replace(staged.lose(target) if flushed else target, notices=(), savepoints=0, epoch=None)


def what(request: Request, done: Done, touched: Iterable[tuple[str, str]]) -> str:
    """An action in a few words, as a button that takes it back names it."""
    ref, verb = done.ref or request.arguments.get("ref"), request.verb
    if verb in ("objects", "load"):
        return f"{'new' if verb == 'objects' else verb} {ref}"
    if verb in ("values", "read"):
        names = [name for _, name in touched] if verb == "values" else [str(request.arguments.get("attribute"))]
        return f"{'set' if verb == 'values' else verb} {ref}.{', '.join(names)}"
    return verb if ref is None else f"{verb} {ref}"
