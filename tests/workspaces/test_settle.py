"""A worker killed around its COMMIT: the rows, read again, say whether it was written; nothing is written twice."""

from __future__ import annotations

import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from dashboard.refusal import Refusal
from dashboard.workspaces import settle
from tests.workspaces.archive import Archive
from tests.workspaces.desk import Desk

KILLED = """
import os, signal, sys
import sqlalchemy as sa
from tests.workspaces.desk import Desk
with Desk(sys.argv[1], sys.argv[2], make=False) as desk:
    desk.load("Tag", 1)  # the engine is there now
    engine = desk.workspaces._lives.registry("default").main.engine
    if sys.argv[3] == "before":
        sa.event.listen(engine, "commit", lambda connection: os.kill(os.getpid(), signal.SIGKILL))
    else:
        cls = desk.workspaces._lives.registry("default").session_class
        sa.event.listen(cls, "after_commit", lambda session: os.kill(os.getpid(), signal.SIGKILL))
    desk.do("commit")
"""


def kill_around_commit(desk, when, script=KILLED):
    urls = [desk.engine.url.render_as_string(hide_password=False), desk.store.engine.url.render_as_string()]
    root = Path(__file__).resolve().parents[2]
    assert subprocess.run([sys.executable, "-c", script, *urls, when], cwd=root).returncode == -9


SLOW = """
create function slow() returns trigger language plpgsql as $$ begin perform pg_sleep(1); return null; end $$;
create constraint trigger slow after insert on author deferrable initially deferred for each row
execute function slow();
"""
KILLED_DURING = (
    "import os, signal, threading\nlater = threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGKILL))"
    + KILLED.replace("os.kill(os.getpid(), signal.SIGKILL)", "later.start()", 1)
)


SAVED = (
    KILLED.replace('desk.do("commit")', "save(desk)")
    .replace(
        "with Desk",
        """
from dashboard.workspaces.brief import Saves
from dashboard.workspaces.record_verbs import save as saving
def save(desk):
    values = {"model": "Author", "key": "1", "values": {"name": "Saved"}}
    Saves(desk.workspaces).do("default", saving({}), values, actor="ada")
with Desk""",
    )
    .replace('desk.load("Tag", 1)', 'desk.workspaces._lives.registry("default")')
)


@pytest.mark.parametrize("when, outcome", [("after", "committed"), ("before", "lost")])
def test_what_a_records_page_saved_is_settled_when_somebody_looks(database_url, tmp_path, monkeypatch, when, outcome):
    """No workspace tells of it. What its rows do not show may still be under way for a while."""
    with Archive(database_url, f"sqlite:///{tmp_path / 'store.db'}") as archive:
        kill_around_commit(archive, when, SAVED)
        assert archive.show(1).outcome == ("committed" if when == "after" else "uncertain")
        monkeypatch.setattr(settle, "UNDER_WAY_SECONDS", -1)
        assert archive.show(1).outcome == outcome
        assert "rows" in archive.show(1).how


def test_a_commit_whose_workspace_was_discarded_is_settled_too(database_url, tmp_path):
    with Archive(database_url, f"sqlite:///{tmp_path / 'store.db'}") as archive:
        stage(archive, ("changed",))
        kill_around_commit(archive, "after")
        archive.do("discard")
        assert archive.show(1).outcome == "committed"


def test_a_commit_that_the_server_still_works_at_is_waited_for(postgresql_url, tmp_path):
    """Its worker is dead, its rows are not there yet, and they will be: staged again it would be written twice."""
    with Desk(postgresql_url, f"sqlite:///{tmp_path / 'store.db'}") as desk:
        with desk.engine.begin() as connection:
            connection.exec_driver_sql(SLOW)
        stage(desk, ("made",))
        kill_around_commit(desk, "before", KILLED_DURING)
        assert desk.rows("select * from author where name = 'New'") == []
        desk.load("Book", 2)
        assert desk.badge("Author:new-1") == "expired"
        desk.do("commit")
        assert len(desk.rows("select * from author where name = 'New'")) == 1


def stage(desk, kinds):
    desk.open()
    if "made" in kinds:
        desk.make("Author", name="New")
    if "deleted" in kinds:
        desk.load("User", 1)
        desk.do("delete", "User:1")
    if "changed" in kinds:
        desk.load("Book", 1)
        desk.set("Book:1", title="Changed")


KINDS = [("made",), ("deleted",), ("changed",), ("made", "deleted", "changed")]


@pytest.mark.parametrize("kinds", KINDS)
def test_a_commit_that_was_written_is_found(desk, kinds):
    stage(desk, kinds)
    kill_around_commit(desk, "after")
    assert [notice["code"] for notice in desk.view().notices] == ["commit_uncertain"]
    desk.load("Book", 2)
    badges = {each["ref"]: each["badge"] for each in desk.view().objects}
    assert badges.get("Author:new-1", "expired") == "expired"
    assert badges.get("User:1", "detached") == "detached"
    assert badges.get("Book:1", "expired") == "expired"
    desk.do("commit")
    assert len(desk.rows("select * from author where name = 'New'")) == ("made" in kinds)
    assert len(desk.rows("select * from user_account where id = 1")) == ("deleted" not in kinds)


@pytest.mark.parametrize("kinds", KINDS)
def test_a_commit_that_was_not_written_is_staged_again(desk, kinds):
    stage(desk, kinds)
    before = desk.view().objects
    kill_around_commit(desk, "before")
    assert [notice["code"] for notice in desk.view().notices] == ["commit_uncertain"]
    desk.do("settings", autoflush=False)
    kept = {each["ref"]: each for each in desk.view().objects}
    assert [kept[each["ref"]] for each in before] == list(before)
    desk.do("commit")
    assert len(desk.rows("select * from author where name = 'New'")) == ("made" in kinds)
    assert len(desk.rows("select * from user_account where id = 1")) == ("deleted" not in kinds)
    assert desk.rows("select title from book where id = 1") == [("Changed" if "changed" in kinds else "Notes",)]


def test_a_row_that_somebody_else_made_with_the_same_key_since_is_not_taken_for_the_lost_one(tmp_path):
    """SQLite gives the number of a row that was rolled back to the next one."""
    with Desk(f"sqlite:///{tmp_path / 'shop.db'}", f"sqlite:///{tmp_path / 'store.db'}") as desk:
        stage(desk, ("made",))
        kill_around_commit(desk, "before")
        with desk.engine.begin() as connection:
            connection.exec_driver_sql("insert into author (name) values ('Another')")
        desk.load("Book", 2)
        assert desk.badge("Author:new-1") == "pending"
        desk.do("commit")
        assert len(desk.rows("select * from author where name in ('New', 'Another')")) == 2


def test_a_row_that_somebody_else_made_in_place_of_a_deleted_one_is_not_deleted(desk):
    stage(desk, ("deleted",))
    kill_around_commit(desk, "after")
    with desk.engine.begin() as connection:
        connection.exec_driver_sql("insert into user_account (id, name, email, points) values (1, 'Zoe', 'z@x', 0)")
    desk.load("Book", 2)
    with suppress(Refusal):  # it may be told as a conflict, if nobody can tell
        desk.do("commit")
    assert desk.rows("select name from user_account where id = 1") == [("Zoe",)]
