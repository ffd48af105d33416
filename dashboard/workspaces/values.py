"""What is a person's `values` to mean for this model? Columns are parsed, relationships found,
before anything is touched."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from ..records.columns import Column
from ..records.keys import identity_of
from ..records.models import Model, Models, Relationship
from ..refusal import Refusal
from .image import Image
from .in_sight import got
from .live import Live
from .python import identity as identity_source
from .python import literal, variable
from .shape import keeps
from .snapshot import Snapshot

VALUES_MOST = 1_000


@dataclass(frozen=True)
class Given:
    """One attribute to be set. source: as Python would write it.
    value: gives the value, loading what it names by key.
    reads: the models of what it names. writes: the models whose rows it changes beside its own."""

    name: str
    source: str
    value: Callable[[Live], Any]
    reads: tuple[Model, ...] = ()
    writes: tuple[Model, ...] = ()


@dataclass(frozen=True)
class Reading:
    """Where values are understood: what is on the board, which models there are, what is hidden from the actor."""

    snapshot: Snapshot
    models: Models
    hidden: Callable[[Model], frozenset[str]]

    def values(self, model: Model, values: object) -> tuple[Given, ...]:
        """Raises one Refusal("invalid") that names every field which does not fit."""
        if not isinstance(values, Mapping) or len(values) > VALUES_MOST:
            raise Refusal(
                "not_understood",
                "values is an object: attribute to value.",
                fields={"values": "An object is expected."},
            )
        given: list[Given] = []
        problems: dict[str, str] = {}
        for name, value in values.items():
            try:
                given.append(self.one(model, str(name), value))
            except Refusal as refusal:
                problems.update(refusal.fields or {str(name)[:80]: refusal.message})
        if problems:
            raise invalid(problems)
        return tuple(given)

    def one(self, model: Model, name: str, value: Any) -> Given:
        if name in self.hidden(model):
            raise invalid({name[:80]: f"{model.title} has no such attribute."})
        if model.has_column(name):
            parsed = model.column(name).parse(value)
            return Given(name, literal(parsed), lambda live: parsed)
        for relationship in model.relationships:
            if relationship.name == name:
                kind = getattr(model.mapper.class_manager[name].impl, "_duck_typed_as", list)
                return self._related(relationship, value, kind)
        raise invalid({name[:80]: f"{model.title} has no such attribute."})

    def _related(self, relationship: Relationship, value: Any, kind: type) -> Given:
        name = relationship.name
        if relationship.viewonly:
            raise invalid({name: "This can only be read."})
        if not relationship.uselist:
            if value is None or value == "":
                return Given(name, "None", _none)
            source, find, model = self._target(relationship, value)
            return Given(name, source, find, (model,))
        if isinstance(value, str):
            value = [value] if value else []
        if not isinstance(value, (list, tuple)) or len(value) > VALUES_MOST:
            raise invalid({name: "A list of keys or refs is expected: the whole set."})
        targets = [self._target(relationship, each) for each in dict.fromkeys(map(str, value))]
        source = _source(kind, [source for source, _, _ in targets])
        many = self.models.find(relationship.target)
        return Given(
            name,
            source,
            lambda live: [find(live) for _, find, _ in targets],
            (many, *(model for _, _, model in targets)),
            (many,) if relationship.direction == "ONETOMANY" else (),
        )

    def _target(self, relationship: Relationship, value: Any) -> tuple[str, Callable[[Live], Any], Model]:
        target, text = self.models.find(relationship.target), str(value)
        if isinstance(value, bool) or not isinstance(value, (str, int)):
            raise invalid({relationship.name: "A key or a ref is expected."})
        if ":" in text:  # no KEY has a colon in it
            return self._by_ref(relationship, target, text)
        try:
            identity = identity_of(target, text)
        except Refusal as refusal:
            raise invalid({relationship.name: refusal.message}) from None
        line = f"session.get({target.class_.__name__}, {identity_source(identity)})"
        return line, lambda live: get_related(live, relationship.name, target, identity, text), target

    def _by_ref(self, relationship: Relationship, target: Model, ref: str) -> tuple[str, Callable[[Live], Any], Model]:
        found = self.snapshot.images.get(ref)
        if found is None:
            raise invalid({relationship.name: f"There is no object {ref[:80]!r} in this workspace."})
        model = self.models.find(found["model"])
        if not issubclass(model.class_, target.class_):
            raise invalid({relationship.name: f"{ref} is no {target.title}."})
        return variable(ref), lambda live: live.board.objects[ref], model


def _source(kind: type, sources: list[str]) -> str:
    """The collection as it is assigned: a list, or the set that its attribute wants."""
    joined = ", ".join(sources)
    if kind is not set:
        return f"[{joined}]"
    return f"{{{joined}}}" if sources else "set()"


def invalid(problems: Mapping[str, str]) -> Refusal:
    first = next(iter(problems.items()))
    more = f" And {len(problems) - 1} more." if len(problems) > 1 else ""
    return Refusal("invalid", f"{first[0]}: {first[1]}{more}", fields=dict(problems), remedy="Nothing was changed.")


def _none(live: Live) -> None:
    return None


def get_related(live: Live, name: str, target: Model, identity: tuple[Any, ...], key: str) -> Any:
    found = got(live, target, identity)
    if found is None:
        raise invalid({name: f"There is no {target.title} with the key {key[:80]}."})
    return found


def made(model: Model, given: tuple[Given, ...], live: Live) -> Any:
    """A new instance, as the class itself makes it. Its constructor runs; it gets the values where it takes them."""
    values = {each.name: each.value(live) for each in given}
    constructor = model.mapper.class_manager.original_init
    plain = constructor in (model.mapper.registry.constructor, object.__init__)
    try:
        obj = model.class_() if plain or not _takes(constructor, values) else model.class_(**values)
    except TypeError:  # it needs arguments that nobody gave: then the database says what is missing
        obj = model.mapper.class_manager.new_instance()
    for name, value in values.items():
        put(obj, name, value)
    return obj


def _takes(constructor: Any, values: Mapping[str, Any]) -> bool:
    try:
        inspect.signature(constructor).bind(None, **values)
    except (TypeError, ValueError):
        return False
    return True


def put(obj: Any, name: str, value: Any) -> None:
    """`obj.name = value`, in the kind of collection that the attribute holds.
    What the program's own validators say is said at the field."""
    if isinstance(value, list) and name in sa.inspect(obj).mapper.relationships:
        value = _collected(obj, name, value)
    try:
        _set(obj, name, value)
    except (ValueError, AssertionError, TypeError) as error:
        text = str(error).split("\n")[0][:300] or type(error).__name__
        raise invalid({name: f"The program's own code refused it: {text}"}) from error


def _set(obj: Any, name: str, value: Any) -> None:
    try:
        setattr(obj, name, value)
    except ValueError:
        if not isinstance(value, sa.sql.elements.Null):
            raise
        setattr(obj, name, None)  # a mutable document takes None alone for NULL


def _collected(obj: Any, name: str, objects: list[Any]) -> Any:
    state: Any = sa.inspect(obj)
    kind = getattr(state.manager[name].impl, "_duck_typed_as", list)
    if kind is set:
        return set(objects)
    if kind is not dict:
        return objects
    keyed = state.manager[name].impl.collection_factory()
    return {keyed.keyfunc(each): each for each in objects}


def check_base(model: Model, found: Image, base: object, hidden: frozenset[str]) -> tuple[tuple[Column, Any], ...]:
    """Compares what a form was drawn from with what is known now; Refusal("conflict") where it differs.
    Answers what must be loaded to be compared."""
    if base is None:
        return ()
    if not isinstance(base, Mapping):
        raise Refusal(
            "not_understood", "base is an object: attribute to value.", fields={"base": "An object is expected."}
        )
    loaded, later = {}, []
    for name, value in base.items():
        if name in hidden or not model.has_column(str(name)):
            continue
        column = model.column(str(name))
        then = column.format(column.read(value))
        if name in found["values"]:
            if then not in (found["values"][name], found["committed"].get(name, found["values"][name])):
                loaded[name] = (then, found["values"][name])
        else:
            later.append((column, then))
    if loaded:
        raise conflict(found["ref"], loaded)
    return tuple(later)


def check_loaded(ref: str, obj: Any, later: tuple[tuple[Column, Any], ...]) -> None:
    differing = {}
    for column, then in later:
        now = column.format(getattr(obj, column.name))
        if now != then:
            differing[column.name] = (then, now)
    if differing:
        raise conflict(ref, differing)


def conflict(ref: str, differing: Mapping[str, tuple[Any, Any]]) -> Refusal:
    fields = dict.fromkeys(differing, "It is another value now.")
    details = {name: {"base": base, "now": now} for name, (base, now) in differing.items()}
    return Refusal(
        "conflict",
        f"{ref} was changed since the form was drawn: {', '.join(differing)}.",
        fields,
        "Look at it again.",
        {"ref": ref, "differing": details},
    )


def check_kept(model: Model, obj: Any) -> None:
    """A staged value that no snapshot could keep is refused when it is staged, by name."""
    state: Any = sa.inspect(obj)
    problems = {
        column.name: f"A value of the type {column.type_name} cannot be kept in a workspace."
        for column in model.columns
        if column.name in state.committed_state
        and column.name in state.dict
        and not keeps(column, state.dict[column.name])
    }
    if problems:
        raise invalid(problems)
