"""How does an image become the object again, the same in every respect?

What SQLAlchemy's own unpickling of an instance does, attribute by attribute: so no validator, listener, cascade or
SELECT runs a second time.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
import sqlalchemy.orm as sa_orm
from sqlalchemy.orm.base import NO_VALUE, PASSIVE_NO_FETCH

from ..records.keys import identity_of
from ..records.models import Model
from .image import MARKERS, Image
from .shape import parent_tokens


def restore_columns(image: Image, model: Model, obj: object | None) -> object:
    """The object with its identity and columns; its relationships come when all objects are there.
    obj: an instance to be set back in place."""
    new = obj is None
    instance: Any = model.mapper.class_manager.new_instance() if new else obj
    state: sa_orm.InstanceState[Any] = sa.inspect(instance)
    _forget(state)
    for name, column in model.columns_by_name.items():
        if name in image["values"] and name not in image["unkept"]:
            state.dict[name] = column.restore(image["values"][name], staged=name in image.get("nulls", ()))
    if image["key"] is not None:
        state.key = model.mapper.identity_key_from_primary_key(
            identity_of(model, image["key"]), identity_token=image["token"]
        )
        state.identity_token = image["token"]
    # as merge() does with the instances that it makes: a `reconstructor` runs, and mutable values learn whose they are
    if new:
        state.manager.dispatch.load(state, None)
    else:
        state.manager.dispatch.refresh(state, None, None)
    return instance


def _forget(state: sa_orm.InstanceState[Any]) -> None:
    for name in state.manager:
        state.dict.pop(name, None)
    for name in (
        "_pending_mutations",
        "parents",
        "key",
        "_deleted",
        "_empty_collections",
        "_instance_dict",
        "_strong_obj",
        "insert_order",
    ):
        state.__dict__.pop(name, None)
    state.session_id = None
    state.committed_state.clear()
    state.expired_attributes.clear()


def restore_relationships(image: Image, model: Model, obj: object, find: Mapping[str, object]) -> None:
    """The rest of the object, now that every other one can be found by its ref."""
    state: sa_orm.InstanceState[Any] = sa.inspect(obj)
    was: dict[str, Any] = {}
    for name, related in image["relationships"].items():
        if name in model.mapper.relationships:
            _restore_related(state, name, related, find, was)
    _restore_parents(state, image, find)
    columns = model.columns_by_name
    state.committed_state.clear()
    state.committed_state.update(was)
    state.committed_state.update({name: NO_VALUE for name in image["unknown"] if name in columns})
    state.committed_state.update(
        {name: columns[name].restore(value) for name, value in image["committed"].items() if name in columns}
    )
    state.expired_attributes.clear()
    state.expired_attributes.update(name for name in image["expired"] if name in state.manager)
    if state.key is not None:
        state.expired_attributes.update(name for name in image["unkept"] if name not in was)
    state.expired, state.modified, state.insert_order = image["is_expired"], image["modified"], image["order"]
    state._deleted = image["was_deleted"]


def _restore_related(
    state: sa_orm.InstanceState[Any],
    name: str,
    image: Mapping[str, Any],
    find: Mapping[str, object],
    was: dict[str, Any],
) -> None:
    impl: Any = state.manager[name].impl
    found = {key: [find[ref] for ref in image.get(key) or () if ref in find] for key in ("added", "removed", "kept")}
    if getattr(impl, "dynamic", False):
        history = impl.collection_history_cls(impl, state, PASSIVE_NO_FETCH)
        for items, key in (
            (history.added_items, "added"),
            (history.deleted_items, "removed"),
            (history.unchanged_items, "kept"),
        ):
            items.update(found[key])
        was[name] = history
        return
    if "now" in image and impl.collection:
        _restore_collection(state, impl, image, find)
    elif "now" in image:
        state.dict[name] = _restored(image["now"], find)
    if "was" in image:
        was[name] = (
            [find[ref] for ref in image["was"] if ref in find]
            if isinstance(image["was"], list)
            else _restored(image["was"], find)
        )
    if "added" in image:
        pending = state._get_pending_mutation(name)
        pending.added_items.update(found["added"])
        pending.deleted_items.update(found["removed"])


def _restore_collection(
    state: sa_orm.InstanceState[Any], impl: Any, image: Mapping[str, Any], find: Mapping[str, object]
) -> None:
    """A dictionary gets the keys that it had: what its members' are made of may be expired by now."""
    if "keys" in image:
        impl.set_committed_value(state, state.dict, [])
        for key, ref in zip(image["keys"], image["now"], strict=True):
            if ref in find:
                dict.__setitem__(state.dict[impl.key], key, find[ref])
        return
    try:
        impl.set_committed_value(state, state.dict, [find[ref] for ref in image["now"] if ref in find])
    except sa.exc.InvalidRequestError:  # keys that JSON has no word for: it is loaded anew
        state.dict.pop(impl.key, None)


def _restored(ref: str | None, find: Mapping[str, object]) -> Any:
    if ref is None:
        return None
    return MARKERS[ref] if ref in MARKERS else find.get(ref)


def _restore_parents(state: sa_orm.InstanceState[Any], image: Image, find: Mapping[str, object]) -> None:
    if not image["parents"]:
        return
    tokens = parent_tokens(state.mapper)
    for name, owner in image["parents"].items():
        if name in tokens and (owner is False or owner in find):
            state.parents[id(tokens[name])] = False if owner is False else sa.inspect(find[owner])
