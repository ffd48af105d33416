"""How is one version of a workspace read? Its header, and of each object the newest image that is not newer."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from ..refusal import Refusal
from .workspace_rows import Kept, object_table, version_table


def load(connection: sa.Connection, workspace: int, version: int) -> Kept:
    """Raises Refusal("stale") where it is not there any more."""
    return Kept(_header(connection, workspace, version), _images(connection, workspace, version))


def earlier(connection: sa.Connection, workspace: int, version: int, known: Mapping[int, Mapping[str, Any]]) -> Kept:
    """The same; of a later version all is known already, so only objects that have an image since are read."""
    columns = object_table.c
    since = sa.select(columns.number).where(columns.workspace == workspace, columns.version > version)
    changed = {*connection.scalars(since.distinct())}
    same = {number: image for number, image in known.items() if number not in changed}
    header = _header(connection, workspace, version)
    return Kept(header, {**same, **_images(connection, workspace, version, columns.number.in_(changed))})


def _header(connection: sa.Connection, workspace: int, version: int) -> Mapping[str, Any]:
    columns = version_table.c
    this = sa.select(columns.header).where(columns.workspace == workspace, columns.version == version)
    header = connection.scalar(this)
    if header is None:  # discarded, or moved on, since the row was read
        raise Refusal("stale", "The workspace was changed by somebody else just now.", remedy="Look at it again.")
    found: Mapping[str, Any] = json.loads(header)
    return found


def _images(
    connection: sa.Connection, workspace: int, version: int, *wanted: sa.ColumnElement[bool]
) -> dict[int, Mapping[str, Any]]:
    columns = object_table.c
    here = (columns.workspace == workspace, columns.version <= version, *wanted)
    newest = (
        sa.select(columns.number, sa.func.max(columns.version).label("version"))
        .where(*here)
        .group_by(columns.number)
        .subquery()
    )
    of_each = sa.and_(columns.number == newest.c.number, columns.version == newest.c.version)
    images = sa.select(columns.number, columns.image).join(newest, of_each)
    there = images.where(columns.workspace == workspace, columns.image.is_not(None))
    return {number: json.loads(image) for number, image in connection.execute(there)}
