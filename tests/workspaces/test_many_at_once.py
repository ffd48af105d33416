"""Many threads on few workspaces: one action at a time in each, and whoever looks sees one version whole."""

from __future__ import annotations

import threading

from dashboard.config import Config
from dashboard.refusal import Refusal
from tests.workspaces.desk import Desk


def together(*works):
    """Runs these at once; the first exception of any is raised here."""
    problems = []

    def guarded(work):
        try:
            work()
        except BaseException as error:
            problems.append(error)

    threads = [threading.Thread(target=guarded, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if problems:
        raise problems[0]


def test_each_action_of_many_threads_is_done_once(tmp_path):
    config = Config(workspace_wait_seconds=30)
    with Desk(f"sqlite:///{tmp_path / 'shop.db'}", f"sqlite:///{tmp_path / 'store.db'}", config=config) as desk:
        desk.open()

        def work():
            for _ in range(10):
                desk.make("Author", name="New")

        together(work, work, work)
        assert len(desk.view().objects) == 30
        assert [each["number"] for each in desk.view().tape] == list(range(1, 31))
        assert desk.view().version == 31
        desk.do("commit")
        assert len(desk.rows("select * from author where name = 'New'")) == 30


def test_whoever_looks_while_others_flush_and_roll_back_sees_no_lost_transaction(tmp_path):
    config = Config(workspace_wait_seconds=30)
    with Desk(f"sqlite:///{tmp_path / 'shop.db'}", f"sqlite:///{tmp_path / 'store.db'}", config=config) as desk:
        desk.open()
        over, seen = threading.Event(), set()

        def act():
            try:
                for number in range(12):
                    desk.make("Author", name=f"n{number}")
                    desk.do("flush")
                    desk.do(("rollback", "commit")[number % 2])
            finally:
                over.set()

        def look():
            while not over.is_set():
                view = desk.view()
                seen.update(notice["code"] for notice in view.notices)
                assert sum(view.counts.values()) == len(view.objects)

        together(act, look, look)
        assert seen == set()
        assert len(desk.rows("select * from author where name like 'n%'")) == 6


def test_of_two_workers_that_commit_at_once_one_is_told(tmp_path):
    config = Config(workspace_wait_seconds=30)
    with Desk(f"sqlite:///{tmp_path / 'shop.db'}", f"sqlite:///{tmp_path / 'store.db'}", config=config) as desk:
        other = desk.worker()
        desk.open()
        for number in range(5):
            desk.make("Author", name=f"n{number}")
            version, answers = desk.view().version, []

            def commit(worker, version=version, answers=answers):
                try:
                    desk.do("commit", by=worker, version=version)
                    answers.append("done")
                except Refusal as refusal:
                    answers.append(refusal.code)

            together(lambda: commit(desk.workspaces), lambda: commit(other))
            assert answers.count("done") == 1, answers
            assert set(answers) <= {"done", "already_committed", "stale", "busy"}
        assert len(desk.rows("select * from author where name like 'n%'")) == 5


def test_only_so_many_sessions_stay_live(tmp_path):
    config = Config(workspace_sessions=3)
    with Desk(f"sqlite:///{tmp_path / 'shop.db'}", f"sqlite:///{tmp_path / 'store.db'}", config=config) as desk:
        names = [f"w{number}" for number in range(8)]
        for name in names:
            desk.workspaces.open(name, "ada")
            desk.workspaces.act(name, "load", {"model": "Book", "key": "1"}, actor="ada")
        assert len(list(desk.workspaces._lives)) == 3
        for name in names:
            desk.workspaces.act(name, "expire", {"ref": "Book:1"}, actor="ada")
            assert desk.workspaces.view(name).counts["expired"] == 1
