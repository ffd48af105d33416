"""Which live objects does a workspace hold, and under which refs?"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import sqlalchemy as sa
import sqlalchemy.orm as sa_orm

from ..records.keys import key_of
from ..records.models import Model, Models
from ..refusal import Refusal
from .shape import Shape


class Board:
    """The live objects of a workspace, held strongly, each under its ref. A Session holds its own only weakly."""

    def __init__(self, models: Models, numbers: Mapping[str, int]) -> None:
        self.models = models
        self.objects: dict[str, object] = {}
        self.numbers = dict(numbers)
        self.number_of: dict[str, int] = {}
        self._refs: dict[int, str] = {}
        self._shapes: dict[type, Shape | None] = {}
        self._keys: dict[str, tuple[Any, str]] = {}

    def ref(self, obj: object) -> str | None:
        """The ref of a live object, None for one that is not on the board."""
        ref = self._refs.get(id(obj))
        return ref if ref is not None and self.objects.get(ref) is obj else None

    def model(self, obj: object) -> Model:
        return self.models.of_class(type(obj))

    def key(self, ref: str, identity: Any, model: Model) -> str | None:
        """KEY of a record, of which SQLAlchemy keeps the identity as long as it stays the same."""
        if identity is None:
            return None
        known = self._keys.get(ref)
        if known is None or known[0] is not identity:
            known = self._keys[ref] = identity, key_of(model, identity[1])
        return known[1]

    def shape(self, class_: type) -> Shape | None:
        """Of the class's model; None where it has none here."""
        if class_ not in self._shapes:
            try:
                self._shapes[class_] = Shape(self.models.of_class(class_))
            except Refusal:
                self._shapes[class_] = None
        return self._shapes[class_]

    def put(self, ref: str, obj: object, number: int) -> None:
        self.objects[ref] = obj
        self._refs[id(obj)] = ref
        self.number_of[ref] = number

    def drop(self, ref: str) -> None:
        del self._refs[id(self.objects.pop(ref))]
        self._keys.pop(ref, None)

    def join(self, obj: object) -> str | None:
        """Puts an object on the board, under a ref of its own that it keeps; None where its class is no model."""
        known = self.ref(obj)
        if known is not None:
            return known
        shape = self.shape(type(obj))
        if shape is None:
            return None
        number = self.numbers[""] = self.numbers.get("", 0) + 1
        ref = self._new_ref(shape.model, sa.inspect(obj).key)
        self.put(ref, obj, number)
        return ref

    def _new_ref(self, model: Model, key: Any) -> str:
        if key is not None:
            ref = plain = f"{model.name}:{key_of(model, key[1])}"
            count = 1
            while ref in self.objects:
                count += 1
                ref = f"{plain}~{count}"
            return ref
        while True:
            count = self.numbers[model.name] = self.numbers.get(model.name, 0) + 1
            ref = f"{model.name}:new-{count}"
            if ref not in self.objects:
                return ref

    def join_all(self, session: sa_orm.Session) -> None:
        """Everything that the Session holds, and what those objects hold, joins the board."""
        held = [*session._new.values(), *session.identity_map.values(), *session._deleted.values()]
        held += [obj for state in leaving(session) if (obj := state.obj()) is not None]
        for obj in held:
            self.join(obj)
        waiting = list(self.objects.values())
        while waiting:
            for obj in self._related(waiting.pop()):
                if self.ref(obj) is None and self.join(obj) is not None:
                    waiting.append(obj)

    def _related(self, obj: object) -> Iterator[object]:
        """What an object's relationships hold in memory now, held before, or are to hold."""
        state: sa_orm.InstanceState[Any] = sa_orm.attributes.instance_state(obj)
        shape = self.shape(type(obj))
        if shape is None or shape.is_empty(state):
            return
        for name in shape.relationships:
            for held in (state.dict, state.committed_state):
                if held.get(name) is not None:
                    yield from objects_of(held[name])
        for each in state.__dict__.get("_pending_mutations", {}).values():
            yield from (*each.added_items, *each.deleted_items)


def objects_of(value: Any) -> Iterable[object]:
    if value is None:
        return ()
    if isinstance(value, list):
        return value
    adapter = getattr(value, "_sa_adapter", None)
    if adapter is not None:
        return tuple(adapter)
    if hasattr(value, "added_items"):
        return (*value.added_items, *value.deleted_items)
    return (value,) if hasattr(value, "_sa_instance_state") else ()


def leaving(session: sa_orm.Session) -> set[Any]:
    """The states whose delete was flushed in the open transaction, or in a savepoint of it."""
    transaction, found = session._transaction, set[Any]()
    while transaction is not None:
        found |= {*transaction._deleted}
        transaction = transaction._parent
    return found
