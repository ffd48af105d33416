"""Do four workers give the sums of what really happened at the driver, whatever becomes of one of them?"""

from __future__ import annotations

import http.client
import itertools
import os
import re
import signal
import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import sqlalchemy as sa

from dashboard.demo.seed import seed
from tests.journeys.counted_shop_floor import lay
from tests.journeys.counting import FOLDER, counted
from tests.journeys.desk import Desk
from tests.journeys.exposition import counters, scraped, summed
from tests.journeys.server import Server
from tests.journeys.waiting import until

VISITORS = 8


@pytest.fixture
def start(tmp_path, poolhouse_server):
    """`start("-w 4")` serves a shop of which every call to its driver is counted."""
    settings = lay(tmp_path)

    def start(arguments):
        server = poolhouse_server(arguments, settings=settings, app="tests.journeys.counted_shop:app", folder=tmp_path)
        server.tallies = Path(settings[FOLDER])
        return server

    return start


def visit(server, numbers):
    """The statuses of one visitor's requests, on one connection for as long as it lasts."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    statuses = []
    for number in numbers:
        try:
            connection.request("GET", f"/shop/{number}")
            answer = connection.getresponse()
            answer.read()
            statuses.append(answer.status)
        except (OSError, http.client.HTTPException):  # its worker is gone
            connection.close()
            statuses.append(0)
    connection.close()
    return statuses


def visits(server, count):
    with ThreadPoolExecutor(VISITORS) as visitors:
        shares = [range(first, count, VISITORS) for first in range(VISITORS)]
        return [status for statuses in visitors.map(lambda share: visit(server, share), shares) for status in statuses]


def at_the_driver(server):
    said = counted(server.tallies)
    operations = {name: said[name] for name in ("select", "insert", "update", "delete")}
    return {**operations, "checkouts": said["connects"] + said["pings"], "commits": said["commits"]}


def in_metrics(server):
    found = scraped(server)
    operations = {
        name: summed(found, "sqlalchemy_statement_seconds_count", operation=name)
        for name in ("select", "insert", "update", "delete")
    }
    checkouts = summed(found, "sqlalchemy_pool_checkouts_total")
    return {**operations, "checkouts": checkouts, "commits": commits(found)}


def difference(server):
    """Where they differ: what the metrics say, and what happened at the driver."""
    said, happened = in_metrics(server), at_the_driver(server)
    return {name: (said[name], happened[name]) for name in said if said[name] != happened[name]}


def workers(server, token):
    return {worker["pid"] for worker in server.request("GET", "/", token=token).json["workers"]}


def commits(found):
    return summed(found, "sqlalchemy_transactions_total", outcome="commit")


def test_what_metrics_say_of_two_thousand_requests_equals_the_count_at_the_driver(start):
    server = start("-w 4")
    statuses = visits(server, 2000)
    assert len(statuses) == 2000
    assert set(statuses) == {200, 503}  # 503: the statement that always fails
    desk = Desk(server, server.token())
    ref = desk.load("note", "3")
    desk.do("values", ref, values={"text": "by a workspace"})
    desk.do("commit")
    until(lambda: not difference(server), what=f"the driver's count, which is {at_the_driver(server)},")
    assert in_metrics(server)["commits"] > 800
    answer = server.request("GET", "/", token=server.token("viewer"))
    assert len(answer.json["workers"]) == 4
    before = in_metrics(server)
    assert server.stop() == 0
    assert not re.search("Traceback|ERROR|WARN|CRITICAL", server.output()), server.output()
    again = start("")
    assert in_metrics(again) == before  # the dead are folded in: no counter begins anew


def test_no_counter_falls_when_a_worker_is_killed_in_the_middle(start):
    server = start("-w 4")
    token = server.token("viewer")
    looks, over = [], threading.Event()

    def look():
        while not over.is_set():
            try:
                looks.append(counters(scraped(server)))
            except (OSError, http.client.HTTPException):  # this one was asked of the killed worker
                pass
            over.wait(0.02)

    with ThreadPoolExecutor(2) as beside:
        looking, visiting = beside.submit(look), beside.submit(visits, server, 500)
        until(lambda: commits(looks[-1]) > 50 if looks else False, what="some commits")
        seen = len(looks)
        killed = server.request("GET", "/", token=token).json["workers"][0]["pid"]
        os.kill(killed, signal.SIGKILL)
        statuses = visiting.result(120)
        until(lambda: len(looks) > seen + 3, what="looks after the kill")
        over.set()
        looking.result(30)
    assert statuses.count(200) > 300
    fallen = [key for before, after in itertools.pairwise(looks) for key in before if after[key] < before[key]]
    assert fallen == []
    # gunicorn starts another in its place; on a busy machine that takes a while
    until(lambda: len(workers(server, token) - {killed}) == 4, what="four workers again")
    assert killed not in workers(server, token)
    # what the killed worker had not said yet is unknown; nothing is counted twice
    assert {name: both for name, both in difference(server).items() if both[0] > both[1]} == {}
    assert in_metrics(server)["commits"] > commits(looks[seen - 1])


def test_eight_servers_that_start_at_once_on_an_empty_folder_lay_it_once(tmp_path):
    settings = {"DASHBOARD_INSTANCE": str(tmp_path / "instance"), "DASHBOARD_DEMO": "off"}
    servers = [Server(tmp_path / str(number), "-w 1", settings=settings, ready=False) for number in range(8)]
    try:
        for server in servers:
            server.wait_until_ready(seconds=120)
        instance = tmp_path / "instance"
        assert (instance / "poolhouse_secret_key").stat().st_mode & 0o777 == 0o600
        assert rows(instance / "store.db", "SELECT name, role FROM poolhouse_account") == [("admin", "admin")]
        assert rows(instance / "store.db", "SELECT version FROM poolhouse_schema") == [(1,)]
        everything = "SELECT group_concat(title) FROM (SELECT title FROM book ORDER BY id)"
        alone = sa.create_engine(f"sqlite:///{tmp_path / 'alone.db'}")
        seed(alone)
        alone.dispose()
        assert rows(instance / "demo.db", everything) == rows(tmp_path / "alone.db", everything)
        token = servers[0].token("viewer")
        for server in servers:  # one key, one store, one ledger: what one of them gave out holds at all
            until(lambda s=server: len(s.request("GET", "/", token=token).json["workers"]) == 8, what="eight workers")
            assert server.link().startswith(f"{server.url}/link/")
            assert "Traceback" not in server.output()
    finally:
        with ThreadPoolExecutor(len(servers)) as ending:
            assert list(ending.map(Server.stop, servers)) == [0] * 8
    assert not any("ERROR" in server.output() for server in servers)


def rows(file, statement):
    connection = sqlite3.connect(file)
    try:
        return connection.execute(statement).fetchall()
    finally:
        connection.close()
