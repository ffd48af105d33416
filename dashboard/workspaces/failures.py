"""Why did SQLAlchemy or the database say no, and what does a person do now? Never a driver's own words."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import sqlalchemy as sa
import sqlalchemy.orm as sa_orm

from ..records import codes
from ..refusal import Refusal
from ..writable import disk_trouble, is_read_only
from . import conflicts, explaining, pins
from .case import Case
from .conflicts import Conflict
from .constraints import MYSQL
from .live import Live
from .refused import STAGED, class_of, data, flush, integrity, is_ref, one_line, said, told
from .sent import Sent
from .withheld import Withheld, withheld

log = logging.getLogger(__name__)

AGAIN = "Nothing was lost: everything is staged as it was. Try again in a moment."
UNCHANGED = "Everything is staged as it was."

_MYSQL_VALUES = (1264, 1265, 1292, 1366, 1367, 1406, 1411, 3140)
_VERBS = {"insert": "add rows to", "update": "change rows of", "delete": "delete rows of", "select": "read"}


def refusal(error: Exception, case: Case) -> Refusal:
    """The refusal for what an action raised, without what its actor may not see."""
    return error if isinstance(error, Refusal) else _without_the_hidden(_refusal(error, case), case)


def explained(error: Exception, case: Case) -> Refusal:
    """The same with SQLAlchemy's own words beside it, unless they name what it does not."""
    plain, words = refusal(error, case), explaining.explained(error, lambda text: one_line(case.clean(text)))
    if not words or isinstance(plain, Withheld):
        return plain
    whole = replace(plain, details={**plain.details, "explained": words})
    return plain if isinstance(_without_the_hidden(whole, case), Withheld) else whole


def _without_the_hidden(found: Refusal, case: Case) -> Refusal:
    request = case.request
    spoken = [name for name in (request.arguments.get("model"),) if isinstance(name, str)]
    return withheld(found, request.models, request.sight, spoken)


def _refusal(error: Exception, case: Case) -> Refusal:
    if isinstance(error, Conflict):
        return conflicts.refusal(error, case.request.sight)
    if isinstance(error, sa.exc.DBAPIError) and is_read_only(error.orig):
        return Refusal("failed", "This database can only be read just now.", remedy=UNCHANGED, details=class_of(error))
    if isinstance(error, sa.exc.DBAPIError) and not error.connection_invalidated:
        sentence = said(error)
        if sentence is not None:
            return told(error, sentence, case)
        unable = _unable(error, case)
        if unable is not None:
            return unable
    for class_, explain in _EXPLAINED:
        if isinstance(error, class_):
            return explain(error, case)
    if not isinstance(error, sa.exc.SQLAlchemyError):
        if isinstance(error, AssertionError) and str(error).startswith("Dependency rule "):
            return flush(error, case)
        if case.sent(error) is not None or case.unread(error) is not None:  # the driver's Python or a type's raised it
            return data(error, case)
        if isinstance(error, (ValueError, AssertionError, TypeError)):
            return Refusal("failed", f"The program's own code refused it: {_short(error, case)}", remedy=STAGED)
    log.exception("an action of a workspace failed", exc_info=error)
    return Refusal("failed", f"SQLAlchemy refused it ({type(error).__name__}).", remedy=STAGED, details=class_of(error))


def unrestorable(name: str, error: Exception) -> Refusal:
    log.exception("the workspace %s cannot be restored", name, exc_info=error)
    why = error.message if isinstance(error, Refusal) else f"its classes do not take it ({type(error).__name__})."
    remedy = "Give back the model or column that is missing, or discard the workspace."
    return Refusal("unavailable", f"The workspace cannot be restored: {why}", remedy=remedy)


def broke(error: Exception) -> bool:
    """The connection went: what was on its way may have arrived or not."""
    return isinstance(error, sa.exc.DBAPIError) and error.connection_invalidated


def lost(error: Exception, savepoints: int) -> str:
    """What is told of the open transaction that a failed action took with it."""
    return pins.lost(pins.BROKEN if broke(error) else pins.FAILED, savepoints)


def _stale(error: Any, case: Case) -> Refusal:
    table = re.search(r"on table '([^']+)'", str(error))
    found = [
        each
        for each in case.suspects()
        if not each.made and (not table or any(getattr(t, "name", "") == table[1] for t in each.model.mapper.tables))
    ]
    who = " or ".join(each.ref for each in found[:3]) or "A record"
    return Refusal(
        "conflict",
        f"{who} was changed or deleted by somebody else since it was read.",
        remedy="Refresh it to see what it is now. Your changes are staged as they were.",
        details={"refs": [each.ref for each in found], **class_of(error)},
    )


def _detached(error: Any, case: Case) -> Refusal:
    message = "It is detached: there is no Session that could load what is not in memory."
    return Refusal("wrong_state", message, remedy="Add it to the Session again, then read.", details=class_of(error))


def _deleted(error: Any, case: Case) -> Refusal:
    return Refusal(
        "conflict",
        "Its row is not in the database any more.",
        remedy="Expunge it; or make it new again.",
        details=class_of(error),
    )


def _circular(error: Any, case: Case) -> Refusal:
    message = "The objects point to each other in a circle: SQLAlchemy finds none that it could write first."
    return Refusal(
        "failed",
        message,
        remedy="Take one of the relationships out. Everything is staged as it was.",
        details=class_of(error),
    )


def _request(error: Any, case: Case) -> Refusal:
    text = str(error)
    if text.startswith("Could not refresh instance"):
        return _deleted(error, case)
    if "another instance with key" in text:
        message = "Another object of the same record is in the Session already; it holds one object for each row."
        return Refusal(
            "wrong_state", message, remedy="Merge this one into it, or expunge that one first.", details=class_of(error)
        )
    message = f"SQLAlchemy does not allow this here: {_short(error, case)}"
    return Refusal("wrong_state", message, remedy=STAGED, details=class_of(error))


def _timeout(error: Any, case: Case) -> Refusal:
    message = "All connections of the workspaces are in use by open transactions."
    return Refusal(
        "busy",
        message,
        remedy="Commit or roll back one of them, or try again when one has run out of time.",
        details=class_of(error),
    )


def _operational(error: Any, case: Case) -> Refusal:
    if codes.is_busy(error):
        message = "Somebody else is writing the same rows just now."
        return Refusal("busy", message, remedy=AGAIN, details=class_of(error))
    number = _number(error)
    if number in MYSQL:  # PyMySQL calls some constraints, and values that do not fit, operational errors
        return integrity(error, case)
    if number in _MYSQL_VALUES:
        return data(error, case)
    if not error.connection_invalidated and codes.lacks_schema(error):
        return Refusal(
            "failed",
            "The database does not have what the models say.",
            remedy="Bring its schema up to date.",
            details=class_of(error),
        )
    disk = None if error.connection_invalidated else disk_trouble(error.orig)
    if disk is not None:
        message = f"The database cannot do this just now: {disk.sentence}."
        return Refusal("database_away", message, remedy=f"{disk.remedy} {UNCHANGED}", details=class_of(error))
    return away(error)


def passes(error: sa.exc.DBAPIError) -> bool:
    """Somebody else was faster, or the connection had died while it lay in the pool, which has thrown it away now."""
    return codes.is_busy(error) or error.connection_invalidated


def may_be_repeated(error: sa.exc.DBAPIError, live: Live, verb: str) -> bool:
    """The same action may succeed. Of two open transactions that waited for each other the database has ended this one:
    only what is to be written whole can be sent whole again."""
    if live.row.pin is None:
        return passes(error)
    return codes.is_busy(error) and verb in ("flush", "commit") and not live.snapshot.savepoints


def _number(error: Any) -> int:
    """MySQL's; 0 for another driver's."""
    arguments = getattr(error.orig, "args", None) or (0,)
    return arguments[0] if isinstance(arguments[0], int) else 0


def away(error: Exception) -> Refusal:
    return Refusal("database_away", "The database cannot be reached just now.", remedy=AGAIN, details=class_of(error))


def _programming(error: Any, case: Case) -> Refusal:
    if error.connection_invalidated:
        return away(error)
    if str(error.orig).startswith("Error binding parameter"):  # SQLite's driver does not take the value
        return data(error, case)
    return Refusal(
        "failed",
        "The database did not understand the statement: the models may not fit its schema.",
        remedy="The statement is on the tape.",
        details=class_of(error),
    )


def _unable(error: Any, case: Case) -> Refusal | None:
    """The account may not."""
    if not codes.is_forbidden(error):
        return None
    sent = case.sent(error)
    verb = _VERBS.get(sent.kind, "do this to") if sent is not None else "do this to"
    verb = _VERBS["update"] if case.was_check else verb  # it asked for a lock
    message = f"The database does not let Poolhouse's account {verb} {_tables(sent) or 'a table'}."
    remedy = f"Ask whoever runs the database for the right to it. {UNCHANGED}"
    refs = [] if sent is None else [each.ref for each in case.named(sent) if is_ref(each.ref)]
    if sent is not None and case.was_check:
        tables = {column.table for column in sent.columns}
        refs = [each.ref for each in case.suspects() if not each.made and tables & set(each.model.mapper.tables)]
    return Refusal("failed", message, remedy=remedy, details={"refs": refs, **class_of(error)})


def _tables(sent: Sent | None) -> str:
    if sent is None or sent.table is not None:
        return "" if sent is None or sent.table is None else sent.table.name
    return ", ".join(dict.fromkeys(str(getattr(column.table, "name", "")) for column in sent.columns))


def _driver(error: Any, case: Case) -> Refusal:
    if isinstance(error.orig, ValueError) or "type" in str(error.orig).lower():
        return data(error, case)
    return away(error)


def _short(error: Exception, case: Case) -> str:
    """The first sentence of what SQLAlchemy says: its own words name classes and attributes, never a row's values,
    and of an object its ref, never an address of memory."""
    return one_line(case.clean(str(error)))


_EXPLAINED: tuple[tuple[Any, Callable[[Any, Case], Refusal]], ...] = (
    (sa.exc.IntegrityError, integrity),
    (sa.exc.DataError, data),
    (sa.exc.TimeoutError, _timeout),
    (sa.exc.OperationalError, _operational),
    (sa.exc.InterfaceError, _driver),
    (sa.exc.ProgrammingError, _programming),
    (sa.exc.DBAPIError, _programming),
    (sa.exc.StatementError, data),
    (sa_orm.exc.StaleDataError, _stale),
    (sa_orm.exc.DetachedInstanceError, _detached),
    (sa_orm.exc.ObjectDeletedError, _deleted),
    (sa_orm.exc.FlushError, flush),
    (sa.exc.CircularDependencyError, _circular),
    (sa.exc.InvalidRequestError, _request),
)
