"""A worker ended between its COMMIT and the word of it: was the commit written? The rows are read again, and they
say."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

import sqlalchemy as sa
import sqlalchemy.orm as sa_orm

from ..records.keys import identity_of
from ..records.models import Model
from ..refusal import Refusal
from ..telemetry.parked import laid_aside
from . import staged
from .image import Image
from .session import Registry
from .snapshot import Snapshot

WITNESSES = 20
"""Rows that are read again; all were written in one transaction, so the first that can tell is enough."""

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


def settle(registry: Registry, snapshot: Snapshot, intent: Mapping[str, Any]) -> Snapshot:
    """The workspace after the commit, or as it was staged, with a notice that says which. Sends SELECTs."""
    written = _is_written(registry, intent["objects"])
    if written:
        return _committed(registry, snapshot, intent["objects"]).told("commit_found", WRITTEN)
    return staged.lose(snapshot).told("transaction_lost", UNDECIDED if written is None else NOT_WRITTEN)


def _is_written(registry: Registry, objects: Iterable[Mapping[str, Any]]) -> bool | None:
    session = registry.sessions.session_factory()
    try:
        witnesses = sorted(objects, key=lambda each: ("made", "deleted", "changed").index(each["kind"]))
        for witness in witnesses[:WITNESSES]:
            answer = _asked(session, registry.models.find(witness["model"]), witness)
            if answer is not None:
                return answer
        return None
    finally:
        laid_aside(session, wrote=False)
        session.close()


def _asked(session: sa_orm.Session, model: Model, witness: Mapping[str, Any]) -> bool | None:
    """What this row says; None when it was changed again since."""
    row = _row(session, model, witness["key"])
    if witness["kind"] == "deleted":
        return row is None
    if row is None:
        return False if witness["kind"] == "made" else None
    if witness["kind"] == "made":
        return True
    if all(row.get(name) == value for name, value in witness["values"].items()):
        return True
    return False if all(row.get(name) == value for name, value in witness["was"].items()) else None


def _row(session: sa_orm.Session, model: Model, key: str) -> dict[str, Any] | None:
    """The row's columns as JSON. Not the object: it may be in no Session of ours, and nothing of it is to be loaded."""
    conditions = [
        column == value for column, value in zip(model.mapper.primary_key, identity_of(model, key), strict=True)
    ]
    attributes = [getattr(model.class_, column.name) for column in model.columns]
    found = session.execute(sa.select(*attributes).where(*conditions)).first()
    return (
        None
        if found is None
        else {column.name: column.format(value) for column, value in zip(model.columns, found, strict=True)}
    )


def _committed(registry: Registry, snapshot: Snapshot, objects: Iterable[Mapping[str, Any]]) -> Snapshot:
    written = {each["ref"]: each for each in objects}
    images = {}
    for ref, found in snapshot.images.items():
        after = {key: value for key, value in found.items() if key not in ("staged", "fresh")}
        witness = written.get(ref)
        if witness is not None:
            after.update(key=witness["key"], state="detached" if witness["kind"] == "deleted" else "persistent")
            after.update(was_deleted=witness["kind"] == "deleted", leaving=False)
        if after["state"] == "persistent":
            after = _expired(registry, after)
        images[ref] = after
    return replace(snapshot, images=images, new=(), deleted=(), begun=False)


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


def witnesses(
    flushed: Mapping[str, tuple[str, Mapping[str, Any]]], images: Mapping[str, Image]
) -> list[dict[str, Any]]:
    """What to write down before a COMMIT: of each object that was flushed its kind, key, and what its changed columns
    were and are."""
    return [
        {
            "ref": ref,
            "model": images[ref]["model"],
            "key": images[ref]["key"],
            "kind": kind,
            "was": dict(was),
            "values": {name: images[ref]["values"].get(name) for name in was},
        }
        for ref, (kind, was) in flushed.items()
        if images[ref]["key"] is not None
    ]


def still_committing(name: str) -> Refusal:
    return Refusal(
        "busy", f"{name} is being committed on another worker just now.", remedy="Look at it again in a moment."
    )
