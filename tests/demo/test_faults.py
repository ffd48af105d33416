"""Does each fault of the demo get its own verdict within seconds, with its line, and does it leave when it is off?

The demo runs as a person runs it, so that nothing else of this process's tests is among the findings.
"""

import os
import re
import time

import pytest

from dashboard.demo.faults import FAULTS
from tests.journeys.waiting import until

BEGINS_WITHIN, ENDS_WITHIN = 5.0, 15.0
SHORT = {"slow-statement", "detached-errors"}
"""The pair below has one of each other room of rules; each takes some ten seconds to be forgotten."""
TRIED = [fault for fault in FAULTS if os.environ.get("SOAK") or fault.name in SHORT]
PAIRS = [
    (("leaked-connection", "n-plus-one"), ["ConnectionLeak", "NPlusOne"]),
    (("pool-too-small", "slow-statement"), ["SlowStatements", "PoolSaturated"]),
][: None if os.environ.get("SOAK") else 1]
WINDOW = "8s"
HEALTHY = 600.0 if os.environ.get("SOAK") else 0.0
"""Seconds without a finding."""
SLACK = 3.0
"""Seconds for a machine that does other things as well."""


class Demo:
    """A running demo, asked as somebody on call asks it."""

    def __init__(self, server):
        self._server, self._token = server, server.token("admin")

    @property
    def target(self):
        return f"127.0.0.1:{self._server.port}"

    def rules(self):
        return self._server.request("GET", "/monitoring/alerts.yml", token=self._token).text

    def overview(self):
        return self._server.request("GET", "/", token=self._token).json

    def findings(self):
        return self.overview()["findings"]

    def commits(self):
        """The demo's own traffic makes them all the time."""
        text = self._server.request("GET", "/metrics", token=self._token).text
        rows = (line for line in text.splitlines() if line.startswith("sqlalchemy_transactions_total{"))
        return sum(float(row.rpartition(" ")[2]) for row in rows if 'outcome="commit"' in row)

    def look_around(self):
        """What somebody does who only looks on, which is nothing that the program does."""
        for path in ("/pools/default", "/statements/", "/records/", "/records/Book/", "/records/Author/1"):
            answer = self._server.request("GET", path, token=self._token)
            assert answer.status == 200, answer.text

    def switch(self, name, on):
        answer = self._server.request("POST", f"/demo/faults/{name}", token=self._token, data={"on": on})
        assert answer.status == 200, answer.text

    def is_healthy_within(self, seconds):
        until(lambda: self.findings() == [], seconds=seconds, what="the healthy demo")


@pytest.fixture(scope="module", params=["-w 1", "-w 2"] if os.environ.get("SOAK") else ["-w 2"])
def demo(poolhouse_server, request):
    return Demo(poolhouse_server(request.param))


@pytest.fixture(scope="module")
def alerts(demo, prometheus):
    """A Prometheus that scrapes the demo, and has its rules with all their times shortened."""
    rules = re.sub(r"\[\d+[mh]\]", f"[{WINDOW}]", demo.rules())
    assert WINDOW in rules
    return prometheus(demo.target, rules=rules)


@pytest.mark.soak
@pytest.mark.parametrize("fault", TRIED, ids=lambda fault: fault.name)
def test_a_fault_gets_its_verdict_and_its_alert_and_leaves_without_a_trace(fault, demo, alerts):
    demo.is_healthy_within(ENDS_WITHIN + SLACK)
    demo.switch(fault.name, True)

    def worst():
        found = demo.findings()[:1]
        its = f"faulty.py:.* in {fault.run.__name__}"
        named = (one for one in found if one["finding"] == fault.finding)
        return next((one for one in named if re.search(its, one["line"] or "")), None)

    finding = until(worst, seconds=BEGINS_WITHIN + SLACK, what=fault.finding)
    assert finding["line"] in finding["sentence"]
    assert finding["endpoint"].startswith("shop.")
    assert finding["endpoint"] in finding["sentence"]
    assert any(finding["numbers"].values())
    alerts.value_once(f'count(ALERTS{{alertname="{fault.finding}",alertstate="firing"}})', lambda number: number >= 1)
    demo.switch(fault.name, False)
    demo.is_healthy_within(ENDS_WITHIN + SLACK)


@pytest.mark.soak
def test_the_healthy_shop_gives_no_finding(demo):
    stays_healthy(demo, commits=20)


@pytest.mark.soak
def test_nor_does_it_at_ten_times_its_rate(poolhouse_server):
    stays_healthy(Demo(poolhouse_server("-w 2", settings={"DASHBOARD_DEMO_RATE": "40"})), commits=60)


def stays_healthy(demo, commits):
    demo.is_healthy_within(ENDS_WITHIN + SLACK)
    begun, before = time.monotonic(), demo.commits()
    while time.monotonic() < begun + HEALTHY or demo.commits() < before + commits:
        demo.look_around()
        assert demo.findings() == []


@pytest.mark.soak
@pytest.mark.parametrize("names, expected", PAIRS)
def test_of_two_faults_at_once_both_are_named_and_the_cause_comes_first(names, expected, demo):
    demo.is_healthy_within(ENDS_WITHIN + SLACK)
    for name in names:
        demo.switch(name, True)

    def both():
        return [one["finding"] for one in demo.findings() if one["finding"] in expected] == expected

    until(both, seconds=2 * BEGINS_WITHIN, what=f"both {expected}")
    for name in names:
        demo.switch(name, False)
    demo.is_healthy_within(ENDS_WITHIN + SLACK)
