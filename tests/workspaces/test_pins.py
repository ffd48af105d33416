"""An open transaction pins its workspace to its worker; when it is lost, everything is staged again as it was."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from dashboard.config import Config
from dashboard.refusal import Refusal
from tests.workspaces.desk import Desk
from tests.workspaces.staging import TAGS, TITLES, shown, stage, until


def test_a_flush_opens_a_transaction_and_the_page_says_which(desk):
    stage(desk)
    assert desk.view().transaction is None
    desk.do("flush")
    open_ = desk.view().transaction
    assert (open_["connection"], open_["worker"], open_["seconds"]) == (1, os.getpid(), 0)
    assert open_["since"] < open_["ends_at"]
    assert desk.last()["connection"] == {"number": 1, "taken": True, "given_back": False}
    desk.do("commit")
    assert desk.last()["connection"] == {"number": 1, "taken": False, "given_back": True}
    assert desk.view().transaction is None


def test_another_worker_may_look_but_not_act(desk):
    stage(desk)
    desk.do("flush")
    other = desk.worker(worker=lambda: 2)
    assert other.view("w").objects == desk.view().objects
    assert other.view("w").transaction["connection"] == 1
    with pytest.raises(Refusal) as refused:
        desk.do("commit", by=other)
    assert (refused.value.code, refused.value.details["actor"]) == ("pinned", "ada")
    assert refused.value.remedy
    desk.do("commit")
    desk.do("load", by=other, model="Tag", key="1")


def test_what_a_lost_transaction_had_flushed_is_staged_again_and_written_whole(desk):
    stage(desk)
    before = shown(desk.view())
    desk.do("flush")
    version = desk.view().version
    desk.forget()
    view = desk.view()
    assert (view.version, view.transaction, [each["code"] for each in view.notices]) == (
        version + 1,
        None,
        ["transaction_lost"],
    )
    assert shown(view) == before
    desk.do("flush")
    sent = [(each["sql"].split("\n")[0], each["parameters"]) for each in desk.last()["statements"]]
    assert len(sent) == len(set(map(str, sent)))
    assert desk.view().notices == ()
    desk.do("commit")
    assert desk.rows(TITLES) == [("Staged", "New"), ("Emma", "Jane"), ("First", "New")]
    assert desk.rows(TAGS) == [("Emma", "blue"), ("First", "old"), ("Staged", "blue"), ("Staged", "old")]
    assert desk.rows("select name from user_account order by id") == [("Cy",)]


def test_later_edits_are_merged_into_what_is_staged_again(desk):
    stage(desk)
    desk.do("flush")
    desk.set("Book:1", title="Later", price="3.00")
    desk.set("Book:new-1", title="Second", tags=["2"])
    desk.do("flush")
    desk.set("Book:1", title="Latest")
    late = desk.make("Author", name="Late")
    desk.load("Tag", 1)
    desk.do("expire", "Author:new-1")
    desk.forget()
    view = desk.view()
    assert view.object("Book:1")["changes"]["title"] == ["Notes", "Latest"]
    assert view.object("Book:1")["changes"]["price"] == ["9.00", "3.00"]
    assert {ref: view.object(ref)["badge"] for ref in ("Book:1", "Book:new-1", "Author:new-1", late, "User:1")} == {
        "Book:1": "modified", "Book:new-1": "pending", "Author:new-1": "pending", late: "pending", "User:1": "deleted",
    }  # fmt: skip
    assert view.object("Book:new-1")["values"]["title"] == "Second"
    desk.do("commit")
    assert desk.rows(TITLES) == [("Latest", "New"), ("Emma", "Jane"), ("Second", "New")]
    assert ("Second", "blue") in desk.rows(TAGS)
    assert desk.rows("select name from author where id > 2 order by id") == [("New",), ("Late",)]


def test_an_object_made_and_deleted_within_the_transaction_is_transient_again(desk):
    desk.open()
    user = desk.make("User", name="Ann", email="ann@x")
    desk.do("flush")
    desk.do("delete", user)
    desk.do("flush")
    desk.forget()
    assert (desk.badge(user), desk[user]["key"]) == ("transient", None)


def test_a_transaction_that_nobody_uses_ends_by_itself(tmp_path):
    config = Config(sqlite_transaction_seconds=0.3, workspace_idle_seconds=0.4)
    with Desk(f"sqlite:///{tmp_path / 'shop.db'}", f"sqlite:///{tmp_path / 'store.db'}", config=config) as desk:
        stage(desk)
        before = shown(desk.view())
        desk.do("flush")
        until(lambda: desk.view().transaction is None)
        view = desk.view()
        assert [notice["code"] for notice in view.notices] == ["transaction_lost"]
        assert "0.3 seconds" in view.notices[0]["message"]
        assert shown(view) == before
        with desk.engine.begin() as connection:  # nobody is blocked any more
            connection.exec_driver_sql("update author set name = 'X' where id = 1")
        desk.do("commit")
        until(lambda: not any(thread.name == "poolhouse-deadlines" for thread in threading.enumerate()))


def test_each_action_gives_the_open_transaction_all_its_time_again(desk):
    stage(desk)
    desk.do("flush")
    first, flushed = desk.view().transaction, int(time.time())
    until(lambda: int(time.time()) > flushed)  # its end is told in whole seconds
    desk.do("load", model="Tag", key="1")
    assert desk.view().transaction["since"] == first["since"]
    assert desk.view().transaction["ends_at"] > first["ends_at"]


HOLDER = """
import sys
from tests.workspaces.desk import Desk
from tests.workspaces.staging import TAGS, TITLES, shown, stage, until
with Desk(sys.argv[1], sys.argv[2], make=False) as desk:
    desk.set("Book:1", title="Staged by another process")
    desk.do("flush")
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_killed_worker_loses_its_transaction_and_nothing_else(desk):
    desk.open()
    desk.load("Book", 1)
    urls = [desk.engine.url.render_as_string(hide_password=False), desk.store.engine.url.render_as_string()]
    root = Path(__file__).resolve().parents[2]
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, *urls], stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=root
    )
    try:
        assert holder.stdout.readline() == b"held\n"
        assert desk.view().transaction["worker"] == holder.pid
        with pytest.raises(Refusal) as refused:
            desk.do("commit")
        assert refused.value.code == "pinned"
    finally:
        os.kill(holder.pid, signal.SIGKILL)
        holder.wait()
        holder.stdin.close()
        holder.stdout.close()
    view = desk.view()
    assert (view.transaction, [notice["code"] for notice in view.notices]) == (None, ["transaction_lost"])
    assert view.object("Book:1")["changes"] == {"title": ["Notes", "Staged by another process"]}
    desk.do("commit")
    assert desk.rows("select title from book where id = 1") == [("Staged by another process",)]


def test_a_forked_child_starts_with_no_session_of_its_parent(desk):
    stage(desk)
    desk.do("flush")
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            try:
                desk.do("commit")
                answer = "committed"
            except Refusal as refusal:
                answer = refusal.code
            desk.workspaces.open("mine", "bob")
            desk.workspaces.act("mine", "load", {"model": "Tag", "key": "1"}, actor="bob")
            os.write(write, answer.encode())
        finally:
            os._exit(0)
    os.close(write)
    answer = os.read(read, 100)
    os.close(read)
    os.waitpid(child, 0)
    assert answer == b"pinned"
    desk.do("commit")
    assert desk.rows("select title from book where id = 1") == [("Staged",)]


def test_closing_the_worker_rolls_back_and_stages_again(desk):
    stage(desk)
    desk.do("flush")
    desk.workspaces.close()
    with desk.engine.begin() as connection:
        connection.exec_driver_sql("update author set name = 'X' where id = 1")
    assert desk.worker().view("w").notices[0]["code"] == "transaction_lost"


def test_two_workers_act_in_turn(desk):
    other = desk.worker()
    desk.open()
    for number in range(6):
        worker = (desk.workspaces, other)[number % 2]
        desk.do("objects", by=worker, model="Author", values={"name": f"a{number}"}, add=True)
    desk.do("commit", by=other)
    assert len(desk.rows("select * from author")) == 8
    assert {each["badge"] for each in desk.view().objects} == {"expired"}


def test_a_request_made_against_an_older_version_is_told(desk):
    desk.open()
    desk.load("Book", 1)
    with pytest.raises(Refusal) as refused:
        desk.do("values", "Book:1", values={"title": "X"}, version=1)
    assert refused.value.code == "stale"
    desk.do("values", "Book:1", values={"title": "X"}, version=2)
