"""What does a person see whose change met somebody else's? A choice for each attribute, also without JavaScript."""

from __future__ import annotations

import re

import pytest
import sqlalchemy as sa

SWAPPED = {"HX-Request": "true", "HX-Target": "div#workspace"}


@pytest.fixture
def board(browser_client, runtime):
    assert browser_client.post("/workspaces/", name="w").status_code == 303
    browser_client.post("/workspaces/w/load", model="Book", key="1")
    browser_client.post("/workspaces/w/objects/Book:1/values", **{"values.title": "<Mine>"})
    with runtime.databases["default"].engine.begin() as connection:
        connection.execute(sa.text("update book set title = 'Theirs' where id = 1"))
    return browser_client


def title(runtime):
    with runtime.databases["default"].engine.connect() as connection:
        return connection.scalar(sa.text("select title from book where id = 1"))


@pytest.mark.parametrize("word, left", [("mine", "<Mine>"), ("theirs", "Theirs")])
def test_a_refused_commit_offers_mine_and_theirs_without_javascript(board, runtime, word, left):
    answer = board.post("/workspaces/w/commit")
    assert (answer.status_code, answer.mimetype) == (409, "text/html")
    table = answer.text.split('id="conflicts"')[1].split("</section>")[0]
    assert 'data-conflict="Book:1.title"' in table
    assert "&lt;Mine&gt;" in table
    assert re.findall(r'name="(resolve[^"]+)" value="(\w+)"', table) == [
        ("resolve.Book:1.title", "mine"), ("resolve.Book:1.title", "theirs"),
    ]  # fmt: skip
    version = re.search(r'name="version" value="(\d+)"', table).group(1)
    done = board.post("/workspaces/w/resolve", version=version, **{"resolve.Book:1.title": word})
    assert (done.status_code, done.headers["Location"]) == (303, "/workspaces/w/")
    assert "data-conflict" not in board.get("/workspaces/w/").text
    assert board.post("/workspaces/w/commit").status_code == 303
    assert title(runtime) == left


def test_an_open_page_is_given_the_choice_beside_what_it_shows(board):
    answer = board.post("/workspaces/w/flush", SWAPPED)
    assert answer.status_code == 409
    assert re.findall(r'<hx-partial hx-target="(#\w+)"', answer.text) == [
        "#messages", "#tape", "#conflicts", "#transaction",
    ]  # fmt: skip


def test_a_script_is_told_before_mine_and_theirs(board, script):
    answer = script("editor").post("/workspaces/w/commit")
    assert answer.status_code == 409
    error = answer.json["error"]
    assert {name: error["conflicts"][0][name] for name in ("ref", "column", "mine", "theirs")} == {
        "ref": "Book:1", "column": "title", "mine": "<Mine>", "theirs": "Theirs",
    }  # fmt: skip
    assert error["code"] == "conflict"
    done = script("editor").post("/workspaces/w/resolve", {"resolve": {"Book:1": {"title": "theirs"}}})
    assert (done.status_code, done.json["objects"][0]["badge"]) == (200, "persistent")


def test_a_form_with_half_a_choice_changes_nothing(board):
    for name, status in (("Book:1.nothing", 422), ("Book:9.title", 404), ("", 404), ("x", 404)):
        assert board.post("/workspaces/w/resolve", **{f"resolve.{name}": "mine"}).status_code == status
    assert board.post("/workspaces/w/resolve", **{"resolve.Book:1.title": "ours"}).status_code == 400
    assert board.post("/workspaces/w/resolve").status_code == 400


def test_a_modified_object_can_be_taken_back(board, runtime):
    assert 'data-verb="revert"' in board.get("/workspaces/w/").text
    assert board.post("/workspaces/w/objects/Book:1/revert").status_code == 303
    assert 'data-verb="revert"' not in board.get("/workspaces/w/").text
    assert board.post("/workspaces/w/commit").status_code == 303
    assert title(runtime) == "Theirs"
