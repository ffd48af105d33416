"""Where was one relationship loaded again and again within one request, and which loader option cures it?"""

from __future__ import annotations

import os
import sys
import sysconfig
import threading
import time
from dataclasses import dataclass
from typing import Any

from sqlalchemy import orm as sa_orm

from . import lines

EXAMPLES = 50
LIBRARY = tuple(f"{sysconfig.get_path(name)}{os.sep}" for name in ("stdlib", "platstdlib"))
PACKAGES = (f"{os.sep}site-packages{os.sep}", f"{os.sep}dist-packages{os.sep}")


@dataclass
class Example:
    """The first occasion of a path. at: the last time that there was one, in seconds since 1970."""

    endpoint: str
    places: tuple[lines.Place, ...]
    cure: str
    at: float


_examples: dict[str, Example] = {}
_lock = threading.RLock()


def note(name: str, path: tuple[Any, ...], endpoint: str) -> None:
    """A scope of this endpoint has loaded this path too often. Called inside the load, for the program's stack."""
    with _lock:
        known = _examples.get(name)
        if known is not None:
            known.at = time.time()
        elif len(_examples) < EXAMPLES:
            places = lines.stack(sys._getframe(2)) or ()
            own = tuple(place for place in places if not _is_installed(place[0].co_filename))
            _examples[name] = Example(endpoint, own or places, cure_of(path), time.time())


def said() -> list[dict[str, Any]]:
    """The examples as plain data."""
    with _lock:
        examples = list(_examples.items())
    return [
        {"path": name, "endpoint": one.endpoint, "stack": _told(one.places), "cure": one.cure, "at": one.at}
        for name, one in examples
    ]


def _is_installed(filename: str) -> bool:
    """Not the program's own: a web server, a framework, the standard library."""
    return filename.startswith(("<frozen ", *LIBRARY)) or any(part in filename for part in PACKAGES)


def _told(places: tuple[lines.Place, ...]) -> list[str]:
    return [line for place in places if (line := lines.line_of(place)) is not None]


def cure_of(path: tuple[Any, ...]) -> str:
    """The loader option, as one writes it into `select(...).options(...)`.

    path: mappers and relationships in turn, as SQLAlchemy has them; what stands before the last relationship is how
    the object itself was loaded.
    """
    *before, last = (part for part in path if isinstance(part, sa_orm.RelationshipProperty))
    if last.mapper.common_parent(last.parent):
        return f"selectinload({_written(last)}, recursion_depth=-1)"
    option = "joinedload" if last.direction is sa_orm.MANYTOONE else "selectinload"
    steps = [f"defaultload({_written(part)})" for part in before]
    return ".".join([*steps, f"{option}({_written(last)})"])


def _written(relationship: Any) -> str:
    return f"{relationship.parent.class_.__name__}.{relationship.key}"


def begin_at_zero() -> None:
    global _lock
    _lock = threading.RLock()
    _examples.clear()
