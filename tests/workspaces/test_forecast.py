"""What is said of a verb beforehand is what happens: where the object goes, and which rows a flush writes."""

from __future__ import annotations

import pytest

from dashboard.workspaces.forecast import CALLS, forecast, way
from dashboard.workspaces.states import OBJECT_VERBS, verbs
from tests.workspaces.desk import Desk

ARGUMENTS = {"values": {"values": {"title": "Other"}}, "read": {"attribute": "title"}}


@pytest.fixture
def small(tmp_path):
    """The database makes no difference here: what is told is told of the snapshot."""
    with Desk(f"sqlite:///{tmp_path / 'data.db'}", f"sqlite:///{tmp_path / 'store.db'}") as made:
        made.open()
        yield made


def transient(desk):
    return desk.make("Book", add=False, title="New", author_id=1)


def pending(desk):
    return desk.make("Book", title="New", author_id=1)


def persistent(desk):
    return desk.load("Book", 1)


def modified(desk):
    ref = desk.load("Book", 1)
    desk.set(ref, title="Changed")
    return ref


def expired(desk):
    ref = desk.load("Book", 1)
    desk.do("expire", ref)
    return ref


def marked(desk):
    ref = desk.load("Book", 1)
    desk.do("delete", ref)
    return ref


def marked_and_modified(desk):
    ref = modified(desk)
    desk.do("delete", ref)
    return ref


def detached(desk):
    ref = desk.load("Book", 1)
    desk.do("expunge", ref)
    return ref


PREPARED = {
    transient: ("transient", ()),
    pending: ("pending", ()),
    persistent: ("persistent", ()),
    modified: ("persistent", ("modified",)),
    expired: ("persistent", ("expired",)),
    marked: ("persistent", ("marked-deleted",)),
    marked_and_modified: ("persistent", ("modified", "marked-deleted")),
    detached: ("detached", ()),
}


@pytest.mark.filterwarnings("ignore:Instance .* is already pending")  # what SQLAlchemy says of such a merge
@pytest.mark.parametrize(
    "prepare, verb",
    [
        pytest.param(prepare, verb, id=f"{prepare.__name__}-{verb}")
        for prepare, at in PREPARED.items()
        for verb in verbs(*at)
    ],
)
def test_a_verb_leads_where_it_was_said_and_by_that_call(small, prepare, verb):
    ref = prepare(small)
    told = way(small[ref], verb)
    done = small.do(verb, ref, **ARGUMENTS.get(verb, {}))
    went = (done.merged or ref) if told.copy else ref
    there = [(each["state"], each["badge"]) for each in done.view.objects if each["ref"] == went]
    assert there == ([(told.state, told.badge)] if told.state else [])
    assert (went != ref) == told.copy
    if verb not in ("values", "read", "revert", "merge"):
        assert done.view.tape[-1]["python"] == told.python


def test_every_verb_of_an_object_has_its_call():
    assert set(CALLS) == set(OBJECT_VERBS)


STAGED = {
    "nothing": lambda desk: desk.load("Book", 1),
    "one of each": lambda desk: (pending(desk), modified(desk), desk.do("delete", desk.load("User", 2))),
    "a set of links": lambda desk: desk.set(desk.load("Book", 1), tags=["2"]),
    "another parent": lambda desk: desk.set(desk.load("Book", 1), author="2"),
    "a new one with links": lambda desk: desk.make("Book", title="New", author="1", tags=["1", "2"]),
}


@pytest.mark.parametrize("staged", STAGED)
def test_the_rows_that_are_foretold_are_those_that_a_review_finds(small, staged):
    STAGED[staged](small)
    told = forecast(small.view(), small.databases["default"].models)
    rows = small.workspaces.review("w", actor="ada").rows
    assert (told.insert, told.update, told.delete) == (rows["insert"], rows["update"], rows["delete"])


def test_a_deletion_says_that_more_may_go_along(small):
    small.do("delete", small.load("Book", 1))
    told = forecast(small.view(), small.databases["default"].models)
    assert told.words.endswith("DELETE and more")
