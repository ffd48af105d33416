"""The database or the store goes away and comes back: actions say so, and nothing that was staged or committed is
lost or told wrong."""

from __future__ import annotations

import sqlite3

import pytest
import sqlalchemy as sa

from dashboard.refusal import Refusal
from tests.workspaces.desk import Desk


class Switch:
    """Statements of an engine fail from the nth on, as if its database had gone."""

    def __init__(self, engine):
        self.left = None
        sa.event.listen(engine, "before_cursor_execute", self._before)

    def _before(self, connection, cursor, statement, parameters, context, executemany):
        if self.left is None or not statement.lstrip().upper().startswith(("BEGIN", "INSERT", "UPDATE", "DELETE")):
            return
        self.left -= 1
        if self.left < 0:
            raise sa.exc.OperationalError(
                statement, parameters, sqlite3.OperationalError("unable to open database file")
            )


@pytest.fixture
def store(desk):
    return Switch(desk.store.engine)


@pytest.fixture
def away(tmp_path):
    """A desk whose database can be made to go away: no new connection is made, and the old ones are gone."""
    path, gone = tmp_path / "shop.db", []

    def connect():
        if gone:
            raise sqlite3.OperationalError("unable to open database file")
        return sqlite3.connect(path, check_same_thread=False)

    with Desk("sqlite:///anything.db", f"sqlite:///{tmp_path / 'store.db'}", creator=connect) as desk:

        def go():
            gone.append(True)
            for registry in desk.workspaces._lives._registries.values():
                for engine in registry.engines.values():
                    engine.engine.dispose()

        desk.go, desk.come_back = go, gone.clear
        yield desk


def test_the_database_goes_away_and_comes_back(away):
    away.open()
    away.load("Book", 1)
    away.set("Book:1", title="Staged")
    away.make("Author", name="New")
    before = away.view()
    away.go()
    for verb in ("commit", "flush"):
        with pytest.raises(Refusal) as refused:
            away.do(verb)
        assert (refused.value.code, bool(refused.value.remedy)) == ("database_away", True)
        assert away.view().objects == before.objects
    away.make("Author", name="Staged meanwhile")
    away.come_back()
    away.do("commit")
    assert away.rows("select title from book where id = 1") == [("Staged",)]
    assert len(away.rows("select * from author")) == 4


def test_a_database_whose_disk_is_full_says_so_and_takes_all_of_it_when_there_is_room(away):
    connections = []
    sa.event.listen(away.engine, "connect", lambda connection, record: connections.append(connection))
    away.open()
    away.load("Book", 1)
    away.set("Book:1", summary="x" * 100_000)
    before = away.view()
    away.do("expire", "Book:1")
    away.do("undo")
    for connection in connections:
        connection.execute("PRAGMA max_page_count = 1")  # it stays as large as it is
    for verb in ("commit", "flush"):
        with pytest.raises(Refusal) as refused:
            away.do(verb)
        assert refused.value.code == "database_away"
        assert "its disk is full" in refused.value.message
        assert "Make room" in refused.value.remedy
        assert away.view().objects == before.objects
    for connection in connections:
        connection.execute("PRAGMA max_page_count = 1000000")
    away.do("commit")
    assert away.rows("select length(summary) from book where id = 1") == [(100_000,)]


def test_a_locked_database_is_busy(desk):
    desk.open()
    desk.load("Book", 1)
    desk.set("Book:1", title="Staged")
    with desk.engine.begin() as connection:
        connection.exec_driver_sql("update book set price = 1 where id = 1")
        with pytest.raises(Refusal) as refused:
            desk.do("commit")
        assert refused.value.code == "busy"
    desk.do("commit")
    assert desk.rows("select title from book where id = 1") == [("Staged",)]


def test_with_the_store_away_an_action_changes_nothing(desk, store):
    desk.open()
    desk.load("Book", 1)
    before = desk.view()
    store.left = 0
    for verb, arguments in (
        ("objects", {"model": "Author", "values": {"name": "New"}}),
        ("expire", {"ref": "Book:1"}),
        ("flush", {}),
    ):
        with pytest.raises(Refusal) as refused:
            desk.do(verb, **arguments)
        assert refused.value.code == "store_away"
        assert desk.view() == before
    store.left = None
    desk.set("Book:1", title="New")
    desk.do("commit")


def test_with_the_store_away_nothing_is_committed(desk, store):
    desk.open()
    desk.load("Book", 1)
    desk.set("Book:1", title="New")
    before = desk.view()
    store.left = 0
    with pytest.raises(Refusal) as refused:
        desk.do("commit")
    assert refused.value.code == "store_away"
    store.left = None
    assert desk.rows("select title from book where id = 1") == [("Notes",)]
    assert desk.view().objects == before.objects
    desk.do("commit")
    assert desk.rows("select title from book where id = 1") == [("New",)]


@pytest.mark.parametrize("then", ["view", "commit"])
def test_a_commit_that_the_store_could_not_be_told_is_told_later_and_not_written_twice(desk, store, then):
    desk.open()
    desk.make("Author", name="New")
    store.left = 3  # the intent is written: BEGIN, INSERT of the change set, UPDATE
    with pytest.raises(Refusal) as refused:
        desk.do("commit")
    assert (refused.value.code, "committed" in refused.value.message) == ("store_away", True)
    assert len(desk.rows("select * from author")) == 3
    store.left = None
    if then == "commit":
        desk.do("commit")
    else:
        desk.do("load", model="Book", key="1")
    assert len(desk.rows("select * from author")) == 3
    assert desk["Author:new-1"]["state"] == "persistent"
    assert desk["Author:new-1"]["key"] == "3"


def test_an_open_transaction_is_lost_when_the_store_cannot_be_told_of_its_flush(desk, store):
    desk.open()
    desk.make("Author", name="New")
    store.left = 0
    with pytest.raises(Refusal) as refused:
        desk.do("flush")
    assert refused.value.code == "store_away"
    store.left = None
    assert (desk.badge("Author:new-1"), desk.view().transaction) == ("pending", None)
    with desk.engine.begin() as connection:  # nothing is held
        connection.exec_driver_sql("update author set name = 'X' where id = 1")
    desk.do("commit")
    assert len(desk.rows("select * from author")) == 3
