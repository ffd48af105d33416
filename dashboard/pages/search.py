"""Where does a person want to go? To a page, a model, a record by its key or label, a workspace, a verb."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass

from flask import Blueprint, Response, request

from ..records.lookup import lookup
from ..records.models import Model
from ..refusal import Refusal
from ..runtime import current
from . import actor, gate
from .addresses import url
from .finding import find, session
from .html import page
from .shell import sections

MOST = 8
"""Hits of one group."""


@dataclass(frozen=True)
class Hit:
    words: str
    detail: str
    href: str


@dataclass(frozen=True)
class Group:
    title: str
    hits: tuple[Hit, ...]


@dataclass(frozen=True)
class Found:
    q: str
    groups: tuple[Group, ...]


def blueprint() -> Blueprint:
    search = Blueprint("search", __name__, url_prefix="/search")
    search.add_url_rule("", "index", index)
    return search


@gate.needs(gate.READ)
def index() -> Response:
    q = request.args.get("q", "").strip()[: current().config.search_characters]
    words = q.casefold().split()
    groups = (
        Group("Pages", _matching(words, _pages())),
        Group("Records", _records(q)),
        Group("Models", _matching(words, _models())),
        Group("Workspaces", _matching(words, _workspaces())),
        Group("Do", _matching(words, _verbs())),
    )
    return page("search/index.html", Found(q, tuple(group for group in groups if group.hits)))


def _matching(words: list[str], hits: Iterator[Hit]) -> tuple[Hit, ...]:
    """Each word begins somewhere in it; what begins with the first word stands first."""
    fitting = [hit for hit in hits if all(word in f"{hit.words} {hit.detail}".casefold() for word in words)]
    first = words[0] if words else ""
    return tuple(sorted(fitting, key=lambda hit: not hit.words.casefold().startswith(first))[:MOST])


def _pages() -> Iterator[Hit]:
    for word, href, _, _ in sections():
        yield Hit(word, "page", href)
    yield Hit("Keys", "help", url("about.keys"))
    yield Hit("Components", "about the page", url("about.components"))


def _models() -> Iterator[Hit]:
    for model in _all_models():
        yield Hit(model.title, f"records of {model.database}", url("records.show_list", model=model.name))


def _workspaces() -> Iterator[Hit]:
    workspaces = current().workspaces
    if workspaces is None:
        return
    with suppress(Refusal):
        for each in workspaces.summaries(actor.sight(), actor=actor.name()):
            yield Hit(each.name, f"workspace of {each.owner}", url("workspaces.show", name=each.name))


def _verbs() -> Iterator[Hit]:
    if not gate.may(gate.EDIT, None) or current().workspaces is None:
        return
    yield Hit("Open a workspace", "new", url("workspaces.index") + "#name")
    for model in _all_models():
        if not model.read_only:
            yield Hit(f"New {model.title}", "a new record", url("records.new", model=model.name))
    with suppress(Refusal):
        for each in current().workspaces.summaries(actor.sight(), actor=actor.name()):  # type: ignore[union-attr]
            yield Hit(f"Review {each.name}", "then commit", url("workspaces.review", name=each.name))


def _all_models() -> Iterator[Model]:
    sight = actor.sight()
    for database in (current().databases or {}).values():
        with suppress(Refusal):
            yield from (model for model in database.models if sight.may(gate.READ, model))


def _records(q: str) -> tuple[Hit, ...]:
    """`book 3` and `book emma`: the model first, then a key or the beginning of a label."""
    wanted, _, rest = q.replace(":", " ", 1).partition(" ")
    rest = rest.strip()
    if not rest:
        return ()
    named = [each for each in _all_models() if each.name.casefold().startswith(wanted.casefold())]
    return tuple(hit for model in named[:1] for hit in _found(model, rest))


def _found(model: Model, text: str) -> Iterator[Hit]:
    with suppress(Refusal):
        gate.enter_database()
        found, models = find(model.name)
        with session(found) as reading:
            matches = lookup(reading, found, models, actor.sight(), text, current().config)
        for match in matches.results[:MOST]:
            yield Hit(match.label, f"{found.title} {match.key}", url("records.show", model=found.name, key=match.key))
