"""How is a workspace drawn? Of its snapshot alone, for one actor's sight."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from ..records.models import Model, Models
from ..refusal import Refusal
from ..store.workspaces import Row
from . import elsewhere, states, steps
from .image import Image
from .pins import open_transaction
from .sight import Sight
from .snapshot import Snapshot

WITHHELD = "(withheld)"
KEPT = ("touched", "seen", "source", "joined", "goes")
"""Of an action on the tape, what scripts are made of, and nobody looks at."""


@dataclass(frozen=True)
class Summary:
    """A line of the list of workspaces."""

    name: str
    owner: str
    database: str
    objects: int
    transaction: Mapping[str, Any] | None
    updated_at: str
    version: int


@dataclass(frozen=True)
class View:
    """The workspace as contract.md's JSON says it, field by field.

    savepoints: how many are open. undo, redo: `what` would be taken back or done again, or `why` nothing can be.
    change_set: of the commit that was just done. since: when its owner got it; updated_at: its version's moment."""

    name: str
    owner: str
    version: int
    database: str
    sandbox: bool
    settings: Mapping[str, bool]
    transaction: Mapping[str, Any] | None
    counts: Mapping[str, int]
    objects: tuple[Mapping[str, Any], ...]
    tape: tuple[Mapping[str, Any], ...]
    notices: tuple[Mapping[str, str], ...]
    savepoints: int = 0
    undo: Mapping[str, str | None] = field(default_factory=dict)
    redo: Mapping[str, str | None] = field(default_factory=dict)
    change_set: int | None = None
    since: str | None = None
    updated_at: str = ""

    def object(self, ref: str) -> Mapping[str, Any]:
        """The drawn object of this ref; Refusal("not_found") for an unknown one."""
        for found in self.objects:
            if found["ref"] == ref:
                return found
        raise Refusal("not_found", f"There is no object {ref[:80]!r} in this workspace.")


def summary(row: Row) -> Summary:
    return Summary(row.name, row.owner, row.database, row.objects, open_transaction(row), row.updated_at, row.version)


def draw(row: Row, snapshot: Snapshot, tape: Iterable[Mapping[str, Any]], models: Models, sight: Sight) -> View:
    drawing = Drawing(models, sight)
    draws = drawing.object if not snapshot.newer else drawing.stranger
    entries = tuple(map(drawing.entry, tape))
    objects = elsewhere.told((draws(image) for image in snapshot.images.values()), snapshot, entries)
    badges = Counter(each["badge"] for each in objects)
    return View(
        name=row.name,
        owner=row.owner,
        version=row.version,
        database=row.database,
        sandbox=bool(row.settings["sandbox"]),
        settings={name: bool(row.settings[name]) for name in ("autoflush", "expire_on_commit")},
        transaction=open_transaction(row),
        counts={badge: badges[badge] for badge in states.BADGES},
        objects=objects,
        tape=entries,
        notices=snapshot.notices,
        savepoints=snapshot.savepoints,
        undo=steps.drawn(snapshot, "undo", entries),
        redo=steps.drawn(snapshot, "redo", entries),
        change_set=snapshot.change_set,
        since=row.settings.get("since"),
        updated_at=row.updated_at,
    )


@dataclass(frozen=True)
class Drawing:
    """Draws for one actor."""

    models: Models
    sight: Sight

    @cached_property
    def _hidden(self) -> Mapping[str, frozenset[str]]:
        return {model.name: self.sight.hidden(model) for model in self.models}

    @cached_property
    def _unseen(self) -> frozenset[str]:
        return frozenset(model.name for model in self.models if not self.sight.sees(model))

    def _is_withheld(self, model: str) -> bool:
        """Nothing is shown of a model that the actor may not see, nor of one of which nobody knows whether he may."""
        return model in self._unseen or ((self.sight.restricts or self._withholds) and model not in self.models)

    @cached_property
    def _withholds(self) -> bool:
        return bool(self._unseen) or any(self._hidden.values())

    def object(self, image: Image) -> Mapping[str, Any]:
        if self._is_withheld(image["model"]):
            return _withheld(image)
        model = self.models.find(image["model"]) if image["model"] in self.models else None
        hidden = self._hidden.get(image["model"], frozenset())
        changes = _changes(image, hidden)
        values = {name: value for name, value in image["values"].items() if name not in hidden}
        loaded = image["values"].keys()
        columns = () if model is None else tuple(column.name for column in model.columns if column.name not in hidden)
        return {
            "ref": image["ref"],
            "model": image["model"],
            "key": image["key"],
            "label": image["label"] if not self._withholds or model is None else _label(model, values),
            "state": image["state"],
            "flags": image["flags"],
            "badge": states.badge(image["state"], image["flags"]),
            "values": values,
            "unloaded": [name for name in columns if name not in loaded],
            "changes": changes,
            "unknown": [name for name in image["unknown"] if name in changes],
            "relationships": _relationships(
                image, hidden, () if model is None else tuple(each.name for each in model.relationships)
            ),
            "actions": []
            if model is None
            else [verb for verb in states.verbs(image["state"], image["flags"]) if self._may(verb, model)],
        }

    def stranger(self, image: Image) -> Mapping[str, Any]:
        """Of an object that a newer Poolhouse wrote, as much as can be read; nothing can be done with it."""
        try:
            return {**self.object(image), "actions": []}
        except Exception:  # nobody knows what a newer image is like
            known: Image = {"ref": "?", "model": "?", "key": None, "state": "persistent", "flags": []}
            return _withheld({name: image.get(name, without) for name, without in known.items()})

    def _may(self, verb: str, model: Model) -> bool:
        asked = (verb, model.name)
        if asked not in self._allowed:
            barred = model.read_only and verb in ("values", "add", "delete")
            self._allowed[asked] = not barred and bool(self.sight.may(verb, model))
        return self._allowed[asked]

    @cached_property
    def _allowed(self) -> dict[tuple[str, str], bool]:
        """Asked once for each model, not for each object."""
        return {}

    def entry(self, entry: Mapping[str, Any]) -> Mapping[str, Any]:
        """An action on the tape; values of hidden columns are withheld where they could stand in it."""
        drawn = {key: value for key, value in entry.items() if key not in KEPT}
        touched = entry.get("touched", ())
        unknown = self.sight.restricts and any(model not in self.models for model, _ in touched)
        if not self._withholds and not unknown:
            return _apart(drawn)
        secret = any(self._is_withheld(model) or name in self._hidden.get(model, ()) for model, name in touched)
        if secret:
            drawn["python"] = drawn["what"] = f"# {entry['action']} {WITHHELD}"
        drawn["statements"] = [_no_statement(each) if unknown else self.statement(each) for each in entry["statements"]]
        if entry["error"] is not None and (secret or drawn["statements"] != entry["statements"]):
            drawn["error"] = {**entry["error"], "message": WITHHELD}
            drawn["error"].pop("explained", None)
        return _apart(drawn)

    def statement(self, statement: Mapping[str, Any]) -> Mapping[str, Any]:
        """As the actor may see it."""
        sql = statement["sql"]
        if _names(sql, self._unseen_tables):
            return _no_statement(statement)
        return _no_parameters(statement) if _names(sql, self._secret_tables) else statement

    @cached_property
    def _unseen_tables(self) -> set[str]:
        return {table for model in self.models if model.name in self._unseen for table in _tables(model)}

    @cached_property
    def _secret_tables(self) -> set[str]:
        return {table for model in self.models if self._hidden[model.name] for table in _tables(model)}


def _apart(entry: dict[str, Any]) -> dict[str, Any]:
    """`statements` are what the Session sent for the action, as a plain one does; `checks` what we asked before it, and
    what was taken back and tried again."""
    statements = entry["statements"]
    entry["statements"] = [each for each in statements if "why" not in each]
    entry["checks"] = [each for each in statements if "why" in each]
    return entry


def _tables(model: Model) -> set[str]:
    """Of the model, and those between it and others."""
    between = (relationship.secondary for relationship in model.mapper.relationships)
    return {str(name) for table in (*model.mapper.tables, *between) if (name := getattr(table, "name", None))}


def _names(sql: str, tables: set[str]) -> bool:
    """Whether a statement may be about one of the tables; of one that was cut nobody knows."""
    if not tables:
        return False
    words = set(re.findall(r"\w+", sql))
    return sql.endswith("…") or any(table in words or (not table.isidentifier() and table in sql) for table in tables)


def _no_parameters(statement: Mapping[str, Any]) -> Mapping[str, Any]:
    return {**statement, "parameters": [[WITHHELD for _ in each] for each in statement["parameters"]]}


def _no_statement(statement: Mapping[str, Any]) -> Mapping[str, Any]:
    return {**_no_parameters(statement), "sql": WITHHELD}


def _withheld(image: Image) -> Mapping[str, Any]:
    """That an object is there, and nothing of what is in it."""
    return {
        **{name: image[name] for name in ("ref", "model", "key", "state", "flags")},
        "label": image["ref"],
        "badge": states.badge(image["state"], image["flags"]),
        "values": {},
        "unloaded": [],
        "changes": {},
        "unknown": [],
        "relationships": {},
        "actions": [],
    }


def _label(model: Model, values: Mapping[str, Any]) -> str:
    restored = {name: model.column(name).restore(value) for name, value in values.items() if model.has_column(name)}
    return str(model.label(restored))


def _changes(image: Image, hidden: frozenset[str]) -> dict[str, list[Any]]:
    """What the next flush would write: before and after. What was there before is null where it was never loaded; the
    object's `unknown` names those."""
    if image["key"] is None:
        return {}
    changes = {}
    for name in (*image["committed"], *image["unknown"]):
        before, after = image["committed"].get(name), image["values"].get(name)
        if name not in hidden and (before != after or name in image["unknown"]):
            changes[name] = [before, after]
    return changes


def _relationships(image: Image, hidden: frozenset[str], names: Iterable[str]) -> dict[str, Any]:
    drawn = {}
    for name in names:
        if name in hidden:
            continue
        related = image["relationships"].get(name, {})
        now = related.get("now")
        refs = now if isinstance(now, list) else [now] if isinstance(now, str) and ":" in now else []
        drawn[name] = {"loaded": "now" in related, "refs": refs, **_difference(related, refs)}
    return drawn


def _difference(related: Mapping[str, Any], refs: list[str]) -> dict[str, list[str]]:
    if "was" in related and "now" in related:
        was = related["was"]
        before = was if isinstance(was, list) else [was] if isinstance(was, str) and ":" in was else []
        return {
            "added": [ref for ref in refs if ref not in before],
            "removed": [ref for ref in before if ref not in refs],
        }
    return {"added": list(related.get("added", ())), "removed": list(related.get("removed", ()))}
