"""Is one action with many records all or nothing, bounded, confirmed, and the same as the list's own search?"""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from tests.pages.conftest import Script
from tests.pages.drawn import as_dict, fields_of


def prices(runtime, keys):
    with runtime.databases["default"].engine.connect() as connection:
        return connection.execute(sa.text(f"select price from book where id in ({keys}) order by id")).scalars().all()


def test_many_are_edited_in_one_transaction(script, runtime):
    body = {"action": "edit", "keys": ["1", "2", "3"], "values": {"price": "7.25"}}
    answer = script("editor").post("/records/Book/~/bulk", body)
    assert (answer.status_code, answer.json) == (200, {"model": "Book", "action": "edit", "count": 3}), answer.text
    assert prices(runtime, "1,2,3") == [7.25, 7.25, 7.25]


def test_all_that_match_means_the_lists_own_search(script, runtime):
    editor = script("editor")
    listed = editor.get("/records/Book/?f.id.between=5,9&q=the").json["count"]["value"]
    body = {"action": "edit", "all": 1, "f.id.between": [5, 9], "q": "the", "values": {"stock": 4321}}
    assert editor.post("/records/Book/~/bulk", body).json["count"] == listed
    assert editor.get("/records/Book/?f.stock.eq=4321").json["count"]["value"] == listed


@pytest.mark.parametrize(
    "body, status",
    [
        ({"action": "edit", "keys": ["1", "99999999"], "values": {"price": "1"}}, 404),
        ({"action": "edit", "keys": ["1", "2"], "values": {"isbn": "9999999999999"}}, 422),
        ({"action": "edit", "keys": ["1"], "values": {"price": "dear"}}, 422),
        ({"action": "edit", "keys": ["1"], "values": {}}, 400),
        ({"action": "edit", "keys": [], "values": {"price": "1"}}, 400),
        ({"action": "edit", "keys": "1" * 2, "values": {"nothing": "1"}}, 422),
        ({"action": "frobnicate", "keys": ["1"]}, 400),
        ({"action": "edit", "all": 1, "f.id.ge": "1", "values": {"price": "1"}}, 413),
        ({"action": "edit", "all": 1, "f.nothing.ge": "1", "values": {"price": "1"}}, 400),
        ({"action": "delete", "keys": ["1", "2", "3"]}, 422),
    ],
)
def test_what_cannot_be_done_to_all_is_done_to_none(script, runtime, body, status):
    before = prices(runtime, "1,2,3")
    answer = script("editor").post(
        "/records/Author/~/bulk" if body["action"] == "delete" else "/records/Book/~/bulk", body
    )
    assert answer.status_code == status, answer.text
    assert prices(runtime, "1,2,3") == before
    assert script("editor").get("/records/Author/1").status_code == 200


def test_many_are_deleted(script):
    editor = script("editor")
    made = [editor.post("/records/Tag/", {"values": {"name": f"made-{n}"}}).json["key"] for n in range(3)]
    assert editor.post("/records/Tag/~/bulk", {"action": "delete", "keys": made[:2]}).json["count"] == 2
    assert [editor.get(f"/records/Tag/{key}").status_code for key in made] == [404, 404, 200]


def test_a_person_confirms_without_javascript(browser_client, runtime):
    page = browser_client.get("/records/Book/?f.id.le=4")
    assert 'name="keys" value="1"' in page.text
    asked = browser_client.post("/records/Book/~/bulk", action="edit", keys=["1", "2"], **{"f.id.le": "4"})
    assert asked.status_code == 200, asked.text
    fields = as_dict(fields_of(asked.text))
    fields["values.price"] = "3.50"
    wrong = browser_client.client.post("/records/Book/~/bulk", data={**fields, "values.pages": "many"})
    assert (wrong.status_code, 'value="many"' in wrong.text) == (422, True)
    done = browser_client.client.post("/records/Book/~/bulk", data=fields)
    assert (done.status_code, done.location) == (303, "/records/Book/?f.id.le=4"), done.text
    assert prices(runtime, "1,2") == [3.5, 3.5]


def test_many_are_loaded_into_a_workspace(script, browser_client):
    editor = script("editor")
    editor.post("/workspaces/", {"name": "w"})
    loaded = editor.post("/workspaces/w/load-many", {"model": "Book", "f.id.between": "3,9", "limit": 5})
    assert loaded.status_code == 200, loaded.text
    assert [each["key"] for each in loaded.json["objects"]] == ["3", "4", "5", "6", "7"]
    assert editor.post("/workspaces/w/load-many", {"model": "Book", "f.nothing.eq": "3"}).status_code == 400
    assert editor.post("/workspaces/w/load-many", {"model": "Book", "limit": "100000"}).status_code == 413
    staged = editor.post("/records/Tag/~/bulk", {"action": "stage", "keys": ["1", "2"], "stage": "w"})
    assert staged.json["counts"]["persistent"] == 7


def test_a_viewer_does_nothing_with_many(app):
    assert Script(app, "viewer").post("/records/Book/~/bulk", {"action": "delete", "keys": ["1"]}).status_code == 403
