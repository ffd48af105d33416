"""Undo and redo on a workspace's page: plain forms whose buttons say what they would take back."""

from __future__ import annotations

import re

import pytest


@pytest.fixture
def editor(script):
    editor = script("editor")
    editor.post("/workspaces/", {"name": "w"})
    editor.post("/workspaces/w/load", {"model": "Book", "key": "1"})
    return editor


def button(page, verb):
    """The button's words, and whether it is disabled."""
    attributes, words = re.search(rf'<button data-verb="{verb}"([^>]*)>(.*?)</button>', page, re.DOTALL).groups()
    return re.sub(r"<[^>]+>", "", words), attributes.endswith(" disabled")


def buttons(editor):
    page = editor.get("/workspaces/w/", Accept="text/html").text
    return button(page, "undo"), button(page, "redo")


def send(editor, verb):
    return editor.client.post(
        f"/workspaces/w/{verb}", data={"version": editor.get("/workspaces/w/").json["version"]}, headers=editor.headers
    )


def test_the_buttons_say_what_they_would_do_or_why_they_cannot(editor):
    editor.post("/workspaces/w/objects/Book:1/values", {"values": {"title": "<Other>"}})
    assert buttons(editor) == (("Undo: set Book:1.title", False), ("Redo", True))
    answer = send(editor, "undo").json
    assert answer["objects"][0]["changes"] == {}
    assert answer["undo"] == {"what": "load Book:1", "why": None}
    assert buttons(editor) == (("Undo: load Book:1", False), ("Redo: set Book:1.title", False))
    assert send(editor, "undo").json["objects"] == []
    assert buttons(editor) == (("Undo", True), ("Redo: load Book:1", False))
    assert send(editor, "redo").status_code == send(editor, "redo").status_code == 200
    assert editor.get("/workspaces/w/").json["objects"][0]["changes"]["title"][1] == "<Other>"


def test_past_a_commit_the_button_says_why_and_a_script_is_told_the_remedy(editor):
    editor.post("/workspaces/w/commit", {})
    assert buttons(editor)[0] == ("Undo", True)
    answer = editor.post("/workspaces/w/undo", {})
    assert (answer.status_code, answer.json["error"]["code"]) == (409, "wrong_state")
    assert "History's undo" in answer.json["error"]["remedy"]


def test_who_only_reads_has_no_such_button_and_may_not_undo(editor, script):
    viewer = script("viewer")
    page = viewer.get("/workspaces/w/", Accept="text/html").text
    assert 'data-verb="undo"' not in page
    assert viewer.post("/workspaces/w/undo", {}).status_code == 403
