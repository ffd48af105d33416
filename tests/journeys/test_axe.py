"""Is every page for everyone? axe finds nothing on any of them, in either theme, with data, empty and in error."""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from tests.journeys.every_page import SETTINGS, SIGNED_IN, furnish

TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
EVERYTHING = {"runOnly": {"type": "tag", "values": TAGS}, "resultTypes": ["violations"]}


@pytest.fixture(scope="module")
def server(poolhouse_server):
    server = poolhouse_server("-w 1", settings=SETTINGS)
    furnish(server)
    return server


@pytest.fixture(scope="module")
def windows(browser, server):
    """One window in each theme, which all pages share; narrow in the dark, so that both widths are looked at."""
    light = browser.new_context(viewport={"width": 1280, "height": 900}, color_scheme="light", reduced_motion="reduce")
    dark = browser.new_context(viewport={"width": 360, "height": 740}, color_scheme="dark", reduced_motion="reduce")
    with light, dark:
        yield light.new_page(), dark.new_page()


def told(result):
    """Each violation in one line, with the elements."""
    return [
        f"{found['id']} ({found['impact']}): " + " | ".join(node["html"][:160] for node in found["nodes"][:4])
        for found in result.response["violations"]
    ]


@pytest.mark.parametrize("name", SIGNED_IN)
def test_axe_finds_nothing(windows, server, name):
    for window in windows:
        window.goto(server.url + SIGNED_IN[name])
        assert told(Axe().run(window, options=EVERYTHING)) == []
        assert window.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, (
            "the page itself scrolls sideways"
        )


@pytest.fixture(scope="module")
def signing_in(poolhouse_server):
    return poolhouse_server("-w 1")


def test_axe_finds_nothing_where_one_signs_in(windows, signing_in):
    for window in windows:
        window.goto(signing_in.url + "/")
        assert told(Axe().run(window, options=EVERYTHING)) == []
        window.get_by_label("Name").fill("nobody")
        window.get_by_label("Password").fill("wrong")
        window.get_by_role("button", name="Sign in").click()
        expect(window.get_by_role("alert")).to_be_visible()
        assert told(Axe().run(window, options=EVERYTHING)) == []


def test_axe_finds_nothing_in_the_palette_and_the_help(windows, server):
    for window in windows:
        window.goto(server.url + "/")
        window.keyboard.press("Control+k")
        expect(window.get_by_role("option").first).to_be_visible()
        assert told(Axe().run(window, options=EVERYTHING)) == []
        window.keyboard.press("Escape")
        expect(window.locator("#palette")).to_be_hidden()
        window.keyboard.press("?")
        expect(window.get_by_role("heading", name="Keys")).to_be_visible()
        assert told(Axe().run(window, options=EVERYTHING)) == []
