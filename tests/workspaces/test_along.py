"""What goes along with a deleted row, or belonged to it, stands in the history and comes back with an undo."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from tests.workspaces import records
from tests.workspaces.archive import Archive
from tests.workspaces.test_history import changes


@pytest.fixture
def shelf(database_url, tmp_path):
    with Archive(database_url, f"sqlite:///{tmp_path / 'store.db'}", world=records) as made:
        made.open()
        yield made


def test_what_the_database_takes_along_is_in_the_history_and_comes_back(shelf):
    before = shelf.table()
    shelf.do("delete", shelf.load("Record", 1))
    shelf.load("Disc", 11)
    number = shelf.commit()
    assert shelf.rows("select id from disc union all select id from cut") == [(21,), (22,), (21,), (22,)]
    shown = shelf.show(number)
    assert {(each.kind, each.model, each.key) for each in shown.objects} == {
        ("deleted", "Record", "1"), ("deleted", "Disc", "11"), ("deleted", "Disc", "12"),
        ("deleted", "Cut", "11"), ("deleted", "Cut", "12"), ("changed", "Box", "1"),
    }  # fmt: skip
    view = shelf.undo(number)
    assert view.notices == ()
    shelf.commit(view.name)
    assert shelf.table() == before


def test_what_the_database_takes_along_and_nobody_can_bring_back_is_told(shelf):
    with shelf.engine.begin() as connection:
        connection.execute(sa.insert(records.play), [{"record_id": each} for each in (1, 1, 2)])
    for key in (1, 2):
        shelf.do("delete", shelf.load("Record", key))
    number = shelf.commit()
    assert [each.along for each in shelf.show(number).objects if each.along] == [{"play": 3}]
    (notice,) = shelf.undo(number).notices
    assert (notice["code"], "3 of play" in notice["message"]) == ("not_kept", True)


def test_what_a_rolled_back_delete_would_have_taken_along_is_in_no_history(shelf):
    shelf.load("Record", 2)
    shelf.do("savepoint")
    shelf.do("delete", "Record:2")
    shelf.do("flush")
    shelf.do("rollback-to-savepoint")
    shelf.set("Record:2", name="Kept")
    assert changes(shelf.show(shelf.commit())) == {("changed", "Record", "2"): {"name": ["record 2", "Kept"]}}


def test_what_only_its_owner_knows_of_goes_back_to_it(shelf):
    before = shelf.table()
    shelf.do("delete", shelf.load("Label", 1))
    shelf.commit(shelf.undo(shelf.commit()).name)
    assert shelf.table() == before
    shelf.make("Label", artists=["1", "2"], bills=["1"])
    shelf.commit(shelf.undo(shelf.commit()).name)
    assert shelf.table() == before
