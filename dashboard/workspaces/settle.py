"""A worker ended between its COMMIT and the word of it: was the commit written? The rows are read again, and they
say."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

import sqlalchemy as sa
import sqlalchemy.orm as sa_orm

from ..records.keys import identity_of
from ..records.models import Model
from ..refusal import Refusal
from ..store import change_sets
from ..store.change_sets import COMMITTED, LOST, ChangeSet
from ..store.workspaces import KeptWorkspaces
from ..telemetry.parked import laid_aside
from . import staged, under_way
from .changes import CREATED, DELETED, in_order
from .checking import same
from .image import Image
from .pins import seconds_since
from .session import Registry
from .snapshot import Snapshot

UNDER_WAY_SECONDS = 60.0
"""A commit of one request, of which nobody can ask whether its worker is gone, is over by then."""
WITNESSES = 20
"""Rows that are read again; all were written in one transaction, so the first that can tell is enough."""

REFUSED = "the database refused the COMMIT"
READ_AGAIN = "found by reading the rows again, after its worker ended"
OWN_ROW = "found by its own row in the database, after its worker ended"
NOBODY_KNOWS = "its worker ended, and the rows were changed since: nobody can tell"
KEPT_LATE = "The last commit was written to the database; the store was away then, and knows of it only now."
UNCERTAIN = (
    "A worker ended while it committed this. The next action reads the rows again and finds out whether it was written."
)
WRITTEN = "The worker ended while it committed; the rows, read again, show that the commit was written."
NOT_WRITTEN = (
    "The worker ended while it committed; the rows, read again, show that nothing was written. "
    "Everything is staged again as it was."
)
UNDECIDED = (
    "The worker ended while it committed, and the rows were changed since, so that nobody can tell whether it was "
    "written. It is staged again: look before you commit."
)


def settle(
    registry: Registry, snapshot: Snapshot, intent: Mapping[str, Any], find: Callable[[int], ChangeSet | None]
) -> tuple[Snapshot, str, str]:
    """The workspace after the commit, or as it was staged, with a notice that says which; what became of the change
    set, and how that was found. Sends SELECTs. find: in the store."""
    engine = registry.main
    under_way.wait(engine.engine, intent.get("server"), engine.seconds)
    beside = "token" in intent
    if beside:
        kept = _beside(registry, intent["token"])
    else:
        kept = find(intent["change_set"]) if "change_set" in intent else None
    objects, how = () if kept is None else kept.objects, OWN_ROW if beside else READ_AGAIN
    written = kept is not None if beside else _is_written(registry, objects)
    if written:
        after = _committed(registry, snapshot, objects).told("commit_found", WRITTEN)
        return replace(after, change_set=intent.get("change_set")), COMMITTED, how
    after = staged.lose(snapshot).told("transaction_lost", UNDECIDED if written is None else NOT_WRITTEN)
    return after, *((change_sets.UNCERTAIN, NOBODY_KNOWS) if written is None else (LOST, how))


def orphan(registry: Registry, found: ChangeSet, kept: KeptWorkspaces) -> None:
    """Of an uncertain commit of which no workspace tells any more: a record's page made it, or its workspace was
    discarded. What its rows say is written down. While it may still be under way they say nothing against it."""
    if found.outcome != change_sets.UNCERTAIN or found.how:  # it was looked at before, and nobody could tell
        return
    written = _is_written(registry, found.objects)
    if written or (written is False and seconds_since(found.at) > UNDER_WAY_SECONDS):
        kept.settle(found.number, COMMITTED if written else LOST, READ_AGAIN)


def _beside(registry: Registry, token: str) -> ChangeSet | None:
    """In the data's own database, where it was written in the very transaction."""
    with registry.main.engine.connect() as connection:
        return change_sets.by_token(connection, change_sets.data_table, token)


def _is_written(registry: Registry, objects: Iterable[Mapping[str, Any]]) -> bool | None:
    session = registry.sessions.session_factory()
    try:
        for witness in in_order(objects)[:WITNESSES]:
            answer = _asked(session, registry, witness)
            if answer is not None:
                return answer
        return None
    finally:
        laid_aside(session, wrote=False)
        session.close()


def _asked(session: sa_orm.Session, registry: Registry, witness: Mapping[str, Any]) -> bool | None:
    """What this row says; None when it was changed again since."""
    model = registry.models.find(witness["model"])
    row = _row(session, model, witness["key"])
    if row is None:
        return {DELETED: True, CREATED: False}.get(witness["kind"])
    if witness["kind"] == CREATED:
        return True if _is_the_one(model, row, witness["after"], witness["unkept"]) else None
    if witness["kind"] == DELETED:
        return False if _is_the_one(model, row, witness["before"], witness["unkept"]) else None
    return _compared(model, row, witness["before"], witness["after"])


def _is_the_one(model: Model, row: Mapping[str, Any], known: Mapping[str, Any], unkept: Iterable[str]) -> bool:
    """The row that has this key is the one that is known, and not another that somebody made since: a database may
    give the key of a row that was taken back to the next one."""
    columns = [model.column(name) for name in known if name not in unkept and model.has_column(name)]
    same_ = {column.name for column in columns if same(column, row[column.name], column.restore(known[column.name]))}
    own = {column.name for column in columns if column.unique and not column.primary_key}
    return any(known[name] is not None for name in own & same_) or len(same_) == len(columns)


def _compared(model: Model, row: Mapping[str, Any], before: Mapping[str, Any], after: Mapping[str, Any]) -> bool | None:
    said = set()
    for name, value in after.items():
        column = model.column(name)
        if same(column, row[name], column.restore(value)):
            said.add(True)
        elif name in before and same(column, row[name], column.restore(before[name])):
            said.add(False)
    return said.pop() if len(said) == 1 else None


def _row(session: sa_orm.Session, model: Model, key: str) -> dict[str, Any] | None:
    """The row's columns. Not the object: it may be in no Session of ours, and nothing of it is to be loaded."""
    conditions = [
        column == value for column, value in zip(model.mapper.primary_key, identity_of(model, key), strict=True)
    ]
    attributes = [getattr(model.class_, column.name) for column in model.columns]
    found = session.execute(sa.select(*attributes).where(*conditions)).first()
    return None if found is None else dict(zip([column.name for column in model.columns], found, strict=True))


def _committed(registry: Registry, snapshot: Snapshot, objects: Iterable[Mapping[str, Any]]) -> Snapshot:
    written = {each["ref"]: each for each in objects}
    images = {}
    for ref, found in snapshot.images.items():
        after = {key: value for key, value in found.items() if key not in ("staged", "fresh")}
        witness = written.get(ref)
        if witness is not None:
            gone = witness["kind"] == DELETED
            after.update(key=witness["key"], state="detached" if gone else "persistent")
            after.update(was_deleted=gone, leaving=False)
        if after["state"] == "persistent":
            after = _expired(registry, after)
        images[ref] = after
    return replace(
        snapshot,
        images=images,
        new=(),
        deleted=(),
        begun=False,
        savepoints=0,
        epoch=None,
        undo=(),
        redo=(),
        committed=True,
    )


def _expired(registry: Registry, image: Image) -> Image:
    manager = registry.models.find(image["model"]).mapper.class_manager
    return {
        **image,
        "flags": ["expired"],
        "values": {},
        "committed": {},
        "unknown": [],
        "expired": sorted(manager),
        "unkept": [],
        "nulls": [],
        "relationships": {},
        "order": None,
        "is_expired": True,
        "modified": False,
    }


def kept_late() -> Refusal:
    message = (
        "It was committed to the database. The store cannot be reached just now: it is told as soon as it is back."
    )
    return Refusal("store_away", message, remedy="Do not commit again; look at the workspace in a moment.")


def unknown(name: str) -> Refusal:
    message = f"The connection broke while {name} was being committed: whether it was written is not known yet."
    remedy = "Look at it again: the next action reads the rows and finds out. Nothing is written twice."
    return Refusal("database_away", message, remedy=remedy)


def still_committing(name: str) -> Refusal:
    return Refusal(
        "busy", f"{name} is being committed on another worker just now.", remedy="Look at it again in a moment."
    )
