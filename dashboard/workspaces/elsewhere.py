"""What did somebody else make of the rows of these objects, as far as it was seen when they were loaded, refreshed or
about to be written?"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
import sqlalchemy.orm as sa_orm

from ..refusal import Refusal
from . import tape
from .conflicts import Conflict
from .image import Image
from .snapshot import Snapshot

if TYPE_CHECKING:
    from .live import Live

Note = dict[str, Any]
"""`what`: changed or deleted. `columns`: which, where it was changed."""
CHANGED, DELETED = "changed", "deleted"


def changed(columns: Iterable[str]) -> Note:
    return {"what": CHANGED, "columns": sorted(columns)}


def noted(live: Live, after: Snapshot) -> Snapshot:
    """The snapshot after an action, in which each object says what was seen of its row."""
    made, images = tape.current.get(), {}
    loaded = made is not None and not made.wrote and any("why" not in each for each in made.statements)
    for ref, now in after.images.items():
        then = live.snapshot.images.get(ref)
        note = live.elsewhere.get(ref)
        if note is None and then is not None and (loaded or "elsewhere" in then):
            names = _differing(then, now) if loaded and not live.wrote else ()
            note = changed(names) if names else _still(then, now)
        if note is not None:
            images[ref] = {**now, "elsewhere": note}
    live.elsewhere.clear()
    return replace(after, images={**after.images, **images}) if images else after


def _differing(then: Image, now: Image) -> list[str]:
    """Columns of which the row held something else before."""
    if (then["state"], now["state"]) != ("persistent", "persistent"):
        return []
    if not now["values"]:
        return []
    was, is_now = _base(then), _base(now)
    return [name for name, value in is_now.items() if name in was and was[name] != value]


def _base(image: Image) -> dict[str, Any]:
    left_out = {*image["unknown"], *image["unkept"]}
    values = {name: value for name, value in image["values"].items() if name not in left_out}
    return {**values, **{name: value for name, value in image["committed"].items() if name in values}}


def _still(then: Image, now: Image) -> Note | None:
    """Said until the object is committed, expired or loaded anew."""
    note: Note | None = then.get("elsewhere")
    if note is None or then["state"] != now["state"] or (note["what"] == CHANGED and "expired" in now["flags"]):
        return None
    return note


def problem(error: Exception, refusal: Refusal, ref: object) -> dict[str, Any]:
    """What stands on the tape of an action that failed. ref: the object that it was about. rows: by ref, what was seen
    of a row that somebody else changed."""
    rows: dict[str, Note] = {}
    if isinstance(error, Conflict):
        for each in error.differences:
            if each.deleted == "theirs":
                rows[each.ref] = {"what": DELETED, "columns": []}
            else:
                rows[each.ref] = changed({*rows.get(each.ref, {"columns": ()})["columns"], each.column})
    elif _is_gone(error) and isinstance(ref, str):
        rows[ref] = {"what": DELETED, "columns": []}
    said = {"code": refusal.code, "message": refusal.message, "class": type(error).__name__}
    return {**said, "rows": rows} if rows else said


def _is_gone(error: Exception) -> bool:
    if isinstance(error, sa_orm.exc.ObjectDeletedError):
        return True
    return isinstance(error, sa.exc.InvalidRequestError) and str(error).startswith("Could not refresh instance")


def told(
    objects: Iterable[Mapping[str, Any]], snapshot: Snapshot, entries: Iterable[Mapping[str, Any]]
) -> tuple[Mapping[str, Any], ...]:
    """The drawn objects, each with what is known of its row: from the last action that succeeded, and from those that
    failed since. entries: of the tape, oldest first."""
    rows: dict[str, Note] = {}
    for entry in entries:
        rows = {**rows, **entry["error"].get("rows", {})} if isinstance(entry.get("error"), Mapping) else {}
    kept = {ref: image.get("elsewhere") for ref, image in snapshot.images.items()}
    return tuple(_with_note(each, rows.get(each["ref"]) or kept.get(each["ref"])) for each in objects)


def _with_note(drawn: Mapping[str, Any], note: Note | None) -> Mapping[str, Any]:
    if note is None:
        return {**drawn, "elsewhere": None}
    seen = {*drawn["values"], *drawn["unloaded"]}
    return {**drawn, "elsewhere": {**note, "columns": [name for name in note["columns"] if name in seen]}}
