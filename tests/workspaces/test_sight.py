"""What an actor may not see is neither loaded, shown, taken nor told."""

from __future__ import annotations

import pytest

from dashboard.refusal import Refusal
from dashboard.workspaces.registry import Sight
from tests.workspaces import shop

ONLY_JANE = Sight(rows=lambda model: shop.Author.name == "Jane" if model.name == "Author" else None)
NO_MAIL = Sight(hidden=lambda model: frozenset({"email", "settings"}) if model.name == "User" else frozenset())


def test_a_row_outside_the_sight_is_not_found(desk):
    desk.open()
    with pytest.raises(Refusal) as refused:
        desk.do("load", model="Author", key="1", sight=ONLY_JANE)
    assert refused.value.code == "not_found"
    desk.do("load", model="Author", key="2", sight=ONLY_JANE)
    desk.do("load", model="Author", key="1")


def test_a_relationship_shows_only_rows_of_the_sight(desk):
    desk.open()
    desk.load("Book", 1)
    desk.do("read", "Book:1", attribute="author", sight=ONLY_JANE)
    assert desk["Book:1"]["relationships"]["author"]["refs"] == []
    assert len(desk.view().objects) == 1


def test_a_relationship_is_not_set_to_a_row_outside_the_sight(desk):
    desk.open()
    desk.load("Book", 2)
    with pytest.raises(Refusal) as refused:
        desk.do("values", "Book:2", values={"author": "1"}, sight=ONLY_JANE)
    assert (refused.value.code, set(refused.value.fields)) == ("invalid", {"author"})


def test_a_refresh_does_not_show_a_row_outside_the_sight(desk):
    desk.open()
    desk.load("Author", 1)
    with pytest.raises(Refusal):
        desk.do("refresh", "Author:1", sight=ONLY_JANE)


def test_a_hidden_column_is_nowhere(desk):
    desk.open()
    desk.load("User", 1)
    desk.set("User:1", email="secret@x", name="Rob")
    user = desk.make("User", name="Ann", email="hidden@x")
    desk.do("flush")
    view = desk.workspaces.view("w", NO_MAIL)
    for text in ("secret@x", "hidden@x", "bob@x", "dark"):
        assert text not in str(view)
    for ref in ("User:1", user):
        drawn = view.object(ref)
        assert not {"email", "settings"} & {*drawn["values"], *drawn["unloaded"], *drawn["changes"]}
    assert "secret@x" in str(desk.view())


def test_a_hidden_column_is_neither_set_nor_read(desk):
    desk.open()
    desk.load("User", 1)
    before = desk.view()
    for verb, arguments in (
        ("values", {"ref": "User:1", "values": {"email": "x"}}),
        ("objects", {"model": "User", "values": {"email": "x"}}),
        ("read", {"ref": "User:1", "attribute": "email"}),
    ):
        with pytest.raises(Refusal) as refused:
            desk.workspaces.act("w", verb, arguments, actor="ada", sight=NO_MAIL)
        assert refused.value.code == "invalid"
    assert desk.view() == before
