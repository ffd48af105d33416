"""Of which kind is a column of this SQLAlchemy type, in a database of this dialect?"""

from __future__ import annotations

import enum
import uuid
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import mysql

from .documents import Array, Document
from .kinds import Binary, Boolean, Choice, FixedText, Kind, LongText, Opaque, Text, Uuid
from .moments import AwareMoment, Clock, Day, Interval, Moment
from .numbers import BigInteger, Float, Integer, Numeric

Type = sa.types.TypeEngine[Any]
MYSQL = ("mysql", "mariadb")
UNZONED = frozenset({"sqlite", *MYSQL})
"""Dialects whose databases keep no time zone, and no interval, whatever the column's type says."""
_BITS = {"TINYINT": 8, "SMALLINT": 16, "MEDIUMINT": 24, "INTEGER": 32, "BIGINT": 64}
_SAMPLES: dict[type[Kind], Any] = {
    Text: "a",
    LongText: "a",
    Integer: 1,
    BigInteger: 1,
    Float: 1.0,
    Numeric: Decimal(1),
    Boolean: True,
    Binary: b"a",
    Day: date(2000, 1, 1),
    Clock: time(1),
}

_PLAIN: dict[Any, Type] = {
    str: sa.Text(),
    bool: sa.Boolean(),
    int: sa.Integer(),
    float: sa.Double(),
    Decimal: sa.Numeric(),
    date: sa.Date(),
    time: sa.Time(),
    datetime: sa.DateTime(),
    timedelta: sa.Interval(),
    bytes: sa.LargeBinary(),
    uuid.UUID: sa.Uuid(),
}


def kind_of(type_: Type, dialect: sa.Dialect) -> Kind:
    """One kind for each type. A TypeDecorator is what its `python_type` says, or else what it decorates; an unknown
    type is Opaque.

    >>> from sqlalchemy.dialects import sqlite
    >>> kind_of(sa.Numeric(10, 2), sqlite.dialect()).name
    'numeric'
    """
    type_ = type_._variant_mapping.get(dialect.name, type_)  # what with_variant() says for this database
    if isinstance(type_, sa.types.TypeDecorator) and not isinstance(type_, sa.Interval):
        return _decorated(type_, dialect)
    domain = getattr(type_, "data_type", None)  # PostgreSQL's DOMAIN
    if isinstance(domain, sa.types.TypeEngine):
        return kind_of(domain, dialect)
    for class_, kind in _KINDS:
        if isinstance(type_, class_):
            return kind(type_, dialect)
    return _by_python_type(type_, dialect)


def _text(type_: Any, dialect: sa.Dialect) -> Kind:
    length = type_.length if isinstance(type_.length, int) and type_.length > 0 else None
    if isinstance(type_, (sa.CHAR, sa.NCHAR)) and length is not None and dialect.name in ("postgresql", *MYSQL):
        return FixedText(length, padded=dialect.name == "postgresql")
    kind = LongText if isinstance(type_, sa.Text) or length is None else Text
    return kind(length, nul=dialect.name == "sqlite")


def _integer(type_: Any, dialect: sa.Dialect) -> Kind:
    declared = next((bits for name, bits in _BITS.items() if isinstance(type_, _class_of(name))), 32)
    bits = 64 if dialect.name == "sqlite" else declared
    least, most = (0, 2**bits - 1) if getattr(type_, "unsigned", False) else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
    return (BigInteger if declared == 64 else Integer)(least, most)


def _class_of(name: str) -> Any:
    return {
        "SMALLINT": sa.SmallInteger,
        "BIGINT": sa.BigInteger,
        "TINYINT": mysql.TINYINT,
        "MEDIUMINT": mysql.MEDIUMINT,
    }.get(name, sa.types.NullType)


def _numeric(type_: Any, dialect: sa.Dialect) -> Kind:
    if not type_.asdecimal:
        return _float_kind(type_, dialect)
    endless = dialect.name == "postgresql"
    # PostgreSQL keeps all digits too: its dialects say so of their own Numeric, and of none of their floats
    exact = dialect.supports_native_decimal or (endless and not isinstance(type_, sa.Float))
    scale = None if exact else type_._effective_decimal_return_scale
    if isinstance(type_, sa.Float):  # its precision counts binary digits
        return Numeric(nan=endless, infinite=endless, return_scale=scale)
    if dialect.name in MYSQL:
        return Numeric(type_.precision or 10, type_.scale or 0)
    return Numeric(type_.precision, type_.scale, nan=endless, infinite=endless, return_scale=scale)


def _float_kind(type_: Any, dialect: sa.Dialect) -> Kind:
    double = isinstance(type_, sa.Double) or dialect.name == "sqlite"
    few = isinstance(type_, sa.REAL) or (type_.precision is not None and type_.precision <= 24)
    small_float = dialect.name in MYSQL and isinstance(type_, sa.Float) and type_.precision is None
    return Float(
        single=not double and (few or small_float),
        nan=dialect.name == "postgresql",
        infinite=dialect.name in ("postgresql", "sqlite"),
    )


def _moment(type_: Any, dialect: sa.Dialect) -> Kind:
    if not type_.timezone:
        return Moment("naive", digits=_digits(type_, dialect))
    if dialect.name in UNZONED:
        return Moment("kept as UTC", digits=_digits(type_, dialect))
    return AwareMoment("aware")


def _clock(type_: Any, dialect: sa.Dialect) -> Kind:
    zoned = bool(type_.timezone) and dialect.name not in UNZONED
    return Clock(zoned=zoned, digits=_digits(type_, dialect))


def _interval(type_: Any, dialect: sa.Dialect) -> Kind:
    kept_as_moment = not (type_.native and dialect.name not in UNZONED)
    return Interval(kept_as_moment=kept_as_moment, digits=_digits(type_, dialect))


def _digits(type_: Any, dialect: sa.Dialect) -> int:
    """Of a second's fraction."""
    return (getattr(type_, "fsp", None) or 0) if dialect.name in MYSQL else 6


def _choice(type_: Any, dialect: sa.Dialect) -> Kind:
    if type_.enum_class is not None:
        return Choice(tuple(type_.enum_class.__members__), type_.enum_class)
    return Choice(tuple(type_.enums))


def _array(type_: Any, dialect: sa.Dialect) -> Kind:
    item = kind_of(type_.item_type, dialect)
    if isinstance(item, (Opaque, Document, Array)):
        return Opaque()
    return Array(item, dimensions=type_.dimensions, as_tuple=type_.as_tuple)


_KINDS: tuple[tuple[Any, Callable[[Any, sa.Dialect], Kind]], ...] = (
    (mysql.SET, lambda type_, dialect: Opaque()),  # a String by class, a set by value
    (sa.Enum, _choice),  # before String, which it derives from
    (sa.String, _text),
    (sa.Boolean, lambda type_, dialect: Boolean()),
    (sa.Integer, _integer),
    (sa.Float, _numeric),  # before Numeric: in SQLAlchemy 2.0 it derives from it
    (sa.Numeric, _numeric),
    (sa.DateTime, _moment),
    (sa.Date, lambda type_, dialect: Day()),
    (sa.Time, _clock),
    (sa.Interval, _interval),
    (sa.Uuid, lambda type_, dialect: Uuid(as_uuid=bool(type_.as_uuid))),
    (sa.JSON, lambda type_, dialect: Document(none_as_null=bool(type_.none_as_null))),
    (
        (sa.LargeBinary, sa.BINARY, sa.VARBINARY),
        lambda type_, dialect: Binary(type_.length if isinstance(type_.length, int) else None),
    ),
    (sa.ARRAY, _array),
)


def _by_python_type(type_: Type, dialect: sa.Dialect) -> Kind:
    python = _python_type(type_)
    if isinstance(python, type) and issubclass(python, enum.Enum):
        return Choice(tuple(python.__members__), python)
    return kind_of(_PLAIN[python], dialect) if python in _PLAIN else Opaque()


def _python_type(type_: Type) -> Any:
    try:
        return type_.python_type
    except Exception:  # a foreign type; 2.0's default raises NotImplementedError
        return object


def _decorated(type_: sa.types.TypeDecorator[Any], dialect: sa.Dialect) -> Kind:
    if isinstance(type_, sa.PickleType):
        return Opaque()
    python, inner = _python_type(type_), kind_of(type_.impl_instance, dialect)
    if python is not object and python not in inner.native:
        return _by_python_type(type_, dialect)
    if isinstance(inner, Moment):
        return _decorated_moment(type_, inner, dialect)
    return inner if _takes(type_, inner, dialect) else Opaque()


def _decorated_moment(type_: sa.types.TypeDecorator[Any], inner: Moment, dialect: sa.Dialect) -> Kind:
    """What the program sees decides, not what the database keeps: the common decorator gives UTC out of a column
    without a zone."""
    kept = datetime(2000, 1, 1, tzinfo=UTC if isinstance(inner, AwareMoment) else None)
    try:
        seen = type_.process_result_value(kept, dialect)
    except Exception:  # a foreign type may raise anything, or have no such method at all
        return inner
    if not isinstance(seen, datetime):
        return Opaque()
    return AwareMoment("aware") if seen.tzinfo is not None else Moment("naive")


def _takes(type_: sa.types.TypeDecorator[Any], inner: Kind, dialect: sa.Dialect) -> bool:
    """Whether the program's own type takes plain values of the kind that it decorates: a Point over a String does
    not."""
    sample = _SAMPLES.get(type(inner))
    if sample is None:
        return True
    try:
        type_.process_bind_param(sample, dialect)
    except (AttributeError, TypeError, KeyError, IndexError):
        return False
    except Exception:  # it judges the value, not its type; or it has no such method at all
        return True
    return True
