"""What does each verb of an object do? Everything wrong is refused in the plan; the plan's `run` is what a person
would call."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..records.keys import identity_of
from ..records.models import Model
from ..refusal import Refusal
from . import reverting
from .board import objects_of
from .image import Image, mentions
from .in_sight import got, must_be
from .live import Live
from .python import call, identity, literal, variable
from .request import Done, Plan, Request, switch, writable
from .values import Given, check_base, check_kept, check_loaded, invalid, made, put


def objects(request: Request) -> Plan:
    model = request.models.find(request.text("model"))
    request.sight.permit(request.verb, model)
    writable(model)
    given = request.reading().values(model, request.arguments.get("values", {}))
    add = switch(request.arguments, "add", default=True)

    def run(live: Live) -> Done:
        obj = made(model, given, live)
        if add:
            live.session.add(obj)
        check_kept(model, obj)
        return Done(ref=live.board.join(obj))

    def python(done: Done) -> str:
        name = variable(done.ref or model.name)
        line = f"{name} = {call(model.class_.__name__, {each.name: each.source for each in given})}"
        return f"{line}\nsession.add({name})" if add else line

    return Plan(run, python, *_asked(model, given))


def _asked(
    model: Model, given: tuple[Given, ...]
) -> tuple[tuple[tuple[str, str], ...], tuple[Model, ...], tuple[Model, ...]]:
    """What a Plan says that it touches: the attributes, the models to be written, the models to be read."""
    return (
        tuple((model.name, each.name) for each in given),
        (model, *(other for each in given for other in each.writes)),
        tuple(other for each in given for other in each.reads),
    )


def load(request: Request) -> Plan:
    model = request.models.find(request.text("model"))
    request.sight.permit(request.verb, model)
    key = request.text("key")
    parts = identity_of(model, key)

    def run(live: Live) -> Done:
        obj = got(live, model, parts, request.sight)
        if obj is None:
            raise Refusal("not_found", f"There is no {model.title} with the key {key[:80]}.")
        return Done(ref=live.board.join(obj))

    call_ = f"session.get({model.class_.__name__}, {identity(parts)})"
    return Plan(run, lambda done: f"{variable(done.ref or model.name)} = {call_}", models=(model,))


def values(request: Request) -> Plan:
    found, model = request.object()
    writable(model)
    ref, name = found["ref"], variable(found["ref"])
    given = request.reading().values(model, request.arguments.get("values", {}))
    later = check_base(model, found, request.arguments.get("base"), request.sight.hidden(model))
    _keep_version(model, found, given)

    def run(live: Live) -> Done:
        obj = live.board.objects[ref]
        check_loaded(ref, obj, later if found["state"] == "persistent" else ())
        for each in given:
            put(obj, each.name, each.value(live))
        check_kept(model, obj)
        return Done(ref=ref)

    lines = "\n".join(f"{name}.{each.name} = {each.source}" for each in given)
    return Plan(run, lines, *_asked(model, given))


def _keep_version(model: Model, found: Image, given: tuple[Given, ...]) -> None:
    column = model.mapper.version_id_col
    if column is not None and found["key"] is not None:
        name = model.mapper.get_property_by_column(column).key
        if any(each.name == name for each in given):
            raise invalid({name: "SQLAlchemy counts the versions of this record itself."})


def read(request: Request) -> Plan:
    found, model = request.object()
    name = request.text("attribute")
    if name in request.sight.hidden(model) or not (
        model.has_column(name) or any(each.name == name for each in model.relationships)
    ):
        raise invalid({"attribute": f"{model.title} has no attribute {name[:80]!r}."})

    def run(live: Live) -> Done:
        value = getattr(live.board.objects[found["ref"]], name)
        if not model.has_column(name):
            must_be(live, objects_of(value), model.mapper.relationships[name].mapper.class_)
        return Done(ref=found["ref"])

    targets = tuple(request.models.find(each.target) for each in model.relationships if each.name == name)
    return Plan(run, f"{variable(found['ref'])}.{name}", models=(model,), reads=targets)


def of_object(method: Callable[[Any, Any], object], source: str) -> Callable[[Request], Plan]:
    """A verb that is one call of the Session with one object."""

    def planned(request: Request) -> Plan:
        found, model = request.object()
        if request.verb in ("add", "delete"):
            writable(model)

        def run(live: Live) -> Done:
            method(live.session, live.board.objects[found["ref"]])
            return Done(ref=found["ref"])

        return Plan(run, source.format(variable(found["ref"])), models=(model,))

    return planned


def revert(request: Request) -> Plan:
    found, model = request.object()

    def run(live: Live) -> Done:
        reverting.revert(live.board.objects[found["ref"]])
        return Done(ref=found["ref"])

    name = variable(found["ref"])
    known = [(each, model.column(each).restore(was)) for each, was in found["committed"].items()]
    lines = [f'set_committed_value({name}, "{each}", {literal(was)})' for each, was in known]
    if found["unknown"]:
        lines.append(f"session.expire({name}, {literal(found['unknown'])})")
    lines += [f"# {name}.{each} as it was" for each, now in found["relationships"].items() if now.keys() - {"now"}]
    touched = tuple((model.name, each) for each in (*found["committed"], *found["unknown"]))
    return Plan(run, "\n".join(lines) or f"# {name} as it was", touched, models=(model,))


def merge(request: Request) -> Plan:
    found, model = request.object()
    name = variable(found["ref"])

    def run(live: Live) -> Done:
        merged = live.session.merge(live.board.objects[found["ref"]])
        return Done(ref=found["ref"], merged=live.board.join(merged))

    return Plan(run, lambda done: f"{variable(done.merged or 'merged')} = session.merge({name})", models=(model,))


def drop(request: Request) -> Plan:
    found, model = request.object()
    ref = found["ref"]
    holders = [other for other, image in request.snapshot.images.items() if other != ref and mentions(image, ref)]
    if holders:
        raise Refusal(
            "wrong_state", f"{ref} is held by {', '.join(holders[:3])}.", remedy="Take it out of there first."
        )

    def run(live: Live) -> Done:
        live.board.drop(ref)
        return Done()

    return Plan(run, f"del {variable(ref)}", models=(model,))
