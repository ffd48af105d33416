"""The text on SQLAlchemy's pool and Session that this project began as: each claim, as badges and as the statements
on the tape."""

from __future__ import annotations

import pytest

from dashboard.config import Config
from dashboard.refusal import Refusal
from tests.workspaces.desk import Desk


def new_user(desk, **options):
    return desk.make("User", name="Ann", email="ann@x", **options)


def test_connections_are_kept_and_reused(desk):
    desk.open()
    desk.load("Book", 1)
    first = desk.last()["connection"]
    desk.load("Book", 2)
    assert first == {"number": 1, "taken": True, "given_back": True}
    assert desk.last()["connection"] == first


def test_their_number_is_limited(tmp_path):
    config = Config(workspace_connections=1, workspace_wait_seconds=0.2)
    with Desk(f"sqlite:///{tmp_path / 'shop.db'}", f"sqlite:///{tmp_path / 'store.db'}", config=config) as desk:
        desk.open()
        desk.workspaces.open("other", "bob")
        new_user(desk)
        desk.do("flush")
        with pytest.raises(Refusal) as refused:
            desk.workspaces.act("other", "load", {"model": "Book", "key": "1"}, actor="bob")
        assert refused.value.code == "busy"
        desk.do("commit")
        desk.workspaces.act("other", "load", {"model": "Book", "key": "1"}, actor="bob")


def test_the_identity_map_holds_one_object_per_row(desk):
    desk.open()
    first = desk.load("Book", 1)
    assert desk.sql() == ["SELECT book.id"]
    assert desk.load("Book", 1) == first
    assert desk.sql() == []
    assert len(desk.view().objects) == 1


def test_a_transient_object_is_in_memory_and_in_no_session_and_has_no_identity(desk):
    desk.open()
    user = new_user(desk, add=False)
    assert (desk.badge(user), desk[user]["key"], desk.sql()) == ("transient", None, [])


def test_a_pending_object_was_added_and_no_insert_was_sent(desk):
    desk.open()
    user = new_user(desk)
    assert (desk.badge(user), desk[user]["key"], desk.sql()) == ("pending", None, [])
    assert desk.rows("select * from user_account where name = 'Ann'") == []


@pytest.mark.parametrize("verb", ["flush", "commit"])
def test_a_persistent_object_was_flushed_or_committed_and_has_its_key(desk, verb):
    desk.open()
    user = new_user(desk)
    desk.do(verb)
    assert desk[user]["state"] == "persistent"
    assert desk[user]["key"] == "3"
    assert desk.sql() == ["INSERT INTO user_account"]
    assert desk.last()["transitions"][0] == [user, "pending", "persistent"]


@pytest.mark.parametrize("verb", ["expunge", "close"])
def test_a_detached_object_was_expunged_or_its_session_closed(desk, verb):
    desk.open()
    book = desk.load("Book", 1)
    desk.do(verb, book if verb == "expunge" else None)
    assert (desk.badge(book), desk.sql()) == ("detached", [])
    assert desk.last()["transitions"] == [[book, "persistent", "detached"]]


def test_an_expired_object_sends_a_select_on_the_next_access(desk):
    desk.open()
    book = desk.load("Book", 1)
    desk.do("expire", book)
    assert (desk.badge(book), desk.sql()) == ("expired", [])
    assert desk.last()["transitions"] == [[book, "persistent", "expired"]]
    desk.do("read", book, attribute="title")
    assert (desk.badge(book), desk.sql()) == ("persistent", ["SELECT book.id"])
    assert desk.last()["transitions"] == [[book, "expired", "persistent"]]


@pytest.mark.parametrize(
    "expire_on_commit, badge, sent", [(True, "expired", ["SELECT user_account.id"]), (False, "persistent", [])]
)
def test_a_commit_expires_unless_it_is_told_not_to(desk, expire_on_commit, badge, sent):
    desk.open(expire_on_commit=expire_on_commit)
    user = new_user(desk)
    desk.do("commit")
    assert desk.badge(user) == badge
    desk.do("read", user, attribute="name")
    assert desk.sql() == sent


def test_transient_to_pending_by_add(desk):
    desk.open()
    user = new_user(desk, add=False)
    desk.do("add", user)
    assert (desk.badge(user), desk.sql()) == ("pending", [])
    assert desk.last()["transitions"] == [[user, "transient", "pending"]]
    assert desk.last()["python"] == "session.add(user_new_1)"


def test_detached_to_persistent_by_add(desk):
    desk.open()
    book = desk.load("Book", 1)
    desk.do("expunge", book)
    desk.do("add", book)
    assert (desk.badge(book), desk.sql()) == ("persistent", [])
    assert desk.last()["transitions"] == [[book, "detached", "persistent"]]


def test_changes_of_several_objects_go_to_the_database_in_one_transaction(desk):
    desk.open()
    user, book = new_user(desk), desk.load("Book", 1)
    desk.set(book, title="Other")
    desk.do("flush")
    assert desk.view().transaction is not None
    assert desk.rows("select title from book where id = 1") == [("Notes",)]
    desk.do("commit")
    assert desk.view().transaction is None
    assert desk.rows("select title from book where id = 1") == [("Other",)]
    assert {desk.badge(user), desk.badge(book)} == {"expired"}


def test_a_rolled_back_delete_is_persistent_again(desk):
    desk.open()
    line = desk.load("User", 1)
    desk.do("delete", line)
    assert desk.badge(line) == "deleted"
    desk.do("flush")
    assert (desk[line]["state"], desk.sql()) == ("deleted", ["DELETE FROM"])
    desk.do("rollback")
    assert (desk.badge(line), desk[line]["state"]) == ("expired", "persistent")


def test_the_python_of_each_action_is_what_a_person_would_write(desk):
    desk.open()
    book = desk.load("Book", 1)
    user = new_user(desk)
    desk.set(book, price="7.50", author="2", tags=["1"])
    desk.do("merge", book)
    desk.do("commit", note="Cheaper")
    assert [each["python"] for each in desk.view().tape] == [
        "book_1 = session.get(Book, 1)",
        'user_new_1 = User(name="Ann", email="ann@x")\nsession.add(user_new_1)',
        'book_1.price = Decimal("7.50")\nbook_1.author = session.get(Author, 2)\nbook_1.tags = [session.get(Tag, 1)]',
        "book_1 = session.merge(book_1)",
        "session.commit()",
    ]
    assert desk.last()["note"] == "Cheaper"
    assert user == "User:new-1"
