"""What points to a record, page by page, on a page of its own and inside the record's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, Response, request

from ..records.related import Related, RelatedPage, related_page
from ..runtime import current
from . import actor, gate
from .finding import find
from .finding import session as session_of
from .html import page, url
from .lists import ListPage, address, asked_for, list_page


@dataclass(frozen=True)
class RelatedView:
    """lines: the page of the list that this one is, with the addresses of its neighbours here."""

    related: RelatedPage
    lines: ListPage
    next: str | None
    previous: str | None
    all: str | None
    new: str | None

    @property
    def public(self) -> dict[str, Any]:
        return {
            **self.lines.public,
            "next": self.next,
            "previous": self.previous,
            "of": {"model": self.related.owner.name, "key": self.related.key, "relationship": self.related.name},
        }


def add_routes(records: Blueprint) -> None:
    records.add_url_rule("/<model>/<key>/related/<name>", "show_related", show_related)


@gate.needs(gate.READ, database=True)
def show_related(model: str, key: str, name: str) -> Response:
    found, models = find(model)
    asked, runtime = asked_for(request.args.to_dict(flat=False)), current()
    with session_of(found) as session:
        read = related_page(session, found, models, actor.sight(), key, name, asked, runtime.config, runtime.secret_key)
    here = url("records.show_related", model=model, key=key, name=name)
    said = [(word, text) for word, text in request.args.items(multi=True) if word not in ("after", "before")]

    def to(word: str, cursor: str | None) -> str | None:
        return f"{here}?{urlencode([*said, (word, cursor)])}" if cursor else None

    listing, back = read.listing, url("records.show", model=model, key=key)
    view = RelatedView(
        read,
        list_page(listing, asked),
        to("after", listing.after),
        to("before", listing.before),
        filtered(listing.model.name, read.filters),
        None if listing.model.read_only else new_of(listing.model.name, read.filters, back),
    )
    return page("records/related.html", view)


def filtered(model: str, filters: Any) -> str | None:
    """The list that shows them alone, with all that a list can do."""
    return address(model, list(filters.items())) if filters else None


def new_of(model: str, filters: Any, back: str) -> str | None:
    """The form of a new one that points to the record already."""
    if not filters:
        return None
    given = {f"values.{name.split('.')[1]}": text for name, text in filters.items()}
    return f"{url('records.new', model=model)}?{urlencode({**given, 'back': back})}"


@dataclass(frozen=True)
class Around:
    """One relationship on a record's page. href: its own pages; all: the filtered list; new: a new one's form."""

    related: Related
    href: str
    all: str | None
    new: str | None


def around(model: str, key: str, related: tuple[Related, ...]) -> tuple[Around, ...]:
    back = url("records.show", model=model, key=key)
    return tuple(
        Around(
            each,
            url("records.show_related", model=model, key=key, name=each.name),
            filtered(each.model, each.filters),
            new_of(each.model, each.filters, back) if each.writable else None,
        )
        for each in related
    )
