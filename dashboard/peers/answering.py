"""What does a worker do with an action that another one passes on to it?"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

from ..access import Access, Person
from ..config import Config
from ..refusal import Refusal
from ..telemetry import scope
from ..workspaces.registry import Elsewhere, Outcome, Workspaces
from ..workspaces.review import Review
from .listener import Listener
from .messages import MOVED, REVIEW, Errand, Seal, answer, refused, reviewed
from .places import place
from .sight import sight_of


class Answering:
    """This worker, as the others reach it. It listens from the first transaction on that is open here.

    key: the dashboard's; an errand that is not signed with it is not read. context: what a host's Access may need
    around it (an app context).
    """

    def __init__(
        self,
        workspaces: Workspaces,
        access: Access | None,
        key: str,
        config: Config,
        context: Callable[[], AbstractContextManager[Any]],
    ) -> None:
        self._workspaces, self._access, self._context = workspaces, access, context
        self._seal = Seal(key, config.peer_seconds)
        holder = workspaces.transactions
        self._listener = Listener(self._answer, lambda: place(config.instance, holder.number), config.peer_threads)
        holder.reached_by(lambda: place(config.instance, holder.number), self._listener.listen)

    def close(self) -> None:
        self._listener.close()

    def _answer(self, said: bytes) -> bytes | None:
        errand = self._seal.open(said)
        if errand is None:
            return None
        holder = self._workspaces.transactions
        if errand.to != holder.pin() or holder.closed or time.time() > errand.until:
            return MOVED
        try:
            with self._context(), scope(errand.endpoint):
                return reviewed(self._review(errand)) if errand.verb == REVIEW else answer(self._done(errand))
        except Elsewhere:
            return MOVED
        except Refusal as refusal:
            return refused(refusal)

    def _review(self, errand: Errand) -> Review:
        person = Person(errand.actor, errand.role)
        sight, run = sight_of(self._access, person), bool(errand.arguments["run"])
        return self._workspaces.review(errand.workspace, actor=errand.actor, sight=sight, run=run)

    def _done(self, errand: Errand) -> Outcome:
        return self._workspaces.act(
            errand.workspace,
            errand.verb,
            errand.arguments,
            actor=errand.actor,
            version=errand.version,
            sight=sight_of(self._access, Person(errand.actor, errand.role)),
        )
