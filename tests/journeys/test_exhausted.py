"""The pool is exhausted: can one still see who holds its connections, from which line, and who waits?"""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.journeys.exposition import scraped, summed
from tests.journeys.waiting import until
from tests.parts import ROOT


def line_of(module, comment):
    lines = Path(module).read_text().splitlines()
    return f"{Path(module).name}:{next(n for n, line in enumerate(lines, 1) if comment in line)}"


PROGRAM = ROOT / "tests/journeys/exhausted_program.py"
GUEST = ROOT / "tests/journeys/exhausted_guest.py"


def seen(server, token, name, waiters):
    """The page of the pool, once it shows so many waiters."""

    def look():
        answer = server.request("GET", f"/pools/{name}", token=token)
        return answer.json if answer.status == 200 and answer.json["counts"]["waiters"] == waiters else None

    return until(look, what=f"{waiters} waiters")


def test_a_sidecar_names_each_holders_line_and_each_waiter(poolhouse_server):
    server = poolhouse_server(settings={"DATABASE_URL": "none"})
    command = [sys.executable, "-m", "tests.journeys.exhausted_program", str(server.instance)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT) as program:
        assert program.stdout.readline() == "ready\n"
        pool = seen(server, server.token("viewer"), "exhausted", 20)
        assert [line_of(PROGRAM, "# the holder") in holder["line"] for holder in pool["holders"]] == [True] * 2
        assert {holder["thread"] for holder in pool["holders"]} == {"holder 0", "holder 1"}
        assert [line_of(PROGRAM, "# the waiter") in waiter["line"] for waiter in pool["waiters"]] == [True] * 20
        assert {waiter["thread"] for waiter in pool["waiters"]} == {f"waiter {number}" for number in range(20)}
        found = scraped(server)
        assert summed(found, "sqlalchemy_pool_connections", pool="exhausted", state="used") == 2
        assert summed(found, "sqlalchemy_pool_waiters", pool="exhausted") == 20
        program.stdin.close()
        assert program.wait(30) == 0


def test_a_guest_tells_the_same_while_one_of_its_threads_is_free(poolhouse_server, tmp_path):
    settings = {"EXHAUSTED": str(tmp_path / "guest.db"), "DASHBOARD_DEMO": "off"}
    server = poolhouse_server("-w 1 --threads 24", settings=settings, app="tests.journeys.exhausted_guest:app")
    token = server.token("viewer")
    with ThreadPoolExecutor(22) as visitors:
        working = [visitors.submit(server.request, "GET", "/work", timeout=90) for _ in range(22)]
        try:
            pool = seen(server, token, "guest", 20)
            lines = [each["line"] for each in (*pool["holders"], *pool["waiters"])]
            assert [line_of(GUEST, "# holder and waiter") in line for line in lines] == [True] * 22
            assert {each["endpoint"] for each in pool["holders"]} == {"work"}
            assert summed(scraped(server), "sqlalchemy_pool_waiters", pool="guest") == 20
        finally:
            server.request("GET", "/end")
        assert [done.result(60).status for done in working] == [200] * 22
