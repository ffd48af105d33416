"""Which mapped classes and tables are there, under which names, and how does one find and call their records?"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from types import ModuleType
from typing import Any

import sqlalchemy as sa
from sqlalchemy import orm as sa_orm

from ..refusal import Refusal
from . import keys, labels
from .columns import Column, columns_of
from .kinds import Opaque
from .told import Records

OWN_TABLES = "poolhouse_"
"""Tables whose names begin so are ours: never listed, loaded or edited as records."""


@dataclass(frozen=True)
class Relationship:
    """One relationship of a mapped class. direction: MANYTOONE, ONETOMANY or MANYTOMANY. target: the name of a
    Model. back_populates: the other side's name."""

    name: str
    direction: str
    uselist: bool
    target: str
    viewonly: bool
    back_populates: str | None


@dataclass(frozen=True, eq=False)
class Model:
    """One thing whose records are looked at and edited: a mapped class, or a reflected table.

    name: as URLs say it. title: as people say it. read_only: why its records cannot be written, or None. keyless: why
    no record of it can be told from another, or None; such a one is read_only as well, and none can be loaded.
    told: what the host says of it.
    """

    name: str
    title: str
    class_: type[Any]
    mapper: sa_orm.Mapper[Any]
    database: str
    columns: tuple[Column, ...]
    relationships: tuple[Relationship, ...]
    read_only: str | None = None
    keyless: str | None = None
    told: Records = field(default_factory=Records)

    @property
    def actions(self) -> Mapping[str, Callable[..., Any]]:
        """The host's own, by name."""
        return {action.__name__: action for action in self.told.actions}

    def column(self, name: str) -> Column:
        """The column of this attribute; Refusal("not_found") for another name."""
        try:
            return self.columns_by_name[name]
        except KeyError:
            raise Refusal("not_found", f"{self.title} has no column {name[:80]!r}.") from None

    def has_column(self, name: str) -> bool:
        return name in self.columns_by_name

    def relationship(self, name: str) -> Relationship:
        """The relationship of this attribute; Refusal("not_found") for another name."""
        for relationship in self.relationships:
            if relationship.name == name:
                return relationship
        raise Refusal("not_found", f"{self.title} has no relationship {name[:80]!r}.")

    def label(self, obj_or_values: object) -> str:
        """What people call this record: its class's `__str__`, else its first unique or indexed text, else its key.
        Sends no SQL.

        Takes an object, or a mapping of attribute names to Python values. What needs an attribute that is not loaded
        falls back to the key.
        """
        return labels.label(self, obj_or_values)

    @cached_property
    def key_columns(self) -> tuple[Column, ...]:
        """The columns of the primary key, in the order of `mapper.primary_key`: of a SQLAlchemy identity."""
        return tuple(
            self.columns_by_name[self.mapper.get_property_by_column(column).key] for column in self.mapper.primary_key
        )

    @cached_property
    def columns_by_name(self) -> Mapping[str, Column]:
        """The columns by their attributes, in their order."""
        return {column.name: column for column in self.columns}

    @cached_property
    def naming_columns(self) -> tuple[Column, ...]:
        return labels.naming_columns(self)

    @cached_property
    def naming_texts(self) -> tuple[str, ...]:
        """The texts that name a record of a class that has no words of its own, the first of them first."""
        return tuple(column.name for column in labels.texts(self))


@dataclass(frozen=True)
class Index:
    """Models as they are looked up; by_name is in the order of their names."""

    by_name: Mapping[str, Model]
    by_mapper: Mapping[sa_orm.Mapper[Any], Model]

    @classmethod
    def of(cls, models: Iterable[Model]) -> Index:
        by_name = {model.name: model for model in sorted(models, key=lambda model: model.name)}
        return cls(by_name, {model.mapper: model for model in by_name.values()})


class Models:
    """The models of one database, by name, in the order of their names.

    >>> Base = sa_orm.declarative_base()
    >>> class Book(Base):
    ...     __tablename__ = "book"
    ...     id = sa.Column(sa.Integer, primary_key=True)
    >>> models = Models.of_registry(Base, dialect=sa.create_engine("sqlite://").dialect)
    >>> models.find("Book").columns[0].name
    'id'
    """

    def __init__(self, models: Iterable[Model] | Callable[[], Iterable[Model]] = ()) -> None:
        """models: the models, or a function that finds them when they are first asked for: a host may declare its
        classes after the dashboard is mounted, and a database may be away then."""
        self._find: Callable[[], Iterable[Model]] = models if callable(models) else lambda: models
        self._found: Index | None = None
        self._lock = threading.Lock()

    @property
    def are_known(self) -> bool:
        """Whether they were found already: asking for them then costs nothing."""
        return self._found is not None

    def index(self) -> Index:
        if self._found is None:
            with self._lock:  # a second reflection would make other classes for the same tables
                if self._found is None:
                    self._found = Index.of(self._find())
        return self._found

    @classmethod
    def of_registry(cls, *sources: object, dialect: sa.Dialect, database: str = "default") -> Models:
        """A Model for every mapper of these registries, declarative bases, classes, metadata, or modules of them."""
        registries = {registry: None for source in sources for registry in _registries(source)}
        for registry in registries:
            registry.configure()
        mappers = sorted({mapper for registry in registries for mapper in registry.mappers}, key=_full_name)
        return cls(models_of({mapper: None for mapper in mappers if not _is_own(mapper)}, dialect, database))

    @classmethod
    def reflected(cls, engine: sa.Engine, *, database: str = "default") -> Models:
        """A Model for every table of every schema that is not the database's own. Raises Refusal("database_away")
        when they cannot be read."""
        from .reflection import reflected  # it builds on this module

        return cls(reflected(engine, database))

    def find(self, name: str) -> Model:
        """The model of this name; Refusal("not_found") for an unknown one."""
        try:
            return self.index().by_name[name]
        except KeyError:
            raise Refusal("not_found", f"There is no model {name[:80]!r}.") from None

    def of_class(self, class_: type[Any]) -> Model:
        """The model of a mapped class; Refusal("not_found") for a class that is not mapped here."""
        mapper = sa.inspect(class_, raiseerr=False)
        known = self.index().by_mapper
        if mapper is None or mapper not in known:
            raise Refusal("not_found", f"{class_.__name__} is no model here.")
        return known[mapper]

    def of_mappers(self, mappers: Iterable[sa_orm.Mapper[Any]]) -> list[Model]:
        found = map(self.index().by_mapper.get, mappers)
        return [model for model in found if model is not None]

    def __iter__(self) -> Iterator[Model]:
        return iter(self.index().by_name.values())

    def __len__(self) -> int:
        return len(self.index().by_name)

    def __contains__(self, name: object) -> bool:
        return name in self.index().by_name


@dataclass(frozen=True)
class Database:
    """One database that is looked at: its engine, how a Session on it is made, and its models."""

    name: str
    engine: sa.Engine
    maker: sa_orm.sessionmaker[Any]
    models: Models


def models_of(
    mappers: Mapping[sa_orm.Mapper[Any], str | None],
    dialect: sa.Dialect,
    database: str,
    parts: Mapping[sa_orm.Mapper[Any], tuple[str, ...]] | None = None,
) -> list[Model]:
    """Models of mappers, each with the reason why it has no key, if it has none.

    parts: of each one's name, which a dot joins; without them it is the class's name.
    """
    parts = parts or {mapper: (title,) for mapper, title in _titles(mappers).items()}
    names = {mapper: ".".join(keys.encode([part]) for part in found) for mapper, found in parts.items()}
    models = []
    for mapper, reason in mappers.items():
        columns = columns_of(mapper, dialect)
        keyless = reason or _unwritable_key(mapper, columns)
        models.append(
            Model(
                name=names[mapper],
                title=".".join(parts[mapper]),
                class_=mapper.class_,
                mapper=mapper,
                database=database,
                columns=columns,
                relationships=tuple(_relationship(each, names) for each in mapper.relationships),
                read_only=keyless or _read_only(mapper),
                keyless=keyless,
            )
        )
    return models


def _titles(mappers: Iterable[sa_orm.Mapper[Any]]) -> dict[sa_orm.Mapper[Any], str]:
    """The class's name; with its module where two classes share the name."""
    shares = Counter(mapper.class_.__name__ for mapper in mappers)
    return {
        mapper: mapper.class_.__name__ if shares[mapper.class_.__name__] == 1 else _full_name(mapper)
        for mapper in mappers
    }


def _full_name(mapper: sa_orm.Mapper[Any]) -> str:
    return f"{mapper.class_.__module__}.{mapper.class_.__qualname__}"


def _relationship(attribute: sa_orm.RelationshipProperty[Any], names: Mapping[sa_orm.Mapper[Any], str]) -> Relationship:
    reverse = sorted(other.key for other in attribute._reverse_property)
    return Relationship(
        name=attribute.key,
        direction=attribute.direction.name,
        uselist=bool(attribute.uselist),
        target=names.get(attribute.mapper, attribute.mapper.class_.__name__),
        viewonly=bool(attribute.viewonly),
        back_populates=attribute.back_populates or next(iter(reverse), None),
    )


def _unwritable_key(mapper: sa_orm.Mapper[Any], columns: tuple[Column, ...]) -> str | None:
    key_names = {mapper.get_property_by_column(column).key for column in mapper.primary_key}
    for column in columns:
        if column.name in key_names and isinstance(column.kind, Opaque):
            return f"Its key {column.name} is of the type {column.type_name}, which cannot be written in an address."
    return None


def _read_only(mapper: sa_orm.Mapper[Any]) -> str | None:
    if not isinstance(mapper.local_table, (sa.Table, sa.sql.expression.Join)):
        return "It is mapped to a query, not to a table."
    return None


def _is_own(mapper: sa_orm.Mapper[Any]) -> bool:
    return any(getattr(table, "name", "").startswith(OWN_TABLES) for table in mapper.tables)


def _registries(source: object) -> Iterable[sa_orm.registry]:
    if isinstance(source, sa_orm.registry):
        return [source]
    if isinstance(source, ModuleType):
        return [
            registry for value in vars(source).values() if isinstance(value, type) for registry in _registries(value)
        ]
    if isinstance(source, sa.MetaData):
        return [registry for registry in sa_orm.mapperlib._all_registries() if registry.metadata is source]
    registry = getattr(source, "registry", None)
    if isinstance(registry, sa_orm.registry):
        return [registry]
    mapper: object = sa.inspect(source, raiseerr=False) if isinstance(source, type) else None
    return [mapper.registry] if isinstance(mapper, sa_orm.Mapper) else []
