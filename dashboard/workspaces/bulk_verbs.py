"""What does it mean to edit, to delete, or to do a host's own action with many records? One action, one transaction:
all of it or nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from ..records.models import Model
from ..refusal import Refusal
from . import many, sets, touched
from .live import Live
from .record_verbs import commit, permit_cascades
from .request import Done, Plan, Request, writable
from .values import VALUES_MOST, invalid

CASCADED_MOST = 10
"""How many times as many rows as are deleted may go along."""


Note = Callable[[int, int, str], None]
"""Hears how many of how many are done, and what is being done."""


def bulk(written: dict[str, Any], note: Note = lambda done, total, words: None) -> Callable[[Request], Plan]:
    """`model, action, keys or all with a search, [values]`. action: edit, delete, or a name of the host's."""

    def planned(request: Request) -> Plan:
        model = writable(request.models.find(request.text("model")))
        request.sight.permit(request.verb, model)
        action, most = request.text("action"), request.config.bulk_rows
        if request.arguments.get("all") in (None, False, "", "0", 0):
            many.identities_of(request, model, most)
        else:
            many.statement_of(request, model, "")
        sent = touched.understood(request, model)
        if sent.problems:
            raise invalid(sent.problems)
        do = _do(request, model, action, sent)

        def run(live: Live) -> Done:
            found = many.chosen(live, request, model, most)
            total = len(found)
            note(0, total, "Read.")
            for obj in found:
                live.board.join(obj)
            do(live, _Counted(found, note))
            note(total, total, "All is done; it is being written.")
            commit(live, model, found if action == "edit" else [])
            written["count"] = total
            sets.leave(live)
            return Done()

        line = f"for each of the {model.name} records chosen: {action}\nsession.commit()"
        models = (model, *(other for each in sent.given.values() for other in each.writes))
        reads = tuple(other for each in sent.given.values() for other in each.reads)
        return Plan(run, line, tuple((model.name, name) for name in sent.given), models, reads)

    return planned


class _Counted(list[Any]):
    """Says how far whoever walks through it is; a host's own action may do with it what it would with any list."""

    def __init__(self, found: list[Any], note: Note) -> None:
        super().__init__(found)
        self._note = note

    def __iter__(self) -> Iterator[Any]:
        for number, obj in enumerate(super().__iter__()):
            self._note(number, len(self), "Under way.")
            yield obj


def _do(request: Request, model: Model, action: str, sent: touched.Sent) -> Callable[[Live, list[Any]], None]:
    if action == "edit":
        if not sent.given or len(sent.given) > VALUES_MOST:
            raise Refusal("not_understood", "edit takes values.", fields={"values": "At least one."})
        return lambda live, found: _edit(live, found, sent)
    if action == "delete":
        return lambda live, found: _delete(live, found, request)
    own = model.actions.get(action)
    if own is None:
        known = ", ".join(("edit", "delete", "stage", *model.actions))
        raise Refusal("not_understood", f"There is no action {action[:80]!r}.", {"action": f"One of these: {known}"})
    return lambda live, found: _own(live, found, own)


def _edit(live: Live, found: list[Any], sent: touched.Sent) -> None:
    for obj in found:
        touched.apply(sent, obj, live)


def _delete(live: Live, found: list[Any], request: Request) -> None:
    most = CASCADED_MOST * request.config.bulk_rows
    for obj in found:
        live.session.delete(obj)
        if len(live.session._deleted) > most:
            message = f"More than {most} rows would go along."
            raise Refusal("too_large", message, remedy="Delete fewer at once.")
    permit_cascades(live, request)


def _own(live: Live, found: list[Any], own: Callable[..., Any]) -> None:
    own(live.session, found)
