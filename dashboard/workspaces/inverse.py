"""How is a change set undone? Its inverse is staged in a workspace: what it made is to go, what it deleted is to come
back with its key, what it changed is to be as it was; checked against others' edits as any other change."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import sqlalchemy as sa
import sqlalchemy.orm as sa_orm

from ..records.keys import identity_of
from ..records.models import Model
from ..refusal import Refusal
from ..store.change_sets import ChangeSet
from .belonging import Belonging, Made
from .changes import CHANGED, CREATED, DELETED
from .live import Live
from .python import call, identity, literal, variable
from .request import Done, Plan, Request, writable
from .values import put
from .withheld import may_count

VERB_OF = {CREATED: "delete", CHANGED: "values", DELETED: "objects"}
"""What is done to an object to undo what was done to it, as the verb that takes the permission."""

Entry = Mapping[str, Any]


def inverse(request: Request) -> Plan:
    """Only the history asks for this: nobody can send a ChangeSet."""
    change_set = request.arguments.get("change_set")
    if not isinstance(change_set, ChangeSet):
        raise Refusal("not_found", f"There is no verb {request.verb!r}.")
    entries = [(each, _model(request, each)) for each in change_set.objects]
    for each, model in entries:
        _check(request, each, model)

    def run(live: Live) -> Done:
        _stage(live, entries)
        return Done(notice=_not_kept(request, change_set))

    models = tuple(dict.fromkeys(model for _, model in entries))
    touched = tuple((model.name, name) for each, model in entries for name in (*each["before"], *each["after"]))
    lines = [f"# the inverse of change set {change_set.number}", *(line for pair in entries for line in _source(*pair))]
    return Plan(run, "\n".join(lines), touched, models=models)


def _model(request: Request, entry: Entry) -> Model:
    if entry["model"] not in request.models:
        remedy = "Give back its class or table, or undo the rest by hand."
        raise Refusal("failed", f"There is no model {entry['model']} any more, so it cannot be undone.", remedy=remedy)
    return writable(request.models.find(entry["model"]))


def _check(request: Request, entry: Entry, model: Model) -> None:
    request.sight.permit(VERB_OF[entry["kind"]], model)
    names = {*entry["before"], *entry["after"], *entry.get("links", ())}
    if names & set(request.sight.hidden(model)):
        raise Refusal("forbidden", f"You may not change all that this changed of {model.title}.")
    lost = [name for name in entry["unkept"] if name in entry["before"]]
    if lost:
        message = f"{model.title} {entry['key']}: what {', '.join(lost)} was before could not be kept."
        raise Refusal("failed", message, dict.fromkeys(lost, "This was not kept."), "Change it by hand.")
    missing = [name for name in entry["before"] if not model.has_column(name)]
    if missing:
        raise Refusal("failed", f"{model.title} has no {', '.join(missing)} any more, so it cannot be undone.")


def _not_kept(request: Request, change_set: ChangeSet) -> tuple[str, str] | None:
    """What does not come back by it, in words."""
    along = Counter[str]()
    for each in change_set.objects:
        along.update(each.get("along", {}))
    along = Counter({name: rows for name, rows in along.items() if may_count(name, request.models, request.sight)})
    if not along:
        return None
    rows = ", ".join(f"{count} of {table}" for table, count in along.items())
    return "not_kept", f"Rows that the database took along (ON DELETE) were not kept and do not come back: {rows}."


# staging


def _stage(live: Live, entries: Iterable[tuple[Entry, Model]]) -> None:
    """Objects as they were left first, which sends nothing; then what is done to them, which may load what goes along
    by cascade."""
    made: Made = {}
    for each, model in entries:
        if each["kind"] == DELETED:
            made[_identity(model, each["key"])] = _again(each, model)
        elif each["kind"] == CREATED or each["before"] or each["after"]:
            made[_identity(model, each["key"])] = _left(live, each, model)
    belonging = Belonging(live, made)
    for each, model in entries:
        obj = made.get(_identity(model, each["key"]))
        if each["kind"] == DELETED:
            belonging.give_back(obj)
            live.session.add(obj)
        elif each["kind"] == CHANGED and obj is not None:
            belonging.set_back(obj, dict(_settable(model, each["before"])))
    for each, model in entries:
        if each["kind"] == CREATED:
            live.session.delete(made[_identity(model, each["key"])])
    for each, model in entries:
        if each["kind"] != CREATED:
            _link(live, made, each, model)


def _identity(model: Model, key: str) -> tuple[sa_orm.Mapper[Any], tuple[Any, ...]]:
    return model.mapper.base_mapper, identity_of(model, key)


def _again(entry: Entry, model: Model) -> Any:
    """A new object for the row that was deleted, with its key. Its constructor does not run: it has its values."""
    obj = model.mapper.class_manager.new_instance()
    for name, value in _settable(model, entry["before"]):
        put(obj, name, value)
    return obj


def _left(live: Live, entry: Entry, model: Model) -> Any:
    """The object as the commit left it. Nothing is loaded: whatever its row is now is compared with this in the
    flush."""
    obj = model.mapper.class_manager.new_instance()
    keys = zip(model.key_columns, identity_of(model, entry["key"]), strict=True)
    known = {
        name: model.column(name).restore(value) for name, value in entry["after"].items() if model.has_column(name)
    }
    for name, value in {**known, **{column.name: value for column, value in keys}}.items():
        if name not in entry["unkept"]:
            sa_orm.attributes.set_committed_value(obj, name, value)
    sa_orm.make_transient_to_detached(obj)
    live.session.add(obj)
    return obj


def _settable(model: Model, values: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """SQLAlchemy counts versions itself, and the database computes what it computes."""
    for name, value in values.items():
        column = model.column(name)
        stored = any(isinstance(each, sa.Column) for each in model.mapper.column_attrs[name].columns)
        if stored and not column.generated and not column.version:
            yield name, column.restore(value, staged=True)


def _link(live: Live, made: Made, entry: Entry, model: Model) -> None:
    """The rows between two objects: what is so already stays."""
    for name, links in entry.get("links", {}).items():
        target = live.board.models.find(model.relationship(name).target)
        owner = _found(live, made, model, entry["key"])
        if owner is None:
            continue
        gone = [_found(live, made, target, key) for key in links["added"]]
        back = [_found(live, made, target, key) for key in links["removed"]]
        held = list(sa_orm.collections.collection_adapter(getattr(owner, name)))
        kept = [each for each in held if not any(each is other for other in gone)]
        kept += [each for each in back if each is not None and not any(each is other for other in held)]
        if kept != held:
            put(owner, name, kept)


def _found(live: Live, made: Made, model: Model, key: str) -> Any:
    parts = identity_of(model, key)
    known = made.get((model.mapper.base_mapper, parts))
    return known if known is not None else live.session.get(model.class_, parts if len(parts) > 1 else parts[0])


# as a person would write it


def _source(entry: Entry, model: Model) -> Iterator[str]:
    name = variable(entry["ref"] or model.name)
    class_, found = (
        model.class_.__name__,
        f"session.get({model.class_.__name__}, {identity(identity_of(model, entry['key']))})",
    )
    values = {each: literal(value) for each, value in _settable(model, entry["before"])}
    if entry["kind"] == DELETED:
        yield f"{name} = {call(class_, values)}"
        yield f"session.add({name})"
        return
    yield f"{name} = {found}"
    if entry["kind"] == CREATED:
        yield f"session.delete({name})"
        return
    yield from (f"{name}.{each} = {value}" for each, value in values.items())
    for relationship, links in entry.get("links", {}).items():
        yield from (f"{name}.{relationship}.remove(...)  # {key}" for key in links["added"])
        yield from (f"{name}.{relationship}.append(...)  # {key}" for key in links["removed"])
