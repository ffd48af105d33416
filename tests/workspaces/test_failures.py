"""What fails says which object and column, and the workspace is as it was before, with all that was staged."""

from __future__ import annotations

from unittest.mock import ANY

import pytest
import sqlalchemy as sa

from dashboard.refusal import Refusal
from tests.workspaces import shop
from tests.workspaces.desk import as_staged


@pytest.fixture(params=["live", "restored"])
def staged(desk, request):
    """A desk with things staged of every sort; restored: by another Session than the one that staged them."""
    desk.open()
    desk.load("Book", 1)
    desk.set("Book:1", title="Staged")
    desk.make("User", name="Staged", email="staged@x")
    desk.load("Tag", 1)
    desk.do("delete", "Tag:1")
    if request.param == "restored":
        desk.forget()
    return desk


def fails(desk, verb="commit", ref=None, **arguments):
    """The refusal of it; nothing but the tape has changed then."""
    before = desk.view()
    with pytest.raises(Refusal) as refused:
        desk.do(verb, ref, **arguments)
    after = desk.view()
    assert as_staged(after) == as_staged(before)
    assert after.version == before.version
    assert len(after.tape) == len(before.tape) + 1
    assert after.tape[-1]["error"]["code"] == refused.value.code
    assert after.tape[-1]["error"]["message"] == refused.value.message
    assert "sqlite" not in str(refused.value).lower()
    return refused.value


WRONG = {
    "unique": (lambda desk: desk.make("User", name="Two", email="bob@x"), {"email": "two@x"}),
    "not null": (lambda desk: desk.make("User", name="Two"), {"email": "two@x"}),
    "foreign key": (lambda desk: desk.make("Review", book_id=99), {"book_id": 1}),
    "a rule": (lambda desk: desk.set("Book:1", price="-1") and "Book:1", {"price": "1.50"}),
    "a rule that nobody named": (lambda desk: desk.make("User", name="Two", email="two@x", points=666), {"points": 1}),
}


@pytest.mark.parametrize("kind", WRONG)
def test_what_a_constraint_refuses_is_named_and_the_commit_after_its_repair_writes_everything(staged, kind):
    stage, repair = WRONG[kind]
    ref = stage(staged)
    for verb in ("flush", "commit"):
        refused = fails(staged, verb)
        assert (refused.code, refused.fields.keys(), refused.details["refs"]) == ("invalid", repair.keys(), [ref])
        assert refused.details["constraint"] == ("price_not_negative" if kind == "a rule" else ANY)
    staged.set(ref, **repair)
    staged.do("commit")
    assert staged.rows("select title from book where id = 1") == [("Staged",)]
    assert staged.rows("select count(*) from user_account where email = 'staged@x'") == [(1,)]
    assert staged.rows("select * from tag where id = 1") == []
    assert staged.do("refresh", ref).view.object(ref)["values"].items() >= repair.items()


def test_a_version_that_somebody_else_has_counted_up_for_another_column_is_no_conflict(staged):
    with staged.engine.begin() as connection:
        connection.exec_driver_sql("update book set version = 2, price = 4 where id = 1")
    staged.do("commit")
    assert staged.rows("select title, price, version from book where id = 1") == [("Staged", 4, 3)]


def counted_up(mapper, connection, book):
    """A program's own listener, which counts the version up between our comparison and the UPDATE."""
    connection.exec_driver_sql("update book set version = version + 1 where id = 1")


def test_a_version_that_matches_no_row_is_named_and_the_commit_after_its_repair_writes_everything(staged):
    sa.event.listen(shop.Book, "before_update", counted_up)
    try:
        for verb in ("flush", "commit"):
            refused = fails(staged, verb)
            assert (refused.code, refused.details["refs"]) == ("conflict", ["Book:1"])
            assert refused.details["class"] == "StaleDataError"
    finally:
        sa.event.remove(shop.Book, "before_update", counted_up)
    staged.do("commit")
    assert staged.rows("select title, version from book where id = 1") == [("Staged", 2)]
    assert staged.rows("select count(*) from user_account where email = 'staged@x'") == [(1,)]
    assert staged.rows("select * from tag where id = 1") == []


def test_a_failed_flush_inside_an_open_transaction_stages_everything_again(staged):
    staged.do("flush")
    staged.load("Book", 2)
    staged.set("Book:2", title="Later")
    user = staged.make("User", name="Two", email="bob@x")
    with pytest.raises(Refusal) as refused:
        staged.do("flush")
    assert refused.value.code == "invalid"
    view = staged.view()
    assert (view.transaction, [notice["code"] for notice in view.notices]) == (None, ["transaction_lost"])
    assert {each["ref"]: each["badge"] for each in view.objects} == {
        "Book:1": "modified", "User:new-1": "pending", "Tag:1": "deleted", "Book:2": "modified", user: "pending",
    }  # fmt: skip
    assert view.object("Book:1")["changes"] == {"title": ["Notes", "Staged"]}
    assert view.object("User:new-1")["key"] is None
    staged.set(user, email="two@x")
    staged.do("commit")
    assert staged.rows("select title from book order by id") == [("Staged",), ("Later",)]
    assert staged.rows("select name from tag") == [("blue",)]


def test_an_action_that_fails_without_a_flush_leaves_the_open_transaction_open(staged):
    staged.do("flush")
    before = staged.view()
    with pytest.raises(Refusal) as refused:
        staged.do("values", "Book:1", values={"title": "Half", "author": "99"})
    assert (refused.value.code, set(refused.value.fields)) == ("invalid", {"author"})
    after = staged.view()
    assert (after.transaction["since"], after.version, after.objects) == (
        before.transaction["since"],
        before.version,
        before.objects,
    )
    staged.do("commit")
    assert staged.rows("select title from book where id = 1") == [("Staged",)]


def test_reading_of_a_detached_object_what_is_not_loaded(staged):
    staged.do("close")
    refused = fails(staged, "read", "Book:1", attribute="tags")
    assert refused.code == "wrong_state"
    assert staged.last()["error"]["class"] == "DetachedInstanceError"


def test_a_record_that_is_not_there(staged):
    refused = fails(staged, "load", model="Book", key="99")
    assert refused.code == "not_found"


def test_a_second_object_of_the_same_row(staged):
    staged.do("close")
    staged.load("Book", 1)
    refused = fails(staged, "add", "Book:1")
    assert refused.code == "wrong_state"


def test_a_row_that_went_away(staged):
    staged.load("User", 2)
    staged.do("expire", "User:2")
    with staged.engine.begin() as connection:
        connection.exec_driver_sql("delete from user_account where id = 2")
    refused = fails(staged, "read", "User:2", attribute="name")
    assert refused.code == "conflict"


def test_a_circle(staged):
    one = staged.make("Node", name="one")
    two = staged.make("Node", name="two", parent=one)
    staged.set(one, parent=two)
    assert fails(staged).code == "failed"
