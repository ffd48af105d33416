"""What if mapped classes changed since a snapshot was kept? Fields that fit stay, the rest is left out and listed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from ..records.models import Model, Models
from .image import Image
from .snapshot import Snapshot
from .states import FLAGS

CODE = "classes_changed"
LISTED = 20
"""Fields that are named; of more it is said how many."""


def fitted(snapshot: Snapshot, models: Models) -> tuple[Snapshot, tuple[str, ...]]:
    """The snapshot without what its classes do not take any more, and `REF.field` of each such field.
    A model that is missing is left: nothing of its objects can be restored then."""
    left_out: list[str] = []
    images: dict[str, Image] = dict(snapshot.images)
    here = {found["model"] for found in images.values()}
    for model in (model for model in models if model.name in here):
        columns = {column.name for column in model.columns}
        names, new = _names(model), _new(model, snapshot.fields.get(model.name))
        for ref, found in snapshot.images.items():
            if found["model"] == model.name:
                gone = list(_gone(found, model, names))
                left_out += [f"{ref}.{name}" for name in gone]
                images[ref] = _with(_without(found, {*gone}), {*new, *gone} & columns) if gone or new else found
    return replace(snapshot, images=images), tuple(left_out)


def fields_of(models: Models, snapshot: Snapshot) -> dict[str, list[str]]:
    """By model the columns that it has: who restores the snapshot sees then which are new."""
    names = dict.fromkeys(found["model"] for found in snapshot.images.values())
    return {name: [column.name for column in models.find(name).columns] for name in names}


def told(left_out: tuple[str, ...]) -> Mapping[str, str]:
    """The notice for it."""
    named = ", ".join(left_out[:LISTED])
    more = f" and {len(left_out) - LISTED} more" if len(left_out) > LISTED else ""
    message = f"The program's classes were changed since this was kept. What fits is kept; left out is: {named}{more}."
    return {"code": CODE, "message": message}


def _names(model: Model) -> frozenset[str]:
    return frozenset((*(column.name for column in model.columns), *(each.key for each in model.mapper.relationships)))


def _new(model: Model, known: Iterable[str] | None) -> list[str]:
    """The columns that the class did not have then."""
    names = {column.name for column in model.columns if not column.deferred}
    return sorted(names.difference(known)) if known is not None else []


def _gone(found: Image, model: Model, names: frozenset[str]) -> Iterator[str]:
    """Fields that the class has no more, and staged values that its column does not take any more."""
    for name in (*found["values"], *found["relationships"]):
        value = found["values"].get(name)
        if name not in names or (name in found["values"] and not _fits(found, model, name, value)):
            yield name


def _fits(found: Image, model: Model, name: str, value: Any) -> bool:
    return model.has_column(name) and (not _is_staged(found, name) or _reads(model, name, value))


def _is_staged(found: Image, name: str) -> bool:
    return found["key"] is None or name in found["committed"] or name in found["unknown"]


def _reads(model: Model, name: str, given: Any) -> bool:
    if given is None:
        return True
    try:
        model.column(name).kind.read(given)
    except ValueError:
        return False
    return True


def _with(found: Image, new: set[str]) -> Image:
    """With columns that nobody has loaded yet: SQLAlchemy would take them for NULL."""
    if found["key"] is None or not new:
        return found
    flags = found["flags"] if "expired" in found["flags"] else [*found["flags"], "expired"]
    return {**found, "expired": sorted({*found["expired"], *new}), "flags": sorted(flags, key=FLAGS.index)}


def _without(found: Image, gone: set[str]) -> Image:
    """A record's own field is read anew when it is asked for."""
    kept = {
        **found,
        **{
            part: {name: value for name, value in found[part].items() if name not in gone}
            for part in ("values", "committed", "relationships")
        },
        **{
            part: [name for name in found[part] if name not in gone]
            for part in ("unknown", "expired", "unkept", "nulls")
        },
    }
    return {**kept, "staged": _without(found["staged"], gone)} if "staged" in found else kept
