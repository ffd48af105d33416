"""Which records are meant by a search or by their keys, and how are they loaded together within bounds?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import sqlalchemy as sa

from ..records.keys import identity_of
from ..records.models import Model
from ..records.reading import in_time, is_stopped
from ..records.search import Filter, Searched
from ..records.sight import seen
from ..refusal import Refusal
from . import tape
from .live import Live
from .python import variable
from .request import Done, Plan, Request

USUALLY = 100
"""Records that `load-many` loads unless `limit` says another."""
KEYS = 200
"""Of one statement."""


def load_many(request: Request) -> Plan:
    """`model, [q], [f.COLUMN.OP], [where], [limit]`: the first of the records found, by key. With `keys`, or `all`,
    those, and none where they are more than the limit."""
    model = request.models.find(request.text("model"))
    request.sight.permit(request.verb, model)
    limit = _limit(request)
    statement_of(request, model, "")  # what is wrong with the search is said before anything is sent
    keys, everything = request.arguments.get("keys"), request.arguments.get("all")

    def run(live: Live) -> Done:
        if keys or everything:
            found = chosen(live, request, model, limit)
        else:
            found = fetched(live, request, model, statement_of(request, model, _dialect(live, model)).limit(limit))
        for obj in found:
            live.board.join(obj)
        return Done()

    words = ", ".join(f"{name}={value!r}" for name, value in sorted(_search(request).items()))
    name = f"select({model.class_.__name__}){'.where(...)' if words else ''}.limit({limit})"
    line = f"{variable(model.name)}s = session.scalars({name}).all()"
    return Plan(run, f"{line}  # {words[:500]}" if words else line, models=(model,))


def _limit(request: Request) -> int:
    most, given = request.config.workspace_objects, request.arguments.get("limit")
    if given in (None, ""):
        return min(USUALLY, most)
    text = str(given)
    if isinstance(given, bool) or not (text.isascii() and text.isdigit() and 0 < len(text) < 9 and int(text) > 0):
        raise Refusal("not_understood", "limit is a whole number.", fields={"limit": "A whole number."})
    if int(text) > most:
        raise Refusal("too_large", f"A workspace holds {most} objects.", fields={"limit": f"At most {most}."})
    return int(text)


def _search(request: Request) -> dict[str, Any]:
    given = request.arguments
    return {name: value for name, value in given.items() if name.startswith("f.") or (name in ("q", "where") and value)}


def statement_of(request: Request, model: Model, dialect: str) -> Any:
    """SELECT of the objects that match, as a list with the same search and filters shows them."""
    view = seen(model, request.models, request.sight)
    if model.keyless:
        raise Refusal("not_understood", f"No record of {model.title} can be told from another: {model.keyless}")
    given = request.arguments
    q, where = given.get("q") or "", given.get("where") or ""
    if not isinstance(q, str) or not isinstance(where, str):
        raise Refusal("not_understood", "q and where are text.", fields={"q": "Text is expected."})
    filters = tuple(_filters(given))
    condition = Searched(model, view.columns, request.config, dialect).condition(filters, where, q.strip())
    statement = view.narrow(sa.select(model.class_)).order_by(*view.key)
    return statement if condition is None else statement.where(condition)


def _filters(given: Mapping[str, Any]) -> Iterator[Filter]:
    for name, value in given.items():
        if name.startswith("f."):
            column, dot, operator = name[2:].rpartition(".")
            if not dot:
                raise Refusal("not_understood", "A filter is f.COLUMN.OP=VALUE.", fields={name[:80]: "f.COLUMN.OP"})
            yield Filter(column, operator, tuple(value) if isinstance(value, list) else (value,))


def _dialect(live: Live, model: Model) -> str:
    return str(live.session.get_bind(mapper=model.mapper).dialect.name)


def fetched(live: Live, request: Request, model: Model, statement: Any) -> list[Any]:
    """Within the time that a list has."""
    connection = live.session.connection(bind_arguments={"mapper": model.mapper})
    try:
        with in_time(connection, request.config.records_seconds, tape.because("limit")):
            return list(live.session.scalars(statement).unique())
    except sa.exc.DBAPIError as error:
        if not is_stopped(error):
            raise
        message = f"The search reads too many rows: stopped after {request.config.records_seconds:g} s."
        raise Refusal("overloaded", message, remedy="Narrow it with a filter of an indexed column.") from error


def chosen(live: Live, request: Request, model: Model, most: int) -> list[Any]:
    """By `keys`, or `all` that match: all of them, or a refusal."""
    if request.arguments.get("all") in (True, 1, "1", "true", "on"):
        statement = statement_of(request, model, _dialect(live, model)).limit(most + 1)
        found = fetched(live, request, model, statement)
        if len(found) > most:
            raise _too_many(most)
        return found
    identities, view = identities_of(request, model, most), seen(model, request.models, request.sight)
    found = []
    for start in range(0, len(identities), KEYS):
        batch = identities[start : start + KEYS]
        columns = [getattr(model.class_, column.name) for column in model.key_columns]
        one = len(columns) == 1
        condition = columns[0].in_([each[0] for each in batch]) if one else sa.tuple_(*columns).in_(batch)
        statement = view.narrow(sa.select(model.class_)).where(condition).order_by(*columns)
        found += fetched(live, request, model, statement)
    if len(found) != len(identities):
        message = f"{len(identities) - len(found)} of the {len(identities)} records are not there any more."
        raise Refusal("not_found", message, remedy="Load the list again. Nothing was written.")
    return found


def identities_of(request: Request, model: Model, most: int) -> list[tuple[Any, ...]]:
    given = request.arguments.get("keys")
    if isinstance(given, str):
        given = [given]
    if not isinstance(given, list) or not given or not all(isinstance(key, str) for key in given):
        raise Refusal("not_understood", "keys is a list of keys; or say all=1.", fields={"keys": "A list of keys."})
    if len(given) > most:
        raise _too_many(most)
    return [identity_of(model, key) for key in dict.fromkeys(given)]


def _too_many(most: int) -> Refusal:
    message = f"More than {most} records match; so many are changed at once at most."
    return Refusal("too_large", message, remedy="Narrow it with a filter, and do it in parts.")
