"""How is a change of records saved at once? By a workspace of one action: the same validation, permission, check for
conflicts and commit as in any other, but nobody names it and no store keeps it."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from ..refusal import Refusal
from ..store.change_sets import ChangeSet
from ..store.workspaces import Change, KeptWorkspaces, Row
from .action import Action
from .conflicts import REMEDY
from .counting import counted
from .live import Live
from .registry import Workspaces
from .request import Done, Plan, Request
from .sight import Sight
from .snapshot import Snapshot
from .tape import now

NAME = "a record's page"
SETTINGS = {"autoflush": False, "expire_on_commit": False, "sandbox": False}
NOTHING = "Nothing was written."
_numbers = itertools.count(1)

Planned = Callable[[Request], Plan]


class Saves:
    """Changes that are committed by the action that makes them.

    Raises the Refusal for whatever cannot be done; nothing was written then.
    """

    def __init__(self, workspaces: Workspaces) -> None:
        self._workspaces = workspaces

    def do(
        self, database: str, planned: Planned, arguments: Mapping[str, Any], *, actor: str, sight: Sight | None = None
    ) -> Done:
        """Plans and runs one action on this database, which commits at its end."""
        try:
            done: Done = self._act(NAME, "commit", database, planned, arguments, actor, sight or Sight())
        except Refusal as refusal:
            raise _of_a_save(refusal) from refusal
        return done

    @counted
    def _act(
        self,
        name: str,
        verb: str,
        database: str,
        planned: Planned,
        arguments: Mapping[str, Any],
        actor: str,
        sight: Sight,
    ) -> Done:
        registry = self._workspaces._lives.registry(database)  # of the same room
        # no workspace that is kept has a number below one
        row = Row(-next(_numbers), name, actor, database, SETTINGS, 1, 0, 0, None, None, None, now())
        live = Live(registry, row, Snapshot())
        config = self._workspaces.config
        request = Request(verb, arguments, live.snapshot, registry.models, sight, config=config)
        self._workspaces.transactions.check_open()
        plan = planned(request)
        sight.permit(verb, *plan.models)
        sight.permit("load", *plan.reads)
        unkept = _Unkept(self._workspaces._kept)
        try:
            done = Action(self._workspaces, unkept, live, request, plan, actor).do()  # type: ignore[arg-type]
        finally:
            live.park()
        return replace(done, change_set=unkept.change_set)


class _Unkept:
    """In the place of the store: what becomes of a workspace that is gone when its one action is over. What it commits
    is kept in the history like any other commit."""

    def __init__(self, kept: KeptWorkspaces) -> None:
        self._kept = kept
        self.change_set: int | None = None

    def intend(self, row: Row, intent: Mapping[str, Any], change_set: ChangeSet | None = None) -> Row:
        number = {} if change_set is None else {"change_set": self._kept.begin_change_set(change_set)}
        return replace(row, intent={**intent, **number})

    def save(self, row: Row, change: Change) -> Row:
        intent = row.intent or {}
        self.change_set = intent.get("change_set")
        if change.outcome and "change_set" in intent and "token" not in intent:
            self._kept.settle(intent["change_set"], change.outcome, change.how)
        return replace(row, version=row.version + 1, intent=None)


def _of_a_save(refusal: Refusal) -> Refusal:
    """In the words of somebody who has staged nothing."""
    remedy = refusal.remedy
    if remedy == REMEDY:
        remedy = f"Choose mine or theirs for each, and save again. {NOTHING}"
    elif "staged" in remedy:
        remedy = f"{NOTHING} Change what is named and try again."
    return Refusal(refusal.code, refusal.message, refusal.fields, remedy, refusal.details)
