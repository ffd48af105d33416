"""How does a person like to see a list? Views that they saved, and the columns that they chose, as plain rows."""

from __future__ import annotations

from collections.abc import Mapping

import sqlalchemy as sa

from ..refusal import Refusal
from .engine import Store, metadata

NAME_LENGTH, OWNER_LENGTH = 64, 255
COLUMNS = ""
"""The name under which the columns are kept that a list has unless its address says others."""

list_view_table = sa.Table(
    "poolhouse_list_view",
    metadata,
    sa.Column("owner", sa.String(OWNER_LENGTH), primary_key=True),
    sa.Column("model", sa.String(OWNER_LENGTH), primary_key=True),
    sa.Column("name", sa.String(NAME_LENGTH), primary_key=True),
    sa.Column("query", sa.Text, nullable=False, doc="as it stands in the list's address"),
)
_read = sa.select(list_view_table.c.name, list_view_table.c.query).where(
    list_view_table.c.owner == sa.bindparam("of_owner"), list_view_table.c.model == sa.bindparam("of_model")
)


def views_of(store: Store, owner: str, model: str) -> Mapping[str, str]:
    """By name, in their order."""
    with store.reading() as connection:
        found = connection.execute(_read, {"of_owner": owner, "of_model": model}).all()
    return {row[0]: row[1] for row in sorted(found)}


def keep(store: Store, owner: str, model: str, name: str, query: str, *, most: int) -> None:
    """In the place of one of that name. Raises Refusal("too_large")."""
    columns = list_view_table.c
    with store.writing() as connection:
        ours = sa.and_(columns.owner == owner, columns.model == model)
        connection.execute(list_view_table.delete().where(ours, columns.name == name))
        others = sa.select(sa.func.count()).select_from(list_view_table).where(ours, columns.name != COLUMNS)
        if name != COLUMNS and (connection.scalar(others) or 0) >= most:
            message = f"There are {most} views of this list, as many as are kept."
            raise Refusal("too_large", message, remedy="Forget one that nobody needs.")
        connection.execute(list_view_table.insert().values(owner=owner, model=model, name=name, query=query))


def forget(store: Store, owner: str, model: str, name: str) -> bool:
    columns = list_view_table.c
    with store.writing() as connection:
        gone = list_view_table.delete().where(columns.owner == owner, columns.model == model, columns.name == name)
        return connection.execute(gone).rowcount > 0
