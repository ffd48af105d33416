"""Four workers, one workspace with an open transaction: does it matter whom one asks, or how many ask at once?"""

from __future__ import annotations

import json
import re
from concurrent.futures import ThreadPoolExecutor

import pytest
from playwright.sync_api import expect

from tests.journeys.desk import Desk
from tests.journeys.waiting import until

CLIENTS, ACTIONS = 12, 10
VARIES = re.compile(r'"[^"]*\d\d:\d\d:\d\d[^"]*"|"(seconds|ends_in|milliseconds)": ?[\d.e-]+')


@pytest.fixture(scope="module")
def server(poolhouse_server):
    settings = {"DASHBOARD_DEMO": "off", "DASHBOARD_SQLITE_TRANSACTION_SECONDS": "600"}
    return poolhouse_server(settings=settings, app="tests.journeys.marked:app")


@pytest.fixture(scope="module")
def token(server):
    return server.token()


def worker_of(answer):
    return int(answer.headers["X-Worker"])


def test_whoever_is_asked_every_action_is_done_once(server, token):
    desk = Desk(server, token)
    desk.new("Author", name="The first")
    desk.do("flush")

    def work(client):
        done = []
        for number in range(ACTIONS):
            answer = desk.post("objects/", {"model": "Author", "values": {"name": f"{client}-{number}"}})
            assert answer.status in (201, 423, 503), answer.text  # 503: as many as may be are in that worker already
            if answer.status == 201:
                done.append((answer.json["ref"], worker_of(answer)))
        return done

    with ThreadPoolExecutor(CLIENTS) as clients:
        done = [each for part in clients.map(work, range(CLIENTS)) for each in part]
    refs = [ref for ref, _ in done]
    assert len({worker for _, worker in done}) > 1
    assert len(refs) >= CLIENTS * ACTIONS * 0.5
    assert sorted([*refs, "Author:new-1"]) == sorted(each["ref"] for each in desk.get()["objects"])
    assert desk.now["transaction"]
    desk.do("commit")
    assert all(each["key"] for each in desk.get()["objects"])
    desk.do("discard")
    assert "Traceback" not in server.output()


def test_every_worker_shows_the_same_page_of_an_open_transaction(server, token):
    desk = Desk(server, token)
    desk.new("Author", name="Seen by all")
    desk.do("flush")
    seen = {}
    while len(seen) < 3:
        answer = server.request("GET", f"/workspaces/{desk.name}/", token=token)
        seen[worker_of(answer)] = VARIES.sub("", json.dumps(answer.json, sort_keys=True))
    assert len(set(seen.values())) == 1
    desk.do("rollback")
    desk.do("discard")


def test_an_idle_transaction_counts_down_on_the_page_and_ends_by_itself(poolhouse_server, page):
    settings = {"DASHBOARD_DEMO": "off", "DASHBOARD_SQLITE_TRANSACTION_SECONDS": "8"}
    server = poolhouse_server("-w 2", settings=settings)
    desk = Desk(server, server.token())
    page.goto(server.link())
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="Overview")).to_be_visible()
    page.goto(f"{server.url}/workspaces/{desk.name}/")
    desk.new("Author", name="Left alone")
    desk.do("flush")
    page.reload()
    counting = page.locator("#transaction [data-countdown]")
    first = int(counting.inner_text())
    assert 0 < first <= 8
    until(lambda: counting.count() and int(counting.inner_text()) < first, what="a second less")
    until(lambda: page.locator("#transaction", has_text="Transaction: none").count(), what="the end")
    now = desk.get()
    assert [notice["code"] for notice in now["notices"]] == ["transaction_lost"]
    assert "8 seconds" in now["notices"][0]["message"]
    assert [each["badge"] for each in now["objects"]] == ["pending"]
