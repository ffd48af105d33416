"""What goes along when something is written, and who takes it along: the ORM, or the database by ON DELETE?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
import sqlalchemy.orm as sa_orm

from .along import between
from .scratch import Scratch, Written

LEVELS = 5
"""Of ON DELETE that are followed: what a deleted row takes along takes others along."""
KEYS = 500
_EFFECTS = {"CASCADE": "delete", "SET NULL": "set null", "SET DEFAULT": "set default"}


@dataclass(frozen=True)
class Cascade:
    """rows of one table that go along. by: "orm" or "database". effect: delete, set null, set default, update or
    insert. of: the object, or the table, that takes them along. exact: False where there are more than were counted.
    """

    of: str
    relationship: str
    table: str
    rows: int
    exact: bool
    by: str
    effect: str
    refs: tuple[str, ...] = ()


def by_orm(scratch: Scratch, statements: Iterable[Mapping[str, Any]]) -> list[Cascade]:
    """What the flush wrote beside what was staged."""
    staged = _staged(scratch)
    owners = _owners(scratch)
    groups: dict[tuple[str, str, str, str], list[str]] = {}
    for each in scratch.written:
        owner = owners.get(id(each.obj))
        if each.deleted and (owner is not None or each.ref not in staged):
            effect = "delete"
        elif not each.deleted and each.changed and each.ref not in staged:
            effect = "set null" if _is_let_go(each) else "update"
        else:
            continue
        of, relationship = owner or ("", "")
        table = str(getattr(each.mapper.local_table, "name", each.mapper.class_.__name__))
        groups.setdefault((of, relationship, table, effect), []).append(each.name)
    found = [
        Cascade(of, relationship, table, len(refs), True, "orm", effect, tuple(refs[:20]))
        for (of, relationship, table, effect), refs in groups.items()
    ]
    return found + list(_between(scratch, statements))


def _staged(scratch: Scratch) -> set[str]:
    return {
        ref
        for ref, image in scratch.snapshot.images.items()
        if image["state"] == "pending" or {"modified", "marked-deleted"} & set(image["flags"])
    }


def _is_let_go(each: Written) -> bool:
    columns = [prop.key for prop in each.mapper.column_attrs if any(c.foreign_keys for c in prop.columns)]
    return any(name in each.changed and each.values.get(name) is None for name in columns)


def _owners(scratch: Scratch) -> dict[int, tuple[str, str]]:
    """By object that is deleted or let go, which deleted object held it, in which relationship."""
    found: dict[int, tuple[str, str]] = {}
    for each in scratch.written:
        for prop in each.mapper.relationships if each.deleted else ():
            held = each.values.get(prop.key)
            if held is None or prop.viewonly or prop.direction is sa_orm.RelationshipDirection.MANYTOONE:
                continue
            for obj in _objects(held):
                found.setdefault(id(obj), (each.name, f"{each.mapper.class_.__name__}.{prop.key}"))
    return found


def _objects(value: Any) -> Iterable[object]:
    adapter = getattr(value, "_sa_adapter", None)
    return tuple(adapter) if adapter is not None else (value,)


def _between(scratch: Scratch, statements: Iterable[Mapping[str, Any]]) -> Iterator[Cascade]:
    """Rows of the tables between two classes."""
    models = scratch.registry.models
    secondary = (prop.secondary for model in models for prop in model.mapper.relationships)
    names = {str(getattr(table, "name", "")) for table in secondary if table is not None}
    counts: Counter[tuple[str, str]] = Counter()
    for each in statements:
        if each.get("table") in names:
            counts[each["table"], each["kind"]] += each["rows"]
    for (table, kind), rows in counts.items():
        yield Cascade("", "", table, rows, True, "orm", kind)


# by the database


def by_database(scratch: Scratch, most: int) -> list[Cascade]:
    """Counted as the rows are now, before anything of it was written: the Session was rolled back to that."""
    gone = [each for each in scratch.written if each.deleted]
    found: list[Cascade] = []
    for mapper in dict.fromkeys(each.mapper for each in gone):
        connection = scratch.session.connection(bind_arguments={"mapper": mapper})
        if connection.dialect.name == "sqlite" and not connection.exec_driver_sql("PRAGMA foreign_keys").scalar():
            continue
        handled = _handled(scratch)
        of = [each for each in gone if each.mapper is mapper]
        for table in mapper.tables:
            if isinstance(table, sa.Table):
                counting = _Counting(connection, handled, most, between(mapper))
                found += counting.along(table, lambda columns, of=of: _in(columns, of), str(table.name), LEVELS)
    return [each for each in found if each.rows]


def _handled(scratch: Scratch) -> dict[Any, list[tuple[Any, ...]]]:
    """By table the keys of the rows that the ORM deletes or changes itself."""
    found: dict[Any, list[tuple[Any, ...]]] = {}
    for each in scratch.written:
        for table in each.mapper.tables:
            if each.key is not None:
                found.setdefault(table, []).append(each.key)
    return found


def _in(columns: tuple[Any, ...], of: list[Written]) -> list[tuple[Any, ...]]:
    """What the deleted rows have in the columns that are pointed to."""
    values = []
    for each in of:
        names = [each.mapper._columntoproperty.get(column) for column in columns]
        row = tuple(each.values.get(name.key) if name is not None else None for name in names)
        if None not in row:
            values.append(row)
    return values


class _Counting:
    """Counts what rows that go take along, table by table. between: tables that the ORM has emptied of them before."""

    def __init__(
        self,
        connection: sa.Connection,
        handled: Mapping[Any, list[tuple[Any, ...]]],
        most: int,
        between: set[Any],
    ) -> None:
        self._connection, self._handled, self._most, self._between = connection, handled, most, between

    def along(self, table: sa.Table, pointed: Any, of: str, levels: int) -> Iterator[Cascade]:
        """pointed: for columns of `table`, the values of the rows that go, or a SELECT of them."""
        for other in table.metadata.tables.values():
            for key in other.foreign_key_constraints:
                effect = _EFFECTS.get((key.ondelete or "").upper())
                emptied = levels == LEVELS and other in self._between
                if effect is None or key.referred_table is not table or emptied:
                    continue
                there = tuple(element.column for element in key.elements)
                values = pointed(there)
                if isinstance(values, list) and not values:
                    continue
                here = tuple(element.parent for element in key.elements)
                condition = _within(here, values)
                rows = self._count(other, condition)
                exact = rows <= self._most and levels > 1
                yield Cascade(of, "", str(other.name), min(rows, self._most), exact, "database", effect)
                if effect == "delete" and rows and levels > 1:
                    select = _select_of(condition)
                    yield from self.along(other, select, str(other.name), levels - 1)

    def _count(self, table: sa.Table, condition: Any) -> int:
        keys, handled = tuple(table.primary_key.columns), self._handled.get(table, [])
        statement = sa.select(sa.literal(1)).select_from(table).where(condition)
        if handled and keys:
            statement = statement.where(sa.not_(_within(keys, handled)))
        counted = sa.select(sa.func.count()).select_from(statement.limit(self._most + 1).subquery())
        return int(self._connection.execute(counted).scalar_one())


def _within(columns: tuple[Any, ...], values: Any) -> Any:
    if not isinstance(values, list):
        return columns[0].in_(values) if len(columns) == 1 else sa.tuple_(*columns).in_(values)
    batches = [values[start : start + KEYS] for start in range(0, len(values), KEYS)]
    if len(columns) == 1:
        return sa.or_(*(columns[0].in_([row[0] for row in batch]) for batch in batches))
    return sa.or_(*(sa.tuple_(*columns).in_(batch) for batch in batches))


def _select_of(condition: Any) -> Any:
    return lambda columns: sa.select(*columns).where(condition)
