"""What does a real Prometheus make of /metrics, and has promtool anything to say about it?"""

from __future__ import annotations

import subprocess

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from tests.journeys.desk import Desk
from tests.journeys.exposition import scraped

COMMITS = 7
OPENMETRICS = "application/openmetrics-text; version=1.0.0"
SECRET = "for prometheus alone"


@pytest.fixture(scope="module")
def server(poolhouse_server):
    """Its metrics are for Prometheus alone."""
    settings = {"DASHBOARD_DEMO": "off", "DASHBOARD_METRICS_TOKEN": SECRET, "DASHBOARD_METRICS_PUBLIC": "off"}
    return poolhouse_server(settings=settings)


@pytest.fixture(scope="module")
def token(server):
    return server.token()


@pytest.fixture(scope="module")
def scraper(server, prometheus):
    return prometheus(f"127.0.0.1:{server.port}", token=SECRET)


def test_prometheus_answers_with_the_number_of_commits_that_were_made(server, token, scraper):
    desk = Desk(server, token)
    for number in range(COMMITS):
        desk.new("User", name="Ada", email=f"prometheus-{number}@example.com")
        desk.do("commit")
    desk.new("User", name="Ada", email="taken-back@example.com")
    desk.do("flush")
    desk.do("rollback")
    made = {
        'sqlalchemy_session_transactions_total{registry="workspaces",outcome="commit"}': COMMITS,
        'sqlalchemy_transactions_total{pool="workspaces",outcome="commit"}': COMMITS,
        'sqlalchemy_session_transactions_total{registry="workspaces",outcome="rollback"}': 1,
        'sqlalchemy_object_transitions_total{registry="workspaces",from="pending",to="persistent"}': COMMITS + 1,
        'sqlalchemy_statement_seconds_count{pool="workspaces",operation="insert"}': COMMITS + 1,
        'sum(sqlalchemy_pool_connections{pool="workspaces",state="used"})': 0,
        'poolhouse_workers{state="live"}': 4,
        "up": 1,
    }
    for promql, number in made.items():
        assert scraper.value_once(promql, lambda value, number=number: value == number) == number


def test_the_page_and_prometheus_say_the_same(server, token, scraper):
    desk = Desk(server, token)
    desk.new("User", name="Ada", email="the-same@example.com")
    desk.do("flush")
    open_now = 'sqlalchemy_pool_connections{pool="workspaces",state="used"}'
    assert scraper.value_once(open_now, lambda value: value == 1) == 1
    pool = server.request("GET", "/pools/workspaces", token=token).json
    assert pool["counts"]["used"] == len(pool["holders"]) == 1
    desk.do("rollback")
    assert scraper.value_once(open_now, lambda value: value == 0) == 0


def test_metrics_that_are_not_public_take_a_token_which_opens_nothing_else(server):
    assert server.request("GET", "/metrics").status == 401
    assert server.request("GET", "/metrics", token=SECRET).status == 200
    assert server.request("GET", "/pools/", token=SECRET).status == 401


def test_promtool_has_nothing_to_say(server, token, promtool):
    Desk(server, token).load("Book", "1")
    exposition = server.request("GET", "/metrics", token=SECRET, headers={"Accept": "text/plain"}).body
    checked = subprocess.run([str(promtool), "check", "metrics"], input=exposition, capture_output=True)
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, b"", b"")


def test_openmetrics_says_the_same_by_the_same_names(server, token):
    """promtool reads the text format only; the strict parser of OpenMetrics stands in for it."""
    Desk(server, token).load("Book", "1")
    answer = server.request("GET", "/metrics", token=SECRET, headers={"Accept": OPENMETRICS})
    assert answer.headers["Content-Type"].startswith("application/openmetrics-text")
    names = {sample.name for family in text_string_to_metric_families(answer.text) for sample in family.samples}
    assert names == {name for name, _ in scraped(server, SECRET)}
