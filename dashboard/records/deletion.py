"""What goes along when a record is deleted: rows that the ORM deletes, rows that the database deletes, references that
are set to NULL, and what forbids it?"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
import sqlalchemy.orm as sa_orm

from ..config import Config
from ..refusal import Refusal
from . import keys
from .counting import Count, bounded
from .models import Model, Models
from .pointing import filters_of, filters_of_relationship, has_own_words
from .reading import is_stopped, limited
from .rows import found_row
from .sight import Seen, Sight, seen

DEPTH = 5
"""Levels of what goes along with what goes along."""
EFFECTS_MOST = 60
WORDS = {
    "orm": "deleted by the ORM",
    "database": "deleted by the database",
    "null": "loses its reference",
    "link": "taken out of the set",
    "forbids": "still needs it, and forbids it",
    "dangles": "points to nothing afterwards",
}

Condition = Callable[[Any], Any]
"""Of an alias of a table: which of its rows are meant."""
Filters = Callable[[Seen], Mapping[str, str]]
"""Of what a person may see of a model: the filters of its list that show the rows alone."""


@dataclass(frozen=True)
class Effect:
    """What becomes of rows. how: a key of WORDS. model, title: whose; of a table without a model its name. by: the
    relationship or the foreign key. count: None where counting took too long. filters: of the list that shows them
    alone, by name; empty where no filter can say it: of what goes along with what goes along, or by a table between."""

    how: str
    model: str
    title: str
    by: str
    count: Count | None
    filters: Mapping[str, str] = field(default_factory=dict)

    @property
    def words(self) -> str:
        return WORDS[self.how]


@dataclass(frozen=True)
class Deletion:
    """forbidden: some effect forbids it. cut: there is more than was looked at."""

    model: Model
    key: str
    label: str
    effects: tuple[Effect, ...]
    cut: bool

    @property
    def forbidden(self) -> bool:
        return any(each.how == "forbids" for each in self.effects)


def deletion(session: sa_orm.Session, model: Model, models: Models, sight: Sight, key: str, config: Config) -> Deletion:
    """Only what the person may see is told and counted. Raises Refusal: not_found, forbidden, database_away."""
    from .rows import text_of

    view = seen(model, models, sight)
    if model.keyless:
        raise keys.no_such_key(key, model)
    identity = keys.identity_of(model, key)
    with limited(session, config.records_seconds, model):
        found = found_row(session, view, tuple(view.columns.values()), identity, key)
        looked = _Looked(session, models, sight, config, _enforces(session, model.mapper), found.values)
        values = dict(zip(model.mapper.primary_key, identity, strict=True))
        looked.follow(model.mapper, _is(model.mapper, values), DEPTH)
        return Deletion(model, key, text_of(model, found.values), tuple(looked.effects), looked.cut)


def _is(mapper: sa_orm.Mapper[Any], values: dict[Any, Any]) -> Condition:
    def condition(alias: Any) -> Any:
        described = sa.inspect(alias)
        columns = [described.mapper.get_property_by_column(column).key for column in values]
        return sa.and_(*(getattr(alias, name) == value for name, value in zip(columns, values.values(), strict=True)))

    return condition


class _Looked:
    """values: of the record itself."""

    def __init__(
        self,
        session: sa_orm.Session,
        models: Models,
        sight: Sight,
        config: Config,
        enforced: bool,
        values: Mapping[str, Any],
    ) -> None:
        self.session, self.models, self.sight, self.config = session, models, sight, config
        self._values = values
        self.effects: list[Effect] = []
        self.cut = False
        self._followed: set[Any] = set()
        self._enforced = enforced
        self._stopped = False

    def follow(self, mapper: sa_orm.Mapper[Any], condition: Condition, depth: int, *, by_orm: bool = True) -> None:
        """What goes along with these rows. by_orm: the ORM deletes them, so that its cascades hold."""
        if depth < 1 or len(self.effects) >= EFFECTS_MOST:
            self.cut = True
            return
        handled: set[Any] = set()
        for prop in mapper.relationships if by_orm else ():
            self._of_relationship(mapper, prop, condition, depth, handled)
        for model in self.models:
            for key in _foreign_keys(model.mapper):
                if key.referred_table in mapper.tables and key not in handled:
                    self._of_foreign_key(mapper, model, key, condition, depth)

    def _of_relationship(
        self, mapper: sa_orm.Mapper[Any], prop: Any, condition: Condition, depth: int, handled: set[Any]
    ) -> None:
        if prop.viewonly or prop.passive_deletes == "all" or self._is_hidden(mapper, [prop.key]):
            return
        keys_of_it = {key for column in _remote_columns(prop) for key in _keys_with(column)}
        if prop.secondary is not None:
            handled |= keys_of_it
            self._links(mapper, prop, condition)
            if not prop.cascade.delete:
                return
        if prop.direction is sa_orm.RelationshipDirection.MANYTOONE and not prop.cascade.delete:
            return
        if prop.passive_deletes and prop.secondary is None:
            return  # the database's ON DELETE decides
        handled |= keys_of_it if prop.direction is sa_orm.RelationshipDirection.ONETOMANY else set()
        reached = _reached(mapper, prop, condition)
        how = "orm" if prop.cascade.delete else "null"
        if how == "null" and any(not column.nullable for column in _remote_columns(prop)):
            how = "forbids"

        def filters(target: Seen) -> dict[str, str]:
            return filters_of_relationship(mapper, self._values, target, prop) if depth == DEPTH else {}

        if self._add(how, prop.mapper, prop.key, reached, filters) and how == "orm":
            self._deeper(prop.mapper, reached, depth, by_orm=True)

    def _of_foreign_key(
        self, mapper: sa_orm.Mapper[Any], model: Model, key: sa.ForeignKeyConstraint, condition: Condition, depth: int
    ) -> None:
        reached = _pointing(mapper, model.mapper, key, condition)
        if reached is None or self._is_hidden(
            model.mapper, [model.mapper.get_property_by_column(column).key for column in key.columns]
        ):
            return
        rule = (key.ondelete or "").upper()
        how = {"CASCADE": "database", "SET NULL": "null", "SET DEFAULT": "null"}.get(rule, "forbids")
        how = how if self._enforced else "dangles"
        by = ", ".join(column.name for column in key.columns)
        pairs = [(each.column, each.parent) for each in key.elements]

        def filters(target: Seen) -> dict[str, str]:
            return filters_of(mapper, self._values, target, pairs) if depth == DEPTH else {}

        if self._add(how, model.mapper, by, reached, filters) and how == "database":
            self._deeper(model.mapper, reached, depth, by_orm=False)

    def _deeper(self, mapper: sa_orm.Mapper[Any], reached: Condition, depth: int, *, by_orm: bool) -> None:
        if mapper not in self._followed:  # a table that points to itself is looked at once
            self._followed.add(mapper)
            self.follow(mapper, reached, depth - 1, by_orm=by_orm)

    def _is_hidden(self, mapper: sa_orm.Mapper[Any], names: list[str]) -> bool:
        """To count what points to a row by a hidden column would tell what that holds."""
        try:
            hidden = self.sight.hidden(self.models.of_class(mapper.class_))
        except Refusal:  # no model here, or its host cannot tell
            return True
        return any(name in hidden for name in names)

    def _links(self, mapper: sa_orm.Mapper[Any], prop: Any, condition: Condition) -> None:
        self._add("link", prop.mapper, prop.key, _reached(mapper, prop, condition), lambda target: {})

    def _add(self, how: str, mapper: sa_orm.Mapper[Any], by: str, reached: Condition, filters: Filters) -> bool:
        """Counts, and tells where there is any. False for what nobody may be told, or where there is none."""
        try:
            view = seen(self.models.of_class(mapper.class_), self.models, self.sight)
        except Refusal:
            return False
        count = self._count(view, reached)
        if count is not None and count.value == 0:
            return False
        self.effects.append(Effect(how, view.model.name, view.model.title, by, count, filters(view)))
        return True

    def _count(self, view: Seen, reached: Condition) -> Count | None:
        if self._stopped:
            return None
        alias = view.model.class_
        columns = view.key if not view.model.keyless else [sa.literal(1)]
        statement = view.narrow(sa.select(*columns).select_from(alias).where(reached(alias)))
        try:
            return bounded(self.session, statement, self.config.records_count)
        except sa.exc.DBAPIError as error:
            if not is_stopped(error):
                raise
            self._stopped = True  # PostgreSQL takes no further statement in this transaction
            return None


def _reached(mapper: sa_orm.Mapper[Any], prop: Any, condition: Condition) -> Condition:
    """The rows of the other side that the meant rows hold."""

    def of_target(target: Any) -> Any:
        owner = sa_orm.aliased(mapper.class_)
        attribute = getattr(owner, prop.key)
        other = sa_orm.aliased(prop.mapper.class_)
        pairs = [(getattr(other, name), getattr(target, name)) for name in _key_names(prop.mapper)]
        same = sa.and_(*(one == here for one, here in pairs))
        inner = sa.select(sa.literal(1)).select_from(owner).join(attribute.of_type(other)).where(condition(owner), same)
        return inner.correlate(target).exists()

    def direct(target: Any) -> Any:
        """Without a second look at the other side's own table, where its columns say it."""
        owner = sa_orm.aliased(mapper.class_)
        joined = [
            getattr(target, prop.mapper.get_property_by_column(remote).key)
            == getattr(owner, mapper.get_property_by_column(local).key)
            for local, remote in prop.local_remote_pairs
        ]
        return sa.select(sa.literal(1)).select_from(owner).where(condition(owner), *joined).correlate(target).exists()

    return of_target if prop.secondary is not None or has_own_words(prop) else direct


def _pointing(
    mapper: sa_orm.Mapper[Any], child: sa_orm.Mapper[Any], key: sa.ForeignKeyConstraint, condition: Condition
) -> Condition | None:
    """The rows whose foreign key points to the meant ones."""
    try:
        pairs = [
            (child.get_property_by_column(each.parent).key, mapper.get_property_by_column(each.column).key)
            for each in key.elements
        ]
    except sa.exc.SQLAlchemyError:  # a column that is not mapped
        return None

    def of_child(target: Any) -> Any:
        owner = sa_orm.aliased(mapper.class_)
        joined = [getattr(target, there) == getattr(owner, here) for there, here in pairs]
        return sa.select(sa.literal(1)).select_from(owner).where(condition(owner), *joined).correlate(target).exists()

    return of_child


def _foreign_keys(mapper: sa_orm.Mapper[Any]) -> Iterator[sa.ForeignKeyConstraint]:
    """Of its own table: what is inherited is its base's."""
    inherited = mapper.inherits is not None and mapper.local_table is not mapper.inherits.local_table
    if mapper.single or not isinstance(mapper.local_table, sa.Table):
        return
    for key in sorted(mapper.local_table.foreign_key_constraints, key=lambda each: str(each.column_keys)):
        if not (inherited and mapper.inherits is not None and key.referred_table in mapper.inherits.tables):
            yield key


def _remote_columns(prop: Any) -> list[Any]:
    return [column for column in prop.remote_side if isinstance(column, sa.Column) and column.foreign_keys]


def _keys_with(column: sa.Column[Any]) -> list[sa.ForeignKeyConstraint]:
    return [key.constraint for key in column.foreign_keys if key.constraint is not None]


def _key_names(mapper: sa_orm.Mapper[Any]) -> list[str]:
    return [mapper.get_property_by_column(column).key for column in mapper.primary_key]


def _enforces(session: sa_orm.Session, mapper: sa_orm.Mapper[Any]) -> bool:
    """SQLite keeps foreign keys only where a connection asks for it."""
    connection = session.connection(bind_arguments={"mapper": mapper})
    if connection.dialect.name != "sqlite":
        return True
    return bool(connection.exec_driver_sql("PRAGMA foreign_keys").scalar())
