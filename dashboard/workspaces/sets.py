"""What does a set of related records mean, when it was made from the set that a form showed? What was added and what
was taken out: what somebody else added meanwhile stays."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa
import sqlalchemy.orm as sa_orm

from ..records.keys import identity_of, key_of
from ..records.models import Model
from ..refusal import Refusal
from .in_sight import got
from .live import Live
from .values import VALUES_MOST, Given, invalid, put


def cleaned(value: Any) -> Any:
    """A form says with an empty text beside the others that the set was sent at all."""
    if isinstance(value, str):
        return [value] if value else []
    return [each for each in value if each != ""] if isinstance(value, (list, tuple)) else value


def is_same(value: Any, base: Any) -> bool:
    return isinstance(value, list) and isinstance(base, list) and set(map(str, value)) == set(map(str, base))


def put_many(live: Live, model: Model, obj: Any, given: Given, value: Iterable[Any], base: list[Any] | None) -> None:
    """base: the keys that were shown; None for the whole set, whatever it was."""
    wanted = dict(zip(dict.fromkeys(map(str, value)), given.value(live), strict=True))
    target = live.board.models.find(model.relationship(given.name).target)
    if getattr(sa.inspect(obj).manager[given.name].impl, "dynamic", False):
        _put_unloaded(live, obj, given.name, target, wanted, base)
        return
    _check_size(live, model, obj, given.name)
    current = list(sa_orm.collections.collection_adapter(getattr(obj, given.name)))
    final = list(wanted.values()) if base is None else _merged(live, current, wanted, set(map(str, base)))
    if {id(each) for each in final} != {id(each) for each in current}:
        put(obj, given.name, final)


def _merged(live: Live, current: list[Any], wanted: dict[str, Any], base: set[str]) -> list[Any]:
    taken_out = base - wanted.keys()
    kept = [each for each in current if _key(live, each) not in taken_out]
    return kept + [each for key, each in wanted.items() if key not in base and each not in kept]


def _key(live: Live, obj: Any) -> str | None:
    key = sa.inspect(obj).identity
    return None if key is None else key_of(live.board.model(obj), key)


def _put_unloaded(
    live: Live, obj: Any, name: str, target: Model, wanted: dict[str, Any], base: list[Any] | None
) -> None:
    """A `dynamic` or `write_only` relationship."""
    if base is None:
        raise invalid({name: "It is never loaded whole: say in base which there were."})
    shown, collection = set(map(str, base)), getattr(obj, name)
    for key, each in wanted.items():
        if key not in shown:
            collection.add(each)
    for key in shown - wanted.keys():
        parts = identity_of(target, key)
        found = got(live, target, parts)
        if found is not None:
            collection.remove(found)


def _check_size(live: Live, model: Model, obj: Any, name: str) -> None:
    """Before it is loaded: a parent may have a million children."""
    if sa.inspect(obj).key is None or name in sa.inspect(obj).dict:
        return
    attribute = getattr(model.class_, name)
    inner = sa.select(sa.literal(1)).where(sa_orm.with_parent(obj, attribute)).limit(VALUES_MOST + 1)
    found = live.session.scalar(sa.select(sa.func.count()).select_from(inner.subquery())) or 0
    if found > VALUES_MOST:
        message = f"It holds more than {VALUES_MOST} records, too many to be sent as a whole set."
        raise Refusal("too_large", f"{name}: {message}", {name: message}, "Change it on the records that it holds.")


def keep_in_sight(live: Live, model: Model, objects: Iterable[Any]) -> None:
    """After the flush, before the commit: nobody writes a row that they then may not see. Raises
    Refusal("forbidden")."""
    conditions = live.narrowing(model.mapper)
    if not conditions:
        return
    connection = live.session.connection(bind_arguments={"mapper": model.mapper})
    for obj in objects:
        same = [column == part for column, part in zip(model.mapper.primary_key, sa.inspect(obj).identity, strict=True)]
        statement = sa.select(sa.literal(1)).select_from(model.class_).where(*same, *conditions)
        if connection.execute(statement).first() is None:
            message = f"That would be a {model.title} which you may not see."
            raise Refusal("forbidden", message, remedy="Nothing was written. Ask somebody who sees all of them.")


def leave(live: Live) -> None:
    """After a commit: what a large change held is not looked at again."""
    if len(live.board.objects) > VALUES_MOST // 2:
        live.session.expunge_all()
        for ref in list(live.board.objects):
            live.board.drop(ref)
