"""Each success equals what a plain Session does with the same calls:
states, flags, values, relationships and SQL; also after a restore."""

from __future__ import annotations

import pytest

from dashboard.refusal import Refusal
from tests.workspaces.comparison import Both


@pytest.fixture(params=["never", "always", "other"])
def both(request, tmp_path):
    with Both(tmp_path, restore=request.param) as made:
        yield made


def test_the_life_of_a_user(both):
    user = both.do("objects", model="User", values={"name": "Ann", "email": "ann@x"}, add=False)
    both.do("add", user)
    both.do("flush")
    both.do("values", user, values={"name": "Anna"})
    both.do("commit")
    both.do("read", user, attribute="name")
    both.do("expire", user)
    both.do("refresh", user)
    both.do("expunge", user)
    both.do("values", user, values={"points": 3})
    both.do("add", user)
    both.do("commit")
    both.do("delete", user)
    both.do("add", user)
    both.do("delete", user)
    both.do("flush")
    both.do("rollback")
    both.do("delete", user)
    both.do("commit")
    both.do("make-transient", user)
    both.do("add", user)
    both.do("commit")
    both.do("close")


def test_a_pending_object_points_to_a_pending_object(both):
    author = both.do("objects", model="Author", values={"name": "New"}, add=True)
    book = both.do("objects", model="Book", values={"title": "First", "author": author}, add=True)
    both.do("values", book, values={"tags": ["1", "2"]})
    both.do("flush")
    both.do("commit")
    both.do("read", author, attribute="books")
    both.do("read", book, attribute="tags")


def test_a_set_of_many_to_many_changes_on_both_sides(both):
    tag = both.do("load", model="Tag", key=1)
    book = both.do("load", model="Book", key=1)
    both.do("values", book, values={"tags": []})
    both.do("read", tag, attribute="books")
    both.do("values", tag, values={"books": [book]})
    both.do("values", tag, values={"books": ["2"]})
    both.do("flush")
    both.do("read", book, attribute="tags")
    both.do("commit")


def test_a_change_queued_for_a_collection_that_is_not_loaded(both):
    author = both.do("load", model="Author", key=1)
    both.do("load", model="Author", key=2)
    book = both.do("load", model="Book", key=1)
    both.do("values", book, values={"author": "Author:2"})
    both.do("values", book, values={"author": author})
    both.do("values", book, values={"author": None})
    both.do("values", book, values={"author": "Author:2"})
    both.do("read", "Author:2", attribute="books")
    both.do("commit")


def test_a_tree(both):
    root = both.do("load", model="Node", key=1)
    child = both.do("objects", model="Node", values={"name": "child", "parent": root}, add=True)
    grandchild = both.do("objects", model="Node", values={"name": "grandchild", "parent": child}, add=False)
    both.do("values", root, values={"children": [grandchild]})
    both.do("flush")
    both.do("values", child, values={"children": [grandchild], "parent": None})
    both.do("commit")
    both.do("read", child, attribute="children")


def test_a_composite_key(both):
    book = both.do("load", model="Book", key=1)
    line = both.do("objects", model="Line", values={"book": book, "code": "x/y", "amount": 3}, add=True)
    both.do("flush")
    both.do("values", line, values={"amount": 4})
    both.do("commit")
    both.do("refresh", line)
    both.do("delete", line)
    both.do("commit")


def test_delete_orphan(both):
    book = both.do("load", model="Book", key=2)
    both.do("read", book, attribute="reviews")
    both.do("values", book, values={"reviews": []})
    both.do("flush")
    both.do("rollback")
    both.do("read", book, attribute="reviews")
    both.do("delete", book)
    both.do("rollback")
    both.do("delete", book)


def test_two_objects_of_one_row(both):
    book = both.do("load", model="Book", key=1)
    both.do("expunge", book)
    both.do("values", book, values={"title": "Changed while detached"})
    second = both.do("load", model="Book", key=1)
    assert second == "Book:1~2"
    both.do("merge", book)
    with pytest.raises(Refusal) as refused:
        both.desk.do("add", book)
    assert refused.value.code == "wrong_state"
    both.do("commit")


def test_a_deferred_column_and_a_partial_load(both):
    book = both.do("load", model="Book", key=2)
    both.do("read", book, attribute="summary")
    both.do("expire", book)
    both.do("read", book, attribute="summary")
    both.do("read", book, attribute="title")
    both.do("values", book, values={"summary": "Short."})
    both.do("commit")
    both.do("values", book, values={"summary": "Set while expired."})
    both.do("commit")


def test_json_is_a_mutable_dictionary_again(both):
    user = both.do("load", model="User", key=1)
    both.do("values", user, values={"name": "Rob"})
    both.do("commit")
    both.do("read", user, attribute="settings")


def test_rollback_without_a_flush(both):
    user = both.do("objects", model="User", values={"name": "Ann", "email": "ann@x"}, add=True)
    book = both.do("load", model="Book", key=1)
    both.do("values", book, values={"title": "Other"})
    both.do("delete", "Book:1")
    both.do("rollback")
    assert (both.desk.badge(user), both.desk.badge(book)) == ("transient", "expired")


def test_expunge_all_and_expire_all_and_close(both):
    both.do("objects", model="User", values={"name": "Ann", "email": "ann@x"}, add=True)
    book = both.do("load", model="Book", key=1)
    both.do("values", book, values={"title": "Other"})
    both.do("expire-all")
    both.do("refresh", book)
    both.do("values", book, values={"title": "Other"})
    both.do("flush")
    both.do("close")
    both.do("add", book)
    both.do("expunge-all")


def test_merge_of_a_transient_and_of_a_detached_object(both):
    new = both.do("objects", model="User", values={"name": "Ann", "email": "ann@x"}, add=False)
    merged = both.do("merge", new)
    assert merged != new
    both.do("commit")
    both.do("close")


@pytest.mark.parametrize("restore", ["never", "always", "other"])
def test_without_expiry_on_commit(tmp_path, restore):
    with Both(tmp_path, restore=restore, expire_on_commit=False) as both:
        user = both.do("load", model="User", key=1)
        both.do("values", user, values={"name": "Rob"})
        both.do("commit")
        both.do("read", user, attribute="name")
        both.do("delete", user)
        both.do("commit")
        both.do("close")


@pytest.mark.parametrize("restore", ["never", "always"])
def test_with_autoflush(tmp_path, restore):
    with Both(tmp_path, restore=restore, autoflush=True) as both:
        both.do("objects", model="User", values={"name": "Ann", "email": "ann@x"}, add=True)
        both.do("load", model="Book", key=1)
        both.do("commit")
