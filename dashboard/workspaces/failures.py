"""Why did SQLAlchemy or the database say no, and what does a person do now? Never a driver's own words."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterable
from typing import Any

import sqlalchemy as sa
import sqlalchemy.orm as sa_orm

from ..refusal import Refusal
from .constraints import SENTENCES, Suspect, attributes, suspected, violation_of

log = logging.getLogger(__name__)

AGAIN = "Nothing was lost: everything is staged as it was. Try again in a moment."
STAGED = "Everything is staged as it was. Change what is named and try again."

_AWAY_STATES = ("08", "57P", "53")
_BUSY_STATES = ("55P03", "40P01", "40001", "57014")
_MYSQL_BUSY = (1205, 1213, 3024)


def refusal(error: Exception, suspects: Callable[[], Iterable[Suspect]]) -> Refusal:
    """The refusal for what an action raised. suspects: asked only where an object is to be named."""
    if isinstance(error, Refusal):
        return error
    for class_, explain in _EXPLAINED:
        if isinstance(error, class_):
            return explain(error, suspects)
    if isinstance(error, (ValueError, AssertionError, TypeError)) and not isinstance(error, sa.exc.SQLAlchemyError):
        return Refusal("failed", f"The program's own code refused it: {_short(error)}", remedy=STAGED)
    log.exception("an action of a workspace failed", exc_info=error)
    return Refusal("failed", f"SQLAlchemy refused it ({type(error).__name__}).", remedy=STAGED, details=_class(error))


def _class(error: Exception) -> dict[str, object]:
    return {"class": type(error).__name__, "link": getattr(error, "code", None) or ""}


def _integrity(error: Any, suspects: Callable[[], Iterable[Suspect]]) -> Refusal:
    violation = violation_of(error)
    found = suspected(violation, error, list(suspects()))
    names = {name for suspect in found for name in attributes(suspect.model, violation)}
    sentence = SENTENCES[violation.kind]
    who = " or ".join(suspect.ref for suspect in found[:3])
    what = f"{', '.join(sorted(names))}: " if names else f"{violation.constraint}: " if violation.constraint else ""
    details = {
        "refs": [suspect.ref for suspect in found],
        "constraint": violation.constraint,
        "kind": violation.kind,
        **_class(error),
    }
    return Refusal(
        "invalid",
        f"{who + ', ' if who else ''}{what}{sentence}",
        fields=dict.fromkeys(sorted(names), sentence),
        remedy=STAGED,
        details=details,
    )


def _data(error: Any, suspects: Callable[[], Iterable[Suspect]]) -> Refusal:
    return Refusal("invalid", SENTENCES["type"], remedy=STAGED, details=_class(error))


def _statement(error: Any, suspects: Callable[[], Iterable[Suspect]]) -> Refusal:
    """A value that its column's type could not turn into what the driver takes."""
    return Refusal("invalid", SENTENCES["type"], remedy=STAGED, details=_class(error))


def _stale(error: Any, suspects: Callable[[], Iterable[Suspect]]) -> Refusal:
    table = re.search(r"on table '([^']+)'", str(error))
    found = [
        each
        for each in suspects()
        if not each.made and (not table or any(getattr(t, "name", "") == table[1] for t in each.model.mapper.tables))
    ]
    who = " or ".join(each.ref for each in found[:3]) or "A record"
    return Refusal(
        "conflict",
        f"{who} was changed or deleted by somebody else since it was read.",
        remedy="Refresh it to see what it is now. Your changes are staged as they were.",
        details={"refs": [each.ref for each in found], **_class(error)},
    )


def _detached(error: Any, suspects: Callable[[], Iterable[Suspect]]) -> Refusal:
    message = "It is detached: there is no Session that could load what is not in memory."
    return Refusal("wrong_state", message, remedy="Add it to the Session again, then read.", details=_class(error))


def _deleted(error: Any, suspects: Callable[[], Iterable[Suspect]]) -> Refusal:
    return Refusal(
        "conflict",
        "Its row is not in the database any more.",
        remedy="Expunge it; or make it new again.",
        details=_class(error),
    )


def _flush(error: Any, suspects: Callable[[], Iterable[Suspect]]) -> Refusal:
    return Refusal("failed", f"SQLAlchemy cannot flush this: {_short(error)}", remedy=STAGED, details=_class(error))


def _circular(error: Any, suspects: Callable[[], Iterable[Suspect]]) -> Refusal:
    message = "The objects point to each other in a circle: SQLAlchemy finds none that it could write first."
    return Refusal(
        "failed",
        message,
        remedy="Take one of the relationships out. Everything is staged as it was.",
        details=_class(error),
    )


def _request(error: Any, suspects: Callable[[], Iterable[Suspect]]) -> Refusal:
    text = str(error)
    if "another instance with key" in text:
        message = "Another object of the same record is in the Session already; it holds one object for each row."
        return Refusal(
            "wrong_state", message, remedy="Merge this one into it, or expunge that one first.", details=_class(error)
        )
    return Refusal(
        "wrong_state", f"SQLAlchemy does not allow this here: {_short(error)}", remedy=STAGED, details=_class(error)
    )


def _timeout(error: Any, suspects: Callable[[], Iterable[Suspect]]) -> Refusal:
    message = "All connections of the workspaces are in use by open transactions."
    return Refusal(
        "busy",
        message,
        remedy="Commit or roll back one of them, or try again when one has run out of time.",
        details=_class(error),
    )


def _operational(error: Any, suspects: Callable[[], Iterable[Suspect]]) -> Refusal:
    orig = error.orig
    text = str(orig).lower()
    state = str(getattr(orig, "sqlstate", None) or getattr(orig, "pgcode", None) or "")
    number = orig.args[0] if getattr(orig, "args", ()) and isinstance(orig.args[0], int) else 0
    if state in _BUSY_STATES or number in _MYSQL_BUSY or "database is locked" in text or "table is locked" in text:
        return Refusal("busy", "Somebody else is writing the same rows just now.", remedy=AGAIN, details=_class(error))
    if "readonly database" in text and not error.connection_invalidated:  # invalidated: its file was moved away
        return Refusal(
            "failed", "This database can only be read.", remedy="Everything is staged as it was.", details=_class(error)
        )
    if not error.connection_invalidated and (
        text.startswith("no such ") or "syntax error" in text or "has no column" in text
    ):
        return Refusal(
            "failed",
            "The database does not have what the models say.",
            remedy="Bring its schema up to date.",
            details=_class(error),
        )
    return away(error)


def away(error: Exception) -> Refusal:
    return Refusal("database_away", "The database cannot be reached just now.", remedy=AGAIN, details=_class(error))


def _programming(error: Any, suspects: Callable[[], Iterable[Suspect]]) -> Refusal:
    if error.connection_invalidated:
        return away(error)
    return Refusal(
        "failed",
        "The database did not understand the statement: the models may not fit its schema.",
        remedy="The statement is on the tape.",
        details=_class(error),
    )


def _driver(error: Any, suspects: Callable[[], Iterable[Suspect]]) -> Refusal:
    if isinstance(error.orig, ValueError) or "type" in str(error.orig).lower():
        return _data(error, suspects)
    return away(error)


def _short(error: Exception) -> str:
    """The first sentence of what SQLAlchemy says: its own words name classes and attributes, never a row's values."""
    text = str(error).split("\n")[0].strip()
    return text if len(text) <= 300 else text[:299] + "…"


_EXPLAINED: tuple[tuple[Any, Callable[[Any, Callable[[], Iterable[Suspect]]], Refusal]], ...] = (
    (sa.exc.IntegrityError, _integrity),
    (sa.exc.DataError, _data),
    (sa.exc.TimeoutError, _timeout),
    (sa.exc.OperationalError, _operational),
    (sa.exc.InterfaceError, _driver),
    (sa.exc.ProgrammingError, _programming),
    (sa.exc.DBAPIError, _programming),
    (sa.exc.StatementError, _statement),
    (sa_orm.exc.StaleDataError, _stale),
    (sa_orm.exc.DetachedInstanceError, _detached),
    (sa_orm.exc.ObjectDeletedError, _deleted),
    (sa_orm.exc.FlushError, _flush),
    (sa.exc.CircularDependencyError, _circular),
    (sa.exc.InvalidRequestError, _request),
)
