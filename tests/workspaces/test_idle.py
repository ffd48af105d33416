"""What nobody uses is let go: a transaction whose time is over, a holder that is silent, a Session that idles."""

from __future__ import annotations

import gc
import json
import threading
import time
import weakref

import pytest

from dashboard.config import Config
from dashboard.refusal import Refusal
from dashboard.store.workspace_rows import workspace_table
from tests.workspaces.desk import Desk
from tests.workspaces.staging import TITLES, shown, stage, until


def test_the_page_says_in_how_many_seconds_the_transaction_ends(desk):
    stage(desk)
    desk.do("flush")
    limit = 15 if desk.engine.dialect.name == "sqlite" else 60
    assert limit - 2 <= desk.view().transaction["ends_in"] <= limit + 1


def test_a_transaction_has_its_time_again_after_an_action_that_failed_too(desk):
    stage(desk)
    desk.do("flush")
    ends = desk.view().transaction["ends_at"]

    def later():
        with pytest.raises(Refusal):
            desk.load("Tag", 999)
        return desk.view().transaction["ends_at"] > ends

    until(later)


def test_the_list_of_workspaces_ends_a_lost_transaction_too(desk):
    stage(desk)
    desk.do("flush")
    desk.workspaces.transactions.closed = True  # as if its worker had gone without a word
    (summary,) = desk.worker().summaries()
    assert summary.transaction is None
    assert desk.view().notices[0]["code"] == "transaction_lost"


def test_a_transaction_that_a_silent_machine_holds_is_ended_long_after_its_time(desk):
    stage(desk)
    before = desk.view().version
    desk.do("flush")
    other = desk.worker()
    far = "another-machine/00000000/1/1#1"
    with desk.store.writing() as connection:
        connection.execute(workspace_table.update().values(pin=far))
    with pytest.raises(Refusal, match="on another machine: ada has been in it since") as refused:
        desk.do("load", by=other, model="Tag", key="1")
    assert refused.value.code == "pinned"
    assert other.view("w").transaction is not None
    with desk.store.writing() as connection:
        open_ = {**other.view("w").transaction, "ends_at": "2026-01-01T00:00:00Z"}
        connection.execute(workspace_table.update().values(transaction=json.dumps(open_)))
    view = other.view("w")
    assert (view.transaction, view.version) == (None, before + 2)
    with pytest.raises(Refusal) as refused:  # and the one who was silent cannot commit it any more
        desk.do("commit", version=before + 1)
    assert refused.value.code == "stale"
    desk.workspaces.close()
    desk.do("commit", by=other)
    assert ("Staged", "New") in desk.rows(TITLES)


def test_a_session_that_nobody_uses_is_parked_and_its_memory_given_back(tmp_path):
    config = Config(workspace_idle_seconds=0.2)
    with Desk(f"sqlite:///{tmp_path / 'shop.db'}", f"sqlite:///{tmp_path / 'store.db'}", config=config) as desk:
        stage(desk)
        before = shown(desk.view())
        session = weakref.ref(desk.workspaces._lives.get("w").session)
        until(lambda: not list(desk.workspaces._lives))
        gc.collect()
        assert session() is None
        assert not desk.workspaces._lives._locks
        assert shown(desk.view()) == before
        desk.do("commit")
        assert ("Staged", "New") in desk.rows(TITLES)


def test_a_parked_session_was_not_used_just_now(tmp_path):
    config = Config(workspace_idle_seconds=0.3)
    with Desk(f"sqlite:///{tmp_path / 'shop.db'}", f"sqlite:///{tmp_path / 'store.db'}", config=config) as desk:
        desk.open()
        begun = time.monotonic()
        desk.load("Book", 1)
        until(lambda: not list(desk.workspaces._lives))
        assert time.monotonic() - begun >= 0.3


def test_what_was_shown_with_a_conflict_is_known_to_every_worker(desk):
    desk.open()
    desk.load("Book", 1)
    desk.set("Book:1", title="Mine")
    with desk.engine.begin() as connection:
        connection.exec_driver_sql("update book set title = 'Theirs' where id = 1")
    with pytest.raises(Refusal) as refused:
        desk.do("commit")
    assert refused.value.code == "conflict"
    assert "seen" not in desk.last()
    with desk.engine.begin() as connection:
        connection.exec_driver_sql("update book set title = 'Theirs again' where id = 1")
    other = desk.worker()
    with pytest.raises(Refusal) as refused:  # mine stays only over what was shown
        desk.do("resolve", by=other, resolve={"Book:1": {"title": "mine"}})
    assert refused.value.code == "conflict"
    desk.do("resolve", resolve={"Book:1": {"title": "mine"}})
    desk.do("commit", by=other)
    assert desk.rows("select title from book where id = 1") == [("Mine",)]


def test_whoever_looks_has_the_lock_also_where_nobody_had_it_before(desk):
    desk.open()
    with desk.workspaces._lives.held_now("w") as taken:
        assert taken
        answers = []
        other = threading.Thread(target=lambda: answers.append(_is_free(desk)))
        other.start()
        other.join()
    assert (answers, _is_free(desk)) == ([False], True)


def _is_free(desk):
    with desk.workspaces._lives.held_now("w") as taken:
        return taken
