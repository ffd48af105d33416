"""Does a page that is left open for an hour grow? DOM nodes, listeners and heap, in simulated time."""

from __future__ import annotations

import os

import pytest
from playwright.sync_api import expect

POLL_SECONDS = 2
SECONDS = 3600 if os.environ.get("SOAK") else 60
WARM_SECONDS = 60
pytestmark = pytest.mark.soak


@pytest.fixture(scope="module")
def server(poolhouse_server):
    return poolhouse_server("-w 1", settings={"DASHBOARD_AUTH": "none", "DASHBOARD_STREAMS": "0"})


@pytest.fixture
def window(browser):
    """No SharedWorker: the page itself polls, by the clock that this test turns."""
    with browser.new_context(viewport={"width": 1280, "height": 800}) as context:
        context.add_init_script("delete window.SharedWorker")
        page = context.new_page()
        page.clock.install()
        yield page


def measured(window):
    client = window.context.new_cdp_session(window)
    client.send("HeapProfiler.collectGarbage")
    client.send("Performance.enable")
    told = {each["name"]: each["value"] for each in client.send("Performance.getMetrics")["metrics"]}
    client.detach()
    return {name: told[name] for name in ("Nodes", "JSEventListeners", "JSHeapUsedSize")}


def pass_time(window, seconds):
    """Each poll's answer is there before the next moment comes."""
    for _ in range(seconds // POLL_SECONDS):
        with window.expect_response(lambda answer: "/stream/now" in answer.url):
            window.clock.run_for(POLL_SECONDS * 1000)


@pytest.mark.parametrize("path", ["/", "/pools/default", "/statements/"])
def test_a_page_left_open_does_not_grow(server, window, path):
    window.goto(server.url + path)
    window.clock.run_for(1000)
    expect(window.locator("#lamp")).to_have_text("polling", timeout=15_000)
    pass_time(window, WARM_SECONDS)
    before = measured(window)
    pass_time(window, SECONDS)
    after = measured(window)
    assert after["Nodes"] <= before["Nodes"] * 1.25 + 200, (before, after)
    assert after["JSEventListeners"] <= before["JSEventListeners"] + 20, (before, after)
    assert after["JSHeapUsedSize"] <= before["JSHeapUsedSize"] * 1.25 + 1_000_000, (before, after)
