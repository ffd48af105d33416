"""How is SQL's NULL told from JSON's null, which are both read as None? By an engine whose JSON reader says so."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import sqlalchemy as sa
import sqlalchemy.orm as sa_orm

_OWN = frozenset({"_json_deserializer", "_type_memos"})
"""What our copy of a dialect does not take from it."""


def tell_nulls_apart(engine: sa.Engine, mappers: Callable[[], Iterable[sa_orm.Mapper[Any]]] = tuple) -> None:
    """From now on a JSON column that holds `null` is read as `sa.JSON.NULL` on this engine; NULL stays None.

    engine: one of our own that has no connection yet. The dialect that it shares with its host's stays as it is.
    mappers: of the classes that are read; asked when the first connection is there. Where the program's own code takes
    what was read, in a mutable document or a TypeDecorator, both stay None: it knows nothing else.
    """
    host = engine.dialect
    loads = _Telling(getattr(host, "_json_deserializer", None) or json.loads)
    engine.dialect = ours = copy.copy(host)
    ours.__dict__.pop("_type_memos", None)  # it keeps result processors, which hold the other reader
    ours._json_deserializer = loads
    learned: list[bool] = []

    def connected(connection: Any, record: Any) -> None:
        if not learned:
            # what the first connection of all teaches a dialect was taught to the host's
            ours.__dict__.update({name: value for name, value in host.__dict__.items() if name not in _OWN})
            for type_ in _read_by_the_program(mappers(), ours):
                _read_alike(type_, ours)
            learned.append(True)
        if host.driver in _DRIVERS:
            _DRIVERS[host.driver](connection, loads)

    sa.event.listen(engine, "connect", connected)


def _read_by_the_program(mappers: Iterable[sa_orm.Mapper[Any]], dialect: sa.Dialect) -> Iterator[Any]:
    """The types of JSON columns whose value goes through the program's own code while it is loaded."""
    for mapper in mappers:
        mutable = _mutable(mapper)
        for attribute in mapper.column_attrs:
            for column in attribute.columns:
                is_own = isinstance(column.type, (sa.types.TypeDecorator, sa.ARRAY)) or attribute.key in mutable
                if is_own and _holds_json(column.type, dialect):
                    yield column.type


def _mutable(mapper: sa_orm.Mapper[Any]) -> set[str]:
    """The attributes that sqlalchemy.ext.mutable follows: a listener of its own for each, which has its name."""
    listeners = (each for each in mapper.class_manager.dispatch.load if hasattr(each, "__closure__"))
    followers = (each for each in listeners if each.__module__ == "sqlalchemy.ext.mutable")
    cells = (dict(zip(each.__code__.co_freevars, each.__closure__ or (), strict=True)) for each in followers)
    return {found["key"].cell_contents for found in cells if "key" in found}


def _holds_json(type_: Any, dialect: sa.Dialect) -> bool:
    try:
        plain = type_._unwrapped_dialect_impl(dialect)
        return isinstance(getattr(plain, "item_type", plain), sa.JSON)
    except Exception:  # a foreign type may do anything
        return False


def _read_alike(type_: Any, dialect: sa.Dialect) -> None:
    info = type_._dialect_info(dialect)
    info["impl"] = _alike(info["impl"])
    info["result"].clear()


def _alike(impl: Any) -> Any:
    """A copy of a dialect's own type that reads both as None."""
    made = copy.copy(impl)
    if isinstance(impl, sa.types.TypeDecorator):  # below the program's code, which takes what comes out here
        made.impl = made.impl_instance = _alike(impl.impl_instance)
        return made

    def result_processor(dialect: sa.Dialect, coltype: Any) -> Callable[[Any], Any]:
        process = impl.result_processor(dialect, coltype)
        return lambda value: _none(value if process is None else process(value))

    made.result_processor = result_processor
    return made


def _none(value: Any) -> Any:
    if isinstance(value, list):
        return [None if item is sa.JSON.NULL else item for item in value]
    return None if value is sa.JSON.NULL else value


class _Telling:
    """Reads JSON's null as `sa.JSON.NULL`. An object, for psycopg warns of a closure that it may leak."""

    def __init__(self, loads: Callable[[Any], Any]) -> None:
        self._loads = loads

    def __call__(self, text: Any) -> Any:
        value = self._loads(text)
        return sa.JSON.NULL if value is None else value


def _psycopg(connection: Any, loads: Callable[[Any], Any]) -> None:
    from psycopg.types.json import set_json_loads

    set_json_loads(loads, connection)


def _psycopg2(connection: Any, loads: Callable[[Any], Any]) -> None:
    from psycopg2 import extras  # type: ignore[import-untyped, unused-ignore]

    extras.register_default_json(connection, loads=loads)
    extras.register_default_jsonb(connection, loads=loads)


_DRIVERS = {"psycopg": _psycopg, "psycopg2": _psycopg2}
"""Drivers that read JSON themselves, before SQLAlchemy sees it."""
