"""Two people at one workspace: who has it since when, and what becomes of it when the other takes it over."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy as sa

from dashboard.refusal import Refusal
from tests.workspaces import shop


def act(desk, verb, actor, by=None, **arguments):
    return (by or desk.workspaces).act("w", verb, arguments, actor=actor).view


def test_who_has_it_and_since_when_is_told(desk):
    opened = desk.open()
    desk.load("Book", 1)
    seen = desk.workspaces.view("w", actor="bob")
    assert (seen.owner, seen.since) == ("ada", opened.since)
    assert seen.updated_at == seen.tape[-1]["at"]


def test_an_action_that_failed_is_no_change(desk):
    changed = desk.open().updated_at
    with pytest.raises(Refusal):
        desk.load("Book", 999)
    seen = desk.view()
    assert (seen.tape[-1]["error"]["code"], seen.updated_at) == ("not_found", changed)
    assert [row.updated_at for row in desk.workspaces.summaries()] == [changed]


def test_somebody_else_who_fails_meanwhile_stops_nobody(desk):
    desk.open()
    desk.load("Book", 1)
    other, refused = desk.worker(), []

    def fail(book, _):
        if book.id != 2:  # the other worker restores what it finds
            return
        with ThreadPoolExecutor(1) as thread:
            asked = thread.submit(act, desk, "load", "bob", by=other, model="Book", key="999")
            refused.append(asked.exception(timeout=30))

    sa.event.listen(shop.Book, "load", fail)
    try:
        desk.load("Book", 2)
    finally:
        sa.event.remove(shop.Book, "load", fail)
    assert [each.code for each in refused] == ["not_found"]
    assert [each["ref"] for each in desk.view().objects] == ["Book:1", "Book:2"]
    assert [bool(each["error"]) for each in desk.view().tape] == [False, True, False]


def test_another_takes_it_over_with_all_that_is_staged(desk):
    opened = desk.open()
    desk.load("Book", 1)
    desk.set("Book:1", title="Ada's")
    before = desk.view().objects
    taken = act(desk, "take-over", "bob")
    assert (taken.owner, taken.objects) == ("bob", before)
    assert taken.since > opened.since
    assert taken.notices == ({"code": "taken_over", "message": "bob took this workspace over from ada."},)
    assert [row.owner for row in desk.workspaces.summaries()] == ["bob"]
    desk.forget()
    assert desk.view().owner == "bob"
    assert act(desk, "undo", "bob").owner == "bob"
    assert desk["Book:1"]["changes"] == {}
    assert act(desk, "take-over", "ada").owner == "ada"


def test_an_open_transaction_stays_open(desk):
    desk.open()
    desk.make("Author", name="New")
    desk.do("flush")
    taken = act(desk, "take-over", "bob")
    assert taken.transaction
    act(desk, "commit", "bob")
    assert len(desk.rows("select * from author where name = 'New'")) == 1


def test_who_has_it_does_not_take_it_over(desk):
    version = desk.open().version
    with pytest.raises(Refusal) as refused:
        act(desk, "take-over", "ada")
    assert (refused.value.code, desk.view().version) == ("wrong_state", version)


def elsewhere(desk, statement):
    with desk.engine.begin() as connection:
        connection.exec_driver_sql(statement)


def test_a_row_that_somebody_else_changed_says_so_when_it_is_refreshed(desk):
    desk.open()
    desk.load("Book", 1)
    assert desk["Book:1"]["elsewhere"] is None
    elsewhere(desk, "update book set title = 'Theirs' where id = 1")
    desk.do("refresh", "Book:1")
    assert desk["Book:1"]["elsewhere"] == {"what": "changed", "columns": ["title"]}
    desk.load("Book", 2)
    assert desk["Book:1"]["elsewhere"] == {"what": "changed", "columns": ["title"]}
    assert desk["Book:2"]["elsewhere"] is None
    desk.set("Book:1", title="Mine")
    desk.do("commit")
    assert desk["Book:1"]["elsewhere"] is None


def test_what_a_flush_took_over_or_found_in_conflict_is_told_at_the_object(desk):
    desk.open()
    desk.load("Book", 1)
    desk.load("Book", 2)
    desk.set("Book:1", title="Mine")
    desk.set("Book:2", title="Mine")
    elsewhere(desk, "update book set price = 1 where id = 1")
    elsewhere(desk, "update book set title = 'Theirs' where id = 2")
    with pytest.raises(Refusal):
        desk.do("flush")
    assert desk["Book:2"]["elsewhere"] == {"what": "changed", "columns": ["title"]}
    desk.do("resolve", resolve={"Book:2": {"title": "mine"}})
    desk.do("flush")
    assert desk["Book:1"]["elsewhere"] == {"what": "changed", "columns": ["price"]}


def test_a_row_that_is_gone_says_so_when_it_is_refreshed_or_flushed(desk):
    desk.open()
    for key, verb in ((1, "refresh"), (2, "flush")):
        ref = desk.load("User", key)
        desk.set(ref, name="Mine")
        elsewhere(desk, f"delete from user_account where id = {key}")
        with pytest.raises(Refusal) as refused:
            desk.do(verb, ref if verb == "refresh" else None)
        assert refused.value.code == "conflict"
        assert desk[ref]["elsewhere"] == {"what": "deleted", "columns": []}
        desk.do("expunge", ref)
