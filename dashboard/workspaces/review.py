"""What would a commit do? Its SQL, tried out on a Session of its own and taken back; nothing is changed by it."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any, cast

import sqlalchemy as sa

from ..config import Config
from ..refusal import Refusal
from . import cascading, conflicts, failures, foreign, rendering, session, tape
from .cascading import Cascade
from .case import Case
from .conflicts import Conflict
from .foreign import Listener
from .live import Live
from .request import Request
from .scratch import Scratch, patience, without
from .sight import Sight
from .view import WITHHELD, Drawing
from .withheld import may_count

log = logging.getLogger(__name__)

ERRORS_MOST = 20
KINDS = ("insert", "update", "delete")
AFTER = ("commit", "rollback", "close")
CAUTIONS = {
    "keys": "Keys that the database makes, counters of versions and defaults like the present time will be others: "
    "a sequence goes on, also when it is rolled back.",
    "triggers": "Triggers ran and were taken back with the rest; what one does outside of the transaction was done.",
    "deferred": "A constraint that is deferred is checked by the COMMIT alone.",
    "others": "Somebody else may write the same rows before you commit; the commit looks again.",
    "listeners": "The program's own listeners ran. Those of the commit itself did not.",
    "conflicts": "Settle the conflicts first; the statements are those of your changes as they are.",
}
_UNTOLD = frozenset({"busy", "pinned", "database_away", "store_away", "unavailable", "stale"})


@dataclass(frozen=True)
class Review:
    """As contract.md's JSON says it, and beside it: `rows` by kind, `cautions` (what a dry run cannot promise),
    `version` of the workspace that was reviewed, `ran`: False where foreign listeners must be agreed to first.

    A statement is as on the tape, with `kind`, `table`, `rows`, and `rendered`: the SQL with its parameters in it.
    """

    version: int
    ran: bool
    statements: tuple[Mapping[str, Any], ...] = ()
    sent: tuple[Mapping[str, Any], ...] = ()
    cascades: tuple[Cascade, ...] = ()
    errors: tuple[Mapping[str, Any], ...] = ()
    conflicts: tuple[Mapping[str, Any], ...] = ()
    listeners: tuple[Listener, ...] = ()
    rows: Mapping[str, int] | None = None
    cautions: tuple[str, ...] = ()


def review(live: Live, entries: Iterable[Mapping[str, Any]], sight: Sight, config: Config, *, run: bool) -> Review:
    """What the commit of this workspace would send. The caller holds its lock.

    entries: of its tape. run: also where foreign listeners would run.
    Raises Refusal("busy") where somebody else has locked the same rows, and what else keeps it from being asked.
    """
    with (
        live.registry.main.taken_by(live),
        session.narrowed(sight, live.registry.models),
        tape.recording(config) as made,
    ):
        return _Reviewing(live, sight, config, made).done(entries, run)


class _Reviewing:
    def __init__(self, live: Live, sight: Sight, config: Config, made: tape.Recording) -> None:
        self._live, self._sight, self._config, self._made = live, sight, config, made
        self._models = live.registry.models
        self._errors: list[Refusal] = []
        made.more = self._more
        self._take(Scratch(live))

    def _take(self, scratch: Scratch) -> None:
        self._scratch = scratch
        request = Request("review", {}, scratch.snapshot, self._models, self._sight)
        self._case = Case(scratch, request, self._made)
        self._made.failed = self._case.watch

    def done(self, entries: Iterable[Mapping[str, Any]], run: bool) -> Review:
        live = self._live
        sent = tuple(self._sent(entries))
        try:
            self._scratch.begin()
            listeners = foreign.listeners(self._scratch.session, live.snapshot, self._models)
            if listeners and not run:
                return Review(live.row.version, False, sent=sent, listeners=listeners)
            self._flush()
            statements = [each for each in self._made.statement_entries() if not _is_ours(each)]
            cascades = self._cascades(statements)
            conflicts = self._conflicts()
            self._look_further()
        except Exception as error:
            raise self._refusal(error) from error
        finally:
            self._scratch.end()
        return Review(
            live.row.version,
            True,
            tuple(map(self._drawn, statements)),
            sent,
            tuple(each for each in cascades if self._is_seen(each)),
            tuple(map(_error, self._errors)),
            conflicts,
            listeners,
            {kind: sum(each["rows"] for each in statements if each.get("kind") == kind) for kind in KINDS},
            tuple(self._cautions(statements, listeners, bool(conflicts))),
        )

    def _look_further(self) -> None:
        """A flush ends with its first error: what else would be refused is asked again without that object."""
        while 0 < len(self._errors) < ERRORS_MOST:
            known, refs = len(self._errors), cast(tuple[str, ...], self._errors[-1].details.get("refs", ()))
            snapshot = without(self._scratch.snapshot, refs)
            if snapshot is None:
                return
            self._scratch.end()
            self._take(Scratch(self._live, snapshot))
            self._scratch.begin()
            self._flush()
            if len(self._errors) == known:
                return

    def _flush(self) -> None:
        """An error of the flush is what the review finds; one that keeps it from being asked is raised."""
        with ExitStack() as waiting:
            for connection in self._connections():
                usual = self._config.workspace_wait_seconds
                waiting.enter_context(patience(connection, self._config.review_wait_seconds, usual))
            try:
                self._scratch.flush()
                self._check_deferred()
            except Exception as error:
                refusal = self._refusal(error)
                if refusal.code in _UNTOLD:
                    raise refusal from error
                if not self._scratch.conflicts or not isinstance(error, sa.orm.exc.StaleDataError):
                    self._errors.append(refusal)

    def _connections(self) -> list[sa.Connection]:
        staged = Request("review", {}, self._live.snapshot, self._models).staged()
        connect = self._scratch.session.connection
        with tape.because("review"):
            return list(dict.fromkeys(connect(bind_arguments={"mapper": model.mapper}) for model in staged))

    def _check_deferred(self) -> None:
        for connection in self._connections():
            if connection.dialect.name == "postgresql":
                with tape.because("review"):
                    connection.exec_driver_sql("SET CONSTRAINTS ALL IMMEDIATE")

    def _refusal(self, error: Exception) -> Refusal:
        self._case.close()
        return failures.refusal(error, self._case)

    def _cascades(self, statements: list[dict[str, Any]]) -> list[Cascade]:
        found = cascading.by_orm(self._scratch, statements)
        if any(each.deleted for each in self._scratch.written):
            with tape.because("review"):
                self._scratch.take_back()
                found += cascading.by_database(self._scratch, self._config.records_count)
        return found

    # what is told

    def _more(self, sql: str, parameters: Any, context: Any) -> Mapping[str, Any]:
        kind = next((kind for kind in KINDS if getattr(context, f"is{kind}", False)), "select")
        table = getattr(getattr(getattr(context, "compiled", None), "statement", None), "table", None)
        dialect = self._live.registry.main.engine.dialect.name
        sets = list(rendering.sets_of(parameters))[: tape.PARAMETER_SETS_KEPT]
        text = "\n".join(f"{rendering.rendered(sql, each, dialect)};" for each in sets or [()])
        rows = _rows(parameters, context) if kind in KINDS else 0
        return {"kind": kind, "table": str(getattr(table, "name", "")), "rows": rows, "rendered": self._cut(text)}

    def _cut(self, text: str) -> str:
        most = self._config.statement_characters
        return text if len(text) <= most else text[: most - 1] + "…"

    def _drawn(self, statement: Mapping[str, Any]) -> Mapping[str, Any]:
        shown = Drawing(self._models, self._sight).statement(statement)
        return shown if shown is statement else {**shown, "rendered": WITHHELD}

    def _is_seen(self, cascade: Cascade) -> bool:
        """What the ORM takes along was loaded, by the actor's own rules; the database knows none."""
        if cascade.by == "database":
            return may_count(cascade.table, self._models, self._sight)
        owners = [model for model in self._models if cascade.table in (t.name for t in model.mapper.tables)]
        return all(self._sight.sees(model) for model in owners)

    def _conflicts(self) -> tuple[Mapping[str, Any], ...]:
        if not self._scratch.conflicts:
            return ()
        told = Conflict()
        told.differences = self._scratch.conflicts
        found: Any = conflicts.refusal(told, self._sight).details["conflicts"]
        return tuple(found)

    def _sent(self, entries: Iterable[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
        """What the open transaction has written already."""
        if not self._live.wrote:
            return
        dialect = self._live.registry.main.engine.dialect.name
        for statement in written_since(entries, (self._live.row.transaction or {}).get("since", "")):
            drawn = self._drawn(statement)
            shown = drawn is statement
            sets = statement["parameters"] or [()]
            text = "\n".join(f"{rendering.rendered(statement['sql'], each, dialect)};" for each in sets)
            yield {**drawn, "kind": kind_of(statement["sql"]), "rendered": self._cut(text) if shown else WITHHELD}

    def _cautions(
        self, statements: list[dict[str, Any]], listeners: tuple[Listener, ...], conflict: bool
    ) -> Iterator[str]:
        written = [each for each in statements if each.get("kind") in KINDS]
        if conflict:
            yield CAUTIONS["conflicts"]
        if not written:
            return
        if any(each["kind"] != "delete" for each in written):
            yield CAUTIONS["keys"]
        yield CAUTIONS["triggers"]
        if self._live.registry.main.engine.dialect.name != "postgresql":
            yield CAUTIONS["deferred"]
        if listeners:
            yield CAUTIONS["listeners"]
        yield CAUTIONS["others"]


def _is_ours(statement: Mapping[str, Any]) -> bool:
    """Our question, or the savepoint of the dry run."""
    return "why" in statement or "SAVEPOINT sa_savepoint_" in statement["sql"]


def kind_of(sql: str) -> str:
    """insert, update, delete or select, by its first word."""
    word = sql.lstrip().partition(" ")[0].lower()
    return word if word in KINDS else "select"


def written_since(entries: Iterable[Mapping[str, Any]], since: str) -> list[Mapping[str, Any]]:
    """Of the tape the statements that wrote in the transaction that is open since then."""
    found: list[Mapping[str, Any]] = []
    marks: list[int] = []
    for entry in entries:
        if entry["at"] < since or entry["error"]:
            continue
        if entry["action"] in AFTER:
            found.clear()
            marks.clear()
            continue
        every = entry["statements"]
        found += [each for each in every if "why" not in each and kind_of(each["sql"]) in KINDS]
        if entry["action"] == "savepoint":
            marks.append(len(found))
        elif entry["action"] == "rollback-to-savepoint" and marks:
            del found[marks.pop() :]
    return found


def _rows(parameters: Any, context: Any) -> int:
    """How many rows an INSERT's parameters are; many go in one statement."""
    if isinstance(parameters, list):
        return len(parameters)
    sets = getattr(context, "compiled_parameters", None) or ()
    if len(sets) < 2 or not parameters:
        return 1
    each = context.parameters[0] if getattr(context, "parameters", None) else parameters
    return max(1, round(len(parameters) / max(1, len(each))))


def _error(refusal: Refusal) -> Mapping[str, Any]:
    return {
        "code": refusal.code,
        "message": refusal.message,
        "refs": refusal.details.get("refs", []),
        "fields": dict(refusal.fields),
        "remedy": refusal.remedy,
        "class": refusal.details.get("class", ""),
    }
