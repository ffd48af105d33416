"""How are workspaces kept? A row for each workspace, a header for each version of it,
and a row for each object and version that changed it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import sqlalchemy as sa

from ..refusal import Refusal
from . import change_sets, versions
from .change_sets import ChangeSet
from .engine import Store
from .reachable import RECENT, reachable, unused
from .texts import text_of
from .workspace_rows import (
    Change,
    Kept,
    Row,
    columns_of,
    object_table,
    row_of,
    tape_table,
    version_table,
    workspace_table,
)

__all__ = ["Change", "Kept", "KeptWorkspaces", "Row"]

_CONFLICT_ENTRIES = 20
"""Actions that may lie between a conflict and its resolution in another worker."""


class KeptWorkspaces:
    """The workspaces of one store. Every write compares the version first:
    of two writers one wins, the other is told so by None."""

    def __init__(self, store: Store, *, tape: int, change_sets: int = 10_000) -> None:
        self._store = store
        self._tape = tape
        self._change_sets = change_sets

    def rows(self) -> tuple[Row, ...]:
        with self._store.reading() as connection:
            return tuple(map(row_of, connection.execute(workspace_table.select().order_by(workspace_table.c.name))))

    def row(self, name: str) -> Row | None:
        with self._store.reading() as connection:
            found = connection.execute(workspace_table.select().where(workspace_table.c.name == name)).first()
        return row_of(found) if found is not None and found.name == name else None

    def open(self, row: Row, header: Mapping[str, Any], *, most: int) -> Row:
        """Keeps a new workspace in its first version. Raises Refusal("taken") or Refusal("too_large")."""
        values = {**columns_of(row), "id": None}
        try:
            with self._store.writing() as connection:
                count = connection.scalar(sa.select(sa.func.count()).select_from(workspace_table)) or 0
                if count >= most:
                    raise Refusal(
                        "too_large",
                        f"There are {count} workspaces, as many as are kept.",
                        remedy="Discard one that nobody needs.",
                    )
                del values["id"]
                key = connection.execute(workspace_table.insert().values(values)).inserted_primary_key or (0,)
                row = replace(row, id=key[0])
                connection.execute(
                    version_table.insert().values(
                        _version(row.id, row.version, Change(row.updated_at, row.owner, "open", header))
                    )
                )
        except sa.exc.IntegrityError:
            raise Refusal(
                "taken",
                f"There is a workspace named {row.name} already.",
                remedy="Open that one, or choose another name.",
            ) from None
        return row

    def load(self, row: Row) -> Kept:
        """The version that the row names. Refusal("stale") where it is not there any more."""
        with self._store.reading() as connection:
            return versions.load(connection, row.id, row.version)

    def earlier(self, row: Row, version: int, known: Mapping[int, Mapping[str, Any]]) -> Kept:
        """An earlier version. known: by number the images of the row's own; only what has changed since is read."""
        with self._store.reading() as connection:
            return versions.earlier(connection, row.id, version, known)

    def save(self, row: Row, change: Change) -> Row | None:
        """Writes a change in one transaction; the new row, or None where the version was another one."""
        while (after := self._save(row, change)) is None:
            now = self.row(row.name)
            if now is None or replace(now, tape=row.tape) != row:
                return None
            row = now  # only its tape has grown: somebody's action failed meanwhile
        return after

    def _save(self, row: Row, change: Change) -> Row | None:
        version = row.version + (change.header is not None)
        after = replace(
            row,
            version=version,
            tape=row.tape + (change.entry is not None),
            settings=row.settings if change.settings is None else change.settings,
            owner=row.owner if change.owner is None else change.owner,
            objects=row.objects if change.header is None else change.objects,
            transaction=change.transaction,
            pin=change.pin,
            intent=None,
            updated_at=row.updated_at if change.header is None else change.at,
        )
        with self._store.writing() as connection:
            if not _compare_and_set(connection, row, after):
                return None
            if change.header is not None:
                connection.execute(version_table.insert().values(_version(row.id, version, change)))
            _insert(
                connection,
                object_table,
                [
                    {
                        "workspace": row.id,
                        "number": number,
                        "version": version,
                        "image": image if image is None or isinstance(image, str) else text_of(image),
                    }
                    for number, image in change.images.items()
                ],
            )
            if change.entry is not None:
                _insert(
                    connection,
                    tape_table,
                    [{"workspace": row.id, "number": after.tape, "entry": text_of(change.entry)}],
                )
            change_sets.end(connection, row.intent, change.outcome, change.how)
            self._trim(connection, after, change)
        return after

    def intend(self, row: Row, intent: Mapping[str, Any], change_set: ChangeSet | None = None) -> Row | None:
        """Writes down that a COMMIT is about to be sent; None where the version was another one. change_set: what the
        commit changes, kept as uncertain; the intent has its number. With a token, the data's own database keeps it."""
        try:
            with self._store.writing() as connection:
                if change_set is not None:
                    intent = {**intent, "change_set": self._begin(connection, change_set)}
                after = replace(row, intent=intent)
                if not _compare_and_set(connection, row, after):
                    raise _Overtaken
                return after
        except _Overtaken:
            return None

    def begin_change_set(self, change_set: ChangeSet) -> int:
        """Of a commit without a workspace that is kept: uncertain, until it is settled."""
        with self._store.writing() as connection:
            return self._begin(connection, change_set)

    def _begin(self, connection: sa.Connection, change_set: ChangeSet) -> int:
        number = change_sets.insert(connection, change_sets.change_set_table, change_set)
        change_sets.trim(connection, number, self._change_sets)
        return number

    def settle(self, number: int, outcome: str, how: str) -> None:
        """What became of a change set of which no kept workspace tells."""
        with self._store.writing() as connection:
            change_sets.settle(connection, number, outcome, how)

    def change_set(self, number: int) -> ChangeSet | None:
        with self._store.reading() as connection:
            return change_sets.by_number(connection, change_sets.change_set_table, number)

    def committed(self, row: Row, version: int) -> int | None:
        """The number of the change set that a commit of this version of the workspace made, if that is what came of
        it."""
        query = sa.select(version_table.c.header).where(
            version_table.c.workspace == row.id, version_table.c.version == version + 1
        )
        with self._store.reading() as connection:
            header = connection.scalar(query)
        return None if header is None else json.loads(header).get("change_set")

    def tape(self, row: Row) -> tuple[Mapping[str, Any], ...]:
        """The actions kept, oldest first, each with its number."""
        return tuple({"number": number, **json.loads(entry)} for number, entry in reversed(self._last(row, self._tape)))

    def entry_of(self, row: Row, version: int) -> Mapping[str, Any]:
        """What made this version, as it stands on the tape; nothing where that is not kept any more."""
        found = (entry for _, entry in self._last(row, self._tape) if f'"version":{version}' in entry)
        return next((entry for entry in map(json.loads, found) if entry.get("version") == version), {})

    def seen(self, row: Row) -> dict[str, Any]:
        """What was shown with the last conflict, by ref and column; empty where none was told of late."""
        told = (entry for _, entry in self._last(row, _CONFLICT_ENTRIES) if '"seen":' in entry)
        return next((entry["seen"] for entry in map(json.loads, told) if "seen" in entry), {})

    def _last(self, row: Row, most: int) -> Sequence[Any]:
        """Number and entry of the last actions, newest first."""
        query = (
            sa.select(tape_table.c.number, tape_table.c.entry)
            .where(tape_table.c.workspace == row.id, tape_table.c.number <= row.tape)
            .order_by(tape_table.c.number.desc())
        )
        with self._store.reading() as connection:
            return connection.execute(query.limit(most)).all()

    def discard(self, row: Row) -> bool:
        """Forgets the workspace whole; False where the version was another one."""
        with self._store.writing() as connection:
            if not _compare_and_set(connection, row, row):
                return False
            for table in (tape_table, object_table, version_table):
                connection.execute(table.delete().where(table.c.workspace == row.id))
            connection.execute(workspace_table.delete().where(workspace_table.c.id == row.id))
        return True

    def _trim(self, connection: sa.Connection, row: Row, change: Change) -> None:
        """Forgets what is older than what is kept: now and then, because it reads more than it deletes."""
        if row.tape % 16 == 0:
            connection.execute(
                tape_table.delete().where(
                    tape_table.c.workspace == row.id, tape_table.c.number <= row.tape - self._tape
                )
            )
        if row.version % RECENT == 0 and change.header is not None:
            self._forget_versions(connection, row, reachable(change.header, row.version))

    def _forget_versions(self, connection: sa.Connection, row: Row, kept: Sequence[int]) -> None:
        """Of each object only the images are left that hold in a version which is kept."""
        columns = object_table.c
        of_this = version_table.c.workspace == row.id
        found = connection.scalars(sa.select(version_table.c.version).where(of_this)).all()
        gone = sorted({*found} - {*kept})
        if not gone:
            return
        for start in range(0, len(gone), 500):
            batch = gone[start : start + 500]
            connection.execute(version_table.delete().where(of_this, version_table.c.version.in_(batch)))
        rows = connection.execute(
            sa.select(columns.number, columns.version, columns.image.is_(None))
            .where(columns.workspace == row.id)
            .order_by(columns.number, columns.version)
        ).all()
        spare = [{"n": number, "v": version} for number, version in unused(rows, kept)]
        if spare:
            of_object = sa.and_(
                columns.workspace == row.id, columns.number == sa.bindparam("n"), columns.version == sa.bindparam("v")
            )
            connection.execute(object_table.delete().where(of_object), spare)


class _Overtaken(Exception):
    """Nothing of this transaction is to be written."""


def _compare_and_set(connection: sa.Connection, before: Row, after: Row) -> bool:
    columns = workspace_table.c
    same = [columns.id == before.id, columns.version == before.version, columns.tape == before.tape]
    same += [columns.pin.is_(None) if before.pin is None else columns.pin == before.pin]
    same += [columns.intent.is_(None) if before.intent is None else columns.intent.is_not(None)]
    changed = {key: value for key, value in columns_of(after).items() if key not in ("id", "name")}
    return connection.execute(workspace_table.update().where(*same).values(changed)).rowcount == 1


def _insert(connection: sa.Connection, table: sa.Table, rows: Sequence[Mapping[str, Any]]) -> None:
    if rows:
        connection.execute(table.insert(), list(rows))


def _version(workspace: int, version: int, change: Change) -> dict[str, Any]:
    return {
        "workspace": workspace,
        "version": version,
        "at": change.at,
        "actor": change.actor[:255],
        "action": change.action,
        "header": text_of(change.header),
    }
