"""Is every page for everyone? axe finds nothing on any of them, in either theme, with data, empty and in error."""

from __future__ import annotations

import os
from contextlib import ExitStack

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from tests.journeys.every_page import SETTINGS, SIGNED_IN, furnish
from tests.journeys.needs import NEEDS, asked, sized

LOOKS = (("light", 1280), ("dark", 360), ("dark", 1280), ("light", 360))
PICTURES = bool(os.environ.get("SCREENSHOTS"))
WHOLE = PICTURES or bool(os.environ.get("SOAK"))
"""Else each page in one look, by turns: light and wide, or dark and narrow."""
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
EVERYTHING = {"runOnly": {"type": "tag", "values": TAGS}, "resultTypes": ["violations"]}


@pytest.fixture(scope="module")
def server(poolhouse_server):
    server = poolhouse_server("-w 1", settings=SETTINGS)
    furnish(server)
    return server


@pytest.fixture(scope="module")
def windows(browser, server):
    """A window in each theme, which all pages share; narrow in the dark, so that both widths are looked at. For
    `make screenshots` all four."""
    with ExitStack() as contexts:
        pages = {}
        for theme, width in LOOKS if PICTURES else LOOKS[:2]:
            size = {"width": width, "height": 900}
            context = browser.new_context(viewport=size, color_scheme=theme, reduced_motion="reduce")
            pages[f"{theme}-{width}"] = contexts.enter_context(context).new_page()
        yield pages


def told(result):
    """Each violation in one line, with the elements."""
    return [
        f"{found['id']} ({found['impact']}): " + " | ".join(node["html"][:160] for node in found["nodes"][:4])
        for found in result.response["violations"]
    ]


def unmet(window, turn):
    """What of the needs that axe does not try is not met; turn: whose turn it is, where not all are tried."""
    needs = NEEDS if WHOLE else NEEDS[turn % len(NEEDS) :][:1]
    return [*asked(window, "sideways"), *(f"{need.__name__}: {each}" for need in needs for each in need(window))]


@pytest.mark.soak
@pytest.mark.parametrize("name", SIGNED_IN)
def test_each_page_is_for_everyone(windows, server, screenshot, name):
    looks, turn = list(windows.items()), list(SIGNED_IN).index(name)
    for look, window in looks if WHOLE else looks[turn % 2 :][:1]:
        answer = window.goto(server.url + SIGNED_IN[name])
        assert answer.status == (404 if name == "error" else 200)
        if PICTURES:
            screenshot(window, f"{name}-{look}", full_page=True)
        with sized(window, window.viewport_size["width"], 3_000):  # what a bar half covers is not too small
            assert told(Axe().run(window, options=EVERYTHING)) == []
        assert unmet(window, turn // 2) == []


@pytest.fixture(scope="module")
def signing_in(poolhouse_server):
    return poolhouse_server("-w 1")


def test_axe_finds_nothing_where_one_signs_in(windows, signing_in):
    for window in windows.values():
        window.goto(signing_in.url + "/")
        assert told(Axe().run(window, options=EVERYTHING)) == []
        window.get_by_label("Name").fill("nobody")
        window.get_by_label("Password").fill("wrong")
        window.get_by_role("button", name="Sign in").click()
        expect(window.get_by_role("alert")).to_be_visible()
        assert told(Axe().run(window, options=EVERYTHING)) == []


def test_axe_finds_nothing_in_the_palette_and_the_help(windows, server):
    for window in windows.values():
        window.goto(server.url + "/")
        window.keyboard.press("Control+k")
        expect(window.get_by_role("option").first).to_be_visible()
        assert told(Axe().run(window, options=EVERYTHING)) == []
        window.keyboard.press("Escape")
        expect(window.locator("#palette")).to_be_hidden()
        window.keyboard.press("?")
        expect(window.get_by_role("heading", name="Keys")).to_be_visible(timeout=30_000)  # it is fetched
        assert told(Axe().run(window, options=EVERYTHING)) == []


def test_axe_finds_nothing_where_something_was_refused(windows, server):
    """A form, a file, a commit and a cell, each with what was typed and what is wrong with it."""
    for window in windows.values():
        window.goto(server.url + "/records/Book/3/edit")
        window.locator("[data-field='price'] input[type=text]").fill("dear")
        window.locator("[data-action='save']").click()
        expect(window.locator("[data-field='price'] .problem")).to_be_visible()
        with sized(window, window.viewport_size["width"], 4000):  # else the form's foot lies over some of its fields
            assert told(Axe().run(window, options=EVERYTHING)) == []
        window.goto(server.url + "/records/Book/~/import")
        wrong = {"name": "b.csv", "mimeType": "text/csv", "buffer": b"title,author_id,price\nOne,1,dear\n"}
        window.locator("#file").set_input_files(wrong)
        window.get_by_role("button", name="Try it").click()
        expect(window.locator("#errors")).to_be_visible(timeout=20_000)
        assert told(Axe().run(window, options=EVERYTHING)) == []
        window.goto(server.url + "/workspaces/conflict/")
        window.locator("[data-verb='commit']").click()
        expect(window.locator("[data-conflict]")).to_be_visible()
        assert told(Axe().run(window, options=EVERYTHING)) == []
        window.goto(server.url + "/records/Book/?columns=price")
        window.locator("tr[data-key='3'] td[data-column='price']").click()
        window.locator("td.is-edited input[type=text]").fill("dear")
        window.locator("td.is-edited input[type=text]").press("Enter")
        expect(window.locator("td.is-edited .problem")).to_be_visible()
        assert told(Axe().run(window, options=EVERYTHING)) == []
