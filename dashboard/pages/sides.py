"""From which side does a person look at a workspace: its changes in plain words, or the board? Kept in a cookie of our
own, so that the first paint is right and no script is needed."""

from __future__ import annotations

from flask import request
from werkzeug.wrappers import Response

from ..refusal import Refusal
from . import cookies

SIDES = ("changes", "board")


def chosen(first: str = SIDES[0]) -> str:
    """What the address says, else what was chosen last, else `first`."""
    wanted = request.args.get("view", "")
    if wanted and wanted not in SIDES:
        message = f"One of {', '.join(SIDES)} is expected."
        raise Refusal("not_understood", message, fields={"view": message})
    kept = cookies.kept("view")
    return wanted or (kept if kept in SIDES else first)


def keep(answer: Response) -> None:
    """Where the address names one, it is the one from now on."""
    wanted = request.args.get("view", "")
    if wanted in SIDES:
        cookies.keep(answer, "view", wanted)
