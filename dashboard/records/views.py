"""Which views does a database have beside its tables?"""

from __future__ import annotations

from contextlib import suppress

import sqlalchemy as sa

from .schemas import Wanted

_VIEW = "poolhouse_view"


def reflect(connection: sa.Connection, metadata: sa.MetaData, schema: str | None, wanted: Wanted) -> None:
    """Adds the wanted views of a schema, materialized ones too. A view whose table is gone is left out."""
    inspector = sa.inspect(connection)
    names = set(inspector.get_view_names(schema))
    with suppress(NotImplementedError):
        names.update(inspector.get_materialized_view_names(schema))
    for name in sorted(names):
        if wanted(name, metadata):
            _reflect_one(connection, metadata, schema, name)


def _reflect_one(connection: sa.Connection, metadata: sa.MetaData, schema: str | None, name: str) -> None:
    try:
        table = sa.Table(name, metadata, schema=schema, autoload_with=connection, resolve_fks=False)
    except (sa.exc.NoSuchTableError, sa.exc.UnreflectableTableError):
        return
    except sa.exc.OperationalError as error:
        if not str(error.orig).startswith("no such "):  # SQLite says it so
            raise
        return
    table.info[_VIEW] = True


def is_one(table: sa.Table) -> bool:
    return _VIEW in table.info
