"""What is there to know of a mapped column, and how do its values come in and go out?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy import orm as sa_orm

from ..refusal import Refusal
from .documents import Document
from .kinds import Binary, Choice, Kind, Opaque, as_text, check_characters
from .numbers import Float, Integer
from .types import kind_of

DEFAULT_CHARACTERS = 80
EMPTY_FIELD = "This is empty: leave it out, or choose NULL."
EMPTY_FIELD_NOT_NULL = "This is empty, and may not be left empty."


@dataclass(frozen=True)
class Column:
    """One mapped column attribute.

    name: the attribute. kind: parses and formats. default: the text of a default of the program or the database, ""
    without one.
    required: a new record needs a value. generated: the database computes it. version: `mapper.version_id_col`.
    foreign_key: "table.column" or None. editable: whether a person may set it; reason: why not.
    """

    name: str
    kind: Kind
    type_name: str
    nullable: bool
    primary_key: bool
    default: str
    required: bool
    generated: bool
    version: bool
    foreign_key: str | None
    unique: bool
    indexed: bool
    deferred: bool
    editable: bool
    reason: str

    def parse(self, given: Any) -> Any:
        """The Python value to set for JSON or a form's text, wholly checked: what this takes, the driver takes.

        Raises Refusal("invalid") with its message at this column's field.
        """
        if not self.editable:
            raise self._refused(self.reason)
        if given is None:
            if not self.nullable:
                raise self._refused("This may not be NULL.")
            return self._null()
        if isinstance(given, str) and not given.strip() and not self.kind.takes_empty:
            raise self._refused(EMPTY_FIELD if self.nullable else EMPTY_FIELD_NOT_NULL)
        try:
            return self.kind.check(self.kind.read(given))
        except ValueError as error:
            raise self._refused(str(error)) from None

    def sought(self, given: Any) -> Any:
        """The Python value to compare with, of any column that is shown: bounded by its kind, never by what may be
        written, for longer text than a column keeps is merely not found.

        Raises ValueError with a sentence for the person.
        """
        value = self.kind.read(given)
        if not isinstance(value, str) or isinstance(self.kind, Choice):
            return self.kind.check(value)
        check_characters(value)
        return value

    def read(self, given: Any) -> Any:
        """The Python value that was shown as this, in JSON or in a form: for base values, also of columns not editable.

        No bounds are checked, and a value that does not belong here (SQLite keeps any) is read as what it is. Raises
        Refusal("invalid") for an object or a list that `format` never makes.
        """
        if given is None or (given == "" and not self.kind.takes_empty):
            return None
        value = self.restore(given)
        if value is given and isinstance(given, (Mapping, list)):
            raise self._refused("This is no value of the column.")
        return value

    def format(self, value: Any) -> Any:
        """JSON of a Python value, never an exception: a value that does not belong here (SQLite keeps any) is shown
        as what it is."""
        if type(value) in self.kind.native:  # nearly always: an export asks for each of its values
            try:
                return self.kind.format(value)
            except Exception:  # of a native type, and still none of its values
                return as_text(value)
        if value is None or isinstance(value, sa.sql.elements.Null):
            null_is_json = isinstance(self.kind, Document) and not self.nullable and value is None
            return {"json": None} if null_is_json else None
        try:
            if isinstance(value, self.kind.native):
                return self.kind.format(value)
        except Exception:  # a subclass of a native type may do anything
            return as_text(value)
        return _as_found(value)

    def restore(self, given: Any, *, staged: bool = False) -> Any:
        """The value that `format` gave this for, without bounds and without a Refusal: for snapshots. staged: to be
        set, not to be committed."""
        if given is None:
            return self._null() if staged else None
        try:
            return self.kind.read(given)
        except ValueError:
            pass
        if isinstance(given, Mapping) and set(given) == {"base64"}:
            try:
                return _BINARY.read(given)
            except ValueError:
                pass
        return given

    def keeps(self, value: Any) -> bool:
        """Whether `restore(format(value))` gives this value again; where not, it can only be read anew from the
        database."""
        if value is None or isinstance(value, sa.sql.elements.Null):
            return True
        if isinstance(self.kind, Opaque) or isinstance(value, sa.ClauseElement):
            return False
        try:
            restored = self.restore(self.format(value))
            return bool(restored == value or (value != value and restored != restored))
        except Exception:  # a foreign value's __eq__ may raise anything
            return False

    def text(self, formatted: Any) -> str:
        """What a form's field holds for a value as `format` gave it; "" for NULL, which a form says with
        `null.COLUMN`."""
        if formatted is None:
            return ""
        try:
            return self.kind.text(formatted)
        except (TypeError, KeyError):
            return as_text(formatted)

    def key_text(self, value: Any) -> str:
        """This value as a part of a key. ValueError for NULL and for what has no text."""
        if value is None or not isinstance(value, self.kind.native):
            raise ValueError(f"{self.name} has no value that can be written in an address")
        return self.kind.key_text(value)

    def key_value(self, text: str) -> Any:
        """The reverse. ValueError where no row can have it."""
        return self.kind.key_value(text)

    def _null(self) -> Any:
        """In a JSON column None would be written as JSON's null, unless its type says otherwise."""
        return sa.null() if isinstance(self.kind, Document) and not self.kind.none_as_null else None

    def _refused(self, message: str) -> Refusal:
        return Refusal("invalid", f"{self.name}: {message}", fields={self.name: message})


def columns_of(mapper: sa_orm.Mapper[Any], dialect: sa.Dialect) -> tuple[Column, ...]:
    """Every column attribute of the mapper, in its order; SQL expressions of the class too, which cannot be edited."""
    return tuple(_column(mapper, attribute, dialect) for attribute in mapper.column_attrs)


def _column(mapper: sa_orm.Mapper[Any], attribute: sa_orm.ColumnProperty[Any], dialect: sa.Dialect) -> Column:
    kept = [column for column in attribute.columns if isinstance(column, sa.Column)]
    expression = attribute.columns[0]
    kind = kind_of(expression.type, dialect)
    primary_key = any(column in mapper.primary_key for column in kept)
    default = next((text for column in kept if (text := _default(column))), "")
    generated = any(
        column.computed is not None or (column.identity is not None and column.identity.always) for column in kept
    )
    version = mapper.version_id_col is not None and mapper.version_id_col in kept
    nullable = all(column.nullable for column in kept) and not primary_key
    reason = _reason(mapper, kept, kind, generated=generated, version=version)
    filled = bool(default) or generated or version or nullable or any(_autoincrement(column) for column in kept)
    return Column(
        name=attribute.key,
        kind=kind,
        type_name=_type_name(expression.type, dialect),
        nullable=nullable,
        primary_key=primary_key,
        default=default,
        required=bool(kept) and not filled and not _polymorphic(mapper, kept),
        generated=generated,
        version=version,
        foreign_key=next((key.target_fullname for column in kept for key in column.foreign_keys), None),
        unique=any(_unique(column) for column in kept),
        indexed=any(_indexed(column) for column in kept),
        deferred=bool(attribute.deferred),
        editable=not reason,
        reason=reason,
    )


def _reason(
    mapper: sa_orm.Mapper[Any], kept: list[sa.Column[Any]], kind: Kind, *, generated: bool, version: bool
) -> str:
    """Why a person may not set this column; "" where they may."""
    if not kept:
        return "It is an SQL expression of the class, which the database computes."
    if version:
        return "It counts the versions of the record; SQLAlchemy sets it."
    if generated:
        return "The database computes it."
    if _polymorphic(mapper, kept):
        return "It says of which class the record is; SQLAlchemy sets it."
    if isinstance(kind, Opaque):
        return "A value of its type cannot be written here."
    return ""


def _polymorphic(mapper: sa_orm.Mapper[Any], kept: list[sa.Column[Any]]) -> bool:
    return (
        mapper.polymorphic_on is not None
        and mapper.polymorphic_identity is not None
        and any(column is mapper.polymorphic_on for column in kept)
    )


def _autoincrement(column: sa.Column[Any]) -> bool:
    table: object = column.table
    return isinstance(table, sa.Table) and table.autoincrement_column is column


def _default(column: sa.Column[Any]) -> str:
    """In words; a default of the program that is a function, a sequence or an expression is only named."""
    default = column.default
    if default is not None:
        arg = default.arg if isinstance(default, sa.ColumnDefault) else None
        return _shown(arg) if isinstance(arg, (str, int, float, Decimal)) else "set by the program"
    if column.identity is not None:
        return "numbered by the database"
    if isinstance(column.server_default, sa.DefaultClause):
        return _shown(getattr(column.server_default.arg, "text", column.server_default.arg))
    return "set by the database" if column.server_default is not None else ""


def _shown(default: object) -> str:
    return as_text(default)[:DEFAULT_CHARACTERS] or "''"


def _unique(column: sa.Column[Any]) -> bool:
    table: object = column.table
    if column.unique or not isinstance(table, sa.Table):
        return bool(column.unique)
    constraints = (constraint for constraint in table.constraints if isinstance(constraint, sa.UniqueConstraint))
    if any(list(constraint.columns) == [column] for constraint in constraints):
        return True
    return any(index.unique and list(index.columns) == [column] for index in table.indexes)


def _indexed(column: sa.Column[Any]) -> bool:
    table: object = column.table
    if not isinstance(table, sa.Table):
        return bool(column.index)
    return any(list(index.columns)[:1] == [column] for index in table.indexes)


def _type_name(type_: Any, dialect: sa.Dialect) -> str:
    """The type as the database spells it, or its class's name where that cannot be told."""
    try:
        return str(type_.compile(dialect=dialect))
    except Exception:  # NullType, and foreign types, may raise
        return type(type_).__name__


def _as_found(value: Any) -> Any:
    """JSON of a value that does not belong to its column's kind: SQLite keeps any value in any column."""
    if isinstance(value, (bytes, bytearray, memoryview)):
        return _BINARY.format(value)
    if isinstance(value, float):
        return Float().format(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return Integer(0, 0).format(value)
    return value if isinstance(value, bool) else as_text(value)


_BINARY = Binary()
