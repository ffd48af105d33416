"""Values in and out: keys of several parts, documents, mutable ones, refs, and what a form was drawn from."""

from __future__ import annotations

import pytest

from dashboard.records.models import Database, Models
from dashboard.refusal import Refusal


def test_a_key_of_several_parts(desk):
    desk.open()
    line = (
        desk.load("Line", "2,a~2Cb")
        if desk.rows("select book_id from line") == [(2,)]
        else desk.load("Line", "1,a~2Cb")
    )
    assert line == f"Line:{desk[line]['key']}"
    desk.set(line, amount=7)
    desk.forget()
    desk.do("commit")
    assert desk.rows("select code, amount from line") == [("a,b", 7)]


def test_a_document_is_shown_as_it_may_be_sent_back_and_is_mutable_again_after_a_restore(desk):
    desk.open()
    desk.load("User", 1)
    assert desk["User:1"]["values"]["settings"] == {"json": {"theme": "dark"}}
    desk.set("User:1", settings={"json": {"theme": "light", "sizes": [1, 2]}})
    assert desk["User:1"]["changes"]["settings"] == [
        {"json": {"theme": "dark"}},
        {"json": {"theme": "light", "sizes": [1, 2]}},
    ]
    desk.forget()
    desk.do("commit")
    desk.do("read", "User:1", attribute="settings")
    desk.forget()
    desk.do("flush")
    live = desk.workspaces._lives.get("w")
    live.board.objects["User:1"].settings["theme"] = "blue"
    assert live.session.is_modified(live.board.objects["User:1"])


def test_a_document_may_be_set_to_null(desk):
    desk.open()
    desk.load("User", 1)
    desk.set("User:1", settings=None)
    desk.forget()
    assert desk["User:1"]["changes"]["settings"] == [{"json": {"theme": "dark"}}, None]
    desk.do("commit")
    assert desk.rows("select settings from user_account where id = 1")[0][0] in (None, "null")


def test_a_workspace_whose_model_is_gone_says_so_and_can_be_discarded(desk):
    desk.open()
    desk.load("User", 1)
    desk.forget()
    models = desk.databases["default"].models
    desk.workspaces._databases["default"] = Database(
        "default", desk.engine, desk.maker, Models(model for model in models if model.name != "User")
    )
    assert desk.view().objects[0]["actions"] == []
    with pytest.raises(Refusal) as refused:
        desk.do("flush")
    assert (refused.value.code, "discard" in refused.value.remedy) == ("unavailable", True)
    assert desk.do("discard").removed


def test_what_is_shown_may_be_sent_back_and_changes_nothing(desk):
    desk.open()
    for model, key in (("Book", "1"), ("User", "1"), ("Author", "1"), ("Node", "2")):
        ref = desk.load(model, key)
        shown = {name: value for name, value in desk[ref]["values"].items() if name != "version"}
        desk.set(ref, **shown)
        assert (desk.badge(ref), desk[ref]["changes"]) == ("persistent", {})
    desk.do("commit")
    assert desk.sql() == []


def test_base_values_that_are_not_those_of_the_row_are_a_conflict(desk):
    desk.open()
    desk.load("Book", 1)
    for base, code in (
        ({"title": "Notes"}, None),
        ({"title": "Emma"}, "conflict"),
        ({"price": "9.00", "title": "X"}, "conflict"),
    ):
        if code is None:
            desk.do("values", "Book:1", values={"price": "8.00"}, base=base)
            continue
        with pytest.raises(Refusal) as refused:
            desk.do("values", "Book:1", values={"price": "7.00"}, base=base)
        assert (refused.value.code, set(refused.value.fields)) == (code, {"title"})
    desk.do("values", "Book:1", values={"price": "7.00"}, base={"price": "9.00"})  # what the row has
    desk.do("values", "Book:1", values={"price": "6.00"}, base={"price": "7.00"})  # what is staged


def test_base_values_of_an_expired_object_are_compared_with_its_row(desk):
    desk.open()
    desk.load("Book", 1)
    desk.do("expire", "Book:1")
    with pytest.raises(Refusal) as refused:
        desk.do("values", "Book:1", values={"title": "Mine"}, base={"title": "Theirs"})
    assert refused.value.code == "conflict"
    assert desk.badge("Book:1") == "expired"
    desk.do("values", "Book:1", values={"title": "Mine"}, base={"title": "Notes"})


def test_two_objects_and_their_refs_stay_apart(desk):
    desk.open()
    refs = []
    for _ in range(3):
        refs.append(desk.load("Book", 1))
        desk.do("expunge", refs[-1])
    assert refs == ["Book:1", "Book:1~2", "Book:1~3"]
    desk.forget()
    desk.set("Book:1~2", title="Second")
    assert [desk[ref]["values"]["title"] for ref in refs] == ["Notes", "Second", "Notes"]


def test_a_new_object_keeps_its_ref_after_its_flush(desk):
    desk.open()
    author = desk.make("Author", name="New")
    desk.do("commit")
    desk.forget()
    assert (desk[author]["ref"], desk[author]["key"]) == ("Author:new-1", "3")
    assert desk.load("Author", 3) == author
    assert desk.make("Author", name="Next") == "Author:new-2"


def test_settings_are_switched(desk):
    desk.open()
    desk.do("settings", autoflush=True, expire_on_commit="false")
    assert desk.view().settings == {"autoflush": True, "expire_on_commit": False}
    desk.make("Author", name="New")
    desk.load("Book", 1)
    assert desk.sql()[0] == "INSERT INTO author"
    desk.do("commit")
    desk.forget()
    assert desk.badge("Book:1") == "persistent"


def test_what_a_relationship_brings_comes_to_the_board(desk):
    desk.open()
    desk.load("Book", 1)
    desk.do("read", "Book:1", attribute="tags")
    assert [each["ref"].partition(":")[0] for each in desk.view().objects] == ["Book", "Tag", "Tag"]
    assert desk["Book:1"]["relationships"]["tags"]["loaded"] is True
    assert sum(desk.view().counts.values()) == 3


def test_the_page_draws_the_snapshot_and_sends_nothing(desk):
    import sqlalchemy as sa

    desk.open()
    desk.load("Book", 1)
    desk.do("expire", "Book:1")
    sent = []
    main = desk.workspaces._lives.registry("default").main.engine
    sa.event.listen(main, "before_cursor_execute", lambda *arguments: sent.append(arguments))
    sa.event.listen(desk.engine, "before_cursor_execute", lambda *arguments: sent.append(arguments))
    desk.view()
    desk.worker().view("w")
    assert sent == []
