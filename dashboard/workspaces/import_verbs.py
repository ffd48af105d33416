"""What does an import do with the rows of a file? One transaction, some rows at a time; a dry run does the same, tells
what is wrong by row and column, and takes all of it back."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import sqlalchemy as sa

from ..records.models import Model
from ..records.rows_read import Row
from ..refusal import Refusal
from . import failures, sets, tape, touched
from .case import Case
from .in_sight import got
from .live import Live
from .request import Done, Plan, Request, writable
from .values import Reading, invalid, made

ROWS = 200
"""That are held at once."""
INSERT, UPSERT = "insert", "upsert"


@dataclass
class Imported:
    """What became of it. errors: (row, column or "", sentence). more: there are further ones. ignored: columns of the
    file that nobody may set. row: the last that was looked at."""

    inserted: int = 0
    updated: int = 0
    errors: list[tuple[int, str, str]] = field(default_factory=list)
    more: bool = False
    ignored: set[str] = field(default_factory=set)
    row: int = 0


def take_in(
    told: Imported, rows: Iterator[Row], *, dry: bool, note: Callable[[Imported], None] = lambda told: None
) -> Callable[[Request], Plan]:
    """`model, mode`: insert, or upsert by key. Without errors, and not dry, it is committed. note: hears how far it
    is."""

    def planned(request: Request) -> Plan:
        model = writable(request.models.find(request.text("model")))
        request.sight.permit(request.verb, model)
        mode = request.arguments.get("mode") or INSERT
        if mode not in (INSERT, UPSERT):
            raise Refusal("not_understood", "mode is insert or upsert.", fields={"mode": "insert or upsert"})

        def run(live: Live) -> Done:
            _Intake(live, request, model, mode == UPSERT, told, dry).run(rows, note)
            return Done()

        return Plan(run, f"# {mode} the rows of a file\nsession.commit()", models=(model,))

    return planned


class _Intake:
    def __init__(self, live: Live, request: Request, model: Model, upsert: bool, told: Imported, dry: bool) -> None:
        self.live, self.request, self.model, self.upsert = live, request, model, upsert
        self.told, self.dry = told, dry
        self.too_many = False  # for the history, which keeps each
        self.most = request.config.import_errors if dry else 1
        self.reading = Reading(request.snapshot, request.models, request.sight.hidden)
        self.names = {column.name: column for column in model.columns}

    def run(self, rows: Iterator[Row], note: Callable[[Imported], None]) -> None:
        self._begin()
        while (batch := list(islice(rows, ROWS))) and not self.told.more:
            self._take(batch)
            self._forget()
            note(self.told)
        if self.dry or self.told.errors:
            self.live.session.rollback()
            return
        self.live.wrote = True
        self.live.commit()

    def _begin(self) -> None:
        """A savepoint is within a transaction, which SQLite's driver begins late."""
        connection = self.live.session.connection(bind_arguments={"mapper": self.model.mapper})
        raw: Any = connection.connection.dbapi_connection
        if connection.dialect.name == "sqlite" and not raw.in_transaction:
            connection.exec_driver_sql("BEGIN IMMEDIATE")

    def _take(self, batch: list[Row]) -> None:
        """All of them at once; where that fails, one by one, to tell which."""
        understood = [(number, found) for number, given in batch if (found := self._understood(number, given))]
        if self.told.errors and not self.dry:
            return
        before = (self.told.inserted, self.told.updated)
        if self._written(understood):
            return
        self.told.inserted, self.told.updated = before
        for one in understood:
            if self.told.more:
                return
            self._written([one], alone=True)

    def _understood(self, number: int, given: dict[str, Any]) -> touched.Sent | None:
        self.told.row = number
        values = {}
        for name, value in given.items():
            column = self.names.get(name)
            if column is not None and not column.editable and name not in self.request.sight.hidden(self.model):
                self.told.ignored.add(name)
            else:
                values[name] = value
        try:
            sent = touched.sent_of(self.reading, self.request.sight, self.model, values, {})
        except Refusal as refusal:
            self._wrong(number, refusal)
            return None
        if sent.problems:
            self._wrong(number, invalid(sent.problems))
            return None
        return sent

    def _written(self, rows: list[tuple[int, touched.Sent]], *, alone: bool = False) -> bool:
        live, recording = self.live, tape.current.get()
        assert recording is not None
        case = Case(live, self.request, recording)
        watched, recording.failed = recording.failed, case.watch
        live.committing = True  # nothing is kept of each object: there may be a million
        savepoint = live.session.begin_nested()
        try:
            objects = [self._put(number, sent) for number, sent in rows]
            live.session.flush()
            sets.keep_in_sight(live, self.model, objects)
            savepoint.commit()
        except Exception as error:
            case.close()
            savepoint.rollback()
            live.session.expunge_all()
            if alone:
                self._wrong(rows[0][0], failures.refusal(error, case))
            elif _is_fatal(error):
                raise
            return False
        finally:
            live.committing = False
            recording.failed = watched
        return True

    def _put(self, number: int, sent: touched.Sent) -> Any:
        self.told.row = number
        found = self._there(sent) if self.upsert else None
        if found is not None:
            touched.apply(sent, found, self.live)
            self.told.updated += 1
            return found
        obj = made(self.model, tuple(sent.given.values()), self.live)
        self.live.session.add(obj)
        self.told.inserted += 1
        return obj

    def _there(self, sent: touched.Sent) -> Any:
        names = [column.name for column in self.model.key_columns]
        if any(name not in sent.given for name in names):
            return None
        parts = tuple(sent.given[name].value(self.live) for name in names)
        return None if None in parts else got(self.live, self.model, parts, self.request.sight)

    def _wrong(self, number: int, refusal: Refusal) -> None:
        for name, sentence in dict(refusal.fields).items() or {"": refusal.message}.items():
            if len(self.told.errors) < self.most:
                self.told.errors.append((number, name, sentence))
            else:
                self.told.more = True
        self.told.more = self.told.more or (not self.dry)

    def _forget(self) -> None:
        """What was written is not looked at again."""
        live = self.live
        live.session.expunge_all()
        recording = tape.current.get()
        if recording is not None:  # it holds each object with its moves, for a tape that nobody keeps here
            recording.moves.clear()
        for ref in list(live.board.objects):
            live.board.drop(ref)
        for kept in (live._staged, live._fresh, live.checked, live.board.number_of):
            kept.clear()
        if len(live.changes.steps) > self.request.config.bulk_rows:
            live.changes.clear()
            self.too_many = True
        elif self.too_many:
            live.changes.clear()


def _is_fatal(error: Exception) -> bool:
    """Trying each row by itself would not help."""
    return isinstance(error, sa.exc.DBAPIError) and error.connection_invalidated
