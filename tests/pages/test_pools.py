"""One pool's page: by worker, by endpoint, and how long its connections were waited for and held."""

import re
from contextlib import ExitStack

import sqlalchemy as sa

from dashboard.pages.holding import by_line
from dashboard.telemetry import scope
from dashboard.telemetry.digests import distribution
from dashboard.telemetry.reading import Holder
from dashboard.telemetry.recorder import SECONDS


def test_a_pool_is_told_by_worker_and_by_endpoint(runtime, published, script):
    engine = runtime.databases["default"].engine
    with scope("pools.test"), engine.connect() as connection:
        connection.execute(sa.text("SELECT 1"))
        shown = script("viewer").get("/pools/default").get_json()
        (holder,) = (one for one in shown["holders"] if one["endpoint"] == "pools.test")
        assert holder["line"].startswith("tests/pages/test_pools.py:")
    shown = script("viewer").get("/pools/default").get_json()
    assert [part["counts"]["used"] for part in shown["workers"]] == [0]
    (endpoint,) = (one for one in shown["endpoints"] if one["endpoint"] == "pools.test")
    assert (endpoint["requests"], endpoint["statements"], endpoint["holds"]) == (1, 1, 1)
    assert shown["held"]["count"] == shown["totals"]["checkins"]
    assert 0 < shown["held"]["p50"] <= shown["held"]["p95"] <= shown["held"]["p99"]
    assert sum(count for _, count in shown["held"]["buckets"]) == shown["held"]["count"]


def test_the_page_of_a_pool_says_all_of_it_without_javascript(published, browser_client):
    text = browser_client.get("/pools/default").text
    for heading in ("Who holds a connection", "Who waits", "By worker", "How long", "By endpoint"):
        assert f"<h2>{heading}</h2>" in text
    assert re.search(r"Each worker's pool: \w+Pool of \d+, and \d+ more while those are taken\.", text)
    head = text.partition("<h2>By worker</h2>")[2].partition("</thead>")[0]
    assert head.count("<th ") <= 7, "a table that is read at a glance"


def test_a_distribution_of_nothing_is_empty():
    assert distribution({}, "hold", SECONDS).buckets == ()


def test_the_history_is_told_for_scripts_by_point_and_for_people_by_minute(runtime, published, script, browser_client):
    with runtime.databases["default"].engine.connect():
        pass
    viewer = script("viewer")
    assert viewer.get("/pools/default").get_json()["history"]["step"] == 60
    shown = viewer.get("/pools/default?span=15m").get_json()["history"]
    assert (shown["span"], shown["step"]) == ("15m", 1)
    assert {len(points) for points in shown["series"].values()} == {len(shown["at"])}
    assert viewer.get("/pools/default?span=24h").get_json()["history"]["step"] == 60
    assert viewer.get("/pools/default?span=1y").status_code == 400
    assert "The last 24 hours" in browser_client.get("/pools/default?span=24h").text


def test_the_life_of_a_connection_and_what_its_thread_does_now(runtime, published, script, browser_client):
    engine = runtime.databases["default"].engine
    script("viewer").get("/pools/default")
    with scope("pools.life"), engine.connect() as connection:
        connection.execute(sa.text("SELECT 1"))
        shown = script("viewer").get("/pools/default").get_json()
        (holder,) = (one for one in shown["holders"] if one["endpoint"] == "pools.life")
        assert holder["now"]
        assert holder["stack"]
        assert f"<summary>{holder['now']}" in browser_client.get("/pools/default").text.replace("&lt;", "<")
    shown = script("viewer").get("/pools/default").get_json()
    lives = [[event["kind"] for event in one["events"]] for one in shown["connections"]]
    assert any({"checked_out", "transaction_begun", "given_back"} <= set(kinds) for kinds in lives)
    text = browser_client.get("/pools/default").text
    assert "given back" in text
    assert "pools.life" in text


def test_the_advisor_says_what_the_last_hour_would_have_needed(runtime, published, script, browser_client):
    engine = runtime.databases["default"].engine
    viewer = script("viewer")
    few = viewer.get("/pools/default").get_json()["advice"]
    assert few["pool_size"] is None
    assert "It takes 200 checkouts" in few["sentence"]
    for _ in range(100):
        with engine.connect(), engine.connect():
            pass
    shown = viewer.get("/pools/default").get_json()
    advice, limit = shown["advice"], shown["limits"]["total"]
    assert advice["pool_size"] + advice["max_overflow"] == 2
    assert (advice["workers"], advice["asked_now"], advice["asked"], advice["timeout_seconds"]) == (1, limit, 2, 1)
    assert [one["peak"] for one in advice["by_worker"]] == [2]
    assert advice["sentence"] in browser_client.get("/pools/default").text
    swapped = {"HX-Request": "true", "HX-Target": "section#advice"}
    assert browser_client.get("/pools/default", **swapped).text.strip().startswith('<section id="advice"')


def test_of_many_holders_the_lines_are_told_first_and_who_has_most(runtime, published, browser_client):
    with ExitStack() as stack:
        for _ in range(6):
            stack.enter_context(runtime.databases["default"].engine.connect())
        text = browser_client.get("/pools/default").text
    assert "6 of 6 in use are held by tests/pages/test_pools.py" in text
    lines, _, each = text.partition("Each of the 6 connections")
    assert lines.count('<td class="number" data-as="Connections"><b>6</b></td>') == 1
    assert each.count('data-as="Does now"') == 6


def held(line, seconds, **more):
    return Holder(1, seconds, "shop.order", "main", line, more.get("idle") is not None, more.get("idle"), None, None)


def test_the_line_with_the_most_connections_stands_first_and_of_as_many_the_one_that_holds_longest():
    told = by_line([held("a", 9.0), held("b", 1.0), held("b", 5.0, idle=2.0), held("c", 3.0)])
    assert [(one.longest.line, one.longest.seconds, len(one.holders)) for one in told] == [
        ("b", 5.0, 2), ("a", 9.0, 1), ("c", 3.0, 1)
    ]  # fmt: skip
    assert (told[0].in_transaction, told[0].idle, told[0].running, told[0].workers) == (1, 1, 0, (1,))
