"""Sixteen clients count on fifty rows through the workspaces of four workers: is every count that was answered 200
there in the end, and no other?"""

from __future__ import annotations

import http.client
import itertools
import json
import os
import random
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy as sa

from dashboard.demo.models import Base
from dashboard.demo.seed import seed
from tests.journeys.waiting import PAUSE

CLIENTS, ROWS = 16, 50
COMMITS = 1_000 if os.environ.get("SOAK") else 40
FIRST = 200_000
TRIES = 100
"""Of an action that finds no room."""
ANSWERS = {"conflict", "stale", "busy", "pinned", "overloaded"}
"""What a client may be told whose count is not written."""


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request, new_database):
    engine = sa.create_engine(new_database(request.param), poolclass=sa.NullPool)
    seed(engine)
    rows = [{"id": FIRST + n, "name": "0", "email": f"count-{n}@example.com"} for n in range(ROWS)]
    with engine.begin() as connection:
        connection.execute(Base.metadata.tables["user"].insert(), rows)
    return engine


class Client:
    """A workspace of his own. counted: by row, the commits that were answered 200. told: codes of all else."""

    def __init__(self, server, token, number):
        self.token, self.random = token, random.Random(number)
        self.path = f"/workspaces/counter-{number}/"
        self.connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
        self.counted, self.told, self.twice = Counter(), Counter(), 0
        assert self.ask("/workspaces/", name=f"counter-{number}")[0] == 201

    def ask(self, path, **data):
        headers = {"Accept": "application/json", "Content-Type": "application/json"}
        headers["Authorization"] = f"Bearer {self.token}"
        self.connection.request("POST", path, json.dumps(data), headers)
        answer = self.connection.getresponse()
        return answer.status, json.loads(answer.read())

    def do(self, verb, **data):
        """The workspace after an action; None where it was refused. Where there is no room just now, as many clients
        may have come to one worker, it is asked again in a moment: nothing has been tried then."""
        for _ in range(TRIES):
            status, page = self.ask(self.path + verb, **data)
            if status in (200, 201):
                return page
            self.told[page["error"]["code"]] += 1
            if page["error"]["code"] != "overloaded":
                break
            PAUSE.wait(self.random.uniform(0.05, 0.3))
        return None

    def work(self, commits):
        while next(commits) < COMMITS:
            key = str(FIRST + self.random.randrange(ROWS))
            if not self.count(key):
                self.do("rollback")
            self.do("expunge-all")
        self.connection.close()

    def count(self, key):
        page = self.do("load", model="User", key=key)
        page = page and self.do(f"objects/{page['ref']}/refresh")
        if not page:
            return False
        found = page["objects"][-1]
        values = {"name": str(int(found["values"]["name"]) + 1)}
        page = self.do(f"objects/{found['ref']}/values", values=values, version=page["version"])
        if page and self.random.random() < 0.3:
            page = self.do("flush", version=page["version"])
        if not page or not self.do("commit", version=page["version"]):
            return False
        self.counted[key] += 1
        status, again = self.ask(self.path + "commit", version=page["version"])
        self.twice += (status, again["error"]["code"]) == (409, "already_committed")
        return True


@pytest.mark.soak
def test_sixteen_clients_of_four_workers_lose_no_count_and_write_none_twice(engine, poolhouse_server):
    settings = {
        "DATABASE_URL": engine.url.render_as_string(hide_password=False),
        "DASHBOARD_MODELS": "dashboard.demo.models",
        "DASHBOARD_DEMO": "off",
    }
    server = poolhouse_server("-w 4", settings=settings)
    token, commits = server.token(), itertools.count()
    clients = [Client(server, token, number) for number in range(CLIENTS)]
    with ThreadPoolExecutor(CLIENTS) as pool:
        for done in [pool.submit(client.work, commits) for client in clients]:
            done.result()
    counted = sum((client.counted for client in clients), Counter())
    with engine.connect() as connection:
        rows = connection.execute(sa.text('select id, name from "user" where id >= :first'), {"first": FIRST}).all()
    assert {str(key): int(name) for key, name in rows if name != "0"} == counted
    assert sum(client.twice for client in clients) == counted.total()
    told = sum((client.told for client in clients), Counter())
    assert set(told) <= ANSWERS, told
    assert counted.total() >= COMMITS / 3, (counted.total(), told)
    listed = server.request("GET", "/history/", token=token).json
    assert {each["outcome"] for each in listed["change_sets"]} == {"committed"}
    assert "Traceback" not in server.output()
