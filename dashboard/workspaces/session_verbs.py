"""What does each verb of the Session itself do?"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..records.kinds import check_characters
from ..records.models import Model
from ..refusal import Refusal
from .live import Live
from .request import Done, Plan, Request, switch, writable
from .values import invalid

NOTE_CHARACTERS = 1_000


def of_session(method: Callable[[Any], object], source: str) -> Callable[[Request], Plan]:
    """A verb that is one call of the Session itself."""

    def planned(request: Request) -> Plan:
        def run(live: Live) -> Done:
            method(live.session)
            return Done()

        return Plan(run, source, models=_changed(request) if request.verb == "flush" else request.staged())

    return planned


def commit(request: Request) -> Plan:
    _check_note(request.arguments.get("note"))

    def run(live: Live) -> Done:
        live.commit()
        return Done()

    return Plan(run, "session.commit()", models=_changed(request))


def _check_note(note: object) -> None:
    """Before the commit: after it, a note that the store does not take would come too late."""
    if note is None:
        return
    if not isinstance(note, str):
        raise Refusal("not_understood", "note is text.", fields={"note": "Text is expected."})
    try:
        check_characters(note)
    except ValueError as error:
        raise invalid({"note": str(error)}) from None
    if len(note) > NOTE_CHARACTERS:
        raise invalid({"note": f"At most {NOTE_CHARACTERS} characters; these are {len(note)}."})


def _changed(request: Request) -> tuple[Model, ...]:
    """The models that a flush writes."""
    return tuple(map(writable, request.staged()))


def settings(request: Request) -> Plan:
    given = {name: switch(request.arguments, name, default=False) for name in SETTINGS if name in request.arguments}
    if not given:
        raise Refusal("not_understood", f"settings takes {' or '.join(SETTINGS)}.")

    def run(live: Live) -> Done:
        for name, value in given.items():
            setattr(live.session, name, value)
        return Done()

    return Plan(run, "\n".join(f"session.{name} = {value}" for name, value in given.items()), settings=given)


def take_over(request: Request) -> Plan:
    """Whose it was is told by the action, which knows who acts."""
    return Plan(lambda live: Done(), "# another person has the workspace from here on", takes_over=True)


SETTINGS = ("autoflush", "expire_on_commit")
