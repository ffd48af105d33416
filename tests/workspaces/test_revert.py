"""What is staged of one object is taken back: it is again what it was when it was loaded, and nothing is sent."""

from __future__ import annotations

import pytest

from dashboard.refusal import Refusal


@pytest.fixture(params=[False, True])
def back(desk, request):
    """Takes an object back, on the worker that staged it or on a new one."""

    def revert(ref):
        if request.param:
            desk.forget()
        desk.do("revert", ref)
        assert desk.sql() == []
        assert desk.last()["connection"] is None

    return revert


def drawn(desk, ref):
    found = desk[ref]
    return {name: found[name] for name in ("values", "unloaded", "flags", "changes", "relationships")}


def test_columns_are_what_they_were(desk, back):
    desk.open()
    desk.load("Book", 1)
    desk.load("User", 1)
    before = [drawn(desk, ref) for ref in ("Book:1", "User:1")]
    desk.set("Book:1", title="Other", price="1")
    desk.set("User:1", settings={"json": {"theme": "light"}}, name="Rob")
    assert "revert" in desk["Book:1"]["actions"]
    back("Book:1")
    back("User:1")
    assert [drawn(desk, ref) for ref in ("Book:1", "User:1")] == before
    assert "revert" not in desk["Book:1"]["actions"]
    desk.do("commit")
    assert desk.sql() == []
    desk.set("User:1", settings={"json": {"theme": "new"}})
    desk.do("commit")
    assert desk.rows("select name from user_account where id = 1") == [("Bob",)]


def test_a_column_of_which_nobody_knows_what_it_was_is_expired(desk, back):
    desk.open()
    desk.load("Book", 1)
    desk.do("expire", "Book:1")
    desk.set("Book:1", title="Other")
    back("Book:1")
    assert desk.badge("Book:1") == "expired"
    desk.do("read", "Book:1", attribute="title")
    assert desk["Book:1"]["values"]["title"] == "Notes"


def test_related_objects_are_what_they_were_on_both_sides(desk, back):
    desk.open()
    desk.load("Book", 1)
    desk.load("Author", 2)
    desk.do("read", "Book:1", attribute="author")
    desk.do("read", "Author:1", attribute="books")
    desk.do("read", "Book:1", attribute="tags")
    refs = [each["ref"] for each in desk.view().objects]
    before = {ref: drawn(desk, ref) for ref in refs}
    desk.set("Book:1", author="Author:2", tags=[])
    assert desk.badge("Author:2") == "modified"
    back("Book:1")
    assert {ref: drawn(desk, ref) for ref in refs} == before
    desk.do("commit")
    assert desk.sql() == []


def test_a_queued_change_of_a_collection_is_taken_back_on_both_sides(desk, back):
    desk.open()
    desk.load("Book", 1)
    desk.load("Author", 2)
    desk.do("read", "Book:1", attribute="author")
    desk.set("Book:1", author="Author:2")
    back("Author:2")
    assert (desk.badge("Author:2"), desk.badge("Book:1")) == ("persistent", "persistent")
    assert desk["Book:1"]["relationships"]["author"]["refs"] == ["Author:1"]
    desk.do("commit")
    assert desk.sql() == []


def test_a_review_whose_book_was_never_loaded_is_no_orphan(desk, back):
    desk.open()
    desk.load("Review", 1)
    desk.load("Book", 1)
    desk.set("Review:1", book="Book:1")
    back("Review:1")
    desk.set("Review:1", stars=1)
    desk.do("commit")
    assert desk.rows("select stars, book_id from review where id = 1")[0][0] == 1


def test_what_was_flushed_is_not_staged_any_more(desk):
    desk.open()
    desk.load("Book", 1)
    desk.set("Book:1", title="Flushed")
    desk.do("flush")
    with pytest.raises(Refusal) as refused:
        desk.do("revert", "Book:1")
    assert refused.value.code == "wrong_state"
    desk.set("Book:1", title="Other")
    desk.do("revert", "Book:1")
    assert desk["Book:1"]["values"]["title"] == "Flushed"
    desk.forget()
    assert desk["Book:1"]["changes"] == {"title": ["Notes", "Flushed"]}
