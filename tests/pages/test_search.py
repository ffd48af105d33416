"""Does a few letters lead to a page, a model, a record, a workspace or a verb, and to nothing that one may not see?"""

from __future__ import annotations

import pytest


def hits(client, q, **headers):
    answer = client.get("/search?q=" + q, **headers)
    assert answer.status_code == 200
    return {group["title"]: [hit["href"] for hit in group["hits"]] for group in answer.json["groups"]}


@pytest.mark.parametrize(
    "q, title, href",
    [
        ("pool", "Pages", "/pools/"),
        ("work", "Pages", "/workspaces/"),
        ("boo", "Models", "/records/Book/"),
        ("book+3", "Records", "/records/Book/3"),
        ("book:3", "Records", "/records/Book/3"),
        ("book+emma", "Records", "/records/Book/3"),
        ("new+book", "Do", "/records/Book/~/new"),
        ("pri", "Workspaces", "/workspaces/prices/"),
        ("review+pri", "Do", "/workspaces/prices/review"),
    ],
)
def test_a_few_letters_lead_there(script, q, title, href):
    editor = script("editor")
    editor.post("/workspaces/", {"name": "prices"})
    found = hits(editor, q)
    assert href in found[title], found


def test_a_viewer_is_offered_no_verb(script):
    assert "Do" in hits(script("editor"), "new")
    assert "Do" not in hits(script("viewer"), "new")


def test_a_search_that_fits_nothing_says_so_and_is_asked_again_without_javascript(browser_client):
    page = browser_client.get("/search?q=zzzz").text
    assert "Nothing fits zzzz" in page
    assert '<form class="lined" role="search" method="get" action="/search">' in page


def test_the_palette_gets_only_what_was_found(browser_client):
    part = browser_client.get("/search?q=pools", **{"HX-Request": "true", "HX-Target": "#found"}).text
    assert part.startswith('<div id="found"')
    assert "<html" not in part


@pytest.mark.parametrize("q", ["%00", "book+%00", "%F0%9F%8F%8A", "book+" + "x" * 5000, "%3Cscript%3E", ":", "book:"])
def test_whatever_is_typed_is_answered(browser_client, q):
    answer = browser_client.get("/search?q=" + q)
    assert answer.status_code == 200
    assert "<script>" not in answer.text
