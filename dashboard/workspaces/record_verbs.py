"""What does saving, creating or deleting a record mean, as one action that ends with its commit?"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import sqlalchemy as sa

from ..records.keys import identity_of, key_of
from ..records.kinds import Binary
from ..records.models import Model
from ..refusal import Refusal
from . import sets, touched
from .in_sight import got
from .live import Live
from .python import call, identity, variable
from .request import Done, Plan, Request, writable
from .values import invalid, made, put

Written = dict[str, Any]
"""What an action tells beside its Done. key: of the record that it wrote."""


def save(written: Written) -> Callable[[Request], Plan]:
    """`model, key, values, [base]`: only what was touched is written."""

    def planned(request: Request) -> Plan:
        model, key, parts = _one(request)
        sent = touched.understood(request, model)

        def run(live: Live) -> Done:
            obj = got(live, model, parts, request.sight)
            if obj is None and sent.base:
                raise touched.gone(f"{model.name}:{key}", sent)
            if obj is None:
                raise _not_there(model, key)
            ref = live.board.join(obj)
            touched.apply(sent, obj, live)
            commit(live, model, [obj])
            written["key"] = key_of(model, sa.inspect(obj).identity)
            return Done(ref=ref)

        name = variable(f"{model.name}:{key}")
        lines = [f"{name} = session.get({model.class_.__name__}, {identity(parts)})"]
        lines += [f"{name}.{each.name} = {each.source}" for each in sent.given.values()]
        return _plan(run, [*lines, "session.commit()"], model, sent)

    return planned


def create(written: Written) -> Callable[[Request], Plan]:
    """`model, values, [source]`: the key of the record that it is a copy of, for the binary data that no form holds."""

    def planned(request: Request) -> Plan:
        model = writable(_model(request))
        sent = touched.understood(request, model)
        if sent.problems:
            raise invalid(sent.problems)

        def run(live: Live) -> Done:
            obj = made(model, tuple(sent.given.values()), live)
            _copy_files(live, request, model, sent, obj)
            live.session.add(obj)
            ref = live.board.join(obj)
            commit(live, model, [obj])
            written["key"] = key_of(model, sa.inspect(obj).identity)
            return Done(ref=ref)

        name = variable(model.name)
        sources = {each.name: each.source for each in sent.given.values()}
        lines = [f"{name} = {call(model.class_.__name__, sources)}", f"session.add({name})"]
        return _plan(run, [*lines, "session.commit()"], model, sent)

    return planned


def _copy_files(live: Live, request: Request, model: Model, sent: touched.Sent, obj: Any) -> None:
    if not request.arguments.get("source"):
        return
    parts = identity_of(model, request.text("source"))
    source = got(live, model, parts, request.sight)
    hidden = request.sight.hidden(model)
    for column in model.columns if source is not None else ():
        if isinstance(column.kind, Binary) and column.editable and column.name not in (*sent.values, *hidden):
            put(obj, column.name, getattr(source, column.name))


def remove(request: Request) -> Plan:
    """`model, key`. Whatever goes along by the ORM's cascades takes the permission as well."""
    model, key, parts = _one(request)

    def run(live: Live) -> Done:
        obj = got(live, model, parts, request.sight)
        if obj is None:
            raise _not_there(model, key)
        live.board.join(obj)
        live.session.delete(obj)
        permit_cascades(live, request)
        live.commit()
        sets.leave(live)
        return Done()

    name = variable(f"{model.name}:{key}")
    lines = [f"{name} = session.get({model.class_.__name__}, {identity(parts)})", f"session.delete({name})"]
    return Plan(run, "\n".join([*lines, "session.commit()"]), models=(model,))


def commit(live: Live, model: Model, objects: list[Any]) -> None:
    if live.narrowing(model.mapper):
        live.session.flush()
        sets.keep_in_sight(live, model, objects)
    live.commit()


def permit_cascades(live: Live, request: Request) -> None:
    classes = {type(obj) for obj in live.session.deleted}
    request.sight.permit("delete", *(writable(request.models.of_class(class_)) for class_ in classes))


def _one(request: Request) -> tuple[Model, str, tuple[Any, ...]]:
    model = writable(_model(request))
    key = request.text("key")
    return model, key, identity_of(model, key)


def _model(request: Request) -> Model:
    model = request.models.find(request.text("model"))
    request.sight.permit(request.verb, model)
    return model


def _not_there(model: Model, key: str) -> Refusal:
    return Refusal("not_found", f"There is no {model.title} with the key {key[:80]}.")


def _plan(run: Any, lines: list[str], model: Model, sent: touched.Sent) -> Plan:
    named: Mapping[str, Any] = sent.given
    return Plan(
        run,
        "\n".join(lines),
        tuple((model.name, name) for name in named),
        (model, *(other for each in named.values() for other in each.writes)),
        tuple(other for each in named.values() for other in each.reads),
    )
