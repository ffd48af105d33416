"""What do people call this record? Answered from what is in memory, without sending SQL."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy import orm as sa_orm

from . import keys
from .kinds import Choice, Text

if TYPE_CHECKING:
    from .columns import Column
    from .models import Model

LABEL_CHARACTERS = 120
REFLECTED = "reflected"
"""The module of the classes that stand for reflected tables: nobody could give them a `__str__`."""
_SPEAKING = ("title", "name")
"""What a reflected table's text is called that names its rows, where no text of it is unique or indexed."""
_FOREIGN = ("builtins", "sqlalchemy", "flask_sqlalchemy", "sqlmodel", "pydantic")
_WAYS_TO_SQL = (
    "execute",
    "scalar",
    "scalars",
    "connection",
    "get",
    "get_one",
    "refresh",
    "flush",
    "merge",
    "commit",
    "rollback",
)


class _NotLoaded(Exception):
    """A `__str__` asked for something that is not in memory."""


def _refuse(*arguments: object, **options: object) -> Any:
    raise _NotLoaded


_REFUSED = dict.fromkeys(_WAYS_TO_SQL, _refuse)


def label(model: Model, obj_or_values: object) -> str:
    """See Model.label."""
    if isinstance(obj_or_values, Mapping):
        return cut(_of_values(model, obj_or_values))
    obj, state = obj_or_values, sa.inspect(obj_or_values)
    values, key = state.dict, state.key
    identity = key[1] if key is not None else _identity(model, values)
    if identity is not None and not any(
        column.name in values for column in model.columns
    ):  # expired: own words would ask for what is not there, a dear exception
        return cut(_key(model, identity))
    return cut(_told(model, obj, values) or _own_words(obj) or _first_text(model, values) or _key(model, identity))


def _of_values(model: Model, values: Mapping[str, Any]) -> str:
    """A list has many rows, and most classes have no words of their own: only those get an object to speak of."""
    words = ""
    if speaks(model):
        obj = stand_in(model, values)
        words = _told(model, obj, values) or _own_words(obj)
    elif isinstance(model.told.label, str):
        words = _told(model, None, values)
    return words or _first_text(model, values) or _key(model, _identity(model, values))


def speaks(model: Model) -> bool:
    """Whether words of the program's own say what its records are called: of any object that they can reach."""
    own_class: Any = model.class_
    return callable(model.told.label) or _own_method(own_class) is not None


def _told(model: Model, obj: object, values: Mapping[str, Any]) -> str:
    """As the host says, where what it takes is in memory."""
    said = model.told.label
    if said is None:
        return ""
    if isinstance(said, str):
        return str(values[said]).strip() if values.get(said) is not None else ""
    return _quietly(obj, said)


def _own_words(obj: object) -> str:
    class_: Any = type(obj)
    return "" if _own_method(class_) is None else _quietly(obj, str)


def _quietly(obj: object, said: Callable[[Any], str]) -> str:
    session = sa_orm.object_session(obj)
    try:
        with _without_sql(session) if session is not None else nullcontext():
            return str(said(obj)).strip()
    except Exception:  # whatever the program's own method raises, the record still has a key
        return ""


@contextmanager
def _without_sql(session: sa_orm.Session) -> Iterator[None]:
    """Any load inside raises. Its methods are shadowed, because an event would come after the listeners of
    telemetry, which count real loads only."""

    session.__dict__.update(_REFUSED)
    try:
        with session.no_autoflush:
            yield
    finally:
        for way in _REFUSED:
            session.__dict__.pop(way, None)


def stand_in(model: Model, values: Mapping[str, Any]) -> Any:
    """A detached object with these values: what else is asked of it raises instead of loading."""
    obj = model.mapper.class_manager.new_instance()
    names, state = model.mapper.attrs, sa.inspect(obj)
    state.dict.update({name: value for name, value in values.items() if name in names})
    state.key = model.mapper.identity_key_from_primary_key(_identity(model, values) or (None,))
    return obj


def naming_columns(model: Model) -> tuple[Column, ...]:
    """The columns that a label is made of: those that the class's own `__str__` speaks of, else its first texts."""
    said = model.told.label
    if isinstance(said, str):
        return (model.column(said), *texts(model))
    own_class: Any = model.class_
    own = said or _own_method(own_class)
    names = getattr(getattr(own, "__code__", None), "co_names", ())
    spoken = [column for column in model.columns if column.name in names]
    return tuple(spoken) if spoken else texts(model)


@lru_cache(maxsize=1_000)  # asked for each object of a workspace at each action
def _own_method(class_: Any) -> Any:
    classes = (each for each in class_.__mro__ if each.__module__.partition(".")[0] not in _FOREIGN)
    return next((vars(each)["__str__"] for each in classes if "__str__" in vars(each)), None)


def texts(model: Model) -> tuple[Column, ...]:
    """What names a record of a class that has no words of its own; Model keeps it."""
    naming = sorted(filter(_names_a_record, model.columns), key=lambda column: not column.unique)
    return (*naming, *_speaking(model))


def _first_text(model: Model, values: Mapping[str, Any]) -> str:
    for name in model.naming_texts:
        value = values.get(name)
        if isinstance(value, str) and value.strip():
            return value.strip()
    return ""


def _names_a_record(column: Column) -> bool:
    return _is_text(column) and (column.unique or column.indexed)


def _speaking(model: Model) -> list[Column]:
    if model.class_.__module__ != REFLECTED:
        return []
    found = [column for column in model.columns if column.name.lower() in _SPEAKING and _is_text(column)]
    return sorted(found, key=lambda column: _SPEAKING.index(column.name.lower()))


def _is_text(column: Column) -> bool:
    return isinstance(column.kind, Text) and not isinstance(column.kind, Choice) and not column.foreign_key


def _key(model: Model, identity: tuple[Any, ...] | None) -> str:
    try:
        return keys.key_of(model, identity) if identity else f"new {model.title}"
    except ValueError:
        return model.title


def _identity(model: Model, values: Mapping[str, Any]) -> tuple[Any, ...] | None:
    identity = tuple(values.get(column.name) for column in model.key_columns)
    return None if None in identity else identity


def cut(text: str) -> str:
    """A text as a label has it: in one line, and no longer than a label is."""
    whole = text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")
    text = " ".join(whole.split())
    return text if len(text) <= LABEL_CHARACTERS else text[: LABEL_CHARACTERS - 1] + "…"
