"""What did the database refuse, of which object and column, and what does a person do now?"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

import sqlalchemy as sa

from ..records.models import Model
from ..refusal import Refusal
from .case import Case
from .constraints import SENTENCES, Violation, attributes, constraint_columns, suspected, violation_of
from .misfits import MOMENTS, misfits, unreadable
from .pointing import Pointer, missing, takers
from .sent import Named, Sent, attributes_of

STAGED = "Everything is staged as it was. Change what is named and try again."
REFS_NAMED = 3
CHARACTERS = 300  # of somebody else's sentence
_LISTED = 20


def class_of(error: BaseException) -> dict[str, object]:
    return {"class": type(error).__name__, "link": getattr(error, "code", None) or ""}


def one_line(text: str) -> str:
    """Of a text of others, for people: its first line, cut, with nothing that is not printed."""
    line = next((line.strip() for line in text.splitlines() if line.strip()), "")
    line = "".join(character for character in line if character.isprintable())
    return line if len(line) <= CHARACTERS else line[: CHARACTERS - 1] + "…"


def is_ref(name: str) -> bool:
    """Not the words for what has no key yet."""
    return ":" in name and " " not in name


def names_of(refs: Iterable[str]) -> str:
    known = list(dict.fromkeys(refs))
    more = f" or {len(known) - REFS_NAMED} more" if len(known) > REFS_NAMED else ""
    return " or ".join(known[:REFS_NAMED]) + more


def refuse(
    error: BaseException,
    refs: Iterable[str],
    names: Iterable[str],
    sentence: str,
    *,
    code: str = "invalid",
    what: str = "",
    remedy: str = STAGED,
    details: Mapping[str, object] | None = None,
) -> Refusal:
    """The refusal in its one form: who, which columns, why."""
    refs, fields = list(dict.fromkeys(refs)), sorted(set(names))
    what = ", ".join(fields) or what
    parts = [part for part in (names_of(refs), what) if part]
    known = [ref for ref in refs if is_ref(ref)]
    return Refusal(
        code,
        f"{', '.join(parts)}: {sentence}" if parts else sentence,
        fields=dict.fromkeys(fields, sentence),
        remedy=remedy,
        details={"refs": known[:_LISTED], **(details or {}), **class_of(error)},
    )


# constraints


def integrity(error: Any, case: Case) -> Refusal:
    violation, sent = violation_of(error), case.sent(error)
    named = [] if sent is None else case.named(sent)
    details = {"constraint": violation.constraint, "kind": violation.kind}
    if sent is None or not named:
        found = suspected(violation, error, case.suspects())
        names = {name for suspect in found for name in attributes(suspect.model, violation)}
        sentence = SENTENCES[violation.kind]
        refs = [suspect.ref for suspect in found]
        return refuse(error, refs, names, sentence, what=violation.constraint, details=details)
    if violation.kind == "foreign_key":
        return _foreign_key(error, violation, sent, named, case, details)
    named = _narrowed(violation, sent, named)
    names = {name for each in named for name in _columns(each.model, violation, sent)}
    if violation.kind == "not_null":
        taken = _taken(error, sent, named, sorted(names), case, details)
        if taken is not None:
            return taken
    refs = [each.ref for each in named]
    sentence = SENTENCES[violation.kind]
    if violation.kind == "unique":
        holder = _holder(sent, named, names)
        sentence = f"This key is {holder}'s already, which is in this workspace." if holder else sentence
    return refuse(error, refs, names, sentence, what=violation.constraint, details=details)


def _holder(sent: Sent, named: list[Named], names: set[str]) -> str:
    """Who has the key already that a new object was given, if it is in the Session."""
    for each in named if len(named) == 1 else ():
        keys = [column.name for column in each.model.key_columns]
        values = tuple((each.held.values if each.held else {}).get(name) for name in keys)
        if names and names <= set(keys):
            same = (other for other in sent.held if other.identity == values and other.ref != each.ref)
            return next(
                (other.ref for other in same if other.model.mapper.base_mapper is each.model.mapper.base_mapper), ""
            )
    return ""


def _columns(model: Model, violation: Violation, sent: Sent) -> list[str]:
    if sent.table is not None and sent.table not in model.mapper.tables:
        return attributes_of(model, (), sent.table)
    return attributes(model, violation)


def _narrowed(violation: Violation, sent: Sent, named: list[Named]) -> list[Named]:
    """Of the rows that went with one statement those that the constraint can have meant."""
    of_table: Iterable[sa.Column[Any]] = () if sent.table is None else sent.table.columns
    names = violation.columns or constraint_columns(sent.table, violation.constraint)
    columns = [column for column in of_table if column.name in names]
    fewer = named
    if violation.kind == "not_null":
        fewer = [each for each in named if any(each.row.get(column.key) is None for column in columns)]
    elif violation.value:
        keys = [[str(_value(each, column)) for column in columns] for each in named]
        is_it = [violation.value in (", ".join(key), "-".join(key)) for key in keys]  # MySQL has hyphens between
        fewer = [each for each, meant in zip(named, is_it, strict=True) if meant]
    elif columns:
        fewer = [each for each in named if any(column.key in each.row for column in columns)]
    return fewer or named


def _value(named: Named, column: sa.Column[Any]) -> Any:
    return named.row.get(column.key, None if named.held is None else named.held.value(column))


def _taken(
    error: Any, sent: Sent, named: list[Named], names: list[str], case: Case, details: Mapping[str, object]
) -> Refusal | None:
    """A column may not be empty, and it is a staged deletion, or a collection that let go, that empties it."""
    found = takers(sent, named, names, set(case.marked()))
    if not found:
        return None
    who, what, by = names_of(each.ref for each in named), ", ".join(names), names_of(found)
    if "deleted" in found.values():
        sentence = f"This needs a value, and deleting {by} takes it away."
        back = f"take the deletion of {by} back (add)"
    else:
        sentence = f"This needs a value, and {by} has let go of it."
        back = f"put it back into {by}"
    remedy = f"Delete {who} too, give it another {what}, or {back}. Everything is staged as it was."
    refs = [each.ref for each in named]
    return refuse(error, refs, names, sentence, remedy=remedy, details={**details, "causes": list(found)[:_LISTED]})


def _foreign_key(
    error: Any, violation: Violation, sent: Sent, named: list[Named], case: Case, details: Mapping[str, object]
) -> Refusal:
    if violation.pointed or sent.kind == "delete":
        refs = [each.ref for each in named]
        remedy = (
            f"Delete those rows too, let them point elsewhere, or take the deletion of {names_of(refs)} back (add). "
            "Everything is staged as it was."
        )
        if sent.kind != "delete":
            remedy = STAGED
        return refuse(error, refs, (), SENTENCES["pointed"], remedy=remedy, details=details)
    columns = _constraint(violation, sent)
    pointers = [pointer for pointer in missing(sent, named, case.missing) if not columns or _names(pointer) == columns]
    if not pointers:
        found = _narrowed(violation, sent, named)
        names = {name for each in found for name in _columns(each.model, violation, sent)}
        return refuse(error, [each.ref for each in found], names, SENTENCES["foreign_key"], details=details)
    several = len({_names(pointer) for pointer in pointers}) > 1
    sentence = SENTENCES["missing"]
    if several:
        sentence = "One of these points to a row that is not there."
    names = {name for pointer in pointers for name in _attributes(pointer, sent)}
    return refuse(error, [each.ref for each, _ in pointers], names, sentence, details=details)


def _constraint(violation: Violation, sent: Sent) -> frozenset[str]:
    """The columns of the foreign key, where the driver says which one it is."""
    if violation.columns or not violation.constraint or sent.table is None:
        return frozenset(violation.columns)
    keys = (key for key in sent.table.foreign_key_constraints if key.name == violation.constraint)
    return frozenset(column.name for key in keys for column in key.columns)


def _names(pointer: Pointer) -> frozenset[str]:
    return frozenset(column.name for column in pointer[1].columns)


def _attributes(pointer: Pointer, sent: Sent) -> list[str]:
    return attributes_of(pointer[0].model, _names(pointer), sent.table)


# values


def data(error: Any, case: Case) -> Refusal:
    """A value that its column, its type or the driver does not take."""
    unread = case.unread(error)
    if unread is not None:
        return _unread(error, unread, case)
    sent = case.sent(error)
    if sent is None:
        return refuse(error, (), (), SENTENCES["type"])
    named = case.named(sent)
    found = misfits(error, sent, case.dialect)
    refs, names = [], []
    for row, column in found:
        of_row = [each for each in named if each.row is row]
        refs += [each.ref for each in of_row]
        names += [name for each in of_row for name in attributes_of(each.model, [column.name], sent.table)]
    fallback = [each.ref for each in named]
    several = len(set(names)) > 1 and len({id(row) for row, _ in found}) == 1
    sentence = "One of these does not fit its column." if several else SENTENCES["type"]
    return refuse(error, refs or fallback, names, sentence)


def _unread(error: BaseException, sent: Sent, case: Case) -> Refusal:
    """A row has what Python has no value for: `infinity`, a year before 1, a text that is no date."""
    columns = unreadable(sent, case.dialect)
    models = [each for each in case.request.models if any(column.table in each.mapper.tables for column in columns)]
    names = {name for model in models for name in attributes_of(model, [column.name for column in columns])}
    asked = case.asked()
    who = [asked] if asked else [f"a {model.title}" for model in models[:1]]
    if asked and models and not any(asked.startswith(f"{model.name}:") for model in models):
        who = [f"a {models[0].title} of {asked}"]
    several = "one of these has" if len(names) > 1 else "this has"
    sentence = f"In the database {several} a value that its type in Python cannot hold."
    if any(isinstance(column.type, MOMENTS) for column in columns):
        sentence = f"In the database {several} a value that Python cannot hold, as infinity or a year before 1 is."
    remedy = "Correct the row in SQL, or map the column as text or leave it out of the class. Nothing was changed."
    return refuse(error, who, names, sentence, remedy=remedy)


# what an author wrote

_TRIGGERS = ("exec_stmt_raise", "exec_stmt_assert")


def said(error: Any) -> str | None:
    """The sentence that the author of a trigger or a function wrote for people; None where the words are the
    database's own."""
    orig = error.orig
    arguments = getattr(orig, "args", ()) or ("",)
    diag = getattr(orig, "diag", None)
    state = str(getattr(orig, "sqlstate", None) or getattr(orig, "pgcode", None) or "")
    if state in ("P0001", "P0004") or getattr(diag, "source_function", None) in _TRIGGERS:
        return one_line(str(getattr(diag, "message_primary", None) or arguments[0])) or None
    if getattr(orig, "sqlite_errorname", "") == "SQLITE_CONSTRAINT_TRIGGER":
        return one_line(str(arguments[0])) or None
    if arguments[0] == 1644:  # MySQL's SIGNAL
        return one_line(str(arguments[-1])) or None
    return None


def told(error: Any, sentence: str, case: Case) -> Refusal:
    """The database's own author refuses it, and says why."""
    sent = case.sent(error)
    refs = [] if sent is None else [each.ref for each in case.named(sent)]
    return refuse(error, refs, (), sentence, details={"kind": "trigger"})


# the ORM's own words

_TABLE_COLUMN = re.compile(r"\b(\w+)\.(\w+)\b")


def flush(error: BaseException, case: Case) -> Refusal:
    text = str(error)
    held = case.find(text)
    names: set[str] = set()
    if "NULL identity key" in text:
        empty = ((each, column.name) for each in held for column in each.model.key_columns)
        names = {name for each, name in empty if each.values.get(name) is None}
        return refuse(error, [each.ref for each in held], names, "Its key has no value, and nobody makes one.",
                      code="failed", remedy="Give it a key. " + STAGED)  # fmt: skip
    for table, column in _TABLE_COLUMN.findall(text):
        for each in held:
            if any(getattr(one, "name", "") == table for one in each.model.mapper.tables):
                names.update(attributes_of(each.model, [column]))
            elif each.model.class_.__name__ == table and column in each.model.mapper.attrs:
                names.add(column)
    sentence = one_line(f"SQLAlchemy cannot flush this: {case.clean(text)}")
    refusal = Refusal("failed", sentence, dict.fromkeys(sorted(names), "This cannot be written as it is."), STAGED)
    refusal.details = {"refs": [each.ref for each in held if is_ref(each.ref)], **class_of(error)}
    return refusal
