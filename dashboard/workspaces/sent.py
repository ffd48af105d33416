"""Which statement failed, what did it send, and which objects stood behind it? Read from SQLAlchemy's own compiled
statement while the Session still holds them: its rollback forgets."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
import sqlalchemy.orm as sa_orm

from ..records.keys import key_of
from ..records.models import Model, Models
from ..refusal import Refusal

ROWS_LOOKED_AT = 1000  # of one statement
_TARGET = re.compile(
    r"\s*(INSERT INTO|UPDATE|DELETE FROM)\s+(?:[\"`\[]?[\w$]+[\"`\]]?\.)?[\"`\[]?([\w$]+)", re.IGNORECASE
)
_MISSING = object()

Row = Mapping[str, Any]
"""The values that a statement sent for one row, by the names of its parameters."""


@dataclass(frozen=True)
class Held:
    """An object as the Session held it when a statement failed.

    ref: what people call it, also when it is not on the board. made: its row is new. gone: it is to be deleted, or was.
    values, was: its attributes, and what changed ones were before. identity: of its key.
    """

    ref: str
    model: Model
    values: Mapping[str, Any]
    was: Mapping[str, Any]
    made: bool
    gone: bool
    identity: tuple[Any, ...] | None

    def value(self, column: sa.Column[Any]) -> Any:
        """What it holds for a column of its tables; None for what it does not hold."""
        attribute = _attribute(self.model.mapper, column)
        return None if attribute is None else self.values.get(attribute)


@dataclass(frozen=True)
class Sent:
    """One statement that failed. error: as the driver raised it. kind: insert, update, delete, select or "".

    columns: of a SELECT, what it was to read. fetching: it was understood, and its rows could not be read.
    order: the names of its parameters as they stand in it, where the driver counts them.
    written: the tables into which the action has sent rows before.
    """

    error: BaseException
    kind: str
    table: sa.Table | None
    rows: tuple[Row, ...]
    columns: tuple[sa.Column[Any], ...]
    held: tuple[Held, ...]
    fetching: bool = False
    order: tuple[str, ...] = ()
    written: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Named:
    """An object that a failed statement was to write. row: what was sent for it. held: None where only its key is
    known."""

    ref: str
    model: Model
    row: Row
    held: Held | None = None


def sent_by(context: sa.ExceptionContext, models: Models, held: Iterable[Held], before: Iterable[str]) -> Sent:
    """What SQLAlchemy knows of a statement when the driver, or a column's type, refuses it.
    before: the statements of the action, as far as they went."""
    targets = (_TARGET.match(statement) for statement in before)
    kind: str = ""
    table: sa.Table | None = None
    columns: tuple[sa.Column[Any], ...] = ()
    rows: Any = ()
    execution: Any = context.execution_context
    compiled = getattr(execution, "compiled", None)
    if compiled is not None:
        kind, table, columns = _of_compiled(compiled)
        rows = _of_batch(context.parameters, execution)
    elif context.statement:  # a bind processor failed: there is no execution yet
        found = _TARGET.match(context.statement)
        if found:
            kind = found[1].split()[0].lower()
            table = _table(models, found[2])
        rows = context.parameters
        rows = rows if isinstance(rows, (list, tuple)) else [rows]
    return Sent(
        context.original_exception,
        kind,
        table,
        tuple(row for row in rows[:ROWS_LOOKED_AT] if isinstance(row, Mapping)),
        columns,
        tuple(held),
        context.statement is None and execution is not None,  # a COMMIT or a connect has none
        tuple(getattr(compiled, "positiontup", None) or ()),
        frozenset(found[2] for found in targets if found and found[1].upper().startswith("INSERT")),
    )


def read_by(error: BaseException, execution: Any) -> Sent:
    """The SELECT whose rows a column's type could not turn into Python's values."""
    kind, table, columns = _of_compiled(execution.compiled)
    return Sent(error, kind, table, (), columns, (), True)


def _of_batch(parameters: Any, execution: Any) -> Any:
    """Many INSERTs go in batches: the rows of the one that failed, told by their values."""
    rows, all_sent = execution.compiled_parameters or (), execution.parameters
    if not getattr(execution, "isinsert", False) or len(rows) < 2 or len(rows) != len(all_sent) or not parameters:
        return rows
    sent = [value for each in (parameters if isinstance(parameters, list) else [parameters]) for value in _values(each)]
    if len(sent) >= sum(len(_values(values)) for values in all_sent):
        return rows
    found = [
        row
        for row, values in zip(rows, all_sent, strict=True)
        if all(any(_same(value, other) for other in sent) for value in _values(values))
    ]
    return found or rows


def _values(parameters: Any) -> Any:
    return parameters.values() if isinstance(parameters, Mapping) else parameters


def _of_compiled(compiled: Any) -> tuple[str, sa.Table | None, tuple[sa.Column[Any], ...]]:
    for kind in ("insert", "update", "delete"):
        if getattr(compiled, f"is{kind}", False):
            table = getattr(compiled.statement, "table", None)
            return kind, table if isinstance(table, sa.Table) else None, ()
    entries = getattr(compiled, "_result_columns", None) or ()
    found = (column for entry in entries for column in entry[2] if isinstance(column, sa.Column))
    columns = tuple({(column.table, column.key): column for column in found}.values())
    return "select" if entries else "", None, columns


def _table(models: Models, name: str) -> sa.Table | None:
    tables = (table for model in models for table in model.mapper.tables if isinstance(table, sa.Table))
    secondary = (prop.secondary for model in models for prop in model.mapper.relationships)
    every = (*tables, *(table for table in secondary if isinstance(table, sa.Table)))
    return next((table for table in every if table.name == name), None)


def hold(obj: object, ref: str | None, models: Models, session: Any) -> Held | None:
    """What there is to know of an object now; None where its class is no model."""
    state: sa_orm.InstanceState[Any] = sa.inspect(obj)
    try:
        model = models.of_class(type(obj))
    except Refusal:
        return None
    identity = None if state.key is None else tuple(state.key[1])
    gone = state._deleted or (session is not None and state in session._deleted)
    return Held(
        ref or name_of(model, identity), model, dict(state.dict), dict(state.committed_state), identity is None, gone,
        identity,
    )  # fmt: skip


def name_of(model: Model, identity: tuple[Any, ...] | None) -> str:
    """What a record is called that has no ref."""
    try:
        return f"{model.name}:{key_of(model, identity)}" if identity is not None else f"a new {model.title}"
    except ValueError:
        return f"a {model.title}"


def named(sent: Sent, row: Row, models: Models) -> Iterator[Named]:
    """The objects that this row of the statement was sent for."""
    if sent.table is None:
        return
    of_table = [each for each in sent.held if sent.table in each.model.mapper.tables]
    if sent.kind == "insert":
        found = [each for each in of_table if each.made and _is_of(each, row, sent.table)]
    else:
        found = [each for each in of_table if each.identity and each.identity == _identity(each.model, sent, row)]
    yield from (Named(each.ref, each.model, row, each) for each in found)
    if found or _is_secondary(sent.table, models):
        yield from () if found else _owners(sent, row)
    elif sent.kind != "insert":
        model = next((each for each in models if each.mapper.local_table is sent.table), None)
        identity = None if model is None else _identity(model, sent, row)
        if model is not None and identity is not None:
            yield Named(name_of(model, identity), model, row)


def _is_secondary(table: sa.Table, models: Models) -> bool:
    return not any(table in model.mapper.tables for model in models)


def _owners(sent: Sent, row: Row) -> Iterator[Named]:
    """Of a row between two tables: the objects whose relationship it is, where they were to be written."""
    for each in sent.held:
        for prop in each.model.mapper.relationships:
            if prop.secondary is sent.table and all(
                _same(each.value(here), row.get(there.key, row.get(f"old_{there.key}")))  # type: ignore[arg-type]
                for here, there in prop.synchronize_pairs
            ):
                yield Named(each.ref, each.model, row, each)


def _identity(model: Model, sent: Sent, row: Row) -> tuple[Any, ...] | None:
    """Of the row that an UPDATE or a DELETE of the ORM is for: it names its parameters so."""
    mapper, values = model.mapper, {}
    keys: Mapping[Any, Any] = mapper._pks_by_table
    for column in keys.get(sent.table, ()):
        label = getattr(column, "_label", None) if sent.kind == "update" else None
        value = row.get(label, row.get(column.key)) if label else row.get(column.key)
        if value is None:
            return None
        values[_attribute(mapper, column)] = value
    wanted = [_attribute(mapper, column) for column in mapper.primary_key]
    return tuple(values[name] for name in wanted) if values and all(name in values for name in wanted) else None


def _is_of(held: Held, row: Row, table: sa.Table) -> bool:
    for column in table.columns:
        attribute = _attribute(held.model.mapper, column)
        if column.key in row and attribute is not None:
            value = held.values.get(attribute, _MISSING)
            if value is not _MISSING and not _same(value, row[column.key]):
                return False
    return True


def _same(value: Any, other: Any) -> bool:
    if value is other:
        return True
    try:
        return bool(value == other)
    except Exception:  # a foreign value's __eq__ may raise anything
        return False


def _attribute(mapper: sa_orm.Mapper[Any], column: Any) -> str | None:
    found = mapper._columntoproperty.get(column)
    return None if found is None else found.key


def attributes_of(model: Model, columns: Iterable[str], table: sa.Table | None = None) -> list[str]:
    """The mapped attributes of these columns of the database; of a table between two, its relationships."""
    wanted = set(columns)
    names = [
        prop.key
        for prop in model.mapper.column_attrs
        if any(getattr(column, "name", None) in wanted for column in prop.columns)
    ]
    if table is not None and table not in model.mapper.tables:
        return [prop.key for prop in model.mapper.relationships if prop.secondary is table and not prop.viewonly]
    return names
