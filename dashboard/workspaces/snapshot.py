"""What is a whole workspace, as plain data, and how does a Session become what it was?"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import sqlalchemy as sa
import sqlalchemy.orm as sa_orm

from ..refusal import Refusal
from ..telemetry.parked import made_anew
from . import image, restoring, schemas
from .board import Board, leaving
from .image import Image
from .shape import Shape

States = dict[Any, Any]
Step = tuple[int, int]
"""The version that is gone to, and the version that the action made which is taken back or done again."""


@dataclass(frozen=True)
class Snapshot:
    """One version of a workspace. images: by ref, in the order in which the objects came.

    begun: a plain Session would be in a transaction now. new, deleted:
    refs in the order of `session.new` and `session.deleted`.
    numbers: the last number given to an object, and to a new object of each model.
    notices: what the person must be told. change_set: the number of the one that the commit made which made this.
    savepoints: how many are open. epoch: says which flush, savepoint or rollback to one was the last in the open
    transaction; None without one.
    undo, redo: the steps that can be gone, the next one last. committed: before the first of them a commit was made.
    fields: by model the columns that it had.
    newer: the schema that a newer Poolhouse wrote this in, else 0; then it is only looked at.
    """

    images: Mapping[str, Image] = field(default_factory=dict)
    begun: bool = False
    new: tuple[str, ...] = ()
    deleted: tuple[str, ...] = ()
    numbers: Mapping[str, int] = field(default_factory=dict)
    notices: tuple[Mapping[str, str], ...] = ()
    savepoints: int = 0
    epoch: str | None = None
    undo: tuple[Step, ...] = ()
    redo: tuple[Step, ...] = ()
    committed: bool = False
    newer: int = 0
    change_set: int | None = None
    fields: Mapping[str, list[str]] = field(default_factory=dict)

    def header(self) -> dict[str, Any]:
        self.check_known()
        made = {} if self.change_set is None else {"change_set": self.change_set}
        return {
            **made,
            "schema": schemas.SCHEMA,
            "begun": self.begun,
            "new": list(self.new),
            "deleted": list(self.deleted),
            "numbers": dict(self.numbers),
            "notices": list(self.notices),
            "savepoints": self.savepoints,
            "epoch": self.epoch,
            "undo": [list(step) for step in self.undo],
            "redo": [list(step) for step in self.redo],
            "committed": self.committed,
            "fields": dict(self.fields),
        }

    @classmethod
    def of(cls, header: Mapping[str, Any], images: Mapping[int, Mapping[str, Any]]) -> Snapshot:
        """What was kept; of an older schema it is migrated, of a newer one only its objects are taken, to be shown."""
        if header["schema"] > schemas.SCHEMA:
            told = {"code": "newer_snapshot", "message": f"{schemas.NEWER} {schemas.REMEDY}"}
            shown = {str(found.get("ref")): dict(found) for _, found in sorted(images.items())}
            return cls(shown, notices=(told,), newer=header["schema"])
        header = schemas.header(header)
        ordered = (schemas.image(images[number]) for number in sorted(images))
        return cls(
            {found["ref"]: found for found in ordered},
            header["begun"],
            tuple(header["new"]),
            tuple(header["deleted"]),
            header["numbers"],
            tuple(header["notices"]),
            header["savepoints"],
            header["epoch"],
            tuple((version, made) for version, made in header["undo"]),
            tuple((version, made) for version, made in header["redo"]),
            header["committed"],
            change_set=header.get("change_set"),
            fields=header.get("fields", {}),
        )

    def check_known(self) -> None:
        """Raises Refusal("unavailable") for what a newer Poolhouse wrote: nothing is done with it here."""
        if self.newer:
            raise Refusal("unavailable", schemas.NEWER, remedy=schemas.REMEDY)

    def find(self, ref: object) -> Image:
        """The object of this ref; Refusal("not_found") for an unknown one."""
        if not isinstance(ref, str) or ref not in self.images:
            raise Refusal("not_found", f"There is no object {str(ref)[:80]!r} in this workspace.")
        return self.images[ref]

    def changed_since(self, before: Snapshot) -> dict[int, Image | None]:
        """By number: what is new or different, None for what left."""
        then = before.images
        changed: dict[int, Image | None] = {
            found["number"]: found
            for ref, found in self.images.items()
            if then.get(ref) is not found and then.get(ref) != found
        }
        return {**changed, **{found["number"]: None for ref, found in before.images.items() if ref not in self.images}}

    def like(self, before: Snapshot) -> Snapshot:
        """The same, in which an image that has not changed is the very one: so nobody compares it again."""
        known = before.images
        same = {ref: known[ref] for ref, found in self.images.items() if ref in known and known[ref] == found}
        return replace(self, images={**self.images, **same})

    def told(self, code: str, message: str) -> Snapshot:
        return replace(self, notices=({"code": code, "message": message},))


def capture(session: sa_orm.Session, board: Board, before: Snapshot) -> Snapshot:
    """What the Session and the board are now. Sends no SQL."""
    board.join_all(session)
    gone = leaving(session)
    images = {ref: capture_one(session, board, obj, before, gone) for ref, obj in board.objects.items()}
    return Snapshot(
        images,
        session.get_transaction() is not None,
        tuple(ref for obj in session._new.values() if (ref := board.ref(obj)) is not None),
        tuple(ref for obj in session._deleted.values() if (ref := board.ref(obj)) is not None),
        dict(board.numbers),
    )


def capture_one(
    session: sa_orm.Session, board: Board, obj: object, before: Snapshot, gone: Iterable[Any] = ()
) -> Image:
    state: sa_orm.InstanceState[Any] = sa_orm.attributes.instance_state(obj)
    ref, shape = board.ref(obj) or "", board.shape(type(obj)) or Shape(board.model(obj))
    return image.capture(
        obj,
        shape,
        board.ref,
        key=board.key(ref, state.key, shape.model),
        number=board.number_of[ref],
        marked=state in session._deleted,
        leaving=state in gone,
        before=before.images.get(ref),
    )


def restore(session: sa_orm.Session, board: Board, snapshot: Snapshot) -> None:
    """Makes the Session and the board what the snapshot says, in place where they hold the objects already.
    Sends no SQL and fires no Session event."""
    empty(session)
    here, board.numbers = dict(board.objects), dict(snapshot.numbers)
    for ref in here:
        if ref not in snapshot.images:
            board.drop(ref)
    models = {}
    for ref, found in snapshot.images.items():
        model = models[ref] = board.models.find(found["model"])
        board.put(ref, restoring.restore_columns(found, model, here.get(ref)), found["number"])
    for ref, found in snapshot.images.items():
        restoring.restore_relationships(found, models[ref], board.objects[ref], board.objects)
    if snapshot.begun and not session.in_transaction():
        session.begin()
    _attach(session, board, snapshot)


def empty(session: sa_orm.Session) -> None:
    """Takes every object out of the Session, and fires no event."""
    for state in [*session.identity_map.all_states(), *session._new]:
        state.session_id = state._strong_obj = None
        state.__dict__.pop("_instance_dict", None)
    session.identity_map = type(session.identity_map)()
    session._new, session._deleted = {}, {}


def _attach(session: sa_orm.Session, board: Board, snapshot: Snapshot) -> None:
    transaction, known = session.get_transaction(), leaving(session)
    for ref, found in snapshot.images.items():
        if found["state"] in ("persistent", "deleted"):
            obj = board.objects[ref]
            state: sa_orm.InstanceState[Any] = sa.inspect(obj)
            state.session_id = session.hash_key
            if found["state"] == "persistent":
                session.identity_map.replace(state)
                made_anew(state, expired="expired" in found["flags"])
                state._strong_obj = obj if state.modified else None
            elif found["leaving"] and transaction is not None and state not in known:
                transaction._deleted[state] = True
    for ref in snapshot.new:
        state = sa.inspect(board.objects[ref])
        state.session_id = session.hash_key
        state._strong_obj = board.objects[ref] if state.modified else None
        session._new[state] = board.objects[ref]
    for ref in snapshot.deleted:
        session._deleted[sa.inspect(board.objects[ref])] = board.objects[ref]
