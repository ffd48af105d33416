"""A commit that is clicked twice, at the same moment, on two workers, or around a crash, is one change set."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from dashboard.refusal import Refusal
from tests.workspaces.test_many_at_once import together
from tests.workspaces.test_settle import kill_around_commit, stage

KEPT = "select number, outcome, how from poolhouse_change_set order by number"


def kept(desk):
    with desk.store.reading() as connection:
        return connection.execute(sa.text(KEPT)).all()


def test_two_clicks_at_once_on_two_workers_are_one_commit(desk):
    desk.open()
    workers = (desk.workspaces, desk.worker())
    for number in range(4):
        desk.load("Book", 1)
        desk.do("refresh", "Book:1")
        desk.set("Book:1", title=f"n{number}")
        version, told = desk.make("Author", name="New") and desk.view().version, []

        def click(by, version=version, told=told):
            try:
                told.append(desk.do("commit", version=version, by=by).view.change_set)
            except Refusal as refusal:
                told.append((refusal.code, refusal.details.get("change_set")))

        together(*(lambda by=by: click(by) for by in workers))
        number_of_it = next(each for each in told if isinstance(each, int))
        assert sorted(told, key=str) == sorted([number_of_it, ("already_committed", number_of_it)], key=str)
    assert len(desk.rows("select * from author where name = 'New'")) == 4
    assert [row.outcome for row in kept(desk)] == ["committed"] * 4


def test_the_second_click_after_a_crash_that_had_committed_is_told_its_number(desk):
    stage(desk, ("made", "changed"))
    kill_around_commit(desk, "after")
    version = desk.view().version
    assert [row.outcome for row in kept(desk)] == ["uncertain"]
    with pytest.raises(Refusal) as refused:
        desk.do("commit", version=version)
    assert (refused.value.code, refused.value.details.get("change_set")) == ("already_committed", kept(desk)[0].number)
    assert [(row.outcome, "reading the rows" in row.how) for row in kept(desk)] == [("committed", True)]
    assert len(desk.rows("select * from author where name = 'New'")) == 1


def test_the_second_click_after_a_crash_that_had_not_is_told_so_and_the_change_set_is_lost(desk):
    stage(desk, ("made", "deleted", "changed"))
    kill_around_commit(desk, "before")
    version = desk.view().version
    with pytest.raises(Refusal) as refused:
        desk.do("commit", version=version)
    assert refused.value.code == "stale"
    assert [row.outcome for row in kept(desk)] == ["lost"]
    desk.do("commit")
    assert [row.outcome for row in kept(desk)] == ["lost", "committed"]
    assert len(desk.rows("select * from author where name = 'New'")) == 1


def test_more_rows_than_are_read_again_are_all_told_as_written(desk):
    desk.open()
    for number in range(25):
        desk.make("Tag", name=f"t{number}")
    kill_around_commit(desk, "after")
    desk.do("settings", autoflush=False)
    assert desk.view().counts["expired"] == 26
    assert desk.view().counts["pending"] == 0
