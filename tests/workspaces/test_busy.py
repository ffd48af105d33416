"""Who was faster does not stop an action: it is tried again, and told as busy only where that does not help."""

from __future__ import annotations

import threading

import pytest
import sqlalchemy as sa

from dashboard.config import Config
from dashboard.refusal import Refusal
from tests.workspaces.desk import Desk


def test_a_deadlock_is_tried_again_and_reaches_nobody(tmp_path, postgresql_url):
    """Somebody else holds the second row and then wants the first one: the database ends one of the two."""
    with Desk(postgresql_url, f"sqlite:///{tmp_path / 'store.db'}") as desk:
        desk.open()
        for key in (1, 2):
            desk.load("Book", key)
            desk.set(f"Book:{key}", title=f"Mine {key}")
        with desk.engine.connect() as other:
            other.exec_driver_sql("set local deadlock_timeout = '60s'")  # so that it is not the one that is ended
            other.exec_driver_sql("update book set price = 3 where id = 2")
            commit = threading.Thread(target=desk.do, args=("commit",))
            commit.start()
            _until_somebody_waits(desk)
            other.exec_driver_sql("update book set price = 3 where id = 1")
            other.commit()
            commit.join(30)
        assert {row[0] for row in desk.rows("select title from book where price = 3")} == {"Mine 1", "Mine 2"}
        assert "tried" in {each["why"] for each in desk.last()["checks"]}


def _until_somebody_waits(desk):
    while not desk.rows("select 1 from pg_stat_activity where wait_event_type = 'Lock'"):
        pass


@pytest.mark.parametrize("verb", ["flush", "commit"])
def test_two_open_transactions_that_wait_for_each_other_are_both_written(tmp_path, postgresql_url, verb):
    config = Config(workspace_wait_seconds=10)
    with Desk(postgresql_url, f"sqlite:///{tmp_path / 'store.db'}", config=config) as desk:

        def act(name, verb, **arguments):
            return desk.workspaces.act(name, verb, arguments, actor="ada").view

        def finish(name):
            notices[name] = act(name, verb).notices
            act(name, "commit")

        notices = {}
        for name, first, second in (("a", 1, 2), ("b", 2, 1)):
            desk.workspaces.open(name, "ada")
            for key in (first, second):
                act(name, "load", model="Book", key=str(key))
            act(name, "values", ref=f"Book:{first}", values={"title": name})
            act(name, "flush")
            act(name, "values", ref=f"Book:{second}", values={"summary": name})
        threads = [threading.Thread(target=finish, args=(name,)) for name in "ab"]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        assert desk.rows("select id, title, summary from book where id < 3 order by id") == [
            (1, "a", "b"),
            (2, "b", "a"),
        ]
        assert sorted(each["code"] for found in notices.values() for each in found) == ["begun_again"]


def test_a_serialisation_failure_is_tried_again(tmp_path, postgresql_url):
    options = {"isolation_level": "REPEATABLE READ"}
    with Desk(postgresql_url, f"sqlite:///{tmp_path / 'store.db'}", **options) as desk:
        desk.open()
        desk.load("Book", 1)
        desk.set("Book:1", title="Mine")
        raced = []

        @sa.event.listens_for(desk.workspaces._lives.registry("default").session_class, "before_flush", insert=True)
        def somebody_is_faster(session, context, instances):
            if not raced:
                raced.append(session.connection().exec_driver_sql("select count(*) from book").scalar())
                with desk.engine.begin() as connection:
                    connection.exec_driver_sql("update book set price = 3 where id = 1")

        desk.do("commit")
        assert desk.rows("select title, price from book where id = 1") == [("Mine", 3)]
        assert "tried" in {each["why"] for each in desk.last()["checks"]}


@pytest.mark.parametrize("verb", ["flush", "commit"])
def test_a_row_that_stays_locked_is_busy(tmp_path, database_url, verb):
    config = Config(workspace_wait_seconds=0.3)
    with Desk(database_url, f"sqlite:///{tmp_path / 'store.db'}", config=config) as desk:
        desk.open()
        desk.load("Book", 1)
        desk.set("Book:1", title="Mine")
        before = desk.view()
        with desk.engine.connect() as other:
            other.exec_driver_sql("update book set price = 3 where id = 1")
            with pytest.raises(Refusal) as refused:
                desk.do(verb)
            assert refused.value.code == "busy"
            assert (desk.view().objects, desk.view().version) == (before.objects, before.version)
            other.commit()
        desk.do("commit")
        assert desk.rows("select title, price from book where id = 1") == [("Mine", 3)]
