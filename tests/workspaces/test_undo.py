"""Each action can be taken back and done again; what was flushed comes back as staged."""

from __future__ import annotations

import pytest

from dashboard.config import Config
from dashboard.refusal import Refusal
from tests.workspaces.desk import Desk

PLACE = ("ref", "state", "flags", "values", "unloaded", "changes", "relationships")


@pytest.fixture(params=[False, True], ids=["here", "on another worker"])
def moved(desk, request):
    """Before each undo and redo the worker is started anew, or not."""

    def go(verb):
        if request.param:
            desk.forget()
        desk.do(verb)

    return go


def drawn(desk):
    return [{name: found[name] for name in PLACE} for found in desk.view().objects]


def test_every_action_is_taken_back_and_done_again(desk, moved):
    desk.open()
    seen = [drawn(desk)]

    def did(*arguments, **options):
        desk.do(*arguments, **options)
        seen.append(drawn(desk))

    did("load", model="Book", key="1")
    did("objects", model="User", values={"name": "Ann", "email": "ann@x"}, add=False)
    did("add", "User:new-1")
    did("values", "Book:1", values={"title": "Other", "tags": []})
    did("delete", "Book:1")
    did("add", "Book:1")
    did("expunge", "User:new-1")
    did("expire", "Book:1")
    did("refresh", "Book:1")
    did("expunge", "Book:1")
    did("drop", "User:new-1")
    for earlier in reversed(seen[:-1]):
        moved("undo")
        assert desk.sql() == []
        assert drawn(desk) == earlier
    assert desk.view().objects == ()
    for later in seen[1:]:
        moved("redo")
        assert desk.sql() == []
        assert drawn(desk) == later


def test_what_was_undone_is_not_committed(desk, moved):
    desk.open()
    desk.load("Book", 1)
    desk.set("Book:1", title="First")
    desk.set("Book:1", title="Second", price="1")
    desk.make("User", name="Ann", email="ann@x")
    moved("undo")
    moved("undo")
    desk.do("commit")
    assert desk.rows("select title, price from book where id = 1") == [("First", 9)]
    assert desk.rows("select count(*) from user_account") == [(2,)]


def test_what_was_redone_is_committed(desk, moved):
    desk.open()
    desk.load("Book", 1)
    desk.set("Book:1", title="First")
    desk.make("Book", title="New", author="1", tags=["1"])
    for verb in ("undo", "undo", "redo", "redo"):
        moved(verb)
    desk.do("commit")
    assert desk.rows("select title from book where id in (1, 3) order by id") == [("First",), ("New",)]
    assert desk.rows("select count(*) from book_tag where book_id = 3") == [(1,)]


def test_the_tape_names_what_an_undo_takes_back(desk):
    desk.open()
    assert desk.view().undo == {"what": None, "why": "There is nothing to undo."}
    desk.load("Book", 1)
    desk.set("Book:1", title="Other", price="1")
    assert desk.view().undo == {"what": "set Book:1.title, price", "why": None}
    assert desk.view().redo == {"what": None, "why": "There is nothing to redo."}
    desk.do("undo")
    assert desk.last()["python"] == "# undo: set Book:1.title, price"
    assert desk.last()["transitions"] == []
    assert (desk.view().undo["what"], desk.view().redo["what"]) == ("load Book:1", "set Book:1.title, price")
    desk.do("redo")
    assert desk.last()["python"] == "# redo: set Book:1.title, price"
    assert desk.view().undo["what"] == "set Book:1.title, price"
    desk.do("expire", "Book:1")
    desk.do("undo")
    assert desk.last()["transitions"] == [["Book:1", "expired", "persistent"]]


def test_a_new_action_after_an_undo_leaves_nothing_to_redo(desk):
    desk.open()
    desk.load("Book", 1)
    desk.set("Book:1", title="Other")
    desk.do("undo")
    desk.do("read", "Book:1", attribute="title")
    desk.do("settings", expire_on_commit=False)
    assert desk.view().redo["what"] == "set Book:1.title"
    desk.set("Book:1", price="1")
    with pytest.raises(Refusal) as refused:
        desk.do("redo")
    assert refused.value.code == "wrong_state"
    desk.do("undo")
    assert desk.view().settings["expire_on_commit"] is False


def test_a_failed_action_never_enters_it(desk):
    desk.open()
    desk.load("Book", 1)
    desk.set("Book:1", title="Other")
    before = desk.view().undo
    with pytest.raises(Refusal):
        desk.set("Book:1", price="nothing")
    desk.make("Tag", name="old")
    with pytest.raises(Refusal):
        desk.do("commit")
    assert desk.view().undo["what"] == "new Tag:new-1"
    desk.do("undo")
    assert desk.view().undo == before
    desk.do("undo")
    assert desk["Book:1"]["changes"] == {}


def test_across_a_flush_everything_comes_back_as_it_was_staged(desk, database_url):
    desk.open()
    desk.load("Book", 1)
    desk.set("Book:1", title="Other")
    desk.make("User", name="Ann", email="ann@x")
    desk.do("delete", "Book:1")
    staged = drawn(desk)
    desk.do("flush")
    desk.do("undo")
    view = desk.view()
    assert drawn(desk) == staged
    assert view.transaction is None
    assert [notice["code"] for notice in view.notices] == ["transaction_ended"]
    assert desk.last()["python"] == "session.rollback()\n# undo: flush"
    assert desk.last()["transitions"] == [
        ["Book:1", "deleted", "persistent"],
        ["User:new-1", "persistent", "pending"],
    ]
    desk.do("redo")
    assert drawn(desk)[:2] == staged  # and what the delete's cascade had loaded
    assert desk.view().notices == ()
    desk.do("commit")
    assert desk.rows("select count(*) from book where id = 1") == [(0,)]
    assert desk.rows("select name from user_account order by id") == [("Bob",), ("Cy",), ("Ann",)]


def test_what_was_staged_after_a_flush_is_undone_within_the_open_transaction(desk):
    desk.open()
    desk.load("Book", 1)
    desk.set("Book:1", title="Flushed")
    desk.do("flush")
    flushed = drawn(desk)
    desk.set("Book:1", price="1")
    desk.load("Book", 2)
    desk.make("User", name="Ann", email="ann@x")
    for _ in range(3):
        desk.do("undo")
    assert drawn(desk) == flushed
    assert desk.view().transaction is not None
    assert desk.view().notices == ()
    desk.do("redo")
    desk.do("undo")
    desk.do("commit")
    assert desk.rows("select title, price from book where id = 1") == [("Flushed", 9)]
    assert desk.rows("select count(*) from user_account") == [(2,)]


def test_a_transaction_that_an_undo_left_open_is_lost_whole(desk):
    desk.open()
    desk.load("Book", 1)
    desk.set("Book:1", title="Flushed")
    desk.do("flush")
    desk.set("Book:1", price="1")
    desk.do("undo")
    desk.forget()
    assert desk["Book:1"]["changes"] == {"title": ["Notes", "Flushed"]}
    desk.do("undo")
    assert desk["Book:1"]["changes"] == {"title": ["Notes", "Flushed"]}
    desk.do("undo")
    assert desk["Book:1"]["changes"] == {}


def test_across_two_flushes_what_lay_between_them_is_staged(desk):
    desk.open()
    desk.load("Book", 1)
    desk.set("Book:1", title="First")
    desk.do("flush")
    desk.set("Book:1", price="1")
    desk.do("flush")
    desk.set("Book:1", price="2")
    desk.do("undo")
    desk.do("undo")
    assert desk.view().transaction is None
    assert desk["Book:1"]["changes"] == {"title": ["Notes", "First"], "price": ["9.00", "1.00"]}
    desk.do("commit")
    assert desk.rows("select title, price from book where id = 1") == [("First", 1)]


def test_a_rollback_is_taken_back(desk):
    desk.open()
    desk.load("Book", 1)
    desk.set("Book:1", title="Other")
    desk.make("User", name="Ann", email="ann@x")
    desk.do("flush")
    desk.do("rollback")
    assert desk.badge("User:new-1") == "transient"
    desk.do("undo")
    assert (desk.badge("Book:1"), desk.badge("User:new-1")) == ("modified", "pending")
    assert desk["Book:1"]["changes"] == {"title": ["Notes", "Other"]}
    desk.do("commit")
    assert desk.rows("select title from book where id = 1") == [("Other",)]


def test_past_a_commit_it_is_refused_with_the_remedy(desk):
    desk.open()
    desk.load("Book", 1)
    desk.set("Book:1", title="Other")
    desk.do("commit")
    with pytest.raises(Refusal) as refused:
        desk.do("undo")
    assert refused.value.code == "wrong_state"
    assert "History" in refused.value.remedy
    assert desk.view().undo == {"what": None, "why": "The last action was a commit, which no undo takes back."}
    desk.set("Book:1", title="Third")
    desk.do("undo")
    assert desk.badge("Book:1") == "expired"
    with pytest.raises(Refusal):
        desk.do("undo")


def test_so_many_steps_are_kept_whatever_is_undone_and_redone(database_url, tmp_path):
    config = Config(undo_kept=5)
    with Desk(database_url, f"sqlite:///{tmp_path / 'store.db'}", config=config) as desk:
        desk.open()
        desk.load("Book", 1)
        for number in range(8):
            desk.set("Book:1", title=f"Title {number}")
        for _ in range(10):
            for _ in range(5):
                desk.do("undo")
            assert desk["Book:1"]["values"]["title"] == "Title 2"
            with pytest.raises(Refusal):
                desk.do("undo")
            for _ in range(5):
                desk.do("redo")
            assert desk["Book:1"]["values"]["title"] == "Title 7"


def test_an_undo_writes_the_rows_of_what_changed_only(desk):
    desk.open()
    for key in (1, 2):
        desk.load("Book", key)
    desk.set("Book:1", title="Other")
    desk.do("undo")
    with desk.store.reading() as connection:
        written = connection.exec_driver_sql(
            "select version, count(*) from poolhouse_workspace_object group by version order by version"
        ).all()
    assert [tuple(each) for each in written] == [(2, 1), (3, 1), (4, 1), (5, 1)]


def test_an_object_made_after_an_undo_has_a_ref_of_its_own(desk):
    desk.open()
    desk.make("User", name="Ann", email="ann@x")
    desk.do("undo")
    assert desk.make("User", name="Eve", email="eve@x") == "User:new-2"
    desk.do("commit")
    assert desk.rows("select name from user_account order by id") == [("Bob",), ("Cy",), ("Eve",)]


def test_two_who_undo_the_same_are_told_apart(desk):
    desk.open()
    desk.load("Book", 1)
    version = desk.view().version
    desk.do("undo", version=version)
    with pytest.raises(Refusal) as refused:
        desk.do("undo", version=version)
    assert refused.value.code == "stale"
