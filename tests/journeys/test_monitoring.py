"""Does each expression of the Grafana dashboard find data, and does Monitoring show hours and days from Prometheus?"""

from __future__ import annotations

import json
import subprocess

import pytest

from tests.journeys.waiting import until
from tests.pages.conftest import Script, demo_file, make_app

__all__ = ["demo_file", "make_app"]


@pytest.fixture(scope="module")
def demo(poolhouse_server):
    return poolhouse_server("-w 2")


@pytest.fixture(scope="module")
def token(demo):
    return demo.token("viewer")


@pytest.fixture(scope="module")
def scraper(demo, prometheus):
    return prometheus(f"127.0.0.1:{demo.port}")


def expressions(dashboard):
    targets = (target for panel in dashboard["panels"] for target in panel.get("targets", ()))
    return [target["expr"].replace("$pool", ".*").replace("$__rate_interval", "10s") for target in targets]


def test_every_expression_of_the_dashboard_finds_data_while_the_demo_runs(demo, token, scraper):
    answer = demo.request("GET", "/monitoring/grafana.json", token=token)
    assert answer.headers["Content-Type"].startswith("application/json")
    every = expressions(answer.json)
    assert len(every) > 60
    scraper.value_once("sum(rate(sqlalchemy_pool_checkouts_total[10s]))", lambda rate: rate > 0)
    left = set(every)

    def all_found():
        left.difference_update({promql for promql in left if scraper.query(promql)})
        return not left

    until(all_found, seconds=30, what=f"data for {sorted(left)}")


def test_each_metric_has_its_panel_and_no_panel_overlaps_another(demo, token):
    dashboard = demo.request("GET", "/monitoring/grafana.json", token=token).json
    exposed = demo.request("GET", "/metrics", headers={"Accept": "text/plain"}).text
    names = {line.split()[2] for line in exposed.splitlines() if line.startswith("# TYPE ")}
    assert names == {panel["title"] for panel in dashboard["panels"] if panel["type"] != "row"}
    taken = set()
    for panel in dashboard["panels"]:
        at = panel["gridPos"]
        cells = {(at["x"] + x, at["y"] + y) for x in range(at["w"]) for y in range(at["h"])}
        assert not cells & taken
        assert at["x"] + at["w"] <= 24
        taken |= cells
    assert len({panel["id"] for panel in dashboard["panels"]}) == len(dashboard["panels"])


def test_hours_and_days_of_all_instances_come_from_prometheus(demo, scraper, make_app):
    script = Script(make_app(DATABASE_URL="none", PROMETHEUS_URL=scraper.url), "viewer")

    def look():
        shown = script.get("/monitoring/charts?span=6h").get_json()
        found = {one["question"]["name"]: one for one in shown["charts"]}
        checkouts = [series for series in found["Checkouts"]["series"] if series["name"] == "default"]
        return found if checkouts and any(value for value in checkouts[0]["values"]) else None

    scraper.value_once("sum(rate(sqlalchemy_pool_checkouts_total[10s]))", lambda rate: rate > 0)
    found = until(look, seconds=60, what="the demo's checkouts")
    assert found["In use, by instance"]["series"][0]["name"] == f"127.0.0.1:{demo.port}"
    assert all(len(series["values"]) == 361 for one in found.values() for series in one["series"])
    assert script.get("/monitoring/charts?span=query%3Dup").status_code == 400
    page = script.get("/monitoring/charts?span=7d", Accept="text/html").text
    assert page.count("data-chart=") == len(found)
    assert "Charts of hours and days" in script.get("/monitoring/", Accept="text/html").text


def test_a_prometheus_that_is_away_is_said_and_the_page_stays(make_app, free_port):
    url = f"http://ada:secret@127.0.0.1:{free_port}"
    script = Script(make_app(DATABASE_URL="none", PROMETHEUS_URL=url), "viewer")
    refused = script.get("/monitoring/charts")
    assert (refused.status_code, refused.get_json()["error"]["code"]) == (503, "unavailable")
    assert "secret" not in refused.text
    assert script.get("/monitoring/").status_code == 200


def test_without_prometheus_there_are_no_such_charts(make_app):
    script = Script(make_app(DATABASE_URL="none"), "viewer")
    assert script.get("/monitoring/charts").status_code == 503
    assert "Charts of hours and days" not in script.get("/monitoring/", Accept="text/html").text


def test_the_rules_as_they_are_pass_promtool(demo, token, promtool, tmp_path):
    """Of the demo's own settings; tests/pages/test_monitoring.py has a firing and a silent case for each."""
    (tmp_path / "alerts.yml").write_text(demo.request("GET", "/monitoring/alerts.yml", token=token).text)
    done = subprocess.run([str(promtool), "check", "rules", str(tmp_path / "alerts.yml")], capture_output=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert json.loads(demo.request("GET", "/monitoring/grafana.json", token=token).text)["uid"] == "poolhouse"
