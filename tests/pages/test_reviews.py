"""The page of a review: HTML that works without JavaScript, JSON as the contract says it, and who may ask."""

from __future__ import annotations

import re
from html import unescape

import pytest

KEYS = {"statements", "sent", "cascades", "errors", "conflicts", "listeners"}


@pytest.fixture
def editor(script):
    editor = script("editor")
    assert editor.post("/workspaces/", {"name": "w"}).status_code == 201
    ref = editor.post("/workspaces/w/load", {"model": "Author", "key": "1"}).json["ref"]
    assert editor.post(f"/workspaces/w/objects/{ref}/values", {"values": {"name": "Changed"}}).status_code == 200
    return editor


def test_json_has_the_contracts_keys(editor):
    answer = editor.get("/workspaces/w/review")
    assert answer.status_code == 200
    assert set(answer.json) >= KEYS
    (statement,) = answer.json["statements"]
    assert statement["sql"].startswith("UPDATE author SET name=?")
    assert statement["parameters"] == [["Changed", 1]]
    assert editor.get("/workspaces/w/").json["version"] == answer.json["version"]


def test_the_page_shows_the_sql_and_a_form_that_commits_it(editor):
    page = editor.get("/workspaces/w/review", Accept="text/html")
    assert page.status_code == 200
    assert "SET name='Changed'" in unescape(re.sub("<[^>]+>", "", page.text))
    assert 'action="/workspaces/w/commit"' in page.text
    assert "A commit would send <strong>1 UPDATE</strong>." in page.text
    assert "/workspaces/w/review" in editor.get("/workspaces/w/", Accept="text/html").text


def test_what_would_be_refused_stands_on_the_page(editor):
    editor.post("/workspaces/w/objects/", {"model": "Tag", "values": {}})
    page = editor.get("/workspaces/w/review", Accept="text/html")
    assert page.status_code == 200
    assert "data-error" in page.text
    assert "This needs a value." in page.text


def test_a_viewer_may_look_and_may_not_run_listeners(editor, script):
    viewer = script("viewer")
    assert viewer.get("/workspaces/w/review").status_code == 200
    assert viewer.get("/workspaces/w/review?run=1").status_code == 403
    assert 'action="/workspaces/w/commit"' not in viewer.get("/workspaces/w/review", Accept="text/html").text
    assert script(None).get("/workspaces/w/review").status_code == 401


def test_a_workspace_that_is_not_there_is_not_found(editor):
    assert editor.get("/workspaces/nothing/review").status_code == 404
    assert editor.get("/workspaces/w/review?run=maybe").status_code == 400


@pytest.mark.parametrize("file", ["tape.py", "tape.sql", "test_tape.py"])
def test_the_tape_is_copied_as_a_file(editor, script, file):
    assert f'href="/workspaces/w/{file}"' in editor.get("/workspaces/w/", Accept="text/html").text
    answer = script("viewer").get(f"/workspaces/w/{file}")
    assert (answer.status_code, answer.mimetype) == (200, "text/plain")
    assert 'author_1.name = "Changed"' in answer.text
    assert file in answer.headers["Content-Disposition"]
    if file.endswith(".py"):
        compile(answer.text, file, "exec")
        assert "from dashboard.demo.models import" in answer.text
    assert editor.get(f"/workspaces/nothing/{file}").status_code == 404
