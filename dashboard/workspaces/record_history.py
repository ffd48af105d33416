"""What was done to one record, by whom and when? Of the change sets, those that have it, as one actor may see them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..records.models import Model
from ..store import change_sets
from ..store.change_sets import ChangeSet
from .history import History, ObjectChange
from .sight import Sight


@dataclass(frozen=True)
class RecordChange:
    """One commit that changed the record. kind: created, changed or deleted; empty where the change set is too large to
    look into here. changes, relationships, unknown: as in its change set."""

    number: int
    author: str
    at: str
    note: str
    outcome: str
    kind: str
    changes: Mapping[str, list[Any]]
    relationships: Mapping[str, Mapping[str, list[str]]]
    unknown: tuple[str, ...] = ()


@dataclass(frozen=True)
class RecordHistory:
    """changes: the newest first. before: the number before which there are more, None where there are none. database:
    where each database keeps its own history, which one."""

    changes: tuple[RecordChange, ...]
    before: int | None
    database: str | None


def record_history(
    history: History, model: Model, key: str, sight: Sight, actor: str, *, before: int | None = None
) -> RecordHistory:
    """Raises Refusal where the history cannot be read."""
    config = history.config
    most = config.record_history_rows
    with history.opened(model.database) as (connection, table):
        found = change_sets.of_record(
            connection, table, model.database, model.name, key,
            before=before, most=most + 1, looked=config.record_history_sets,
        )  # fmt: skip
    visible = (each for each in found[:most] if history.sees(each, model.name, sight, actor))
    shown = (_change(each, history, model, key, sight) for each in visible)
    following = found[most - 1].number if len(found) > most else None
    return RecordHistory(tuple(each for each in shown if each), following, model.database if history.beside else None)


def _change(found: ChangeSet, history: History, model: Model, key: str, sight: Sight) -> RecordChange | None:
    same = {name: getattr(found, name) for name in ("number", "author", "at", "note", "outcome")}
    if not found.objects:  # too large
        return RecordChange(**same, kind="", changes={}, relationships={})
    entry = next((each for each in found.objects if (each["model"], each["key"]) == (model.name, key)), None)
    if entry is None:  # a value that looks like it
        return None
    drawn: ObjectChange = history.drawn(found, entry, sight)
    told = {name: getattr(drawn, name) for name in ("kind", "changes", "relationships", "unknown")}
    return RecordChange(**same, **told)
