"""Savepoints are SQLAlchemy's own: nested, rolled back to one by one, gone with the transaction."""

from __future__ import annotations

import pytest

from dashboard.refusal import Refusal
from tests.workspaces.comparison import Both


@pytest.fixture(params=["never", "always", "other"])
def both(request, tmp_path):
    with Both(tmp_path, restore=request.param) as made:
        yield made


def test_a_savepoint_does_what_a_plain_session_does(both):
    book = both.do("load", model="Book", key=1)
    both.do("values", book, values={"title": "First"})
    both.do("savepoint")
    both.do("values", book, values={"title": "Second"})
    user = both.do("objects", model="User", values={"name": "Ann", "email": "ann@x"}, add=True)
    both.do("flush")
    both.do("rollback-to-savepoint")
    both.do("read", book, attribute="title")
    both.do("values", book, values={"title": "Third"})
    both.do("add", user)
    both.do("commit")
    both.do("refresh", book)


def test_savepoints_nest(both):
    user = both.do("load", model="User", key=1)
    other = both.do("load", model="User", key=2)
    both.do("savepoint")
    both.do("values", user, values={"name": "Rob"})
    both.do("savepoint")
    both.do("delete", other)
    both.do("flush")
    tag = both.do("objects", model="Tag", values={"name": "new"}, add=True)
    both.do("savepoint")
    both.do("values", tag, values={"name": "newer"})
    both.do("rollback-to-savepoint")
    both.do("values", user, values={"points": 5})
    both.do("rollback-to-savepoint")
    both.do("refresh", user)
    both.do("rollback-to-savepoint")
    both.do("refresh", user)
    both.do("commit")


def test_a_rollback_ends_all_savepoints(both):
    user = both.do("load", model="User", key=1)
    both.do("values", user, values={"name": "Rob"})
    both.do("savepoint")
    both.do("delete", user)
    both.do("savepoint")
    both.do("rollback")
    both.do("delete", user)
    both.do("savepoint")
    both.do("close")


def test_a_commit_keeps_what_was_done_in_savepoints(both):
    user = both.do("load", model="User", key=1)
    both.do("savepoint")
    both.do("delete", user)
    both.do("objects", model="Node", values={"name": "new"}, add=True)
    both.do("savepoint")
    both.do("commit")
    both.do("make-transient", user)


def test_a_savepoint_is_told_and_pins(desk):
    desk.open()
    desk.load("Book", 1)
    assert desk.view().savepoints == 0
    desk.do("savepoint")
    assert desk.last()["python"].splitlines()[0] == "savepoint_1 = session.begin_nested()"
    assert desk.sql() == ["SAVEPOINT sa_savepoint_1"]
    assert desk.last()["connection"]["given_back"] is False
    view = desk.view()
    assert (view.savepoints, view.transaction is not None) == (1, True)
    desk.do("savepoint")
    assert desk.view().savepoints == 2
    desk.do("rollback-to-savepoint")
    assert desk.last()["python"] == "savepoint_2.rollback()"
    assert desk.view().savepoints == 1
    desk.do("commit")
    assert (desk.view().savepoints, desk.view().transaction) == (0, None)


def test_after_a_lost_transaction_the_savepoints_are_gone_and_everything_before_them_staged(desk):
    desk.open()
    desk.load("Book", 1)
    desk.set("Book:1", title="First")
    desk.do("savepoint")
    desk.set("Book:1", title="Second", price="1")
    desk.make("User", name="Ann", email="ann@x")
    desk.do("flush")
    desk.do("rollback-to-savepoint")
    desk.do("savepoint")
    desk.forget()
    view = desk.view()
    assert (view.savepoints, view.transaction) == (0, None)
    assert view.notices[0]["message"].endswith("Its savepoints are gone with it.")
    assert desk["Book:1"]["changes"] == {"title": ["Notes", "First"]}
    assert desk.badge("User:new-1") == "transient"
    with pytest.raises(Refusal) as refused:
        desk.do("rollback-to-savepoint")
    assert refused.value.code == "wrong_state"
    desk.do("commit")
    assert desk.rows("select title, price from book where id = 1") == [("First", 9)]


def test_what_was_flushed_within_a_savepoint_is_staged_when_the_transaction_is_lost(desk):
    desk.open()
    desk.load("Book", 1)
    desk.do("savepoint")
    desk.set("Book:1", title="First")
    desk.do("flush")
    desk.do("savepoint")
    desk.set("Book:1", price="1")
    desk.make("User", name="Ann", email="ann@x")
    desk.forget()
    assert desk["Book:1"]["changes"] == {"title": ["Notes", "First"], "price": ["9.00", "1.00"]}
    assert desk.badge("User:new-1") == "pending"
    desk.do("commit")
    assert desk.rows("select title, price from book where id = 1") == [("First", 1)]


def test_a_row_locked_within_a_savepoint_is_looked_at_again_after_it_was_rolled_back(desk):
    """On a server the lock is gone with the savepoint: somebody else may have written the row since."""
    desk.open()
    desk.load("Book", 1)
    desk.do("savepoint")
    desk.set("Book:1", title="Mine")
    desk.do("flush")
    desk.do("rollback-to-savepoint")
    desk.do("refresh", "Book:1")
    if desk.engine.dialect.name != "sqlite":  # there the whole file stays locked
        with desk.engine.begin() as connection:
            connection.exec_driver_sql("update book set price = 1 where id = 1")
        desk.set("Book:1", price="2")
        with pytest.raises(Refusal) as refused:
            desk.do("flush")
        assert refused.value.code == "conflict"
    desk.set("Book:1", title="Again")
    assert any(each["why"] == "check" for each in _checks_of_a_flush(desk))


def _checks_of_a_flush(desk):
    try:
        desk.do("flush")
    except Refusal:
        pass
    return desk.last()["checks"]


def test_a_failed_flush_in_a_savepoint_keeps_everything_staged(desk):
    desk.open()
    desk.load("Book", 1)
    desk.set("Book:1", title="First")
    desk.do("savepoint")
    desk.make("Tag", name="old")
    with pytest.raises(Refusal):
        desk.do("flush")
    assert desk.view().savepoints == 0
    assert [notice["code"] for notice in desk.view().notices] == ["transaction_lost"]
    desk.set("Tag:new-1", name="other")
    desk.do("commit")
    assert desk.rows("select title from book where id = 1") == [("First",)]


def test_a_refused_action_leaves_the_savepoints_open(desk):
    desk.open()
    desk.load("Book", 1)
    desk.do("savepoint")
    with pytest.raises(Refusal):
        desk.load("Book", 99)
    assert desk.view().savepoints == 1
    desk.set("Book:1", title="Second")
    desk.do("flush")
    with pytest.raises(Refusal):
        desk.load("Book", 99)
    desk.do("rollback-to-savepoint")
    desk.do("commit")
    assert desk.rows("select title from book where id = 1") == [("Notes",)]


def test_an_undo_across_a_savepoint_ends_the_transaction(desk):
    desk.open()
    desk.load("Book", 1)
    desk.set("Book:1", title="First")
    desk.do("savepoint")
    desk.set("Book:1", price="1")
    desk.do("undo")
    assert (desk.view().savepoints, desk.view().notices) == (1, ())
    desk.do("undo")
    assert (desk.view().savepoints, desk.view().transaction) == (0, None)
    assert [notice["code"] for notice in desk.view().notices] == ["transaction_ended"]
    assert desk["Book:1"]["changes"] == {"title": ["Notes", "First"]}
    desk.do("redo")
    desk.do("redo")
    assert desk["Book:1"]["changes"] == {"title": ["Notes", "First"], "price": ["9.00", "1.00"]}
    assert desk.view().savepoints == 0


def test_so_many_savepoints_may_be_open(desk):
    desk.open()
    for _ in range(20):
        desk.do("savepoint")
    with pytest.raises(Refusal) as refused:
        desk.do("savepoint")
    assert refused.value.code == "too_large"
    desk.do("rollback")
