"""Which objects of a model are in a person's own workspaces just now, as they are kept?"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from typing import Any

import sqlalchemy as sa

from .engine import Store
from .texts import text_of
from .workspace_rows import object_table, workspace_table


def images_of(store: Store, owner: str, database: str, model: str, *, most: int) -> list[tuple[str, Mapping[str, Any]]]:
    """The workspace's name and the image of each, those of the workspace that was changed last first."""
    with store.reading() as connection:
        statement = _statement(connection.dialect.name)
        given = {"owner": owner, "database": database, "model": f'"model":{text_of(model)},', "most": most}
        found = connection.execute(statement, given).all()
    return [(row[0], json.loads(row[1])) for row in found]


@cache
def _statement(dialect: str) -> sa.Select[Any]:
    kept, image, later = workspace_table.c, object_table.c, object_table.alias()
    newest = sa.select(sa.func.max(later.c.version)).where(
        later.c.workspace == image.workspace, later.c.number == image.number, later.c.version <= kept.version
    )
    find = sa.func.strpos if dialect == "postgresql" else sa.func.instr
    return (
        sa.select(kept.name, image.image)
        .join(object_table, image.workspace == kept.id)
        .where(kept.owner == sa.bindparam("owner"), kept.database == sa.bindparam("database"), kept.objects > 0)
        .where(image.version == newest.scalar_subquery(), image.image.is_not(None))
        .where(find(image.image, sa.bindparam("model")) > 0)
        .order_by(kept.updated_at.desc(), kept.name, image.number)
        .limit(sa.bindparam("most"))
    )
