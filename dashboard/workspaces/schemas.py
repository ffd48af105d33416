"""In which schema is a snapshot written, and how does an older one become it?"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

SCHEMA = 2
"""Of the header and of each image. A greater one was written by a newer Poolhouse."""

NEWER = "This workspace was kept by a newer Poolhouse; it is left as it is."
REMEDY = "Open it with the newer Poolhouse, or discard it."

Kept = dict[str, Any]


def header(found: Mapping[str, Any]) -> Kept:
    """The header of a snapshot as it is written now."""
    return _migrated(found, _HEADERS)


def image(found: Mapping[str, Any]) -> Kept:
    """An object's image as it is written now. It says its own schema: one that no action has changed since
    is still the row that an older Poolhouse wrote."""
    return _migrated(found, _IMAGES)


def _migrated(kept: Mapping[str, Any], migrations: Mapping[int, Callable[[Kept], Kept]]) -> Kept:
    found: Any = kept
    for schema in range(found.get("schema", 1), SCHEMA):
        found = {**migrations[schema](found), "schema": schema + 1}
    this: Kept = found
    return this


def _header_of_1(found: Kept) -> Kept:
    """Nothing could be undone then, and there were no savepoints."""
    return {**found, "savepoints": 0, "epoch": None, "undo": [], "redo": [], "committed": False}


def _image_of_1(found: Kept) -> Kept:
    """The first ones did not tell `null()` from None; a staged image lies inside another one."""
    staged = {"staged": image(found["staged"])} if "staged" in found else {}
    return {"nulls": [], **found, **staged}


_HEADERS = {1: _header_of_1}
_IMAGES = {1: _image_of_1}
