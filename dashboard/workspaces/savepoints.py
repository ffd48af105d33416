"""What do `savepoint` and `rollback-to-savepoint` do? What SQLAlchemy's nested transactions do, on SQLite too."""

from __future__ import annotations

from ..refusal import Refusal
from . import checking, tape
from .live import Live
from .request import Done, Plan, Request, writable

MOST = 20
"""Savepoints that may be open in one transaction: each holds what was staged when it was opened."""


def savepoint(request: Request) -> Plan:
    number = request.snapshot.savepoints + 1
    if number > MOST:
        message = f"There are {MOST} savepoints open, as many as may be."
        raise Refusal("too_large", message, remedy="Roll back to one, or commit.")
    models = tuple(map(writable, request.staged()))
    request.sight.permit("flush", *models)

    def run(live: Live) -> Done:
        mapper = next((model.mapper for model in request.models), None)
        options = {} if mapper is None else {"bind_arguments": {"mapper": mapper}}
        with tape.because(checking.WHY):
            checking.begin_writing(live, live.session.connection(**options))
        live.session.begin_nested()
        live.session.connection(**options)
        live.mark()
        return Done()

    lines = (f"savepoint_{number} = session.begin_nested()", "session.connection()  # only its use sends the SAVEPOINT")
    return Plan(run, "\n".join(lines), models=models)


def rollback_to_savepoint(request: Request) -> Plan:
    number = request.snapshot.savepoints
    if not number:
        raise Refusal("wrong_state", "No savepoint is open.", remedy="`rollback` ends the whole transaction.")

    def run(live: Live) -> Done:
        live.session.get_nested_transaction().rollback()
        live.back_to_mark()
        return Done()

    return Plan(run, f"savepoint_{number}.rollback()", models=request.staged())
