"""How is SQL's NULL told from JSON's null, which are both read as None? By an engine whose JSON reader says so."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any

import sqlalchemy as sa


def tell_nulls_apart(engine: sa.Engine) -> None:
    """From now on a JSON column that holds `null` is read as `sa.JSON.NULL` on this engine; NULL stays None.

    engine: one of our own that has no connection yet. The dialect that it shares with its host's stays as it is.
    """
    loads = _telling(getattr(engine.dialect, "_json_deserializer", None) or json.loads)
    engine.dialect = copy.copy(engine.dialect)
    engine.dialect.__dict__.pop("_type_memos", None)  # it keeps result processors, which hold the other reader
    engine.dialect._json_deserializer = loads
    if engine.dialect.driver in _DRIVERS:
        sa.event.listen(
            engine, "connect", lambda connection, record: _DRIVERS[engine.dialect.driver](connection, loads)
        )


def _telling(loads: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def tell(text: Any) -> Any:
        value = loads(text)
        return sa.JSON.NULL if value is None else value

    return tell


def _psycopg(connection: Any, loads: Callable[[Any], Any]) -> None:
    from psycopg.types.json import set_json_loads

    set_json_loads(loads, connection)


def _psycopg2(connection: Any, loads: Callable[[Any], Any]) -> None:
    from psycopg2 import extras  # type: ignore[import-untyped, unused-ignore]

    extras.register_default_json(connection, loads=loads)
    extras.register_default_jsonb(connection, loads=loads)


_DRIVERS = {"psycopg": _psycopg, "psycopg2": _psycopg2}
"""Drivers that read JSON themselves, before SQLAlchemy sees it."""
