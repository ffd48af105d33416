"""Is a list seen as its person chose, and by nobody else? Columns that are remembered, views that are saved."""

from __future__ import annotations

import html
import re

import pytest

from tests.pages.conftest import Browser, Script


def shown(page):
    return re.findall(r'<th scope="col"[^>]* title="[^"]*">(?:<a[^>]*>)?([a-z_]+)', page)


def test_columns_are_chosen_ordered_and_remembered(app, browser_client):
    usual = shown(browser_client.get("/records/Book/").text)
    places = {"columns": ["pages", "price", "stock"], "place.pages": "2", "place.price": "1", "place.stock": "1.5"}
    answer = browser_client.post("/records/Book/~/columns?sort=title", **places)
    assert (answer.status_code, answer.location) == (303, "/records/Book/?sort=title")
    page = browser_client.get("/records/Book/").text
    assert shown(page) == ["price", "stock", "pages"]
    assert "columns=price%2Cstock%2Cpages" in re.search(r'href="([^"]*format=csv[^"]*)"', page).group(1)
    assert shown(browser_client.get("/records/Book/?columns=isbn").text) == ["isbn"]
    assert shown(Browser(app).get("/records/Book/").text) == ["price", "stock", "pages"]  # the same person
    assert Script(app, "admin").get("/records/Book/").json["columns"] == ["id", "title", *usual[2:]]
    assert usual[:2] == ["title", "id"]  # what a record is called comes first
    browser_client.post("/records/Book/~/columns", usual="1", columns=["isbn"])
    assert shown(browser_client.get("/records/Book/").text) == usual


def test_a_column_that_is_gone_is_left_out(browser_client, runtime, monkeypatch):
    browser_client.post("/records/Book/~/columns", columns=["title", "price"])
    from dashboard.store import list_views

    list_views.keep(runtime.store, "admin", "Book", "", "columns=title%2Cgone", most=9)
    assert shown(browser_client.get("/records/Book/").text) == ["title"]


def test_a_view_is_saved_found_and_forgotten(browser_client, script):
    page = browser_client.get("/records/Book/?q=a&f.price.gt=1&sort=-price").text
    query = html.unescape(re.search(r'name="query" value="([^"]*)"', page).group(1))
    answer = browser_client.post("/records/Book/~/views", name="dear <ones>", query=query)
    assert answer.status_code == 303
    listed = browser_client.get("/records/Book/").text
    href = html.unescape(re.search(r'data-view="dear &lt;ones&gt;" href="([^"]+)"', listed).group(1))
    assert "data-chip" in browser_client.get(href).text
    assert "data-view" not in browser_client.get("/records/Author/").text
    assert browser_client.post("/records/Book/~/views/forget", name="dear <ones>").status_code == 303
    assert "data-view" not in browser_client.get("/records/Book/").text


def test_views_are_a_persons_own_and_a_script_reads_them(script):
    viewer, editor = script("viewer"), script("editor")
    answer = viewer.post("/records/Book/~/views", {"name": "cheap", "query": "f.price.lt=5&after=x"})
    assert answer.json == {
        "model": "Book",
        "columns": [],
        "views": [{"name": "cheap", "list": "/records/Book/?f.price.lt=5"}],
    }
    assert viewer.post("/records/Book/~/columns", {"columns": ["price"]}).json["columns"] == ["price"]
    assert editor.get("/records/Book/~/views").json == {"model": "Book", "columns": [], "views": []}
    assert editor.post("/records/Book/~/views/forget", {"name": "cheap"}).status_code == 404


@pytest.mark.parametrize(
    "path, body, status",
    [
        ("views", {"name": "", "query": ""}, 422),
        ("views", {"name": "x" * 65}, 422),
        ("views", {"name": "a\0b"}, 422),
        ("views", {"name": "\ud800"}, 422),
        ("views", {"name": "x", "query": "nonsense=1"}, 400),
        ("views", {"name": "x", "query": "columns=nothing"}, 400),
        ("views", {"name": "x", "query": "q=" + "x" * 5_000}, 413),
        ("columns", {"columns": ["nothing"]}, 400),
        ("columns", {"columns": "title"}, 400),
        ("columns", {"columns": [1]}, 400),
        ("views/forget", {}, 404),
    ],
)
def test_what_cannot_be_kept_is_refused(script, path, body, status):
    answer = script("viewer").post(f"/records/Book/~/{path}", body)
    assert answer.status_code == status, answer.text


def test_there_are_only_so_many_views(make_app):
    viewer = Script(make_app(DASHBOARD_SAVED_VIEWS="2"), "viewer")
    statuses = [viewer.post("/records/Book/~/views", {"name": name}).status_code for name in ("a", "b", "a", "c")]
    assert statuses == [200, 200, 200, 413]
