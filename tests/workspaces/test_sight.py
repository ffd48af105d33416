"""What an actor may not see is neither loaded, shown, taken nor told."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dashboard.records.models import Models
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


# in a workspace that others use too

NO_AUTHORS = Sight(may=lambda verb, model: model.name != "Author")


def forbidden(desk, verb, sight, *, actor="bob", **arguments):
    before = without_seconds(desk.view())
    with pytest.raises(Refusal) as refused:
        desk.workspaces.act("w", verb, arguments, actor=actor, sight=sight)
    assert refused.value.code == "forbidden"
    assert without_seconds(desk.view()) == before
    return refused.value


def without_seconds(view):
    """They pass between two looks."""
    told = view.transaction and {key: value for key, value in view.transaction.items() if "ends_in" != key != "seconds"}
    return replace(view, transaction=told)


def name_of(desk, key):
    return desk.rows("SELECT name FROM author WHERE id = :id", id=key)[0].name


def test_an_object_of_a_model_that_one_may_not_read_is_there_and_nothing_of_it_is_told(desk):
    desk.open()
    desk.load("Author", 1)
    desk.load("Book", 1)
    desk.do("read", "Book:1", attribute="author")
    desk.set("Author:1", name="Unheard of")
    desk.do("flush")
    drawn = desk.workspaces.view("w", NO_AUTHORS, actor="bob")
    author = drawn.object("Author:1")
    assert (author["label"], author["values"], author["unloaded"]) == ("Author:1", {}, [])
    assert (author["changes"], author["relationships"], author["actions"]) == ({}, {}, [])
    for text in ("Unheard of", "FROM author", "UPDATE author"):
        assert text in str(desk.view())
        assert text not in str(drawn)
    assert drawn.object("Book:1") == desk["Book:1"]
    assert any("FROM book" in each["sql"] for entry in drawn.tape for each in entry["statements"])


def test_what_a_failure_says_of_hidden_values_is_withheld(desk):
    desk.open()
    desk.load("User", 1)
    desk.make("User", name="Ann", email=desk["User:1"]["values"]["email"])
    with pytest.raises(Refusal):
        desk.do("flush")
    assert desk.last()["error"]["message"] != "(withheld)"
    assert desk.workspaces.view("w", NO_MAIL).tape[-1]["error"]["message"] == "(withheld)"


def test_sqlalchemys_own_words_are_told_unless_they_name_what_the_actor_may_not_see(desk):
    desk.open()
    desk.load("Book", 1)
    desk.do("read", "Book:1", attribute="author")
    desk.do("close")
    desk.load("Author", 1)

    def told(sight):
        with pytest.raises(Refusal) as refused:
            desk.do("add", "Book:1", sight=sight)
        assert "one object for each row" in refused.value.message
        return refused.value.details.get("explained"), desk.last()["error"].get("explained")

    everything, on_the_tape = told(Sight())
    assert everything == on_the_tape
    assert "another instance with key Author (1)" in everything["said"]
    assert told(NO_AUTHORS) == (None, None)


def test_nobody_acts_on_what_he_may_not_read(desk):
    desk.open()
    desk.load("Author", 1)
    for verb in ("values", "read", "expire", "refresh", "expunge", "delete", "merge", "drop"):
        forbidden(desk, verb, NO_AUTHORS, ref="Author:1")
    told = forbidden(desk, "values", NO_AUTHORS, ref="Author:1", values={}, base={"name": "a guess"})
    assert not told.details
    desk.set("Author:1", name="Staged by ada")
    for verb in ("flush", "commit", "rollback", "close", "expunge-all", "discard"):
        forbidden(desk, verb, NO_AUTHORS)
    desk.do("flush")
    forbidden(desk, "commit", NO_AUTHORS)
    forbidden(desk, "rollback", NO_AUTHORS)
    desk.do("commit")
    assert name_of(desk, 1) == "Staged by ada"
    desk.workspaces.act("w", "load", {"model": "Book", "key": "1"}, actor="bob", sight=NO_AUTHORS)
    desk.workspaces.act("w", "commit", {}, actor="bob", sight=NO_AUTHORS)


def test_an_autoflush_writes_only_what_the_actor_may_flush(desk):
    desk.open(autoflush=True)
    desk.load("Author", 1)
    desk.set("Author:1", name="Staged by ada")
    forbidden(desk, "load", NO_AUTHORS, model="Book", key="1")


def test_whoever_sees_only_some_rows_has_workspaces_of_his_own(desk):
    desk.open()
    desk.load("Author", 1)
    for verb, arguments in (("load", {"model": "Book", "key": "1"}), ("commit", {}), ("discard", {})):
        assert forbidden(desk, verb, ONLY_JANE, **arguments).remedy == "Open a workspace of your own."
    with pytest.raises(Refusal) as refused:
        desk.workspaces.view("w", ONLY_JANE, actor="bob")
    assert refused.value.code == "forbidden"
    desk.workspaces.open("his", "bob")
    desk.workspaces.act("his", "load", {"model": "Author", "key": "2"}, actor="bob", sight=ONLY_JANE)
    assert [each.name for each in desk.workspaces.summaries(ONLY_JANE, actor="bob")] == ["his"]
    assert len(desk.workspaces.view("his", ONLY_JANE, actor="bob").objects) == 1
    assert len(desk.workspaces.summaries()) == 2


def test_a_relationship_does_not_lead_to_a_model_that_one_may_not_read(desk):
    desk.open()
    desk.load("Book", 1)
    desk.load("Author", 1)
    for value in ("2", "Author:1"):
        forbidden(desk, "values", NO_AUTHORS, actor="ada", ref="Book:1", values={"author": value})
        forbidden(desk, "objects", NO_AUTHORS, actor="ada", model="Book", values={"title": "x", "author": value})
    forbidden(desk, "read", NO_AUTHORS, actor="ada", ref="Book:1", attribute="author")
    no_tags = Sight(may=lambda verb, model: (verb, model.name) != ("load", "Tag"))
    forbidden(desk, "values", no_tags, actor="ada", ref="Book:1", values={"tags": ["1"]})
    forbidden(desk, "read", no_tags, actor="ada", ref="Book:1", attribute="tags")


def test_a_collection_changes_only_rows_that_one_may_edit(desk):
    desk.open()
    desk.load("Author", 1)
    reads_books = Sight(may=lambda verb, model: model.name != "Book" or verb in ("read", "load"))
    forbidden(desk, "values", reads_books, actor="ada", ref="Author:1", values={"books": ["1"]})
    desk.do("read", "Author:1", attribute="books", sight=reads_books)


def test_a_board_is_drawn_without_its_models_only_for_whoever_sees_all(desk):
    desk.open()
    desk.load("User", 1)
    seen = desk["User:1"]

    def away():
        raise Refusal("database_away", "It is away.", remedy="Wait.")

    database = desk.databases["default"]
    desk.databases["default"] = replace(database, models=Models(away))
    elsewhere = desk.worker()
    view = elsewhere.view("w", actor="bob")
    assert [notice["code"] for notice in view.notices] == ["database_away"]
    drawn = view.object("User:1")
    assert (drawn["values"], drawn["label"], drawn["actions"]) == (seen["values"], seen["label"], [])
    with pytest.raises(Refusal) as refused:
        elsewhere.view("w", NO_MAIL, actor="bob")
    assert refused.value.code == "database_away"
    assert elsewhere.summaries(NO_MAIL, actor="bob") == ()


def test_a_copied_tape_has_no_hidden_value_as_sql(desk):
    desk.open()
    desk.load("User", 1)
    assert desk.workspaces.copied("w", "tape.sql", Sight(), actor="ada")
    with pytest.raises(Refusal) as refused:
        desk.workspaces.copied("w", "tape.sql", NO_MAIL, actor="ada")
    assert refused.value.code == "forbidden"
