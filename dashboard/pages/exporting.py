"""What a list shows, as a file that is written while it is read."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from threading import BoundedSemaphore

from flask import Blueprint, Response, request

from ..records.export import FORMATS, export
from ..refusal import Refusal
from ..runtime import current
from . import actor, audit, gate
from .finding import find
from .finding import session as session_of
from .lists import asked_for


def add_routes(records: Blueprint) -> None:
    records.add_url_rule("/<model>/~/export", "export_records", export_records)


@gate.needs(gate.READ, database=True, heavy=True)
def export_records(model: str) -> Response:
    """Nothing of the request is needed once the first rows are read: a connection of ours is given back when the last
    row was sent, or when nobody wants the rest."""
    found, models = find(model)
    given = request.args.to_dict(flat=False)
    form = (given.pop("format", None) or ["csv"])[-1]
    if form not in FORMATS:
        known = ", ".join(FORMATS)
        raise Refusal("not_understood", f"format is one of {known}.", fields={"format": f"One of {known}."})
    asked, config, secret = asked_for(given), current().config, current().secret_key
    with ExitStack() as opened:
        opened.enter_context(_place(current().exports))
        session = opened.enter_context(session_of(found))
        made = export(session, found, models, actor.sight(), asked, config, secret)
        parts = made.written(form)
        first = next(parts, b"")  # what is refused is refused before anything is sent
        audit.note("records.export", found.name, format=form, by=sorted(request.args))
        opened.callback(parts.close)
        rest = opened.pop_all()
    answer = Response(_sent(first, parts), mimetype=FORMATS[form])
    answer.call_on_close(rest.close)  # also where nobody reads a byte of it
    answer.headers.set("Content-Disposition", "attachment", filename=f"{found.name}.{form}")
    return answer


@contextmanager
def _place(exports: BoundedSemaphore) -> Iterator[None]:
    """Raises Refusal("overloaded")."""
    if not exports.acquire(blocking=False):
        message = "As many exports as may be sent at once are being read just now."
        raise Refusal("overloaded", message, remedy="Try again when one of them is over.")
    try:
        yield
    finally:
        exports.release()


def _sent(first: bytes, parts: Iterator[bytes]) -> Iterator[bytes]:
    yield first
    yield from parts
