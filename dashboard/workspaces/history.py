"""What was committed, by whom and when? The change sets as one actor may see them, and their undoing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from ..config import Config
from ..records.labels import speaks
from ..records.models import Database, Model, Models
from ..records.sight import may_see, seen
from ..refusal import Refusal
from ..store import change_sets
from ..store.change_sets import COMMITTED, UNCERTAIN, ChangeSet
from ..store.engine import Store
from . import failures
from .committing import IN_DATABASE, MISSING
from .reading import Readers
from .registry import Sight, View, Workspaces
from .withheld import may_count

NAMES_TRIED = 100
"""Workspaces of one change set's inverse that may be open at once."""


@dataclass(frozen=True)
class Line:
    """One change set in the list. changes: objects that it changed, as far as the actor may see them; models: how many
    of each model. outcome: committed, or uncertain where nobody knows yet; how: how that was found."""

    number: int
    author: str
    at: str
    note: str
    changes: int
    database: str
    workspace: str
    outcome: str
    how: str
    models: Mapping[str, int]


@dataclass(frozen=True)
class ObjectChange:
    """What was done to one object. kind: created, changed or deleted. changes: by attribute, before and after; null
    where there was none, or nobody knows (then it is in `unknown`). relationships: by name, keys added and removed.
    along: by table the number of rows that the database took along, of which nothing else is known."""

    model: str
    key: str
    label: str
    kind: str
    changes: Mapping[str, list[Any]]
    relationships: Mapping[str, Mapping[str, list[str]]]
    unknown: tuple[str, ...] = ()
    along: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Shown:
    """One change set. objects: those that the actor may see; withheld: how many others there are."""

    number: int
    author: str
    at: str
    note: str
    changes: int
    database: str
    workspace: str
    version: int
    outcome: str
    how: str
    objects: tuple[ObjectChange, ...]
    withheld: int


class History:
    """The change sets of these databases: in the store, or each in its own database (DASHBOARD_CHANGE_SETS)."""

    def __init__(
        self,
        databases: Mapping[str, Database],
        store: Store,
        workspaces: Workspaces,
        readers: Readers,
        config: Config,
    ) -> None:
        self._databases, self._store, self.config = databases, store, config
        self._workspaces, self._readers = workspaces, readers
        self.beside = config.change_sets == IN_DATABASE

    def lines(
        self, sight: Sight, actor: str, *, before: int | None = None, database: str | None = None
    ) -> tuple[tuple[Line, ...], int | None]:
        """The newest first, and the number before which there are more. database: of which one; where each keeps its
        own, the first one unless it is named."""
        lines: list[Line] = []
        most = self.config.history_rows
        with self.opened(database) as (connection, table):
            while len(lines) <= most:
                found = change_sets.newest(
                    connection, table, before=before, most=most + 1, database=None if self.beside else database
                )
                lines += [line for each in found if (line := self._line(each, sight, actor)) is not None]
                if len(found) <= most:
                    break
                before = found[-1].number
        return tuple(lines[:most]), lines[most - 1].number if len(lines) > most else None

    def show(self, number: int, sight: Sight, actor: str, *, database: str | None = None) -> Shown:
        """Refusal("not_found") for one that is not there, or of which the actor may see nothing."""
        found = self._find(number, database)
        if found.outcome == UNCERTAIN and not self.beside:
            found = self._settled(found)
        visible = [each for each in found.objects if self.sees(found, each["model"], sight, actor)]
        if not visible:
            raise _no_such(number)
        models = self._models(found.database)
        drawn = tuple(_drawn(each, models, sight) for each in visible)
        names = ("number", "author", "at", "note", "database", "workspace", "version", "outcome", "how")
        same = {name: getattr(found, name) for name in names}
        return Shown(**same, changes=len(drawn), objects=drawn, withheld=len(found.objects) - len(drawn))

    def undo(self, number: int, sight: Sight, actor: str, *, database: str | None = None) -> View:
        """A new workspace of the actor with the inverse staged; nothing is written yet."""
        found = self._find(number, database)
        if not any(self.sees(found, model, sight, actor) for model in found.models):
            raise _no_such(number)
        if not all(self.sees(found, model, sight, actor) for model in found.models):
            raise Refusal("forbidden", f"Change set {number} changed what you may not see, so you may not undo it.")
        if found.outcome == UNCERTAIN and not self.beside:
            found = self._settled(found)
        if found.outcome != COMMITTED:
            message = f"It is not certain that change set {number} was written, so there is nothing to undo."
            raise Refusal("wrong_state", message, remedy=f"Look at the workspace {found.workspace}.")
        name = self._opened(found, actor)
        try:
            return self._workspaces.act(name, "inverse", {"change_set": found}, actor=actor, sight=sight).view
        except BaseException:
            self._workspaces.discard(name, actor=actor)
            raise

    def _opened(self, found: ChangeSet, actor: str) -> str:
        for count in range(1, NAMES_TRIED + 1):
            name = f"undo-{found.number}" if count == 1 else f"undo-{found.number}-{count}"
            try:
                return self._workspaces.open(name, actor, database=found.database).name
            except Refusal as refusal:
                if refusal.code != "taken" or count == NAMES_TRIED:
                    raise
        raise AssertionError("the last try answers or raises")

    # where they are

    @contextmanager
    def opened(self, database: str | None) -> Iterator[tuple[sa.Connection, sa.Table]]:
        if not self.beside:
            with self._store.reading() as connection:
                yield connection, change_sets.change_set_table
            return
        name = next(iter(self._databases)) if database is None else database
        if name not in self._databases:
            raise Refusal("not_found", f"There is no database {name[:80]!r} here.")
        try:
            with self._readers.session(name) as session:
                connection = session.connection(bind_arguments={"bind": self._databases[name].engine})
                if not sa.inspect(connection).has_table(change_sets.data_table.name):
                    raise Refusal("unavailable", MISSING, remedy="`flask dashboard store create` makes it.")
                yield connection, change_sets.data_table
        except sa.exc.DBAPIError as error:
            raise failures.away(error) from error

    def _settled(self, found: ChangeSet) -> ChangeSet:
        """What a crash left uncertain: as far as it can be found out now."""
        with suppress(Refusal):  # it is under way still, or its database is away
            try:
                self._workspaces.settle(found)
            except sa.exc.SQLAlchemyError as error:
                raise failures.away(error) from error
        return self._find(found.number, None)

    def _find(self, number: int, database: str | None) -> ChangeSet:
        with self.opened(database) as (connection, table):
            found = change_sets.by_number(connection, table, number)
        if found is None:
            raise _no_such(number)
        return found

    # who may see

    def _models(self, database: str) -> Models:
        known = self._databases.get(database)
        return Models() if known is None else known.models

    def sees(self, found: ChangeSet, name: str, sight: Sight, actor: str) -> bool:
        """Whether the actor may see what it did to this model. Of one of which they see some rows only, what they
        committed themselves: what a row was before
        cannot be asked any more."""
        if not sight.restricts:
            return True
        models = self._models(found.database)
        if name not in models:
            return False
        model = models.find(name)
        try:
            ruled = bool(seen(model, models, sight).conditions)
        except Refusal:
            return False
        return may_see(model, sight) and (not ruled or found.author == actor)

    def drawn(self, found: ChangeSet, entry: Mapping[str, Any], sight: Sight) -> ObjectChange:
        """One object of a change set that the actor may see."""
        return _drawn(entry, self._models(found.database), sight)

    def _line(self, found: ChangeSet, sight: Sight, actor: str) -> Line | None:
        models = {model: count for model, count in found.models.items() if self.sees(found, model, sight, actor)}
        if not any(models.values()):
            return None
        names = ("number", "author", "at", "note", "database", "workspace", "outcome", "how")
        return Line(**{name: getattr(found, name) for name in names}, changes=sum(models.values()), models=models)


def _no_such(number: int) -> Refusal:
    return Refusal("not_found", f"There is no change set {number}.", remedy="The history lists those that there are.")


def _drawn(entry: Mapping[str, Any], models: Models, sight: Sight) -> ObjectChange:
    model = models.find(entry["model"]) if entry["model"] in models else None
    before, after = entry["before"], entry["after"]
    every = dict.fromkeys((*after, *before))
    lost = model is None and any(sight.hidden(each) for each in models)  # what was hidden of it, nobody knows any more
    hidden = frozenset((*every, *entry.get("links", ()))) if lost else _hidden(model, models, sight)
    names = [name for name in every if name not in hidden]
    unknown = (name for name in names if entry["kind"] == "changed" and not (name in before and name in after))
    return ObjectChange(
        model=entry["model"],
        key=entry["key"],
        label=f"{entry['model']} {entry['key']}"
        if hidden or lost or _may_give_away(model, models, sight)
        else entry["label"],
        kind=entry["kind"],
        changes={name: [before.get(name), after.get(name)] for name in names},
        relationships={
            name: each
            for name, each in entry.get("links", {}).items()
            if name not in hidden and _sees_target(model, name, models, sight)
        },
        unknown=tuple(unknown),
        along={name: rows for name, rows in entry.get("along", {}).items() if may_count(name, models, sight)},
    )


def _may_give_away(model: Model | None, models: Models, sight: Sight) -> bool:
    """Whether the name that a record had then may speak of another one, of which something is withheld."""
    if model is None or not speaks(model):
        return False
    every = (bool(sight.hidden(each)) or not sight.sees(each) or sight.rows(each) is not None for each in models)
    return any(every) if sight.restricts else any(sight.hidden(each) for each in models)


def _hidden(model: Model | None, models: Models, sight: Sight) -> frozenset[str]:
    if model is None:
        return frozenset()
    hidden = frozenset(sight.hidden(model))  # what a host's Records(hide=...) says holds for everybody
    if not sight.restricts:
        return hidden
    columns = seen(model, models, sight).columns
    return hidden | {column.name for column in model.columns if column.name not in columns}


def _sees_target(model: Model | None, name: str, models: Models, sight: Sight) -> bool:
    if not sight.restricts:
        return True
    found = next((each for each in model.relationships if each.name == name), None) if model is not None else None
    return found is not None and found.target in models and may_see(models.find(found.target), sight)
