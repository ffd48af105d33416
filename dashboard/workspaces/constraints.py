"""Which constraint said no, and of which object and column does it speak? Told by what each driver tells."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa

from ..records.models import Model, Models
from .snapshot import Snapshot

MYSQL = {
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
_STATES = {"23505": "unique", "23502": "not_null", "23503": "foreign_key", "23001": "foreign_key", "23514": "check",
           "23P01": "unique"}  # fmt: skip
_SQLITE = {"UNIQUE": "unique", "NOT NULL": "not_null", "FOREIGN KEY": "foreign_key", "CHECK": "check"}

SENTENCES = {
    "unique": "This value is taken already by another row.",
    "not_null": "This needs a value.",
    "foreign_key": "There is no such row to point to, or other rows still point to this one.",
    "missing": "There is no such row to point to.",
    "pointed": "Other rows still point to this one.",
    "check": "The database's own rule for this does not allow the value.",
    "type": "The value does not fit the column.",
}


@dataclass(frozen=True)
class Violation:
    """What a constraint said, as far as the driver tells. value: the text of the key that it named; never shown, only
    compared. pointed: other rows still point to the one that was to go."""

    kind: str
    table: str = ""
    columns: tuple[str, ...] = ()
    constraint: str = ""
    value: str = ""
    pointed: bool = False


@dataclass(frozen=True)
class Suspect:
    """An object that the failed flush was to write."""

    ref: str
    model: Model
    values: Mapping[str, Any]
    changed: frozenset[str]
    made: bool


def suspects(snapshot: Snapshot, models: Models) -> Iterator[Suspect]:
    """What a flush is to write, as it was staged."""
    for ref, image in snapshot.images.items():
        found = image.get("staged", image)
        flags = set(found["flags"])
        if found["state"] != "pending" and not (
            found["state"] == "persistent" and flags & {"modified", "marked-deleted"}
        ):
            continue
        model = models.find(found["model"])
        values = {
            name: model.column(name).restore(value) for name, value in found["values"].items() if model.has_column(name)
        }
        changed = frozenset({*found["committed"], *found["unknown"]})
        yield Suspect(ref, model, values, changed, found["state"] == "pending")


def violation_of(error: Any) -> Violation:
    orig = error.orig
    diag = getattr(orig, "diag", None)
    state = getattr(orig, "sqlstate", None) or getattr(orig, "pgcode", None)
    if diag is not None and state in _STATES:
        columns, value = _named(diag.message_detail)
        columns = (diag.column_name,) if diag.column_name else columns
        pointed = state == "23001" or "is still referenced" in (diag.message_detail or "")
        return Violation(_STATES[state], diag.table_name or "", columns, diag.constraint_name or "", value, pointed)
    text = str(orig.args[-1]) if getattr(orig, "args", ()) else ""
    number = orig.args[0] if getattr(orig, "args", ()) and isinstance(orig.args[0], int) else None
    if number in MYSQL:
        return replace(_mysql(MYSQL[number], text), pointed=number in (1217, 1451))
    return _sqlite(text)


def _named(detail: str | None) -> tuple[tuple[str, ...], str]:
    """PostgreSQL's `Key (a, b)=(1, 2) already exists.`"""
    found = re.match(
        r"Key \(([^)]*)\)=\((.*)\) (?:already exists|is not present|is still referenced|conflicts)",
        detail or "",
        re.DOTALL,
    )
    return (tuple(part.strip().strip('"') for part in found[1].split(",")), found[2]) if found else ((), "")


def _mysql(kind: str, text: str) -> Violation:
    column = re.search(r"(?:Column|Field) '([^']+)'", text)
    key = re.search(r"entry '(.*)' for key '([^']+)'", text, re.DOTALL)
    foreign = re.search(r"CONSTRAINT `([^`]+)` FOREIGN KEY \(([^)]*)\)", text)
    check = re.search(r"(?:Check constraint|CONSTRAINT) [`'\"]([^`'\"]+)", text)
    if foreign:
        return Violation(kind, "", tuple(part.strip(" `") for part in foreign[2].split(",")), foreign[1])
    if key:
        table, _, name = key[2].rpartition(".")
        return Violation(kind, table, (), name, key[1])
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


def suspected(violation: Violation, error: Any, suspects: list[Suspect]) -> list[Suspect]:
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
    names = attributes(suspect.model, violation)
    if violation.kind == "not_null":
        return any(suspect.values.get(name) is None for name in names)
    return any(suspect.made or name in suspect.changed for name in names)


def _was_sent(suspect: Suspect, violation: Violation, error: Any, others: list[Suspect]) -> bool:
    """Its values of these columns are among the parameters of the statement that failed."""
    sent = _sent(error.params)
    values = [
        suspect.values[name] for name in attributes(suspect.model, violation) if suspect.values.get(name) is not None
    ]
    return bool(values) and all(any(value == other or str(value) == str(other) for other in sent) for value in values)


def _is_the_key(suspect: Suspect, violation: Violation, error: Any, others: list[Suspect]) -> bool:
    """Its values of these columns are the key that the database named."""
    values = {name: suspect.values.get(name) for name in attributes(suspect.model, violation)}
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


def attributes(model: Model, violation: Violation) -> list[str]:
    """The mapped attributes of the columns that the violation names, or of the constraint that it names."""
    columns = violation.columns
    if not columns and violation.constraint:
        tables = (constraint_columns(table, violation.constraint) for table in model.mapper.tables)
        columns = next((found for found in tables if found), ())
    if not columns and violation.kind == "check":
        columns = tuple(word for table in model.mapper.tables for word in _words(table, violation.constraint))
    if not columns and violation.kind == "foreign_key":
        columns = tuple(column.name for table in model.mapper.tables for column in table.columns if column.foreign_keys)
    found = []
    for prop in model.mapper.column_attrs:
        if any(getattr(column, "name", None) in columns for column in prop.columns):
            found.append(prop.key)
    return found


def constraint_columns(table: Any, name: str) -> tuple[str, ...]:
    """The columns of a table's constraint or index; () where it has none of that name."""
    if not isinstance(table, sa.Table):
        return ()
    named: tuple[Any, ...] = (*table.constraints, *table.indexes)
    found = next((each for each in named if name in (each.name, _mysqls_name(each))), None)
    columns = () if found is None else tuple(column.name for column in found.columns)
    return _words(table, str(found.sqltext)) if not columns and isinstance(found, sa.CheckConstraint) else columns


def _words(table: Any, text: str) -> tuple[str, ...]:
    """The columns of the table that a rule's text speaks of. A rule that nobody named is called by its text (SQLite),
    by `table_column_check` (PostgreSQL) or by `table.column` (MariaDB)."""
    named = text.removeprefix(f"{getattr(table, 'name', '')}_").removesuffix("_check")
    words = {named, *re.findall(r"\w+", re.sub(r"'(?:[^']|'')*'", "", text))}
    return tuple(column.name for column in getattr(table, "columns", ()) if column.name in words)


def _mysqls_name(constraint: Any) -> str | None:
    """MySQL calls a key after its first column where nobody named it."""
    if isinstance(constraint, sa.PrimaryKeyConstraint):
        return "PRIMARY"
    unnamed = isinstance(constraint, sa.UniqueConstraint) and constraint.name is None
    return next(iter(constraint.columns)).name if unnamed else None
