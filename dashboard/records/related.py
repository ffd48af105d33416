"""What points to a record? For each relationship how many, the first of them, and pages of all."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa
import sqlalchemy.orm as sa_orm

from ..config import Config
from ..refusal import Refusal
from . import keys, rows
from .columns import Column
from .counting import Count, bounded, keys_of
from .labels import stand_in
from .leading import leading
from .listing import Asked, Listing, Page, Row, drawn, read_page, usual_columns
from .models import Model, Models
from .pointing import filters_of_relationship
from .reading import is_stopped, limited
from .references import references
from .rows import found_row
from .sight import Seen, Sight, seen

RELATED_MOST = 40
"""Relationships whose records are counted on one page."""
COLUMNS_MOST = 6
"""Of the rows that are shown beside their record."""


@dataclass(frozen=True)
class Related:
    """Records that point to this one. count: None where counting took too long. filters: of the list that shows them
    alone, by name; empty where no filter can say it. writable: whether they can be written at all. columns, rows, more:
    the first of them, where they were read; without the column that says what they are called."""

    name: str
    model: str
    title: str
    count: Count | None
    filters: Mapping[str, str]
    writable: bool
    columns: tuple[Column, ...] = ()
    rows: tuple[Row, ...] = ()
    more: bool = False


@dataclass(frozen=True)
class RelatedPage:
    """One page of what points to a record. label: the record's own."""

    owner: Model
    key: str
    label: str
    name: str
    filters: Mapping[str, str]
    listing: Listing


@dataclass(frozen=True)
class _Side:
    """One relationship from a record's side. target: what the person may see of the other."""

    session: sa_orm.Session
    view: Seen
    found: rows.Found
    owner: Any
    relationship: Any
    target: Seen

    @property
    def condition(self) -> Any:
        attribute = getattr(self.view.model.class_, self.relationship.key)
        return sa_orm.with_parent(self.owner, attribute)

    def filters(self) -> dict[str, str]:
        return filters_of_relationship(self.view.model.mapper, self.found.values, self.target, self.relationship)


def all_related(
    session: sa_orm.Session, view: Seen, found: rows.Found, models: Models, sight: Sight, config: Config, secret: str
) -> Iterator[Related]:
    """Inside of `limited`, whose last statements these are: where one takes too long, the rest is not asked for. The
    record is shown all the same."""
    stopped = False
    for number, side in enumerate(_sides(session, view, found, models, sight)):
        other = side.target.model
        made = Related(side.relationship.key, other.name, other.title, None, side.filters(), not other.read_only)
        if not stopped:
            try:
                count = bounded(
                    session, side.target.narrow(keys_of(side.target)).where(side.condition), config.records_count
                )
                made = replace(made, count=count)
                if number < config.related_shown and count.value:
                    made = _with_rows(made, side, models, sight, config, secret)
            except sa.exc.DBAPIError as error:
                if not is_stopped(error):
                    raise
                stopped = True  # PostgreSQL takes no further statement in this transaction
        yield made


def _with_rows(made: Related, side: _Side, models: Models, sight: Sight, config: Config, secret: str) -> Related:
    asked = Asked(size=min(config.related_rows, config.records_rows_most), columns=_columns(side, made.filters))
    page = Page(side.session, side.target, asked, config, secret, within=(side.condition,))
    found, after, _ = page.read()
    pointed = references(side.session, side.target, page.columns, found, models, sight)
    shown = tuple(drawn(side.target.model, each, page.columns, pointed) for each in found)
    lead = leading(side.target.model, page.columns, shown)
    columns = tuple(column for column in page.columns if column.name != lead)
    return replace(made, columns=columns, rows=shown, more=after is not None)


def related_page(
    session: sa_orm.Session,
    model: Model,
    models: Models,
    sight: Sight,
    key: str,
    name: str,
    asked: Asked,
    config: Config,
    secret: str,
) -> RelatedPage:
    """One page of the records that a relationship of this record holds. Raises Refusal: not_found, not_understood,
    invalid, forbidden, overloaded, database_away."""
    view = seen(model, models, sight)
    if model.keyless:
        raise keys.no_such_key(key, model)
    identity = keys.identity_of(model, key)
    with limited(session, config.records_seconds, model):
        found = found_row(session, view, tuple(view.columns.values()), identity, key)
        sides = {side.relationship.key: side for side in _sides(session, view, found, models, sight)}
    if name not in sides:
        raise Refusal("not_found", f"{model.title} has no {name[:80]!r} that could be listed.")
    side = sides[name]
    asked = replace(asked, columns=asked.columns or _columns(side, side.filters()))
    page = Page(session, side.target, asked, config, secret, within=(side.condition,))
    listed = read_page(page, models, sight)
    return RelatedPage(model, key, rows.text_of(model, found.values), name, side.filters(), listed)


def _sides(session: sa_orm.Session, view: Seen, found: rows.Found, models: Models, sight: Sight) -> Iterator[_Side]:
    owner, made = stand_in(view.model, found.values), 0
    for relationship in view.model.mapper.relationships:
        if relationship.direction is sa_orm.RelationshipDirection.MANYTOONE or relationship.viewonly:
            continue
        if relationship.key in sight.hidden(view.model) or made >= RELATED_MOST:
            continue
        try:
            target = seen(models.of_class(relationship.mapper.class_), models, sight)
        except Refusal:
            continue
        made += 1
        yield _Side(session, view, found, owner, relationship, target)


def _columns(side: _Side, filters: Mapping[str, str]) -> tuple[str, ...]:
    """The usual ones, without what is the same in every row: the record itself."""
    same = {name.split(".")[1] for name in filters}
    usual = [column.name for column in usual_columns(side.target) if column.name not in same]
    return tuple(usual[:COLUMNS_MOST])
