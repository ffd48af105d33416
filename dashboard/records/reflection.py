"""Which classes stand for the tables of a database that nobody has mapped?"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa
from sqlalchemy import orm as sa_orm

from ..refusal import Refusal
from . import schemas, sqlite, views
from .labels import REFLECTED
from .models import OWN_TABLES, Model, models_of

NO_KEY = "The table has no primary key, so that no record of it can be told from another."
IS_A_VIEW = "It is a view: the database makes its rows of others, and none can be told from another."
_RESERVED = re.compile(r"__.*|_sa_.*")


def reflected(engine: sa.Engine, database: str) -> list[Model]:
    """A Model for every table of every schema that is not the database's own; one outside the default schema is called
    `schema.table`. Raises Refusal("database_away") when they cannot be read."""
    metadata = sa.MetaData()
    with warnings.catch_warnings():  # types it does not know, foreign keys that overlap: both are taken as they are
        warnings.simplefilter("ignore", sa.exc.SAWarning)
        try:
            with engine.connect() as connection:
                for schema, only in schemas.to_read(connection, _is_of_the_program):
                    metadata.reflect(connection, schema=schema, resolve_fks=False, only=only)
                    views.reflect(connection, metadata, schema, only)
                if engine.dialect.name == "sqlite":
                    sqlite.add_unique_constraints(connection, metadata)
                    sqlite.accept_what_is_found(metadata, engine.dialect)
        except sa.exc.DBAPIError as error:
            raise _away(database) from error
        except (sa.exc.TimeoutError, OSError) as error:
            raise _away(database) from error
        if engine.dialect.name == "postgresql":
            _take_what_domains_hold(metadata)
        mapped = _mapped(metadata, engine.dialect.default_schema_name)
        return models_of(mapped, engine.dialect, database, {mapper: _parts(mapper) for mapper in mapped})


def _take_what_domains_hold(metadata: sa.MetaData) -> None:
    """SQLAlchemy compares no value with a DOMAIN: it warns that such a type has no operators."""
    from sqlalchemy.dialects.postgresql import DOMAIN  # here: 2 MiB that no other database needs

    for table in metadata.tables.values():
        for column in table.columns:
            if isinstance(column.type, DOMAIN):
                column.type = column.type.data_type


def _away(database: str) -> Refusal:
    return Refusal(
        "database_away",
        f"The tables of the database {database!r} cannot be read just now.",
        remedy="See that it runs and that its URL is right; `flask dashboard doctor` says what is wrong.",
    )


def _is_of_the_program(name: str) -> bool:
    return not name.startswith(OWN_TABLES)


def _parts(mapper: sa_orm.Mapper[Any]) -> tuple[str, ...]:
    table = mapper.local_table
    assert isinstance(table, sa.Table)
    return (table.name,) if table.schema is None else (table.schema, table.name)


def _mapped(metadata: sa.MetaData, default_schema: str | None) -> dict[sa_orm.Mapper[Any], str | None]:
    tables = [table for table in metadata.tables.values() if len(table.columns)]
    for table in tables:
        schemas.point_home(table, default_schema)
        _forget_unresolved(table)
    registry = sa_orm.registry(metadata=metadata)
    mappers = {table: _map(registry, table) for table in tables}
    keyed = {table: mapper for table, mapper in mappers.items() if _key_columns(table)}
    _relate(keyed)
    registry.configure()
    return {mapper: None if table in keyed else _why_keyless(table) for table, mapper in mappers.items()}


def _why_keyless(table: sa.Table) -> str:
    return IS_A_VIEW if views.is_one(table) else NO_KEY


def _forget_unresolved(table: sa.Table) -> None:
    """Foreign keys to tables that were not read (of ours, in a schema out of reach, or missing) would stop every
    mapper."""
    for constraint in list(table.foreign_key_constraints):
        try:
            for key in constraint.elements:
                _ = key.column
        except (sa.exc.NoReferenceError, sa.exc.InvalidRequestError):
            schemas.forget(table, constraint)


def _map(registry: sa_orm.registry, table: sa.Table) -> sa_orm.Mapper[Any]:
    """Without a key the mapper is given one of all columns; such a model is read-only."""
    class_ = type(table.fullname, (), {"__module__": REFLECTED})
    renamed = {_attribute(column, table): column for column in table.columns}
    primary_key = _key_columns(table) or list(table.columns)
    return registry.map_imperatively(class_, table, properties=renamed, primary_key=primary_key)


def _attribute(column: sa.Column[Any], table: sa.Table) -> str:
    """The column's name, unless Python or SQLAlchemy needs the attribute for itself."""
    name = str(column.name)
    while _RESERVED.fullmatch(name) or (name != column.name and name in table.columns):
        name = f"column_{name}"
    return name


def _key_columns(table: sa.Table) -> list[sa.Column[Any]]:
    """The primary key, or the first unique constraint whose columns may not be NULL: it tells records apart as well."""
    if table.primary_key.columns:
        return list(table.primary_key.columns)
    unique = [
        list(constraint.columns) for constraint in table.constraints if isinstance(constraint, sa.UniqueConstraint)
    ]
    unique += [
        list(index.columns) for index in table.indexes if index.unique and not index.dialect_kwargs and _plain(index)
    ]
    usable = [columns for columns in unique if columns and not any(column.nullable for column in columns)]
    return min(usable, key=lambda columns: [column.name for column in columns], default=[])


def _plain(index: sa.Index) -> bool:
    return all(isinstance(expression, sa.Column) for expression in index.expressions)


def _relate(mappers: dict[sa.Table, sa_orm.Mapper[Any]]) -> None:
    """Both directions of every foreign key, so that the unit of work sends INSERTs and DELETEs in their order."""
    taken = {
        mapper: set(mapper.columns.keys()) for mapper in mappers.values()
    }  # column_attrs would configure them too early
    for table, mapper in mappers.items():
        for constraint in sorted(
            table.foreign_key_constraints, key=lambda each: [column.name for column in each.columns]
        ):
            target = mappers.get(constraint.referred_table)
            if target is not None:
                _relate_one(constraint, mapper, target, taken)


def _relate_one(
    constraint: sa.ForeignKeyConstraint,
    mapper: sa_orm.Mapper[Any],
    target: sa_orm.Mapper[Any],
    taken: dict[sa_orm.Mapper[Any], set[str]],
) -> None:
    join = sa.and_(*(key.parent == key.column for key in constraint.elements))
    local = [key.parent for key in constraint.elements]
    referred = [key.column for key in constraint.elements]
    to_one = _free(_names_to_one(constraint), taken[mapper])
    to_many = _free(_names_to_many(constraint), taken[target])
    # The database's own rule decides what a delete does to those that point at it: SQLAlchemy would set them NULL.
    mapper.add_property(
        to_one,
        sa_orm.relationship(target, primaryjoin=join, foreign_keys=local, remote_side=referred, back_populates=to_many),
    )
    target.add_property(
        to_many,
        sa_orm.relationship(
            mapper,
            primaryjoin=join,
            foreign_keys=local,
            remote_side=local,
            back_populates=to_one,
            passive_deletes="all",
        ),
    )


def _names_to_one(constraint: sa.ForeignKeyConstraint) -> Iterable[str]:
    if len(constraint.elements) == 1:
        yield re.sub(r"(?i)(?<=.)_?(?:id|fk|key)$", "", constraint.elements[0].parent.name)
    yield constraint.referred_table.name
    yield f"{constraint.referred_table.name}_by_" + "_".join(column.name for column in constraint.columns)


def _names_to_many(constraint: sa.ForeignKeyConstraint) -> Iterable[str]:
    table = constraint.table.name
    yield table
    yield f"{table}_by_" + "_".join(column.name for column in constraint.columns)


def _free(names: Iterable[str], taken: set[str]) -> str:
    """The first of the names that is free, or the last with a number; it is taken afterwards."""
    name = ""
    for name in names:
        if name not in taken and not _RESERVED.fullmatch(name):
            break
    else:
        name = next(numbered for number in range(2, 10_000) if (numbered := f"{name}_{number}") not in taken)
    taken.add(name)
    return name
