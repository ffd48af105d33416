"""Does a loop of tasks without any web appear on Pools at once, and is the connection that it leaks named?"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.journeys.exposition import scraped, summed
from tests.journeys.waiting import until
from tests.parts import ROOT

PROGRAM = Path(__file__).with_name("task_loop.py")


def line_of(comment):
    return next(n for n, line in enumerate(PROGRAM.read_text().splitlines(), 1) if comment in line)


@pytest.fixture
def server(poolhouse_server):
    return poolhouse_server(settings={"DATABASE_URL": "none"})


@pytest.fixture
def loop(server):
    """`loop("send_invoices")` has the task done by the worker."""
    command = [sys.executable, "-m", "tests.journeys.task_loop", str(server.instance)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT) as running:
        assert running.stdout.readline() == "ready []\n"

        def do(task):
            running.stdin.write(task + "\n")
            running.stdin.flush()
            assert running.stdout.readline() == f"done {task}\n"

        yield do
        running.stdin.close()
        assert running.wait(30) == 0


def test_a_loop_of_tasks_appears_and_its_leaked_connection_is_named(server, loop):
    token = server.token("viewer")

    def shown(condition):
        answer = server.request("GET", "/pools/tasks", token=token)
        return answer.json if answer.status == 200 and condition(answer.json) else None

    for task in ("send_invoices", "forget_a_report", "keep_an_export"):
        loop(task)
    pool = until(lambda: shown(lambda pool: pool["leaks"] and pool["holders"]), what="the loop's leak and holder")
    (leak,) = pool["leaks"]
    assert (leak["kind"], leak["endpoint"]) == ("garbage_collected", "forget_a_report")
    assert f"task_loop.py:{line_of('# the leak')} in forget_a_report" in leak["line"]
    (holder,) = pool["holders"]
    assert holder["endpoint"] == "keep_an_export"
    assert f"task_loop.py:{line_of('# the holder')}" in holder["line"]
    html = server.request("GET", "/pools/tasks", token=token, headers={"Accept": "text/html"}).text
    assert f"task_loop.py:{line_of('# the leak')}" in html
    found = scraped(server)
    leaks = "sqlalchemy_connection_leaks_total"
    assert summed(found, leaks, pool="tasks", kind="garbage_collected") == 1
    assert summed(found, "sqlalchemy_endpoint_statements_total", pool="tasks", endpoint="send_invoices") == 1
    assert summed(found, "sqlalchemy_session_transactions_total", registry="tasks", outcome="commit") == 1
    listed = server.request("GET", "/pools/", token=token).json["pools"]
    assert "tasks" in {one["name"] for one in listed}
