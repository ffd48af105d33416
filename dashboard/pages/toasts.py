"""What was just done, told on the next page with the way to undo it: in a cookie of our own that lasts for that page,
so that no address says it and no script is needed."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import parse_qs, urlencode

from werkzeug.wrappers import Response

from ..records.models import Model
from ..runtime import current
from . import cookies

SECONDS = 10
WORDS_CHARACTERS = 60


@dataclass(frozen=True)
class JustDone:
    """number: of the change set. database: where each database keeps its own history."""

    words: str
    number: int
    database: str | None


def told(answer: Response, model: Model, number: int | None, words: str) -> Response:
    """number: None where nothing was written. Who is not sent to a next page is told nothing."""
    history = current().history
    if number is None or history is None or answer.status_code != 303:
        return answer
    said = {"words": words[:WORDS_CHARACTERS], "number": str(number)}
    if history.beside:
        said["database"] = model.database
    cookies.keep(answer, "done", urlencode(said), seconds=SECONDS)
    return answer


def just_done() -> JustDone | None:
    said = parse_qs(cookies.kept("done")[:400])
    words, number, database = (said.get(name, [""])[-1] for name in ("words", "number", "database"))
    if not (number.isascii() and number.isdecimal() and len(number) < 10) or not words:
        return None
    if database and database not in current().databases:
        return None
    return JustDone(words[:WORDS_CHARACTERS], int(number), database or None)
