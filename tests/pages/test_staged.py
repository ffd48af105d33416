"""Does a person see on every page what he has staged, and nobody else's?"""

from __future__ import annotations

import re

import pytest

from dashboard.pages import staged
from dashboard.refusal import Refusal


def bar(html):
    found = re.search(r'<div id="staging"(.*?)</div>\s*(?:</div>\s*){2}', html, re.S)
    assert found, html
    return "" if found[1].split(">")[0].endswith(" hidden") else found[1]


@pytest.fixture
def prices(browser_client):
    browser_client.post("/workspaces/", name="prices")
    browser_client.post("/workspaces/prices/load", model="Book", key="3")
    browser_client.post("/workspaces/prices/objects/Book:3/values", **{"values.price": "7.50"})
    return browser_client


@pytest.mark.parametrize("path", ["/", "/pools/", "/records/Book/", "/history/", "/about/components"])
def test_what_is_staged_stands_at_the_foot_of_every_page(prices, path):
    shown = bar(prices.get(path).text)
    assert "<strong>1 change</strong>" in shown
    assert 'href="/workspaces/prices/review"' in shown
    assert 'action="/workspaces/prices/commit"' in shown


def test_it_is_committed_from_there_and_the_bar_is_gone(prices):
    shown = bar(prices.get("/records/Book/").text)
    version = re.search(r'name="version" value="(\d+)"', shown)[1]
    assert prices.post("/workspaces/prices/commit", version=version).status_code == 303
    assert bar(prices.get("/records/Book/").text) == ""
    assert "7.50" in prices.get("/records/Book/3").text


def test_a_workspace_says_it_itself(prices):
    assert bar(prices.get("/workspaces/prices/").text) == ""


def test_nobody_sees_what_somebody_else_staged(prices, script):
    other = script("editor").get("/", Accept="text/html").text
    assert bar(other) == ""


def test_the_bar_is_asked_for_by_itself(prices):
    part = prices.get("/staged/", **{"HX-Request": "true", "HX-Target": "#staging"}).text
    assert part.lstrip().startswith('<div id="staging"')
    assert prices.get("/staged/", Accept="application/json").json["staged"][0]["changes"] == 1


def test_a_store_that_does_not_answer_holds_no_page_up(prices, runtime, monkeypatch):
    def away(**_):
        raise Refusal("store_away", "The store cannot be reached.")

    monkeypatch.setattr(runtime.workspaces, "summaries", away)
    staged._readers.pop(runtime.workspaces, None)
    answer = prices.get("/")
    assert answer.status_code == 200
    assert bar(answer.text) == ""
