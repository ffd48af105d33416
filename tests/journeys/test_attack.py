"""Whatever is sent to a real server by whomever: no fault, no stack, no markup that comes back, nothing changed by what
was refused, no memory that grows."""

from __future__ import annotations

import http.client
import os
import sqlite3
from collections import Counter
from contextlib import closing

import psutil
import pytest
from hypothesis import HealthCheck, Phase, given, settings

from tests.journeys.hostile import ACTORS, MARK, Request, batches
from tests.journeys.trouble import processes

pytestmark = pytest.mark.soak

SOAK = bool(os.environ.get("SOAK"))
EXAMPLES, EACH = (210, 100) if SOAK else (6, 100)
WORKER_MAY_GROW = 40_000_000
"""Bytes, after the first tenth of the walk: caches fill up, and stay as they are."""


class Attacker:
    """One connection that stays open, and what came back over it."""

    def __init__(self, server, tokens, data):
        self.server, self.tokens, self.data = server, tokens, data
        self.statuses, self.well_formed, self.succeeded = Counter(), 0, 0
        self.connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)

    def version(self):
        return self.data.execute("PRAGMA data_version").fetchone()[0]

    def send(self, asked: Request):
        headers = dict(asked.headers)
        if asked.actor != "nobody":
            headers["Authorization"] = f"Bearer {self.tokens[asked.actor]}"
        before = self.version()
        answer, body = self._answered(asked, headers)
        self.statuses[answer.status] += 1
        assert answer.status < 500 or answer.status == 503, (asked, body[:1_000])
        assert b"Traceback" not in body, asked
        kind = answer.headers.get("Content-Type", "")
        if "html" in kind:
            assert f"<{MARK}".encode() not in body, (asked, body[:2_000])
        if answer.status >= 400:
            assert self.version() == before, asked
            assert kind.startswith(("application/json", "text/html", "text/plain")), (asked, kind)
        location = answer.headers.get("Location", "/")
        assert location[:1] == "/" != location[1:2] != "\\", (asked, location)
        assert "X-Evil" not in answer.headers
        assert "evil" not in answer.headers.get("Set-Cookie", "")
        if asked.is_well_formed and asked.may:
            self.well_formed += 1
            self.succeeded += answer.status < 400
        return answer.status

    def _answered(self, asked, headers):
        try:
            self.connection.request(asked.row.method, asked.path, asked.body, headers)
            answer = self.connection.getresponse()
            return answer, answer.read()
        except (http.client.HTTPException, OSError):  # gunicorn ends a connection after what it does not understand
            self.connection.close()
            self.connection.request(asked.row.method, asked.path, asked.body, headers)
            answer = self.connection.getresponse()
            return answer, answer.read()


def memory(server):
    return max(each.memory_info().rss for each in processes(server)[1:])


@pytest.fixture
def attacked(poolhouse_server):
    server = poolhouse_server("-w 2", settings={"DASHBOARD_DEMO": "off", "DASHBOARD_HEAVY_REQUESTS": "100000"})
    admin = server.token("admin")

    def made(path, **given):
        answer = server.request("POST", path, token=admin, data=given)
        assert answer.status == 201, answer.text
        return answer.json

    tokens = {role: made("/accounts/tokens/", name=role, role=role)["token"] for role in ACTORS[1:]}
    for name, role in (("ada", "editor"), ("spare", "viewer")):
        made("/accounts/", name=name, role=role, password="long enough")
    server.request("POST", "/workspaces/", token=tokens["editor"], data={"name": "walked"})
    author = server.request(
        "POST", "/records/Author/", token=tokens["editor"], data={"values": {"name": "Of the attack"}}
    )
    with closing(sqlite3.connect(server.instance / "demo.db", isolation_level=None)) as data:
        yield server, tokens, data, {"w": "walked", "author": author.json["key"]}


def test_no_request_is_a_fault_and_what_is_refused_changes_nothing(attacked):
    server, tokens, data, names = attacked
    attacker = Attacker(server, tokens, data)
    seen = []

    @settings(
        max_examples=EXAMPLES,
        derandomize=not SOAK,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate],
    )
    @given(batches(names, EACH))
    def walk(asked):
        for each in asked:
            attacker.send(each)
        seen.append(memory(server))

    walk()
    attacker.connection.close()
    assert attacker.succeeded >= 0.2 * attacker.well_formed > 0, (attacker.succeeded, attacker.well_formed)
    assert attacker.statuses.total() >= (20_000 if SOAK else 500), attacker.statuses
    assert {200, 400, 401, 403, 404} <= set(attacker.statuses), attacker.statuses
    settled = max(seen[: max(1, len(seen) // 10)])
    assert seen[-1] - settled < WORKER_MAY_GROW, (settled, seen[-1])
    output = server.output()
    assert "Traceback" not in output, output[-5_000:]
    assert psutil.pid_exists(server.process.pid)
