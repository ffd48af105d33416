"""Does the one on call find who it was by the pictures? By mouse, by keyboard, and with JavaScript off."""

from __future__ import annotations

import re
from contextlib import contextmanager

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.journeys.hands import press, reach, uses_keys, write
from tests.journeys.person import PASSWORD
from tests.journeys.test_axe import EVERYTHING, told, unmet
from tests.journeys.waiting import until
from tests.journeys.ways import opened

FAULTS = ("leaked-connection", "n-plus-one")
SIGHTS = (
    ("overview", "/", None),
    ("pool", "/pools/default", "a.bar.is-open"),
    ("sessions", "/sessions/", None),
    ("statement", "/statements/", "a.clipped"),
    ("incident", "/incidents/", "table.incidents a"),
    ("monitoring", "/monitoring/", None),
)
"""Name, address, and what is clicked there."""


@pytest.fixture(scope="module")
def server(poolhouse_server):
    """In trouble: a connection is leaked, and somebody loads one by one."""
    server = poolhouse_server("-w 1", settings={"DASHBOARD_ADMIN_PASSWORD": PASSWORD})
    token = server.token("admin")
    for fault in FAULTS:
        assert server.request("POST", f"/demo/faults/{fault}", token=token, data={"on": True}).status == 200

    def found():
        told = server.request("GET", "/", token=token).json["findings"]
        return {"ConnectionLeak", "NPlusOne"} <= {one["finding"] for one in told}

    until(found, seconds=20, what="the leak and the N+1 on Overview")
    return server


@pytest.fixture
def window(way, browser, server):
    with signed_in(browser, server, by_keys=way.by_keys, **way.options) as page:
        yield page


@pytest.fixture
def live(browser, server):
    with signed_in(browser, server) as page:
        yield page


@contextmanager
def signed_in(browser, server, **options):
    with opened(browser, **{"viewport": {"width": 1280, "height": 900}, **options}) as page:
        page.set_default_timeout(10_000)
        page.goto(server.url + "/login")
        write(page.get_by_label("Name"), "admin")
        write(page.get_by_label("Password"), PASSWORD)
        press(page.get_by_role("button", name="Sign in"))
        expect(page.get_by_role("heading", name="Overview")).to_be_attached()
        yield page


def panel(window: Page):
    return window.get_by_role("region", name="What was chosen on the lanes")


def test_the_holder_of_a_leaked_connection_is_found_from_overview_in_three_clicks(window):
    expect(window.locator(".verdict")).to_have_attribute("data-level", "critical")
    press(window.get_by_role("link", name="Show who holds it").first)
    expect(panel(window)).to_contain_text("shop.report")
    expect(panel(window)).to_contain_text(re.compile(r"faulty\.py:\d+ in leak"))
    expect(panel(window)).to_contain_text("overdue")
    expect(panel(window)).to_contain_text("Where its thread is")


def test_the_same_by_way_of_the_pool_and_its_lanes(window):
    press(window.get_by_role("link", name="default", exact=True).first)
    press(window.get_by_role("link", name=re.compile(r"^shop\.report has held connection \d+")).first)
    expect(panel(window)).to_contain_text(re.compile(r"faulty\.py:\d+ in leak"))
    assert "hold=" in window.url


def test_what_was_chosen_stays_chosen_while_the_page_lives_on(live):
    live.get_by_role("link", name="default", exact=True).first.click()
    bar = live.get_by_role("link", name=re.compile(r"^shop\.report has held"))
    bar.first.click()
    held = panel(live).get_by_role("heading", level=3)
    before = held.inner_text()
    expect(held).not_to_have_text(before, timeout=10_000)  # it grows older on the page
    expect(bar.first).to_have_class(re.compile("is-chosen"))
    live.go_back()
    expect(live.get_by_role("heading", name="Overview")).to_be_attached()


def test_the_lanes_are_walked_by_the_keyboard(live, server):
    live.goto(f"{server.url}/pools/default")
    bar = live.get_by_role("link", name=re.compile(r"^shop\.report has held")).first
    bar.focus()
    live.keyboard.press("ArrowDown")
    live.keyboard.press("ArrowUp")
    expect(live.locator(".lanes a:focus")).to_have_count(1)
    bar.focus()
    live.keyboard.press("Enter")
    expect(panel(live)).to_contain_text("shop.report")
    panel(live).get_by_role("link", name="Close").press("Enter")
    expect(panel(live)).to_be_hidden()
    expect(bar).to_be_focused()


def test_what_is_walked_over_by_the_keyboard_keeps_still(live, server):
    live.goto(f"{server.url}/pools/default")
    expect(live.locator("#lamp")).to_have_text(re.compile("live|polling"))
    past = live.locator(".lanes a.bar:not(.is-open)").last
    expect(past).to_be_attached()
    live.keyboard.press("Tab")  # from here on the focus is shown
    past.focus()
    before = past.get_attribute("data-hold")
    expect(live.locator("#lamp")).to_have_text("paused")
    assert live.evaluate("document.activeElement.dataset.hold") == before
    live.locator("h1").evaluate("document.activeElement.blur()")
    expect(live.locator("#lamp")).to_have_text(re.compile("live|polling"))


def test_the_focus_stays_with_its_finding_when_findings_change_places(live):
    way = live.locator(".findings .ways a").first
    way.focus()
    name = way.get_attribute("id")
    focused = live.evaluate("""async () => {
        const part = document.getElementById("overview"), drawn = part.cloneNode(true);
        const [first, second] = drawn.querySelectorAll(".ways"), were = [...first.childNodes];
        first.replaceChildren(...second.childNodes);
        second.replaceChildren(...were);
        await htmx.swap({ text: drawn.outerHTML, sourceElement: part, target: part, swap: "outerMorph" });
        return [document.activeElement.id, document.activeElement.closest(".verdict") !== null];
    }""")
    assert focused == [name, True]


def test_an_incident_of_before_opens_as_it_was_and_is_replayed(window):
    press(window.get_by_role("navigation").get_by_role("link", name="Incidents", exact=True))
    press(window.get_by_role("link", name=re.compile("^Leaking")).last)
    expect(window.get_by_role("group", name="The last minute of pool default").first).to_be_visible()
    replay = window.get_by_role("button", name="Replay")
    if not replay.count():  # it needs JavaScript; all else does not
        press_bar(window.get_by_role("link", name=re.compile(r"^shop\.report has held")).first)
        expect(panel(window)).to_contain_text("shop.report")
        return
    moment = window.get_by_role("slider", name="Moment of the minute before").first
    slide(moment, "0", "Home")
    expect(window.locator(".replay output").first).to_contain_text("60 s before: 0 held")
    slide(moment, "60", "End")
    expect(window.locator(".replay output").first).to_contain_text("shop.report")


def press_bar(bar):
    """Where it is drawn: its name may be longer than it is."""
    press(bar if uses_keys(bar) else bar.locator(".held"))


def slide(slider, value, key):
    """key: that leads there."""
    if uses_keys(slider):
        reach(slider)
        slider.page.keyboard.press(key)
    else:
        slider.fill(value)


def test_a_chart_tells_its_value_where_one_points_and_lives_on(live):
    figure = live.locator("figure.chart").first
    figure.scroll_into_view_if_needed()
    figure.hover()
    expect(live.locator("figure.chart.is-taken")).to_have_count(6)
    figure.hover(position={"x": 200, "y": 80})
    expect(figure.locator(".at")).to_contain_text(re.compile(r"\d\d:\d\d:\d\d: "))
    said = figure.get_attribute("data-chart")
    expect(figure).not_to_have_attribute("data-chart", said, timeout=20_000)  # its part was drawn anew
    expect(figure.locator("canvas")).to_be_visible()
    expect(live.locator("figure.chart.is-taken")).to_have_count(6)


def test_the_relationship_that_is_loaded_one_by_one_has_its_cure_written_out(window):
    press(window.get_by_role("navigation").get_by_role("link", name="Statements", exact=True))
    load = window.get_by_role("article", name="Author.books")
    expect(load).to_contain_text(".options(selectinload(Author.books))")
    press(load.get_by_text("The stack of one example"))
    expect(load.locator("ol.stack")).to_contain_text(re.compile(r"faulty\.py:\d+ in load_one_by_one"))


def test_a_statement_opens_laid_out_with_where_it_is_called_from(window):
    press(window.get_by_role("navigation").get_by_role("link", name="Statements", exact=True))
    press(window.locator("a.clipped", has_text="FROM author").first)
    expect(window.get_by_role("heading", name="One statement")).to_be_visible()
    expect(window.locator("#sql .c-k").first).to_be_visible()
    expect(window.get_by_role("group", name="Where it is called from")).to_contain_text("shop.")


def test_the_lifecycle_shows_what_goes_on(window):
    press(window.get_by_role("navigation").get_by_role("link", name="Sessions", exact=True))
    expect(window.locator("#way-database-persistent")).to_have_class(re.compile("is-flowing"))
    press(window.get_by_text("The same as a table"))
    row = window.get_by_role("row", name=re.compile("query, get, merge"))
    expect(row).to_be_visible()
    assert int(row.get_by_role("cell").last.inner_text()) > 0


@pytest.mark.parametrize("theme, width", [("light", 1280), ("dark", 360)])
def test_axe_finds_nothing_in_a_fault_either(browser, server, screenshot, theme, width):
    size = {"width": width, "height": 900}
    with signed_in(browser, server, color_scheme=theme, viewport=size, reduced_motion="reduce") as page:
        for turn, (name, path, way) in enumerate(SIGHTS):
            page.goto(server.url + path)
            if way:
                press(page.locator(way).first)
                expect(page.locator("#sql, #hold:not([hidden]), .picture").first).to_be_visible()
            screenshot(page, f"fault-{name}-{theme}-{width}", full_page=True)
            assert told(Axe().run(page, options=EVERYTHING)) == [], name
            assert unmet(page, turn) == [], name
