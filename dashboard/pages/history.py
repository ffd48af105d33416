"""History: what was committed, by whom and when; one change set; and its undoing in a workspace."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask import Blueprint, Response, request
from werkzeug.wrappers import Response as WerkzeugResponse

from ..refusal import Refusal
from ..runtime import current
from ..workspaces.history import History, Line, Shown
from . import actor, gate
from .arguments import arguments
from .html import done, page, url

NUMBER_DIGITS = 9
"""Of a number that a database's integer surely holds."""


@dataclass(frozen=True)
class HistoryPage:
    """The list. databases: where each keeps its own history, those that there are; else only the one."""

    change_sets: tuple[Line, ...]
    next: str | None
    _database: str | None
    _databases: tuple[str, ...]


@dataclass(frozen=True)
class ChangeSetPage:
    change_set: Shown
    database: str | None

    @property
    def public(self) -> Shown:
        return self.change_set


def blueprint() -> Blueprint:
    history = Blueprint("history", __name__, url_prefix="/history")
    history.add_url_rule("/", "index", index)
    history.add_url_rule("/<number>", "show", show)
    history.add_url_rule("/<number>/undo", "undo", undo, methods=["POST"])
    return history


@gate.needs(gate.READ)
def index() -> Response:
    database, before = _database(request.args), request.args.get("before")
    lines, last = _room().lines(
        actor.sight(), actor.name(), before=None if before is None else _number(before), database=database
    )
    following = None if last is None else url("history.index", **_where(database), before=str(last))
    databases = tuple(current().databases) if len(current().databases) > 1 else ()
    return page("history/index.html", HistoryPage(lines, following, database, databases))


@gate.needs(gate.READ)
def show(number: str) -> Response:
    database = _database(request.args)
    shown = _room().show(_number(number), actor.sight(), actor.name(), database=database)
    return page("history/show.html", ChangeSetPage(shown, database))


@gate.needs(gate.EDIT, database=True, heavy=True)
def undo(number: str) -> WerkzeugResponse:
    database = _database({**request.args, **arguments(request)})
    view = _room().undo(_number(number), actor.sight(), actor.name(), database=database)
    return done("workspaces.show", view, created=True, name=view.name)


def _room() -> History:
    """Where the data's own database keeps the history, reading it is using that."""
    history = current().history
    if history is None:
        message = "No database is looked at here, so there is no history."
        raise Refusal("unavailable", message, remedy="Start Poolhouse with a DATABASE_URL.")
    if history.beside:
        gate.enter_database()
    return history


def _number(given: str) -> int:
    if not (given.isascii() and given.isdecimal() and len(given) <= NUMBER_DIGITS):
        raise Refusal("not_found", f"There is no change set {given[:20]!r}.")
    return int(given)


def _database(given: Any) -> str | None:
    name = given.get("database")
    if name is not None and not isinstance(name, str):
        raise Refusal("not_understood", "database is a name.", fields={"database": "Text is expected."})
    return name or None


def _where(database: str | None) -> dict[str, str]:
    return {} if database is None else {"database": database}
