"""What did an action do? Its SQL, its connection and its transitions, from SQLAlchemy's own events."""

from __future__ import annotations

import datetime
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
import sqlalchemy.orm as sa_orm

from ..config import Config
from ..masks import Masks, masks_of
from .engine import WorkspaceEngine
from .python import shown

STATEMENTS_KEPT = 500
PARAMETER_SETS_KEPT = 50
SOURCE_CHARACTERS = 100_000

TRANSITIONS = {
    "transient_to_pending": ("transient", "pending"),
    "pending_to_transient": ("pending", "transient"),
    "persistent_to_transient": ("persistent", "transient"),
    "pending_to_persistent": ("pending", "persistent"),
    "detached_to_persistent": ("detached", "persistent"),
    "loaded_as_persistent": ("database", "persistent"),
    "persistent_to_deleted": ("persistent", "deleted"),
    "deleted_to_persistent": ("deleted", "persistent"),
    "deleted_to_detached": ("deleted", "detached"),
    "persistent_to_detached": ("persistent", "detached"),
}
"""SQLAlchemy's ten transitions, by the states that they lead from and to."""


def now() -> str:
    """This moment as the tape says it: ISO 8601 in UTC."""
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


@dataclass
class Recording:
    """One action while it runs. `current` names the one of this thread.

    context: SQLAlchemy's own of the last statement. why: of statements that are ours, not the person's.
    failed: told of each one that the driver or a type refuses. sent: of each one of the person's that goes out.
    more: what else is kept of each statement, of its text, its parameters and SQLAlchemy's context.
    """

    characters: int
    masks: Masks = field(default_factory=Masks)
    statements: list[dict[str, Any]] = field(default_factory=list)
    moves: list[tuple[object, str, str]] = field(default_factory=list)
    connection: int | None = None
    taken: bool = False
    wrote: bool = False
    left_out: int = 0
    started: float = 0.0
    context: Any = None
    why: str = ""
    failed: Callable[[sa.ExceptionContext], None] | None = None
    sent: Callable[[Any], None] | None = None
    more: Callable[[str, Any, Any], Mapping[str, Any]] | None = None

    def connection_entry(self, held: bool) -> dict[str, Any] | None:
        """held: the Session still holds the connection now that the action is over."""
        if self.connection is None or (held and not self.taken and not self.statements):
            return None
        return {"number": self.connection, "taken": self.taken, "given_back": not held}

    def statement_entries(self) -> list[dict[str, Any]]:
        entries = [{"milliseconds": 0.0, **entry} for entry in self.statements]
        if self.left_out:
            entries.append({"sql": f"-- and {self.left_out} statements more", "parameters": [], "milliseconds": 0.0})
        return entries


current: ContextVar[Recording | None] = ContextVar("poolhouse_recording", default=None)


@contextmanager
def recording(config: Config) -> Iterator[Recording]:
    """Everything that this thread's Session does inside goes to the Recording."""
    made = Recording(config.statement_characters, masks_of(config))
    token = current.set(made)
    try:
        yield made
    finally:
        current.reset(token)


@contextmanager
def because(why: str) -> Iterator[None]:
    """What this thread sends inside is ours, for this reason: it stands so on the tape, and writes nothing."""
    made = current.get()
    if made is None:
        yield
        return
    before, made.why = made.why, why
    try:
        yield
    finally:
        made.why = before


def listen_to_engine(engine: WorkspaceEngine) -> None:
    def before(
        connection: sa.Connection, cursor: Any, statement: str, parameters: Any, context: Any, executemany: bool
    ) -> None:
        made = current.get()
        if made is None:
            return
        if made.connection is None:
            made.connection = engine.number(connection)
        made.wrote = made.wrote or (not made.why and _writes(context, statement))
        made.context = context
        if made.sent is not None and not made.why:
            made.sent(context)
        made.started = time.perf_counter()
        if len(made.statements) >= STATEMENTS_KEPT:
            made.left_out += 1
            return
        told = made.masks.text(statement)
        masked = made.masks.parameters(statement, parameters, _names(context))
        entry: dict[str, Any] = {
            "sql": _cut(told, made.characters),
            "parameters": _parameter_sets(masked, made.characters),
        }
        if masked is not parameters or told != statement:
            entry["masked"] = True
        if made.more is not None:
            entry.update(made.more(told, masked, context))
        made.statements.append({**entry, "why": made.why} if made.why else entry)

    def after(
        connection: sa.Connection, cursor: Any, statement: str, parameters: Any, context: Any, executemany: bool
    ) -> None:
        made = current.get()
        if made is not None and made.statements and not made.left_out:
            last = made.statements[-1]
            last["milliseconds"] = round((time.perf_counter() - made.started) * 1000, 3)
            if last.get("kind") in ("update", "delete") and cursor.rowcount >= 0:
                last["rows"] = cursor.rowcount

    def failed(context: sa.ExceptionContext) -> None:
        made = current.get()
        if made is not None and made.failed is not None and context.engine is engine.engine:
            made.failed(context)

    engine.listen("before_cursor_execute", before)
    engine.listen("after_cursor_execute", after)
    engine.listen("handle_error", failed)  # SQLAlchemy hangs it on the dialect, which the host's engine shares


def listen_to_session(session_class: type[sa_orm.Session], number: Callable[[sa.Connection], int]) -> None:
    for name, (source, target) in TRANSITIONS.items():
        sa.event.listen(session_class, name, _mover(source, target))

    def began(session: sa_orm.Session, transaction: sa_orm.SessionTransaction, connection: sa.Connection) -> None:
        made = current.get()
        if made is not None and transaction.parent is None:
            made.taken = True
            if made.connection is None:
                made.connection = number(connection)

    sa.event.listen(session_class, "after_begin", began)


def _mover(source: str, target: str) -> Callable[[sa_orm.Session, object], None]:
    def moved(session: sa_orm.Session, obj: object) -> None:
        made = current.get()
        if made is not None:
            made.moves.append((obj, source, target))

    return moved


def _writes(context: Any, statement: str) -> bool:
    """Whether it is anything but a plain read. Where in doubt it writes:
    then the transaction stays open, which loses nothing."""
    if context is not None and (
        context.isinsert or context.isupdate or context.isdelete or getattr(context, "isddl", False)
    ):
        return True
    return statement.lstrip().partition(" ")[0].upper() not in (
        "SELECT",
        "SELECT\n",
        "PRAGMA",
        "SHOW",
        "EXPLAIN",
        "VALUES",
    ) and not statement.lstrip().upper().startswith("SELECT")


def _names(context: Any) -> Sequence[str]:
    """Of the parameters of one row, in the driver's order; () where the program wrote the statement itself: what it
    calls them says nothing of the columns."""
    compiled = getattr(context, "compiled", None)
    statement = getattr(compiled, "statement", None)
    if compiled is None or isinstance(getattr(statement, "element", statement), sa.TextClause):
        return ()
    return compiled.positiontup or list(compiled.binds)


def _parameter_sets(parameters: Any, characters: int) -> list[list[Any]]:
    if not parameters:
        return []
    sets = parameters if isinstance(parameters, list) else [parameters]
    return [
        [plain(value, characters) for value in (each.values() if isinstance(each, Mapping) else each)]
        for each in sets[:PARAMETER_SETS_KEPT]
    ]


def plain(value: Any, characters: int) -> Any:
    """A parameter as JSON, for people to read."""
    if value is None or isinstance(value, (bool, int)):
        return value
    if isinstance(value, float):
        return value if value == value and value not in (float("inf"), float("-inf")) else str(value)
    if isinstance(value, (bytes, bytearray, memoryview)):
        return f"({len(value)} bytes)"
    if isinstance(value, (datetime.date, datetime.time)):
        return value.isoformat()
    try:
        return _cut(str(value), characters)
    except Exception:  # a foreign type's __str__ may raise anything
        return f"({type(value).__name__})"


def _cut(text: str, characters: int) -> str:
    text = text.encode("utf-8", "replace").decode("utf-8")
    return text if len(text) <= characters else text[: characters - 1] + "…"


def transitions(
    made: Recording,
    ref: Callable[[object], str | None],
    before: Mapping[str, Mapping[str, Any]],
    after: Mapping[str, Mapping[str, Any]],
) -> list[list[str]]:
    """[ref, from, to] in order: what SQLAlchemy's Session reported, then what it has no event for (expiry,
    `make_transient`), seen by comparing."""
    moves = [[found, source, target] for obj, source, target in made.moves if (found := ref(obj)) is not None]
    last: dict[str, str] = {found: target for found, _, target in moves}
    for found, now in after.items():
        then = before.get(found)
        if then is now and found not in last:
            continue
        known = last.get(found, None if then is None else then["state"])
        if known is not None and known != now["state"]:
            moves.append([found, known, now["state"]])
        if now["state"] == "persistent":
            moves += _expiry(found, then, now, found in last)
    return moves


def _expiry(ref: str, then: Mapping[str, Any] | None, now: Mapping[str, Any], moved: bool) -> list[list[str]]:
    was, is_now = then is not None and "expired" in then["flags"], "expired" in now["flags"]
    if is_now and (not was or (moved and then is not None and then["state"] != "persistent")):
        return [[ref, "persistent", "expired"]]
    return [[ref, "expired", "persistent"]] if was and not is_now else []


def entry(
    made: Recording,
    *,
    action: str,
    python: str,
    at: str,
    moves: Sequence[Sequence[str]],
    held: bool,
    touched: Sequence[Sequence[str]],
    error: Mapping[str, Any] | None,
) -> dict[str, Any]:
    """One action on the tape. touched: [model, attribute] whose values its Python line names.
    `source` is the whole of `python` where that was cut."""
    python = made.masks.source(python)
    short = _cut(shown(python), made.characters)
    whole = {"source": python} if short != python and len(python) <= SOURCE_CHARACTERS else {}
    return {
        **whole,
        "action": action,
        "python": short,
        "at": at,
        "transitions": [list(move) for move in moves],
        "connection": made.connection_entry(held),
        "statements": made.statement_entries(),
        "error": None if error is None else dict(error),
        "touched": [list(pair) for pair in touched],
    }
