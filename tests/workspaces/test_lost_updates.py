"""Sixteen clients count on fifty rows through workspaces: is every count that was answered 200 in the end there?

`make soak` commits a thousand times, `make test` a hundred."""

from __future__ import annotations

import itertools
import os
import random
import threading

import pytest
import sqlalchemy as sa

from dashboard.config import Config
from dashboard.refusal import Refusal
from tests.workspaces import shop
from tests.workspaces.desk import Desk

CLIENTS, ROWS = 16, 50
COMMITS = 1_000 if os.environ.get("SOAK") else 100


class Client:
    """Opens a workspace of its own, and counts in it until enough was committed by all. counted: by row, the commits
    that succeeded."""

    def __init__(self, desk, workspaces, number, commits):
        self.desk, self.workspaces, self.name = desk, workspaces, f"client-{number}"
        self.commits, self.random = commits, random.Random(number)
        self.counted, self.twice, self.codes = {}, 0, set()

    def act(self, verb, **arguments):
        version = arguments.pop("version", None)
        return self.workspaces.act(self.name, verb, arguments, actor=self.name, version=version).view

    def work(self):
        self.workspaces.open(self.name, self.name)
        while next(self.commits) < COMMITS:
            row = self.random.randint(1, ROWS)
            try:
                self.count(row)
            except Refusal as refusal:
                self.codes.add(refusal.code)
                self.act("rollback")
                self.act("expunge-all")

    def count(self, row):
        loaded = self.act("load", model="User", key=str(row)).objects[-1]
        ref = loaded["ref"]
        loaded = self.act("refresh", ref=ref).object(ref)
        version = self.act("values", ref=ref, values={"points": loaded["values"]["points"] + 1}).version
        if self.random.random() < 0.3:
            version = self.act("flush", version=version).version
        self.act("commit", version=version)
        self.counted[row] = self.counted.get(row, 0) + 1
        try:
            self.act("commit", version=version)  # the second click
        except Refusal as refusal:
            self.twice += refusal.code == "already_committed"
        self.act("expunge-all")


@pytest.mark.soak
def test_no_count_is_lost_and_none_is_written_twice(database_url, tmp_path):
    config = Config(workspace_wait_seconds=60, workspace_connections=8, undo_kept=5)
    with Desk(database_url, f"sqlite:///{tmp_path / 'store.db'}", config=config) as desk:
        with desk.engine.begin() as connection:
            connection.exec_driver_sql("delete from user_account")
            rows = [{"id": number, "name": "n", "email": f"{number}@x", "points": 0} for number in range(1, ROWS + 1)]
            connection.execute(sa.insert(shop.User), rows)
        workers, commits = [desk.workspaces, desk.worker()], itertools.count()
        clients = [Client(desk, workers[number % 2], number, commits) for number in range(CLIENTS)]
        threads = [threading.Thread(target=client.work) for client in clients]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        counted = {row: sum(client.counted.get(row, 0) for client in clients) for row in range(1, ROWS + 1)}
        assert dict(map(tuple, desk.rows("select id, points from user_account"))) == counted
        total = sum(counted.values())
        assert total >= COMMITS / 2
        assert sum(client.twice for client in clients) == total
        assert set().union(*(client.codes for client in clients)) <= {"conflict"}
        with desk.store.reading() as connection:
            kept = connection.scalar(sa.text("select count(*) from poolhouse_change_set where outcome = 'committed'"))
        assert kept == total
