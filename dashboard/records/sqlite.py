"""What must be done to reflected tables because SQLite keeps any value in any column, and its schema as text?"""

from __future__ import annotations

import copy
from collections.abc import Callable
from functools import cache
from typing import Any

import sqlalchemy as sa


def add_unique_constraints(connection: sa.Connection, metadata: sa.MetaData) -> None:
    """SQLAlchemy reads them in the text of CREATE TABLE and misses `VARCHAR(20) UNIQUE`; their indexes tell all."""
    inspector = sa.inspect(connection)
    for table in metadata.tables.values():
        for index in inspector.get_indexes(table.name, table.schema, include_auto_indexes=True):
            names = [name for name in index["column_names"] if name is not None]
            if (index["name"] or "").startswith("sqlite_autoindex_") and names:
                table.append_constraint(sa.UniqueConstraint(*(table.columns[name] for name in names)))


def accept_what_is_found(metadata: sa.MetaData, dialect: sa.Dialect) -> None:
    """A value that does not belong to its column's type is read as it is; else one would hide its whole row."""
    for table in metadata.tables.values():
        for column in table.columns:
            found: Any = copy.copy(
                column.type.dialect_impl(dialect)
            )  # a type of ours would be adapted to that one again
            found.__class__ = _accepting(found.__class__)
            column.type = found


@cache
def _accepting(class_: Any) -> Any:
    """The same type, reading so. One class for each, because SQLAlchemy caches statements by the types' classes."""

    def result_processor(self: Any, dialect: sa.Dialect, coltype: object) -> Callable[[Any], Any] | None:
        read = class_.result_processor(self, dialect, coltype)

        def accept(value: Any) -> Any:
            try:
                return read(value)
            except (ValueError, TypeError, ArithmeticError):
                return value

        return None if read is None else accept

    return type(class_.__name__, (class_,), {"result_processor": result_processor, "__module__": class_.__module__})
