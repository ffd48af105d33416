"""Which row that is pointed to is missing, and which staged change took away what an object pointed to?"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import sqlalchemy as sa
import sqlalchemy.orm as sa_orm

from .sent import Held, Named, Sent

Missing = Callable[[list[tuple[sa.Table, Mapping[sa.Column[Any], Any]]]], list[bool | None]]
"""For each row that is pointed to, whether the database does not have it; None where that is not known."""

Pointer = tuple[Named, sa.ForeignKeyConstraint]


def missing(sent: Sent, named: list[Named], is_missing: Missing) -> list[Pointer]:
    """The foreign keys that can be at fault, of those that were sent: SQLite does not say which."""
    pointers = [pointer for pointer in _pointers(sent, named) if not _is_here(sent, *pointer)]
    if len(pointers) > 1:
        answers = is_missing([_row(*pointer) for pointer in pointers])
        # what the failed transaction had deleted is in the database again
        certain = [
            pointer
            for pointer, answer in zip(pointers, answers, strict=True)
            if answer or _pointed(sent, *pointer, gone=True)
        ]
        unknown = [pointer for pointer, answer in zip(pointers, answers, strict=True) if answer is None]
        pointers = [each for each in pointers if each in certain or each in unknown] or pointers
    return pointers


def _pointers(sent: Sent, named: list[Named]) -> Iterator[Pointer]:
    for each in named:
        for key in () if sent.table is None else sent.table.foreign_key_constraints:
            if all(each.row.get(column.key) is not None for column in key.columns):
                yield each, key


def _row(named: Named, key: sa.ForeignKeyConstraint) -> tuple[sa.Table, Mapping[sa.Column[Any], Any]]:
    return key.referred_table, {element.column: named.row[element.parent.key] for element in key.elements}


def _is_here(sent: Sent, named: Named, key: sa.ForeignKeyConstraint) -> bool:
    """It is in the Session, and stays: then it is in the database too, or was sent before."""
    return _pointed(sent, named, key, gone=False) and not _pointed(sent, named, key, gone=True)


def _pointed(sent: Sent, named: Named, key: sa.ForeignKeyConstraint, *, gone: bool) -> bool:
    table, values = _row(named, key)
    return any(
        held.gone == gone
        and (not held.made or table.name in sent.written)
        and held.ref != named.ref
        and table in held.model.mapper.tables
        and all(held.value(column) == value for column, value in values.items())
        for held in sent.held
    )


def takers(sent: Sent, named: list[Named], names: list[str], marked: set[str]) -> dict[str, str]:
    """By ref, who took away what the named objects pointed to in these attributes: "deleted" ones, and others that
    "let go" of them."""
    found: dict[str, str] = {}
    for each in named:
        for held in sent.held:
            for prop in held.model.mapper.relationships:
                if _took(held, prop, each, names):
                    found[held.ref] = "deleted" if held.gone or held.ref in marked else "let go"
    deleted = {ref: how for ref, how in found.items() if how == "deleted"}
    return deleted or found


def _took(held: Held, prop: sa_orm.RelationshipProperty[Any], named: Named, names: list[str]) -> bool:
    if prop.direction is not sa_orm.RelationshipDirection.ONETOMANY or not named.model.mapper.isa(prop.mapper):
        return False
    for here, there in prop.synchronize_pairs:
        attribute = named.model.mapper._columntoproperty.get(there)
        if attribute is None or attribute.key not in names:
            return False
        if named.held is None or named.held.was.get(attribute.key) != held.value(here):  # type: ignore[arg-type]
            return False
    return True
