"""Does an open page follow what happens, in one stream for all tabs, and does it say so when it cannot?"""

from __future__ import annotations

import http.client
import re
from contextlib import ExitStack

import pytest
from playwright.sync_api import expect

from tests.journeys.waiting import until

FRESH = 45_000
"""Milliseconds: who was refused a stream once tries again after 4 s, then after 10 s, then after 30 s."""
SETTINGS = {"DASHBOARD_AUTH": "none", "DASHBOARD_STREAM_SECONDS": "3", "GUNICORN_CMD_ARGS": "--access-logfile -"}
THREADS = "-w 1 --threads 7"  # a third of them stream: two
WATCH = "window.states = []; new MutationObserver(() => states.push(lamp.textContent)).observe(lamp, {childList: true})"
HIDE = "(hidden) => { Object.defineProperty(document, 'hidden', { value: hidden, configurable: true }); document.dispatchEvent(new Event('visibilitychange')); }"  # fmt: skip  # noqa: E501


@pytest.fixture(scope="module")
def server(poolhouse_server):
    return poolhouse_server(THREADS, settings=SETTINGS)


@pytest.fixture
def new_browser(browser, server):
    """`new_browser()` is a window of a browser that shares nothing with any other."""
    with ExitStack() as open_ones:

        def new():
            context = open_ones.enter_context(browser.new_context(viewport={"width": 1280, "height": 800}))
            page = context.new_page()
            page.goto(server.url)
            return page

        yield new


def lamp(page):
    return page.locator("#lamp")


def ended_streams(server, topic=""):
    """gunicorn writes a line when an answer is over. topic: only those that followed it."""
    return len(re.findall(rf"GET /stream\?\S*{topic}\S* HTTP/1.1. 200", server.output()))


def acts_in(window, server):
    """`act(path, **data)` posts as the window's person."""
    meta = window.locator("meta[name=csrf]").get_attribute("content")

    def act(path, **data):
        answer = window.request.post(
            server.url + path, data={"csrf": meta, **data}, headers={"Accept": "application/json"}
        )
        assert answer.ok, answer.text()

    return act


def test_a_page_shows_what_happens(server, new_browser):
    window = new_browser()
    section = window.locator("section[aria-label='Pool workspaces']")
    act = acts_in(window, server)
    act("/workspaces/", name="watched")
    act("/workspaces/watched/load", model="Book", key="1")
    window.goto(server.url + "/pools/")
    expect(lamp(window)).to_have_text("live", timeout=FRESH)
    assert re.fullmatch(r"live since .+", lamp(window).get_attribute("title"))
    expect(section).to_contain_text("0 in use", timeout=FRESH)
    act("/workspaces/watched/objects/Book:1/values", values={"price": "3.00"})
    act("/workspaces/watched/flush")
    expect(section).to_contain_text("1 in use", timeout=FRESH)
    act("/workspaces/watched/rollback")
    expect(section).to_contain_text("0 in use", timeout=FRESH)


def test_a_holder_that_comes_and_goes_moves_nothing_below(server, new_browser):
    window = new_browser()
    act = acts_in(window, server)
    act("/workspaces/", name="still")
    act("/workspaces/still/load", model="Book", key="2")
    window.goto(server.url + "/pools/workspaces")
    holders, below = window.locator("#holders"), window.get_by_role("heading", name="Who waits")
    expect(holders).to_contain_text("Nobody holds a connection", timeout=FRESH)
    places = [below.bounding_box()]
    act("/workspaces/still/objects/Book:2/values", values={"price": "3.00"})
    act("/workspaces/still/flush")
    expect(holders.locator("tbody tr")).to_have_count(1, timeout=FRESH)
    places.append(below.bounding_box())
    act("/workspaces/still/rollback")
    expect(holders).to_contain_text("Nobody holds a connection", timeout=FRESH)
    places.append(below.bounding_box())
    assert places == places[:1] * 3


ROWS = "[...document.querySelectorAll('#statement-rows > tr')].map((row) => row.id)"
TURNED = f"() => {{ const rows = document.querySelector('#statement-rows'); rows.append(...[...rows.children].reverse()); return {ROWS}; }}"  # fmt: skip  # noqa: E501


def test_statements_keep_their_order_while_they_are_read_and_it_is_said_until_one_asks_anew(server, new_browser):
    window = new_browser()
    window.goto(server.url + "/statements/")
    before, calls = window.evaluate(TURNED), window.locator(".figures b").first
    said = calls.inner_text()
    expect(calls).not_to_have_text(said, timeout=FRESH)  # drawn anew
    assert window.evaluate(ROWS)[: len(before)] == before
    told = window.locator("[data-order-of='statement-rows']")
    expect(told.get_by_text("The most time first.")).to_be_hidden()
    expect(told.get_by_text("As when you opened it")).to_be_visible()
    with window.expect_navigation():
        told.get_by_role("link", name="Sort anew").click()
    assert window.evaluate(ROWS)[: len(before)] != before


def test_a_stream_that_is_over_is_followed_by_the_next_one_and_nobody_notices(server, new_browser):
    window = new_browser()
    expect(lamp(window)).to_have_text("live", timeout=FRESH)
    since, before = lamp(window).get_attribute("title"), ended_streams(server)
    window.evaluate(WATCH)
    until(lambda: ended_streams(server) >= before + 2, what="the end of two streams")
    assert window.evaluate("states") == []
    assert lamp(window).get_attribute("title") == since


def test_tabs_share_one_stream_a_third_of_the_threads_stream_and_the_next_browser_polls(server, new_browser):
    first = new_browser()
    tabs = [first, *(first.context.new_page() for _ in range(3))]
    for tab, path in zip(tabs, ("/", "/pools/", "/sessions/", "/pools/default"), strict=True):
        tab.goto(server.url + path)
        expect(lamp(tab)).to_have_text("live", timeout=FRESH)
    others = [new_browser(), new_browser()]

    def polling():  # streams are short here: when one is over, whoever asks first has the next
        return [window for window in (first, *others) if lamp(window).inner_text() == "polling"]

    (who_polls,) = until(lambda: len(found := polling()) == 1 and found, what="two who stream and one who polls")
    seen = who_polls.locator("#lately").inner_text()
    until(lambda: who_polls.locator("#lately").inner_text() != seen, what="news for who polls")
    leaves = next(window for window in others if window is not who_polls)
    others.remove(leaves)
    leaves.context.close()
    for window in (first, *others):
        expect(lamp(window)).to_have_text("live", timeout=FRESH)


def test_nothing_moves_while_text_is_selected_and_then_all_of_it_comes(server, new_browser):
    window = new_browser()
    expect(lamp(window)).to_have_text("live", timeout=FRESH)
    window.evaluate("getSelection().selectAllChildren(document.querySelector('#lately h2'))")
    expect(lamp(window)).to_have_text("paused", timeout=FRESH)
    before = window.locator("#lately").inner_html()
    window.wait_for_function("(at) => Date.now() - at > 2500", arg=window.evaluate("Date.now()"))
    assert window.locator("#lately").inner_html() == before
    window.evaluate("getSelection().removeAllRanges()")
    expect(lamp(window)).to_have_text("live")
    until(lambda: window.locator("#lately").inner_html() != before, what="what came meanwhile")


def test_a_hidden_tab_asks_for_nothing(server, new_browser):
    window = new_browser()
    window.goto(server.url + "/statements/?pool=default")  # which nobody else has open
    expect(lamp(window)).to_have_text("live", timeout=FRESH)
    window.evaluate(HIDE, True)
    expect(lamp(window)).to_have_text("paused")
    until(lambda: ended_streams(server, "statements.*default"), what="the end of its stream")
    before = ended_streams(server, "statements.*default")
    window.wait_for_function("(at) => Date.now() - at > 4000", arg=window.evaluate("Date.now()"))
    assert ended_streams(server, "statements.*default") == before
    window.evaluate(HIDE, False)
    expect(lamp(window)).to_have_text("live", timeout=FRESH)


def test_what_a_person_opened_stays_open(server, new_browser):
    window = new_browser()
    window.goto(server.url + "/pools/default")
    expect(lamp(window)).to_have_text("live", timeout=FRESH)
    life = window.locator("#lives-table")
    life.locator("summary").click()  # what is closed is not followed
    before = life.inner_text()
    until(lambda: life.inner_text() != before, what="news of this connection")
    expect(life).to_have_attribute("open", "")


def test_a_viewer_who_leaves_without_a_word_gives_the_thread_back(server):
    def stream():
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=15)
        connection.request("GET", "/stream?topics=overview")
        answer = connection.getresponse()
        connection.close()  # the answer still holds the socket
        return answer

    def is_free():
        answer = stream()
        answer.close()
        return answer.status == 200

    until(is_free, what="a free stream")
    held = []
    while (answer := stream()).status == 200:
        held.append(answer)
        assert len(held) <= 2
    answer.close()
    for each in held:
        each.close()
    until(is_free, what="a stream that is free again")


def test_a_server_that_is_away_is_told_as_lost_and_found_again(poolhouse_server, browser, tmp_path):
    server = poolhouse_server(THREADS, folder=tmp_path, settings=SETTINGS)
    with browser.new_context() as context:
        window = context.new_page()
        window.goto(server.url)
        expect(lamp(window)).to_have_text("live", timeout=FRESH)
        server.stop()
        expect(lamp(window)).to_have_text("lost", timeout=FRESH)
        assert "lost since" in lamp(window).get_attribute("title")
        again = poolhouse_server(
            f"{THREADS} -b 127.0.0.1:{server.port}", folder=tmp_path, settings=SETTINGS, ready=False
        )
        expect(lamp(window)).to_have_text("live", timeout=40_000)
        again.stop()
