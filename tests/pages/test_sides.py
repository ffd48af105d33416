"""The two sides of a workspace: its changes in plain words, and the board; the chosen one is the next one's."""

from __future__ import annotations

import re

import pytest


@pytest.fixture
def person(browser_client):
    assert browser_client.post("/workspaces/", name="w").status_code == 303
    browser_client.post("/workspaces/w/load", model="Book", key="1")
    browser_client.post("/workspaces/w/load", model="Book", key="2")
    browser_client.post("/workspaces/w/objects/Book:1/values", **{"values.title": "<Other>"})
    return browser_client


def objects_of(page):
    return dict(re.findall(r'data-ref="([^"]+)" data-state="\w+" data-badge="(\w+)"', page))


def test_the_changes_open_first_and_the_board_is_remembered(person):
    first = person.get("/workspaces/w/").text
    assert 'id="changes"' in first
    assert 'id="board"' not in first
    assert 'id="board"' in person.get("/workspaces/w/?view=board").text
    assert 'id="board"' in person.get("/workspaces/w/").text
    swapped = person.get("/workspaces/w/", **{"HX-Request": "true", "HX-Target": "div#workspace"}).text
    assert 'id="board"' in swapped
    assert 'id="changes"' in person.get("/workspaces/w/?view=changes").text
    assert 'id="changes"' in person.get("/workspaces/w/").text


def test_a_side_that_there_is_not_is_told(person):
    assert person.get("/workspaces/w/?view=tape").status_code == 400


def test_both_sides_show_every_object_with_its_badge(person):
    person.post("/workspaces/w/objects/", **{"model": "User", "values.name": "Ada", "values.email": "a@b"})
    person.post("/workspaces/w/objects/Book:2/delete")
    changes = person.get("/workspaces/w/?view=changes").text
    board = person.get("/workspaces/w/?view=board").text
    assert objects_of(changes) == objects_of(board)
    assert {"Book:1": "modified", "Book:2": "deleted", "User:new-1": "pending"}.items() <= objects_of(changes).items()


def test_what_is_staged_is_said_in_plain_words(person):
    page = person.get("/workspaces/w/").text
    changed = page.split('data-kind="modified"')[1].split("</section>")[0]
    assert "&lt;Other&gt;" in changed
    assert '<span class="before">' in changed
    assert "Take back" in changed
    assert "data-staged>1<" in page
    assert person.post("/workspaces/w/objects/Book:1/revert").status_code == 303
    assert 'data-kind="modified"' not in person.get("/workspaces/w/").text


def test_each_verb_says_beforehand_what_it_would_do(person):
    page = person.get("/workspaces/w/?view=board").text
    for verb in ("commit", "flush"):
        button = re.search(rf'data-verb="{verb}".*?</button>', page, re.DOTALL)[0]
        assert "1 UPDATE" in button
    assert "Discard 1 change<" in page
    assert 'data-python="session.expunge(book_1)" data-becomes="detached"' in page


def test_a_workspace_with_nothing_in_it_invites(browser_client):
    browser_client.post("/workspaces/", name="empty")
    for side in ("changes", "board"):
        assert "Nothing here yet" in browser_client.get(f"/workspaces/empty/?view={side}").text


def changed_in(person):
    return person.get("/workspaces/w/?view=changes").text.split('data-kind="modified"')[1].split("</section>")[0]


def test_what_a_commit_has_expired_is_still_called_by_its_name(person, script):
    assert person.post("/workspaces/w/objects/Book:1/revert").status_code == 303
    title = script("editor").get("/workspaces/w/").json["objects"][0]["label"]
    assert person.post("/workspaces/w/objects/Book:1/values", **{"values.price": "9.99"}).status_code == 303
    assert person.post("/workspaces/w/commit").status_code == 303
    expired = script("editor").get("/workspaces/w/").json["objects"][0]
    assert (expired["badge"], expired["label"]) == ("expired", title)


def test_a_name_that_was_staged_and_taken_back_is_not_kept(person, script):
    assert person.post("/workspaces/w/rollback").status_code == 303
    assert "Other" not in script("editor").get("/workspaces/w/").json["objects"][0]["label"]


def test_what_was_there_before_is_not_told_as_null_where_it_was_not_loaded(person, script):
    assert person.post("/workspaces/w/commit").status_code == 303
    assert person.post("/workspaces/w/objects/Book:1/values", **{"values.price": "9.99"}).status_code == 303
    book = script("editor").get("/workspaces/w/").json["objects"][0]
    assert (book["changes"]["price"], book["unknown"]) == ([None, "9.99"], ["price"])
    assert "not loaded" in changed_in(person)
    assert "NULL" not in changed_in(person)


def test_a_person_sees_in_the_list_what_is_staged_where(person, script):
    listed = person.get("/workspaces/").text
    assert "<strong>1 change</strong>" in listed
    assert "<strong>1 change</strong>" not in script("admin").get("/workspaces/", Accept="text/html").text
