"""Who does an action? This worker, unless another one of this machine holds the workspace's transaction."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any, cast

from ..access import Person
from ..refusal import Refusal
from ..runtime import Runtime
from ..telemetry.scopes import NONE, endpoint_of, here
from ..workspaces import pins
from ..workspaces.counting import count_refused
from ..workspaces.registry import Elsewhere, Outcome, Workspaces
from ..workspaces.review import Review
from .messages import REVIEW, Errand, Seal, understood
from .sending import Unanswered, Unreached, send
from .sight import sight_of

AGAIN_SECONDS = 0.02


def act(
    runtime: Runtime,
    workspaces: Workspaces,
    name: str,
    verb: str,
    arguments: Mapping[str, Any],
    *,
    person: Person,
    version: int | None = None,
) -> Outcome:
    """`Workspaces.act` for this person, wherever the transaction is open.
    Raises Refusal as it does; "pinned" where the holder is on another machine, or cannot be reached."""
    sight = sight_of(runtime.access, person)

    def here() -> Outcome:
        return workspaces.act(name, verb, arguments, actor=person.name, version=version, sight=sight)

    return cast(Outcome, _wherever(runtime, here, verb, arguments, person, version))


def review(runtime: Runtime, workspaces: Workspaces, name: str, *, person: Person, run: bool) -> Review:
    """`Workspaces.review` for this person, wherever the transaction is open."""
    sight = sight_of(runtime.access, person)

    def here() -> Review:
        return workspaces.review(name, actor=person.name, sight=sight, run=run)

    return cast(Review, _wherever(runtime, here, REVIEW, {"run": run}, person, None))


def _wherever(
    runtime: Runtime,
    do: Callable[[], Outcome | Review],
    verb: str,
    arguments: Mapping[str, Any],
    person: Person,
    version: int | None,
) -> Outcome | Review:
    patience = time.monotonic() + runtime.config.workspace_wait_seconds
    while True:
        try:
            return do()
        except Elsewhere as elsewhere:
            done = _sent(runtime, elsewhere, verb, arguments, person, version)
            if done is not None:
                return done
            if time.monotonic() >= patience or not pins.is_here(elsewhere.row.pin):
                count_refused(verb)
                raise
        time.sleep(AGAIN_SECONDS)  # the holder is just ending, or its transaction has ended meanwhile


def _sent(
    runtime: Runtime,
    elsewhere: Elsewhere,
    verb: str,
    arguments: Mapping[str, Any],
    person: Person,
    version: int | None,
) -> Outcome | Review | None:
    """None where whoever has the pin does not listen, or does not hold the transaction any more."""
    row, seconds = elsewhere.row, runtime.config.peer_seconds
    path = pins.address(row.pin)
    if not path or not pins.is_here(row.pin):
        return None
    errand = Errand(
        to=row.pin or "",
        until=time.time() + seconds,
        workspace=row.name,
        verb=verb,
        arguments=arguments,
        version=row.version if version is None else version,
        actor=person.name,
        role=person.role,
        endpoint=endpoint_of(here()) or NONE,
    )
    try:
        return understood(send(path, Seal(runtime.secret_key, seconds).close(errand), seconds))
    except Unreached:
        return None
    except Unanswered as unanswered:
        raise _unanswered(row.name, seconds, unanswered) from unanswered
    except Refusal as refusal:
        if refusal.code == "stale" and version is None:
            return None  # the person asked for no version: it is done to the one that there is now
        raise


def _unanswered(name: str, seconds: float, unanswered: Unanswered) -> Refusal:
    remedy = f"Look at {name} before you repeat it: its tape says whether it was done."
    if unanswered.slow:
        message = f"The worker that holds {name}'s transaction has not answered within {seconds:g} seconds."
        return Refusal("busy", message, remedy=remedy)
    return Refusal("unavailable", f"The worker that holds {name}'s transaction ended while it did this.", remedy=remedy)
