"""What does each verb do? It is planned against the snapshot, where everything wrong is refused,
and then run against the Session."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy.orm as sa_orm

from ..records.keys import identity_of
from ..records.kinds import check_characters
from ..records.models import Model, Models
from ..refusal import Refusal
from . import states
from .image import Image
from .live import Live
from .python import call, identity, variable
from .sight import Sight
from .snapshot import Snapshot
from .values import Given, Reading, check_base, check_kept, check_loaded, invalid, made, put

NOTE_CHARACTERS = 1_000
LATER = ("load-many", "revert", "savepoint", "rollback-to-savepoint", "undo", "redo", "resolve", "review", "take-over")


@dataclass(frozen=True)
class Done:
    """What became of a verb. ref: the object it made or loaded. merged: the one that merge() answered.
    left: one that left the board."""

    ref: str | None = None
    merged: str | None = None
    left: bool = False


@dataclass(frozen=True)
class Plan:
    """A verb that was found to be allowed, with all that it was given understood.

    python: as a person would write it; it may name the ref only when it has run.
    touched: (model, attribute) whose values it names.
    """

    run: Callable[[Live], Done]
    python: str | Callable[[Done], str]
    touched: tuple[tuple[str, str], ...] = ()
    models: tuple[Model, ...] = ()
    settings: Mapping[str, bool] | None = None

    def line(self, done: Done) -> str:
        return self.python if isinstance(self.python, str) else self.python(done)


@dataclass(frozen=True)
class Request:
    """One act as it was asked for. arguments: of the verb, as JSON or a form gave them."""

    verb: str
    arguments: Mapping[str, Any]
    snapshot: Snapshot
    models: Models
    sight: Sight = field(default_factory=Sight)

    def text(self, name: str) -> str:
        value = self.arguments.get(name)
        if not isinstance(value, str) or not value:
            problem = "Missing." if value in (None, "") else "Text is expected."
            raise Refusal("not_understood", f"{self.verb} needs {name}.", fields={name: problem})
        return value

    def reading(self) -> Reading:
        return Reading(self.snapshot, self.models, self.sight.hidden)

    def object(self) -> tuple[Image, Model]:
        found = self.snapshot.find(self.text("ref"))
        return found, self.models.find(found["model"])


def plan(request: Request) -> Plan:
    """Raises the Refusal for whatever is unknown, forbidden in this state or does not fit; nothing was touched then."""
    verb = request.verb
    if verb in LATER:
        raise Refusal("not_found", f"{verb} is not there yet: it comes with a later version.")
    if verb not in _PLANS:
        raise Refusal("not_found", f"There is no verb {verb[:80]!r}.")
    if request.arguments.get("force") not in (None, False, "", "0"):
        raise Refusal("not_found", "force is not there yet: it comes with a later version.")
    if verb in states.OBJECT_VERBS:
        found, _ = request.object()
        allowed = states.verbs(found["state"], found["flags"])
        if verb not in allowed:
            now = states.badge(found["state"], found["flags"]) if "marked-deleted" in found["flags"] else found["state"]
            remedy = f"Allowed now: {', '.join(allowed)}." if allowed else "Commit or roll back first."
            raise Refusal("wrong_state", f"{found['ref']} is {now}; {verb} is not possible then.", remedy=remedy)
    return _PLANS[verb](request)


def _writable(model: Model) -> Model:
    if model.read_only:
        raise Refusal("forbidden", f"{model.title} cannot be written: {model.read_only}")
    return model


def _objects(request: Request) -> Plan:
    model = _writable(request.models.find(request.text("model")))
    given = request.reading().values(model, request.arguments.get("values", {}))
    add = _switch(request.arguments, "add", default=True)

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

    return Plan(run, python, tuple((model.name, each.name) for each in given), (model,))


def _load(request: Request) -> Plan:
    model = request.models.find(request.text("model"))
    key = request.text("key")
    parts = identity_of(model, key)

    def run(live: Live) -> Done:
        obj = live.session.get(model.class_, parts if len(parts) > 1 else parts[0])
        if obj is None:
            raise Refusal("not_found", f"There is no {model.title} with the key {key[:80]}.")
        return Done(ref=live.board.join(obj))

    call_ = f"session.get({model.class_.__name__}, {identity(parts)})"
    return Plan(run, lambda done: f"{variable(done.ref or model.name)} = {call_}", models=(model,))


def _values(request: Request) -> Plan:
    found, model = request.object()
    _writable(model)
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
    return Plan(run, lines, tuple((model.name, each.name) for each in given), (model,))


def _keep_version(model: Model, found: Image, given: tuple[Given, ...]) -> None:
    column = model.mapper.version_id_col
    if column is not None and found["key"] is not None:
        name = model.mapper.get_property_by_column(column).key
        if any(each.name == name for each in given):
            raise invalid({name: "SQLAlchemy counts the versions of this record itself."})


def _read(request: Request) -> Plan:
    found, model = request.object()
    name = request.text("attribute")
    if name in request.sight.hidden(model) or not (
        model.has_column(name) or any(each.name == name for each in model.relationships)
    ):
        raise invalid({"attribute": f"{model.title} has no attribute {name[:80]!r}."})

    def run(live: Live) -> Done:
        getattr(live.board.objects[found["ref"]], name)
        return Done(ref=found["ref"])

    return Plan(run, f"{variable(found['ref'])}.{name}", models=(model,))


def _of_object(method: Callable[[Any, Any], object], source: str) -> Callable[[Request], Plan]:
    """A verb that is one call of the Session with one object."""

    def planned(request: Request) -> Plan:
        found, model = request.object()
        if request.verb in ("add", "delete"):
            _writable(model)

        def run(live: Live) -> Done:
            method(live.session, live.board.objects[found["ref"]])
            return Done(ref=found["ref"])

        return Plan(run, source.format(variable(found["ref"])), models=(model,))

    return planned


def _merge(request: Request) -> Plan:
    found, model = request.object()
    name = variable(found["ref"])

    def run(live: Live) -> Done:
        merged = live.session.merge(live.board.objects[found["ref"]])
        return Done(ref=found["ref"], merged=live.board.join(merged))

    return Plan(run, lambda done: f"{variable(done.merged or 'merged')} = session.merge({name})", models=(model,))


def _drop(request: Request) -> Plan:
    found, model = request.object()
    ref = found["ref"]
    holders = [other for other, image in request.snapshot.images.items() if other != ref and _mentions(image, ref)]
    if holders:
        raise Refusal(
            "wrong_state", f"{ref} is held by {', '.join(holders[:3])}.", remedy="Take it out of there first."
        )

    def run(live: Live) -> Done:
        live.board.drop(ref)
        return Done(left=True)

    return Plan(run, f"del {variable(ref)}", models=(model,))


def _mentions(image: Image, ref: str) -> bool:
    parts = (part for related in image["relationships"].values() for part in related.values())
    return any(part == ref or (isinstance(part, list) and ref in part) for part in parts)


def _of_session(method: Callable[[Any], object], source: str) -> Callable[[Request], Plan]:
    """A verb that is one call of the Session itself."""

    def planned(request: Request) -> Plan:
        def run(live: Live) -> Done:
            method(live.session)
            return Done()

        return Plan(run, source, models=_changed(request) if request.verb == "flush" else ())

    return planned


def _commit(request: Request) -> Plan:
    _check_note(request.arguments.get("note"))

    def run(live: Live) -> Done:
        live.commit()
        return Done()

    return Plan(run, "session.commit()", models=_changed(request))


def _check_note(note: object) -> None:
    """Before the commit: after it, a note that the store does not take would come too late."""
    if note is None:
        return
    if not isinstance(note, str):
        raise Refusal("not_understood", "note is text.", fields={"note": "Text is expected."})
    try:
        check_characters(note)
    except ValueError as error:
        raise invalid({"note": str(error)}) from None
    if len(note) > NOTE_CHARACTERS:
        raise invalid({"note": f"At most {NOTE_CHARACTERS} characters; these are {len(note)}."})


def _changed(request: Request) -> tuple[Model, ...]:
    """The models that a flush would write."""
    flagged = (
        image
        for image in request.snapshot.images.values()
        if image["state"] == "pending"
        or (image["state"] == "persistent" and {"modified", "marked-deleted"} & set(image["flags"]))
    )
    return tuple(_writable(request.models.find(name)) for name in dict.fromkeys(image["model"] for image in flagged))


def _settings(request: Request) -> Plan:
    given = {name: _switch(request.arguments, name, default=False) for name in SETTINGS if name in request.arguments}
    if not given:
        raise Refusal("not_understood", f"settings takes {' or '.join(SETTINGS)}.")

    def run(live: Live) -> Done:
        for name, value in given.items():
            setattr(live.session, name, value)
        return Done()

    return Plan(run, "\n".join(f"session.{name} = {value}" for name, value in given.items()), settings=given)


SETTINGS = ("autoflush", "expire_on_commit")


def _switch(arguments: Mapping[str, Any], name: str, *, default: bool) -> bool:
    value = arguments.get(name)
    if value is None or value == "":
        return default
    if isinstance(value, bool):
        return value
    words = {"true": True, "1": True, "on": True, "false": False, "0": False, "off": False}
    if str(value).lower() not in words:
        raise Refusal("not_understood", f"{name} is true or false.", fields={name: "true or false"})
    return words[str(value).lower()]


_PLANS: dict[str, Callable[[Request], Plan]] = {
    "objects": _objects,
    "load": _load,
    "values": _values,
    "read": _read,
    "add": _of_object(lambda session, obj: session.add(obj), "session.add({})"),
    "expire": _of_object(lambda session, obj: session.expire(obj), "session.expire({})"),
    "refresh": _of_object(lambda session, obj: session.refresh(obj), "session.refresh({})"),
    "expunge": _of_object(lambda session, obj: session.expunge(obj), "session.expunge({})"),
    "delete": _of_object(lambda session, obj: session.delete(obj), "session.delete({})"),
    "make-transient": _of_object(lambda session, obj: sa_orm.make_transient(obj), "make_transient({})"),
    "merge": _merge,
    "drop": _drop,
    "flush": _of_session(lambda session: session.flush(), "session.flush()"),
    "commit": _commit,
    "rollback": _of_session(lambda session: session.rollback(), "session.rollback()"),
    "expire-all": _of_session(lambda session: session.expire_all(), "session.expire_all()"),
    "expunge-all": _of_session(lambda session: session.expunge_all(), "session.expunge_all()"),
    "close": _of_session(lambda session: session.close(), "session.close()"),
    "settings": _settings,
}

WORKSPACE_VERBS = ("flush", "commit", "rollback", "expire-all", "expunge-all", "close", "settings", "discard")
"""What can be done with the workspace itself."""
