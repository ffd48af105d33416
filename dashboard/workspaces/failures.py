"""Why did SQLAlchemy or the database say no, and what does a person do now? Never a driver's own words."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
import sqlalchemy.orm as sa_orm

from ..records.models import Model
from ..refusal import Refusal

log = logging.getLogger(__name__)

AGAIN = "Nothing was lost: everything is staged as it was. Try again in a moment."
STAGED = "Everything is staged as it was. Change what is named and try again."

_AWAY_STATES = ("08", "57P", "53")
_BUSY_STATES = ("55P03", "40P01", "40001", "57014")
_MYSQL = {
    1062: "unique",
    1586: "unique",
    1048: "not_null",
    1364: "not_null",
    1216: "foreign_key",
    1217: "foreign_key",
    1451: "foreign_key",
    1452: "foreign_key",
    3819: "check",
    4025: "check",
}
_STATES = {"23505": "unique", "23502": "not_null", "23503": "foreign_key", "23514": "check", "23P01": "unique"}
_SQLITE = {"UNIQUE": "unique", "NOT NULL": "not_null", "FOREIGN KEY": "foreign_key", "CHECK": "check"}
_MYSQL_BUSY = (1205, 1213, 3024)

SENTENCES = {
    "unique": "This value is taken already by another row.",
    "not_null": "This needs a value.",
    "foreign_key": "There is no such row to point to, or other rows still point to this one.",
    "check": "The database's own rule for this does not allow the value.",
    "type": "The value does not fit the column.",
}


@dataclass(frozen=True)
class Violation:
    """What a constraint said, as far as the driver tells. value: the text of the key that it named; never shown, only compared."""

    kind: str
    table: str = ""
    columns: tuple[str, ...] = ()
    constraint: str = ""
    value: str = ""


@dataclass(frozen=True)
class Suspect:
    """An object that the failed flush was to write."""

    ref: str
    model: Model
    values: Mapping[str, Any]
    changed: frozenset[str]
    made: bool


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
    violation = _violation(error)
    suspected = _suspected(violation, error, list(suspects()))
    names = {name for suspect in suspected for name in _attributes(suspect.model, violation)}
    sentence = SENTENCES[violation.kind]
    who = " or ".join(suspect.ref for suspect in suspected[:3])
    what = f"{', '.join(sorted(names))}: " if names else f"{violation.constraint}: " if violation.constraint else ""
    details = {
        "refs": [suspect.ref for suspect in suspected],
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


def _violation(error: Any) -> Violation:
    orig = error.orig
    diag = getattr(orig, "diag", None)
    state = getattr(orig, "sqlstate", None) or getattr(orig, "pgcode", None)
    if diag is not None and state in _STATES:
        columns, value = _named(diag.message_detail)
        columns = (diag.column_name,) if diag.column_name else columns
        return Violation(_STATES[state], diag.table_name or "", columns, diag.constraint_name or "", value)
    text = str(orig.args[-1]) if getattr(orig, "args", ()) else ""
    number = orig.args[0] if getattr(orig, "args", ()) and isinstance(orig.args[0], int) else None
    if number in _MYSQL:
        return _mysql(_MYSQL[number], text)
    return _sqlite(text)


def _named(detail: str | None) -> tuple[tuple[str, ...], str]:
    """PostgreSQL's `Key (a, b)=(1, 2) already exists.`"""
    found = re.match(r"Key \(([^)]*)\)=\((.*)\) (?:already exists|is not present|is still referenced|conflicts)", detail or "", re.DOTALL)
    return (tuple(part.strip().strip('"') for part in found[1].split(",")), found[2]) if found else ((), "")


def _mysql(kind: str, text: str) -> Violation:
    column = re.search(r"(?:Column|Field) '([^']+)'", text)
    key = re.search(r"for key '([^']+)'", text)
    foreign = re.search(r"CONSTRAINT `([^`]+)` FOREIGN KEY \(([^)]*)\)", text)
    check = re.search(r"(?:Check constraint|CONSTRAINT) [`'\"]([^`'\"]+)", text)
    if foreign:
        return Violation(kind, "", tuple(part.strip(" `") for part in foreign[2].split(",")), foreign[1])
    if key:
        table, _, name = key[1].rpartition(".")
        return Violation(kind, table, (), name)
    return Violation(kind, "", (column[1],) if column else (), check[1] if check and kind == "check" else "")


def _sqlite(text: str) -> Violation:
    found = re.match(r"(UNIQUE|NOT NULL|FOREIGN KEY|CHECK) constraint failed(?:: (.*))?", text)
    if not found:
        return Violation("type" if "datatype mismatch" in text or "cannot store" in text else "check")
    kind, rest = _SQLITE[found[1]], found[2] or ""
    if kind == "check" or rest.startswith("index "):
        return Violation(kind, "", (), rest.removeprefix("index ").strip("'"))
    pairs = [part.strip().rpartition(".") for part in rest.split(",") if part.strip()]
    return Violation(kind, pairs[0][0] if pairs else "", tuple(column for _, _, column in pairs))


def _suspected(violation: Violation, error: Any, suspects: list[Suspect]) -> list[Suspect]:
    """Those that the database can have meant: of its table, with its columns, with the failed statement's values."""
    table = violation.table or _table(str(error.statement or ""))
    named = [
        suspect
        for suspect in suspects
        if not table or any(getattr(each, "name", "") == table for each in suspect.model.mapper.tables)
    ]
    for test in (_has_violation, _was_sent, _is_the_key):
        fewer = [suspect for suspect in named if test(suspect, violation, error, named)]
        named = fewer or named
    return named


def _has_violation(suspect: Suspect, violation: Violation, error: Any, others: list[Suspect]) -> bool:
    names = _attributes(suspect.model, violation)
    if violation.kind == "not_null":
        return any(suspect.values.get(name) is None for name in names)
    return any(suspect.made or name in suspect.changed for name in names)


def _was_sent(suspect: Suspect, violation: Violation, error: Any, others: list[Suspect]) -> bool:
    """Its values of these columns are among the parameters of the statement that failed."""
    sent = _sent(error.params)
    values = [
        suspect.values[name] for name in _attributes(suspect.model, violation) if suspect.values.get(name) is not None
    ]
    return bool(values) and all(any(value == other or str(value) == str(other) for other in sent) for value in values)


def _is_the_key(suspect: Suspect, violation: Violation, error: Any, others: list[Suspect]) -> bool:
    """Its values of these columns are the key that the database named."""
    values = {name: suspect.values.get(name) for name in _attributes(suspect.model, violation)}
    return bool(violation.value) and ", ".join(map(str, values.values())) == violation.value


def _sent(params: Any) -> list[Any]:
    sets = params if isinstance(params, list) else [params] if params else []
    return [value for each in sets for value in (each.values() if isinstance(each, Mapping) else each)]


def _table(statement: str) -> str:
    found = re.match(
        r"\s*(?:INSERT INTO|UPDATE|DELETE FROM)\s+(?:[\"`\[]?[\w$]+[\"`\]]?\.)?[\"`\[]?([\w$]+)",
        statement,
        re.IGNORECASE,
    )
    return found[1] if found else ""


def _attributes(model: Model, violation: Violation) -> list[str]:
    """The mapped attributes of the columns that the violation names, or of the constraint that it names."""
    columns = violation.columns
    if not columns and violation.constraint:
        columns = _constraint_columns(model, violation.constraint)
    if not columns and violation.kind == "foreign_key":
        columns = tuple(column.name for table in model.mapper.tables for column in table.columns if column.foreign_keys)
    found = []
    for prop in model.mapper.column_attrs:
        if any(getattr(column, "name", None) in columns for column in prop.columns):
            found.append(prop.key)
    return found


def _constraint_columns(model: Model, name: str) -> tuple[str, ...]:
    for table in model.mapper.tables:
        if isinstance(table, sa.Table):
            for constraint in (*table.constraints, *table.indexes):
                if constraint.name == name:
                    return tuple(column.name for column in constraint.columns)
    return ()


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
    if "readonly database" in text:
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
