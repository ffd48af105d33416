"""The audit: what somebody does here is written down, with who they are and where they ask from."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Mapping
from typing import Any
from weakref import WeakKeyDictionary

from flask import Response, current_app, request

from ..access import Person
from ..access.access import READ
from ..refusal import Refusal
from ..runtime import current
from ..store.audit import DONE, REFUSED, Audit, Deed, moment
from . import gate

log = logging.getLogger("poolhouse")
TOLD = ("signed_out", "forbidden", "csrf", "throttled")
"""Codes of refusals that are written down: of somebody who may not, as against something that does not fit."""
WRITING = ("flush", "commit", "discard", "take-over")
"""Verbs of a workspace that write, or take something from somebody; the others stand on its tape."""
AGAIN_SECONDS = 60.0
REMEMBERED = 1_000
NOTHING = ""
"""In place of an outcome."""


def note(act: str, subject: str = "", outcome: str = DONE, *, person: Person | None = None, **details: Any) -> None:
    """Writes a row of whoever sends the present request, or of the person that they just have become. Raises
    Refusal("store_away"): what cannot be written down is not done, so that an act of consequence is noted before it is
    done."""
    seen = gate.visit()
    person = person or seen.person
    if seen.token is not None:
        details["token"] = seen.token.name
    deed = Deed(
        at=moment(),
        who=person.name if person is not None else "",
        role=person.role if person is not None else "",
        address=request.remote_addr or "",
        act=act,
        subject=subject,
        outcome=outcome,
        details=details,
    )
    current().audit.add(deed)
    seen.noted = outcome


def tells(**details: Any) -> None:
    """What the row of the present request tells beside, if there is one."""
    gate.visit().details.update(details)


def nothing_done() -> None:
    """A form that asks once more, or a trial: no row says that something was done."""
    gate.visit().noted = NOTHING


def written(response: Response) -> Response:
    """Runs after every handler of ours: what it did and what it was refused is written down, where it has not done that
    itself. The answer is given either way: by now it is done."""
    code = request.environ.get(REFUSED_AS)
    try:
        if code in TOLD:
            _note_refusal(code)
        elif response.status_code < 400 and gate.visit().noted is None:
            _note_done()
    except Refusal as away:
        about = _subject(request.view_args or {})  # no path: that of a sign-in link is as good as a password
        log.error("the audit lacks %s %s %r by %r: %s", request.method, _act(), about, _who(), away)
    return response


REFUSED_AS = "poolhouse.refused"
"""Where in its WSGI environment a request keeps the code that it was refused with."""


def _note_done() -> None:
    name, given = _act(), request.view_args or {}
    if request.method not in ("POST", "PUT", "PATCH", "DELETE"):
        return
    if getattr(current_app.view_functions[request.endpoint or ""], "needs", None) in (READ, gate.OPEN):
        return  # signing in and one's own account note themselves; what is left is how one's pages look
    verb = given.get("verb")
    if name.startswith("workspaces.") and name != "workspaces.create" and verb not in WRITING:
        return
    note(f"{name}.{verb}" if verb else name, _subject(given), **gate.visit().details)


def _note_refusal(code: str) -> None:
    """Whoever asks a thousand times is written down once a minute."""
    if _is_repeated((_who(), request.remote_addr, code, request.endpoint if _who() else "")):
        return
    note(_act(), _subject(request.view_args or {}), REFUSED, code=code, method=request.method)


def _act() -> str:
    return (request.endpoint or "").partition(".")[2]


def _subject(given: Mapping[str, Any]) -> str:
    secret = ("token",)
    return "/".join(str(value) for name, value in given.items() if name not in ("verb", *secret))


def _who() -> str:
    person = gate.visit().person
    return person.name if person is not None else ""


_told: WeakKeyDictionary[Audit, dict[tuple[Any, ...], float]] = WeakKeyDictionary()
"""By the audit of each dashboard of this process: what was written down there, and when."""
_guard = threading.Lock()


def _is_repeated(what: tuple[Any, ...]) -> bool:
    now = time.monotonic()
    with _guard:
        told = _told.setdefault(current().audit, {})
        if now - told.get(what, float("-inf")) < AGAIN_SECONDS:
            return True
        if len(told) >= REMEMBERED:
            for old in [each for each, at in told.items() if now - at >= AGAIN_SECONDS]:
                del told[old]
            if len(told) >= REMEMBERED:
                return True  # a flood from everywhere: its first thousand are written down each minute
        told[what] = now
        return False
