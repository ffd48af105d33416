"""What somebody else did to a row since it was read is merged, or told before anything is written, and settled."""

from __future__ import annotations

import pytest

from dashboard.refusal import Refusal
from dashboard.workspaces.sight import Sight
from tests.workspaces import shop
from tests.workspaces.desk import as_staged

TITLES = "select title, price, version from book order by id"


@pytest.fixture
def book(desk):
    """`Book:1`, loaded and with another title."""
    desk.open()
    desk.load("Book", 1)
    desk.set("Book:1", title="Mine")
    return desk


def elsewhere(desk, *statements):
    """Somebody else, on a connection of their own."""
    with desk.engine.begin() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)


def refused(desk, verb="commit", ref=None, **arguments):
    """The refusal; nothing was written, and everything is staged as it was."""
    before, rows = desk.view(), desk.rows("select * from book order by id")
    with pytest.raises(Refusal) as caught:
        desk.do(verb, ref, **arguments)
    after = desk.view()
    assert (as_staged(after), after.version, after.transaction) == (
        as_staged(before),
        before.version,
        before.transaction,
    )
    assert before.transaction or desk.rows("select * from book order by id") == rows
    return caught.value


def conflicts(refusal):
    assert refusal.code == "conflict"
    return [(each["ref"], each["column"], each["before"], each["mine"], each["theirs"])
            for each in refusal.details["conflicts"]]  # fmt: skip


@pytest.mark.parametrize("verb", ["flush", "commit"])
def test_the_same_column_is_a_conflict_and_nothing_is_written(book, verb):
    elsewhere(book, "update book set title = 'Theirs' where id = 1")
    refusal = refused(book, verb)
    assert conflicts(refusal) == [("Book:1", "title", "Notes", "Mine", "Theirs")]
    assert set(refusal.fields) == {"title"}
    entry = book.last()
    assert (entry["action"], entry["error"]["code"]) == (verb, "conflict")
    assert entry["statements"] == []
    assert {each["why"] for each in entry["checks"]} == {"check"}
    assert book.sql() == []


def test_an_autoflush_is_checked_too(book):
    book.do("settings", autoflush=True)
    elsewhere(book, "update book set title = 'Theirs' where id = 1")
    assert conflicts(refused(book, "read", "Book:1", attribute="tags"))


@pytest.mark.parametrize("restore", [False, True])
def test_other_columns_merge_by_themselves(book, restore):
    elsewhere(book, "update book set price = 4, version = version + 1 where id = 1")
    if restore:
        book.forget()
    book.do("flush")
    assert book["Book:1"]["values"]["price"] == "4.00"
    book.do("commit")
    assert book.rows(TITLES)[0] == ("Mine", 4, 3)


def test_the_same_value_is_a_conflict_too(book):
    """Of two who read 5 and write 6, one count would be lost."""
    elsewhere(book, "update book set title = 'Mine' where id = 1")
    assert conflicts(refused(book)) == [("Book:1", "title", "Notes", "Mine", "Mine")]
    book.do("resolve", resolve={"Book:1": {"title": "theirs"}})
    assert book.badge("Book:1") == "persistent"


def test_mine_writes_over_theirs(book):
    elsewhere(book, "update book set title = 'Theirs', price = 4 where id = 1")
    refused(book)
    book.do("resolve", resolve={"Book:1": {"title": "mine"}})
    assert book["Book:1"]["changes"] == {"title": ["Theirs", "Mine"]}
    assert book["Book:1"]["values"]["price"] == "4.00"
    book.forget()
    book.do("commit")
    assert book.rows(TITLES)[0][:2] == ("Mine", 4)


def test_theirs_drops_my_change(book):
    book.set("Book:1", price="7")
    elsewhere(book, "update book set title = 'Theirs' where id = 1")
    refused(book)
    book.do("resolve", resolve={"Book:1": {"title": "theirs"}})
    assert book["Book:1"]["changes"] == {"price": ["9.00", "7.00"]}
    assert book["Book:1"]["values"]["title"] == "Theirs"
    book.do("commit")
    assert book.rows(TITLES)[0][:2] == ("Theirs", 7)


def test_mine_stays_only_over_what_was_shown(book):
    elsewhere(book, "update book set title = 'Theirs' where id = 1")
    refused(book)
    elsewhere(book, "update book set title = 'Later' where id = 1")
    refusal = refused(book, "resolve", resolve={"Book:1": {"title": "mine"}})
    assert conflicts(refusal) == [("Book:1", "title", "Notes", "Mine", "Later")]
    book.do("resolve", resolve={"Book:1": {"title": "mine"}})
    book.do("commit")
    assert book.rows(TITLES)[0][0] == "Mine"


@pytest.mark.parametrize("word, rows", [("mine", ("Mine", 9)), ("theirs", None)])
def test_a_row_that_somebody_else_deleted(book, word, rows):
    book.do("read", "Book:1", attribute="summary")
    elsewhere(book, "delete from book_tag where book_id = 1", "delete from book where id = 1")
    refusal = refused(book)
    assert conflicts(refusal) == [("Book:1", "title", "Notes", "Mine", None)]
    assert refusal.details["conflicts"][0]["deleted"] == "theirs"
    book.do("resolve", resolve={"Book:1": {"title": word}})
    assert book.badge("Book:1") == ("pending" if word == "mine" else "detached")
    book.do("commit")
    found = {row[0]: row[:2] for row in book.rows(TITLES)}
    assert found.get("Mine") == rows


def test_a_deleted_row_that_was_not_wholly_loaded_cannot_be_made_anew(book):
    elsewhere(book, "delete from book_tag where book_id = 1", "delete from book where id = 1")
    refusal = refused(book, "resolve", resolve={"Book:1": {"title": "mine"}})
    assert (refusal.code, set(refusal.fields)) == ("invalid", {"Book:1.title"})
    assert "summary" in refusal.message


@pytest.mark.parametrize("word, left", [("mine", 0), ("theirs", 1)])
def test_a_delete_of_a_row_that_somebody_changed(desk, word, left):
    desk.open()
    desk.load("User", 2)
    desk.do("delete", "User:2")
    elsewhere(desk, "update user_account set points = 5 where id = 2")
    refusal = refused(desk)
    assert conflicts(refusal) == [("User:2", "points", 0, None, 5)]
    assert refusal.details["conflicts"][0]["deleted"] == "mine"
    desk.do("resolve", resolve={"User:2": {"points": word}})
    desk.do("commit")
    assert len(desk.rows("select * from user_account where id = 2 and points = 5")) == left


def test_a_delete_of_a_row_that_is_gone_has_nothing_left_to_do(desk):
    desk.open()
    desk.load("User", 2)
    desk.do("delete", "User:2")
    elsewhere(desk, "delete from user_account where id = 2")
    desk.do("commit")
    assert desk.badge("User:2") == "detached"


def test_a_column_that_was_never_loaded_has_no_base(desk):
    desk.open()
    desk.load("Book", 1)
    desk.do("expire", "Book:1")
    desk.set("Book:1", title="Mine")
    elsewhere(desk, "update book set title = 'Theirs' where id = 1")
    desk.do("commit")
    assert desk.rows(TITLES)[0][0] == "Mine"
    desk.do("values", "Book:1", values={"title": "Again"}, base={"title": "Mine"})
    elsewhere(desk, "update book set title = 'Theirs' where id = 1")
    assert conflicts(refused(desk)) == [("Book:1", "title", "Mine", "Again", "Theirs")]


def test_a_relationship_changes_a_column(desk):
    desk.open()
    desk.load("Book", 1)
    desk.load("Author", 2)
    third = desk.make("Author", name="Third")
    desk.set("Book:1", author=third)
    elsewhere(desk, "update book set author_id = 2 where id = 1")
    assert conflicts(refused(desk)) == [("Book:1", "author_id", 1, None, 2)]
    desk.do("resolve", resolve={"Book:1": {"author_id": "theirs"}})
    assert desk.badge("Book:1") == "persistent"
    desk.do("read", "Book:1", attribute="author")
    assert desk["Book:1"]["relationships"]["author"]["refs"] == ["Author:2"]
    desk.set("Book:1", author="1")
    desk.do("commit")
    assert desk.rows("select author_id from book where id = 1") == [(1,)]


def test_a_column_that_points_elsewhere_now_takes_its_relationship_along(desk):
    desk.open()
    desk.load("Book", 1)
    desk.do("read", "Book:1", attribute="author")
    desk.set("Book:1", title="Mine")
    elsewhere(desk, "update book set author_id = 2 where id = 1")
    desk.do("flush")
    assert desk["Book:1"]["values"]["author_id"] == 2
    desk.do("read", "Book:1", attribute="author")
    assert desk["Book:1"]["relationships"]["author"]["refs"] == ["Author:2"]


def test_what_this_transaction_wrote_is_not_somebody_elses(book):
    book.do("flush")
    book.set("Book:1", title="Mine again", price="1")
    book.do("flush")
    assert book.last()["checks"] == []
    book.do("commit")
    assert book.rows(TITLES)[0][:2] == ("Mine again", 1)


def test_a_conflict_in_an_open_transaction_leaves_it_open(tmp_path, postgresql_url):
    from tests.workspaces.desk import Desk

    with Desk(postgresql_url, f"sqlite:///{tmp_path / 'store.db'}") as desk:
        desk.open()
        desk.load("Book", 1)
        desk.load("Book", 2)
        desk.set("Book:1", title="First")
        desk.do("flush")
        desk.set("Book:2", title="Second")
        elsewhere(desk, "update book set title = 'Theirs' where id = 2")
        assert conflicts(refused(desk))
        assert desk.view().transaction
        desk.do("resolve", resolve={"Book:2": {"title": "mine"}})
        desk.do("commit")
        assert {row[0] for row in desk.rows(TITLES)} == {"First", "Second"}


def test_two_workspaces_on_one_record(desk):
    other = desk.worker()
    other.open("theirs", "bob")
    desk.open()
    for act, name in ((desk.workspaces.act, "w"), (other.act, "theirs")):
        act(name, "load", {"model": "Book", "key": "1"}, actor="ada")
        act(name, "values", {"ref": "Book:1", "values": {"title": f"Of {name}"}}, actor="ada")
    other.act("theirs", "commit", {}, actor="bob")
    assert conflicts(refused(desk)) == [("Book:1", "title", "Notes", "Of w", "Of theirs")]
    desk.do("resolve", resolve={"Book:1": {"title": "mine"}})
    desk.do("commit")
    assert desk.rows(TITLES)[0] == ("Of w", 9, 3)


BAD = [
    ({}, "not_understood"),
    ({"resolve": None}, "not_understood"),
    ({"resolve": []}, "not_understood"),
    ({"resolve": {}}, "not_understood"),
    ({"resolve": {"Book:1": "mine"}}, "not_understood"),
    ({"resolve": {"Book:1": {}}}, "not_understood"),
    ({"resolve": {"Book:1": {"title": "ours"}}}, "not_understood"),
    ({"resolve": {"Book:1": {"title": ["mine"]}}}, "not_understood"),
    ({"resolve": {"Book:9": {"title": "mine"}}}, "not_found"),
    ({"resolve": {"Book:1": {"title": "theirs"}, "Book:9": {"title": "mine"}}}, "not_found"),
    ({"resolve": {"Book:1": {"title": "theirs", "nothing": "mine"}}}, "invalid"),
    ({"resolve": {"Book:1": {"title": "theirs", "author": "mine"}}}, "invalid"),
    ({"resolve": {"Book:1": {"title": "theirs", "price": "mine"}}}, "invalid"),
    ({"resolve": {"Book:1": {"title": "theirs"}, "Book:2": {"title": "mine"}}}, "wrong_state"),
]


@pytest.mark.parametrize("arguments, code", BAD)
def test_a_choice_that_is_half_valid_changes_nothing(book, arguments, code):
    book.load("Book", 2)
    elsewhere(book, "update book set title = 'Theirs' where id = 1")
    refusal = refused(book, "resolve", **arguments)
    assert refusal.code == code


def test_what_is_hidden_from_the_actor_is_not_told(book):
    sight = Sight(hidden=lambda model: frozenset({"title"}))
    elsewhere(book, "update book set title = 'Secret' where id = 1")
    refusal = refused(book, "commit", sight=sight)
    assert conflicts(refusal) == []
    assert "Secret" not in f"{refusal.message}{refusal.remedy}{dict(refusal.fields)}"
    assert refused(book, "resolve", sight=sight, resolve={"Book:1": {"title": "mine"}}).code == "invalid"


def test_a_row_that_left_the_actors_sight_is_gone_for_them(book):
    cheap = Sight(rows=lambda model: shop.Book.price < 20 if model.name == "Book" else None)
    book.do("commit", sight=cheap)
    book.do("refresh", "Book:1", sight=cheap)
    book.set("Book:1", title="Again")
    elsewhere(book, "update book set title = 'Secret', price = 99 where id = 1")
    refusal = refused(book, "commit", sight=cheap)
    assert conflicts(refusal) == [("Book:1", "title", "Mine", "Again", None)]
    assert "Secret" not in f"{refusal.message}{refusal.remedy}{refusal.details}"
