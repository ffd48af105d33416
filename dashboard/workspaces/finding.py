"""Where is a workspace, what is in it, and may this person look? Nothing here changes one."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from dataclasses import replace

from ..records.models import Database, Models
from ..refusal import Refusal
from ..store.workspaces import KeptWorkspaces, Row
from . import fitting, pins, view
from .lives import Lives
from .sight import Sight
from .snapshot import Snapshot
from .view import View

LOOK_AGAIN_SECONDS = 0.02
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}", re.ASCII)
AWAY = "The database cannot be reached, so its tables are not known: this is the workspace as it was kept."


class Finder:
    """The workspaces of one store, as they were kept and as this process knows them."""

    def __init__(self, databases: Mapping[str, Database], kept: KeptWorkspaces, lives: Lives) -> None:
        self._databases, self._kept, self._lives = databases, kept, lives

    def models(self, database: str) -> Models:
        if database not in self._databases:
            raise Refusal("not_found", f"There is no database {str(database)[:80]!r} here.")
        return self._databases[database].models

    def row(self, name: str) -> Row:
        row = self._kept.row(name) if is_name(name) else None
        if row is None:
            raise Refusal("not_found", f"There is no workspace {str(name)[:80]!r}.")
        return row

    def snapshot(self, row: Row) -> Snapshot:
        """The version that the row names: from memory where it is here, else from the store."""
        live = self._lives.get(row.name)
        if live is not None:
            row_now, snapshot = live.kept
            if (row_now.id, row_now.version) == (row.id, row.version):
                return snapshot
        return self.stored(row)

    def decided(self, row: Row, seconds: float) -> Row:
        """The row without the intent of a commit that runs elsewhere just now; as it is where that takes longer."""
        until = time.monotonic() + seconds
        while row.intent is not None and not pins.is_over_commit(row.intent) and time.monotonic() < until:
            time.sleep(LOOK_AGAIN_SECONDS)
            row = self.row(row.name)
        return row

    def stored(self, row: Row) -> Snapshot:
        kept = self._kept.load(row)
        return Snapshot.of(kept.header, kept.images)

    def earlier(self, row: Row, now: Snapshot, version: int) -> Snapshot:
        """now: the snapshot of the row's own version."""
        known = {found["number"]: found for found in now.images.values()}
        kept = self._kept.earlier(row, version, known)
        return Snapshot.of(kept.header, kept.images)

    def draw(self, row: Row, snapshot: Snapshot, sight: Sight) -> View:
        found = self._databases.get(row.database)
        models = Models() if found is None else found.models
        try:
            len(models)
        except Refusal as refusal:
            if refusal.code != "database_away" or sight.restricts:  # without its models nothing can be withheld
                raise
            away = {"code": "database_away", "message": AWAY}
            models, snapshot = Models(), replace(snapshot, notices=(*snapshot.notices, away))
        if not snapshot.newer:
            snapshot, left_out = fitting.fitted(snapshot, models)
            if left_out and not sight.restricts:
                snapshot = replace(snapshot, notices=(*snapshot.notices, fitting.told(left_out)))
        return view.draw(row, snapshot, self._kept.tape(row), models, sight)

    # who may

    def check_open(self, row: Row, actor: str | None, sight: Sight) -> None:
        """Raises Refusal("forbidden") where the workspace is not open to the actor."""
        if actor is not None and actor != row.owner and self._is_narrowed(row, sight):
            message = f"{row.name} is {row.owner}'s: it may hold records that you may not see."
            raise Refusal("forbidden", message, remedy="Open a workspace of your own.")

    def is_open_to(self, row: Row, actor: str | None, sight: Sight) -> bool:
        try:
            self.check_open(row, actor, sight)
        except Refusal:
            return False
        return True

    def _is_narrowed(self, row: Row, sight: Sight) -> bool:
        """Whether the actor sees only some rows: a snapshot sends no SQL, so what is in it cannot be asked then."""
        found = self._databases.get(row.database)
        if not sight.restricts or found is None:
            return False
        return any(sight.rows(model) is not None for model in found.models)


def is_name(name: object) -> bool:
    return isinstance(name, str) and NAME.fullmatch(name) is not None


def check_version(kept: KeptWorkspaces, row: Row, version: int | None, verb: str) -> None:
    """Raises Refusal "already_committed" where this very commit was done before, else "stale" for another version."""
    if version is None or version == row.version:
        return
    number = kept.committed(row, version) if verb == "commit" and 0 < version < row.version else None
    if number is not None:
        raise already_committed(row, number)
    message = f"{row.name} is at version {row.version} now; yours was {version}."
    raise Refusal("stale", message, remedy="Look at it again.", details={"version": row.version})


def already_committed(row: Row, number: int) -> Refusal:
    message = f"This was committed already: it is change set {number} of the history. Nothing was written again."
    details = {"change_set": number, "version": row.version}
    return Refusal("already_committed", message, remedy="Look at the workspace as it is now.", details=details)


def stale(row: Row) -> Refusal:
    return Refusal("stale", f"{row.name} was changed by somebody else just now.", remedy="Look at it again.")
