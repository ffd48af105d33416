"""Which listeners that are neither SQLAlchemy's nor ours would a flush run? They may send mail, or count a stock."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy.orm as sa_orm

from ..records.models import Model
from .snapshot import Snapshot

_SESSION_EVENTS = (
    "after_transaction_create", "after_begin", "before_flush", "pending_to_persistent", "persistent_to_deleted",
    "after_flush", "after_flush_postexec", "before_attach", "after_attach", "do_orm_execute", "after_rollback",
    "after_soft_rollback", "after_transaction_end", "persistent_to_transient", "deleted_to_persistent",
    "pending_to_transient",
)  # fmt: skip
_OURS = (__name__.rpartition(".workspaces.")[0] + ".", "sqlalchemy.", "flask_sqlalchemy.")
MOST = 100


@dataclass(frozen=True)
class Listener:
    """event: SQLAlchemy's name of it. target: what it listens to. name, line: the program's function."""

    event: str
    target: str
    name: str
    line: str


def listeners(session: Any, snapshot: Snapshot, models: Iterable[Model]) -> tuple[Listener, ...]:
    """Those that the flush of what is staged would run, in the order of their events."""
    found: dict[Listener, None] = {}
    for event in _SESSION_EVENTS:
        for each in _foreign(session.dispatch, event):
            found[Listener(event, "Session", *each)] = None
    for mapper, verbs in _written(snapshot, {model.name: model for model in models}).items():
        for event in (f"{when}_{verb}" for verb in verbs for when in ("before", "after")):
            for each in _foreign(mapper.dispatch, event):
                found[Listener(event, mapper.class_.__name__, *each)] = None
    return tuple(found)[:MOST]


def _written(snapshot: Snapshot, models: Mapping[str, Model]) -> dict[sa_orm.Mapper[Any], set[str]]:
    """By mapper what a flush may do with its rows: with what is staged, and with what a deletion reaches."""
    found: dict[sa_orm.Mapper[Any], set[str]] = {}
    going: list[sa_orm.Mapper[Any]] = []

    def reach(mapper: sa_orm.Mapper[Any], verbs: set[str]) -> None:
        known = found.setdefault(mapper, set())
        if "delete" in verbs - known:
            going.append(mapper)
        known |= verbs

    for image in snapshot.images.values():
        verbs = _verbs(image)
        if not verbs or image["model"] not in models:
            continue
        mapper = models[image["model"]].mapper
        reach(mapper, verbs)
        for name, related in image["relationships"].items():
            if related.keys() - {"now"} and name in mapper.relationships:
                prop = mapper.relationships[name]
                reach(prop.mapper, {"update", "delete"} if prop.cascade.delete_orphan else {"update"})
    while going:
        for prop in going.pop().relationships:
            if not prop.viewonly:
                for target in prop.mapper.self_and_descendants:
                    reach(target, {"update", "delete"} if prop.cascade.delete else {"update"})
    return found


def _verbs(image: Mapping[str, Any]) -> set[str]:
    flags = set(image["flags"])
    if image["state"] == "pending":
        return {"insert", "update"}
    if image["state"] == "persistent" and "marked-deleted" in flags:
        return {"delete", "update"}
    return {"update"} if image["state"] == "persistent" and "modified" in flags else set()


def _foreign(dispatch: Any, event: str) -> Iterator[tuple[str, str]]:
    for listener in getattr(dispatch, event, ()):
        function = _function(listener)
        module = str(getattr(function, "__module__", "") or "")
        if not f"{module}.".startswith(_OURS):
            code = getattr(function, "__code__", None)
            name = getattr(function, "__qualname__", type(function).__name__)
            yield f"{module}.{name}", "" if code is None else f"{module}:{code.co_firstlineno}"


def _function(listener: Any) -> Any:
    """SQLAlchemy wraps some listeners: then the program's own is in the wrapper's closure."""
    for _ in range(5):
        if not str(getattr(listener, "__module__", "")).startswith("sqlalchemy."):
            return listener
        cells = (cell.cell_contents for cell in getattr(listener, "__closure__", None) or ())
        inner = [each for each in cells if callable(each) and not isinstance(each, type)]
        if not inner:
            return listener
        listener = next((each for each in inner if not _is_sqlalchemys(each)), inner[0])
    return listener


def _is_sqlalchemys(function: Any) -> bool:
    return str(getattr(function, "__module__", "")).startswith("sqlalchemy.")
