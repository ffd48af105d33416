"""What does the database itself take along, by ON DELETE, when a row goes? Read before the flush that deletes it, so
that the history knows of it and an undo brings it back."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
import sqlalchemy.orm as sa_orm

from ..records.keys import key_of
from . import tape
from .changes import CHANGED, DELETED, Step, told_values
from .shape import Shape
from .writing import Staged

if TYPE_CHECKING:
    from .live import Live

LEVELS = 5
"""What goes along takes others along."""
ROWS = 1_000
"""That one flush keeps whole; of a table with more only their number is kept."""
KEYS = 500
WHY = "history"
CASCADE, SET_NULL = "CASCADE", "SET NULL"
EFFECTS = (CASCADE, SET_NULL, "SET DEFAULT")


@dataclass
class Along:
    """What goes along with what one flush deletes. steps: rows that an undo can bring back.
    counts: by the identity key of a deleted object, rows of which only the number is known, by table: with it, and with
    the others of its class."""

    steps: list[Step] = field(default_factory=list)
    counts: dict[Any, dict[str, int]] = field(default_factory=dict)


def found(live: Live, every: Iterable[Staged]) -> Along:
    """Before the flush. Sends SELECTs only where a table points to one of these with ON DELETE."""
    along = Along()
    going: dict[sa_orm.Mapper[Any], list[Staged]] = {}
    for each in every:
        if each.marked:
            going.setdefault(each.state.mapper, []).append(each)
    with tape.because(WHY):
        for mapper, of in going.items():
            if any(True for table in mapper.tables for _ in _pointing(table)):
                _Search(live, along, mapper, of).look()
    return along


def note(live: Live, along: Along, first: int) -> None:
    """After the flush, which may have written some of it itself. first: of its own steps among all."""
    steps = [step for step in live.changes.steps[first:] if isinstance(step, Step)]
    ours = {(step.group, step.was) for step in steps}
    live.changes.steps += [step for step in along.steps if (step.group, step.was) not in ours]
    for key, counts in along.counts.items():
        for step in steps:
            if step.entry["kind"] == DELETED and (step.group, step.was) == key:
                step.entry["along"] = counts


class _Search:
    """From the deleted objects of one class, level by level."""

    def __init__(self, live: Live, along: Along, mapper: sa_orm.Mapper[Any], of: list[Staged]) -> None:
        self._live, self._along, self._mapper, self._of = live, along, mapper, of
        self._connection = live.session.connection(bind_arguments={"mapper": mapper})

    def look(self) -> None:
        is_sqlite = self._connection.dialect.name == "sqlite"
        if is_sqlite and not self._connection.exec_driver_sql("PRAGMA foreign_keys").scalar():
            return
        rows = [self._row(each) for each in self._of]
        for table in self._mapper.tables:
            self._follow(table, rows, _handled(self._mapper), LEVELS)

    def _row(self, each: Staged) -> dict[Any, Any]:
        known = {**each.state.dict, **each.state.committed_state, **self._live.changes.rows.get(each.state.key, {})}
        attributes = [prop for prop in self._mapper.column_attrs if prop.key in known]
        row = {column: known[prop.key] for prop in attributes for column in prop.columns}
        return {**row, **dict(zip(self._mapper.primary_key, each.identity, strict=True))}

    def _follow(self, table: Any, rows: list[dict[Any, Any]], handled: set[Any], levels: int) -> None:
        for other, key in _pointing(table):
            there = [element.column for element in key.elements]
            wanted = {tuple(row.get(column) for column in there) for row in rows}
            wanted = {each for each in wanted if None not in each}
            if wanted and other not in handled:
                self._take(other, key, sorted(wanted, key=str), levels)

    def _take(self, table: sa.Table, key: sa.ForeignKeyConstraint, wanted: list[Any], levels: int) -> None:
        here, effect = [element.parent for element in key.elements], str(key.ondelete).upper()
        shape = self._shape(table, here) if effect in (CASCADE, SET_NULL) else None
        rows = None if shape is None else self._rows(shape, here, wanted)
        if shape is None or rows is None:
            self._count(table, here, wanted)
            return
        lost = (
            None if effect == CASCADE else {prop.key for prop in shape.mapper.column_attrs if prop.columns[0] in here}
        )
        self._along.steps += [_step(shape, row, lost) for row in rows]
        if effect == CASCADE and levels > 1 and rows:
            columns = {prop.key: prop.columns[0] for prop in shape.mapper.column_attrs}
            self._follow(table, [{columns[name]: row[name] for name in row} for row in rows], set(), levels - 1)

    def _shape(self, table: sa.Table, here: list[Any]) -> Shape | None:
        """Of the one class whose rows these are, where a relationship tells whom they belong to: others an undo could
        not put back in an order that the database takes. None where the actor may see only some of them."""
        models = [model for model in self._live.board.models if table in model.mapper.tables]
        if len(models) != 1 or len(models[0].mapper.tables) != 1 or models[0].read_only:
            return None
        mapper = models[0].mapper
        if self._live.narrowing(mapper) or not any(set(here) == columns for columns in self._known(mapper)):
            return None
        return self._live.board.shape(mapper.class_)

    def _known(self, mapper: sa_orm.Mapper[Any]) -> Iterator[set[Any]]:
        """The columns that a relationship, on either side, fills of this class."""
        every = (prop for model in self._live.board.models for prop in model.mapper.relationships)
        for prop in every:
            if prop.mapper is mapper and prop.direction is sa_orm.RelationshipDirection.ONETOMANY and not prop.viewonly:
                yield set(prop.remote_side)
        for prop in mapper.relationships:
            if prop.direction is sa_orm.RelationshipDirection.MANYTOONE and not prop.viewonly:
                yield set(prop.local_columns)

    def _rows(self, shape: Shape, here: list[Any], wanted: list[Any]) -> list[dict[str, Any]] | None:
        """By attribute. None where there are too many."""
        names = {prop.key: prop.columns[0] for prop in shape.mapper.column_attrs if prop.key in shape.by_name}
        names = {name: column for name, column in names.items() if isinstance(column, sa.Column)}
        rows: list[dict[str, Any]] = []
        for condition in _within(here, wanted):
            left = ROWS - len(self._along.steps) - len(rows)
            sent = self._connection.execute(sa.select(*names.values()).where(condition).limit(left + 1))
            rows += [dict(zip(names, row, strict=True)) for row in sent]
            if len(rows) > ROWS - len(self._along.steps):
                return None
        return rows

    def _count(self, table: sa.Table, here: list[Any], wanted: list[Any]) -> None:
        counts = (sa.select(sa.func.count()).select_from(table).where(each) for each in _within(here, wanted))
        rows = sum(int(self._connection.execute(each).scalar_one()) for each in counts)
        going = (state for state in self._live.session._deleted if table in state.mapper.tables)
        rows -= sum(1 for state in going if _points(state, here, wanted))  # the ORM deletes these itself
        if rows > 0:
            first = self._of[0]
            shape = self._live.board.shape(first.state.class_)
            group = "" if shape is None else shape.group
            counts_of = self._along.counts.setdefault((group, key_of(first.model, first.identity)), {})
            counts_of[str(table.name)] = counts_of.get(str(table.name), 0) + rows


def _pointing(table: Any) -> Iterator[tuple[sa.Table, sa.ForeignKeyConstraint]]:
    """The foreign keys with an ON DELETE that point to this table."""
    for other in list(table.metadata.tables.values()) if isinstance(table, sa.Table) else ():
        for key in other.foreign_key_constraints:
            if (key.ondelete or "").upper() in EFFECTS and key.referred_table is table:
                yield other, key


def _handled(mapper: sa_orm.Mapper[Any]) -> set[Any]:
    """The tables whose rows the ORM itself deletes, or lets go, with an object of this class."""
    tables = between(mapper)
    for prop in mapper.relationships:
        one_to_many = prop.direction is sa_orm.RelationshipDirection.ONETOMANY and prop.secondary is None
        if one_to_many and not prop.viewonly and not prop.passive_deletes:
            tables.update(prop.mapper.tables)
    return tables


def between(mapper: sa_orm.Mapper[Any]) -> set[Any]:
    """The tables between two classes from which the ORM itself deletes the rows of an object that goes."""
    props = (prop for prop in mapper.relationships if not prop.viewonly and not prop.passive_deletes)
    return {prop.secondary for prop in props if prop.secondary is not None}


def _points(state: Any, here: list[Any], wanted: list[Any]) -> bool:
    names = [state.mapper.get_property_by_column(column).key for column in here]
    return tuple(state.dict.get(name) for name in names) in wanted


def _within(columns: list[Any], values: list[Any]) -> Iterator[Any]:
    for start in range(0, len(values), KEYS):
        batch = values[start : start + KEYS]
        yield columns[0].in_([each[0] for each in batch]) if len(columns) == 1 else sa.tuple_(*columns).in_(batch)


def _step(shape: Shape, row: Mapping[str, Any], lost: set[str] | None) -> Step:
    """lost: the attributes that become NULL, of a row that stays."""
    model, names = shape.model, row if lost is None else lost
    before, unkept = told_values(shape, {name: row[name] for name in names})
    key = key_of(model, [row[column.name] for column in model.key_columns])
    entry = {
        "ref": "", "model": model.name, "key": key, "label": key, "kind": DELETED if lost is None else CHANGED,
        "before": before, "after": dict.fromkeys(lost or ()), "unkept": sorted(unkept),
    }  # fmt: skip
    return Step(entry, shape.group, key)
