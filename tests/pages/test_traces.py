"""Does a record tell what was done to it, and what is being done to it?"""

from __future__ import annotations

import re

from dashboard.refusal import Refusal
from tests.pages.conftest import Script


def test_a_record_tells_who_changed_what(script, browser_client):
    editor = script("editor")
    before = editor.get("/records/Book/1").json
    assert before["history"] == []
    editor.post("/records/Book/1", {"values": {"title": "Once <more>"}})
    editor.post("/records/Book/10", {"values": {"title": "Another book"}})
    editor.post("/records/Book/1", {"values": {"title": "Twice"}})
    second, first = editor.get("/records/Book/1").json["history"]
    assert (first["kind"], first["author"], first["outcome"]) == ("changed", "test-editor", "committed")
    assert first["changes"]["title"] == [before["values"]["title"], "Once <more>"]
    assert second["changes"]["title"] == ["Once <more>", "Twice"]
    page = browser_client.get("/records/Book/1").text
    assert "Once &lt;more&gt;" in page
    assert f'href="/history/{second["number"]}"' in page


def test_a_long_history_has_pages(make_app):
    editor = Script(make_app(DASHBOARD_RECORD_HISTORY_ROWS="2"), "editor")
    for number in range(5):
        editor.post("/records/Book/1", {"values": {"title": f"Title {number}"}})
    seen, path = [], "/records/Book/1"
    while path:
        answer = editor.get(path).json
        seen += [each["changes"]["title"][1] for each in answer["history"]]
        path = answer["older"]
    assert seen == [f"Title {number}" for number in (4, 3, 2, 1, 0)]


def test_a_change_of_many_is_in_the_history_of_each(script):
    editor = script("editor")
    editor.post("/records/Book/~/bulk", {"action": "edit", "keys": ["1", "2"], "values": {"stock": 77}})
    for key in ("1", "2"):
        (change,) = editor.get(f"/records/Book/{key}").json["history"]
        assert change["changes"]["stock"][1] == 77


def test_a_value_that_looks_like_a_change_is_none(script):
    editor = script("editor")
    forged = {"model": "Book", "key": "2", "kind": "deleted", "label": "x", "before": {}, "after": {}}
    done = editor.post("/records/Book/1", {"values": {"details": {"json": [forged]}}})
    assert done.status_code == 200, done.text
    assert editor.get("/records/Book/2").json["history"] == []


def test_a_record_is_shown_while_the_store_is_away(script, browser_client, runtime, monkeypatch):
    editor = script("editor")
    editor.get("/records/Book/1")

    def away():
        raise Refusal("store_away", "away")

    monkeypatch.setattr(runtime.store, "reading", away)
    answer = editor.get("/records/Book/1")
    assert (answer.status_code, answer.json["history"], answer.json["badge"]) == (200, None, None), answer.text
    assert editor.get("/records/Book/").status_code == 200
    assert "cannot be read just now" in browser_client.get("/records/Book/1").text


def test_a_record_and_its_list_wear_the_badge_of_the_persons_workspace(script, browser_client):
    editor, other = script("editor"), script("admin")
    editor.post("/workspaces/", {"name": "mine"})
    editor.post("/workspaces/mine/load", {"model": "Book", "key": "1"})
    shown = editor.get("/records/Book/1").json
    assert (shown["badge"], shown["workspace"]) == ("persistent", "mine")
    editor.post("/workspaces/mine/objects/Book:1/values", {"values": {"title": "Staged"}})
    assert editor.get("/records/Book/1").json["badge"] == "modified"
    badges = {row["key"]: row["badge"] for row in editor.get("/records/Book/?size=3").json["rows"]}
    assert list(badges.values()) == ["modified", None, None]
    assert other.get("/records/Book/1").json["badge"] is None
    editor.post("/workspaces/mine/objects/Book:1/delete")
    assert editor.get("/records/Book/1").json["badge"] == "deleted"
    editor.post("/workspaces/mine/discard")
    assert editor.get("/records/Book/1").json["badge"] is None


def test_the_badge_is_a_link_to_the_workspace(browser_client):
    browser_client.post("/records/Book/1/open", new="here")
    page = browser_client.get("/records/Book/1").text
    assert re.search(r'<a id="badge" href="/workspaces/here/"', page)
    assert 'data-badge-word="persistent"' in browser_client.get("/records/Book/?size=2").text
