"""Does a Poolhouse beside a program show what it publishes, and say plainly what a sidecar does not have?"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.journeys.exposition import scraped, summed
from tests.journeys.waiting import until
from tests.parts import ROOT

PROGRAM = Path(__file__).with_name("leaking_program.py")
LEAK = next(n for n, line in enumerate(PROGRAM.read_text().splitlines(), 1) if "# the leak" in line)


@pytest.fixture(scope="module")
def server(poolhouse_server):
    return poolhouse_server(settings={"DATABASE_URL": "none"})


@pytest.fixture
def program(server):
    """The program, which has said that it is ready."""
    command = [sys.executable, "-m", "tests.journeys.leaking_program", str(server.instance)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT) as running:
        assert running.stdout.readline() == "ready []\n"  # nothing of the web is in it
        yield running
        running.kill()


def test_the_sidecar_shows_a_programs_pool_and_the_line_of_its_leaked_connection(server, program):
    token = server.token("viewer")
    pool = until(
        lambda: found if (found := server.request("GET", "/pools/billing", token=token)).status == 200 else None,
        what="the program's pool",
    ).json
    assert (pool["class"], pool["limits"]["total"], pool["counts"]["used"]) == ("QueuePool", 3, 1)
    (holder,) = pool["holders"]
    assert f"leaking_program.py:{LEAK}" in holder["line"]
    assert holder["in_transaction"]
    assert [shown["pid"] for shown in server.request("GET", "/", token=token).json["workers"]] == [program.pid]
    assert summed(scraped(server), "poolhouse_workers") == 1
    html = server.request("GET", "/pools/billing", token=token, headers={"Accept": "text/html"}).text
    assert f"leaking_program.py:{LEAK}" in html
    assert summed(scraped(server), "sqlalchemy_transactions_total", pool="billing", outcome="commit") == 1
    checkouts = summed(scraped(server), "sqlalchemy_pool_checkouts_total", pool="billing")

    program.kill()
    program.wait()
    until(lambda: server.request("GET", "/", token=token).json["workers"] == [], what="the program's end")
    assert summed(scraped(server), "sqlalchemy_pool_checkouts_total", pool="billing") == checkouts == 2


def test_the_sidecar_says_that_there_are_no_workspaces(server):
    token = server.token()
    for method, path in (("GET", "/workspaces/"), ("POST", "/workspaces/"), ("GET", "/workspaces/any/")):
        answer = server.request(method, path, token=token, data={"name": "any"} if method == "POST" else None)
        assert (answer.status, answer.json["error"]["code"]) == (503, "unavailable")
        assert "No database is looked at" in answer.json["error"]["message"]
        assert "DATABASE_URL" in answer.json["error"]["remedy"]
    html = server.request("GET", "/workspaces/", token=token, headers={"Accept": "text/html"})
    assert "No database is looked at" in html.text
    for path in ("/", "/pools/", "/sessions/", "/metrics", "/readyz"):
        assert server.request("GET", path, token=token).status == 200, path
    assert "workspaces and records are off" in server.command("doctor")
