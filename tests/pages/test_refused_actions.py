"""What does a page show after an action that was refused? What it left on the tape, and all that the person typed."""

from __future__ import annotations

import re

import pytest
import sqlalchemy as sa

from tests.pages.conftest import Browser
from tests.pages.test_workspaces import fields_of

SWAPPED = {"HX-Request": "true", "HX-Target": "div#workspace"}


@pytest.fixture
def board(browser_client):
    assert browser_client.post("/workspaces/", name="w").status_code == 303
    return browser_client


def version_of(text):
    return re.search(r'data-version="(\d+)"', text).group(1)


def partials_of(answer):
    return dict(re.findall(r'<hx-partial hx-target="(#\w+)"[^>]*>(.*?)</hx-partial>', answer.text, re.DOTALL))


def test_a_failed_action_that_is_swapped_in_shows_its_entry_on_the_tape(board):
    answer = board.post("/workspaces/w/load", SWAPPED, model="Book", key="999999", version="1")
    assert answer.status_code == 404
    parts = partials_of(answer)
    assert list(parts) == ["#messages", "#tape", "#transaction"]
    assert "999999" in parts["#messages"]
    newest = parts["#tape"].split("<li")[1]
    assert 'data-action="load" class="failed"' in newest
    assert "SELECT" in newest
    assert re.findall(r' id="([^"]+)"', parts["#tape"]) == ["tape"]
    assert 'id="changed"' not in parts["#transaction"]
    assert 'id="workspace"' not in answer.text


def test_a_failure_that_changed_the_workspace_says_so_beside_the_page_that_was_left_as_it_is(board):
    seen = version_of(board.get("/workspaces/w/").text)
    board.post("/workspaces/w/load", model="Book", key="1")
    answer = board.post("/workspaces/w/load", SWAPPED, model="Book", key="999999", version=seen)
    assert answer.status_code == 409
    assert 'id="changed"' in partials_of(answer)["#transaction"]


def test_a_refusal_of_the_gate_is_its_words_alone(board):
    answer = board.client.post("/workspaces/w/flush", headers=SWAPPED)
    assert (answer.status_code, list(partials_of(answer))) == (403, ["#messages"])


def test_a_workspace_that_is_not_there_is_told_in_words_alone(board):
    answer = board.post("/workspaces/nowhere/flush", SWAPPED)
    assert (answer.status_code, list(partials_of(answer))) == (404, ["#messages"])


def test_a_form_that_is_refused_at_a_field_comes_back_with_all_that_was_typed(board):
    sent = fields_of(board.get("/workspaces/w/?new=User").text)
    sent |= {"model": "User", "values.name": "Ada <Lovelace>", "values.email": "ada@x", "values.points": "many"}
    answer = board.post("/workspaces/w/objects/", version="1", add="true", **sent)
    assert (answer.status_code, answer.mimetype) == (422, "text/html")
    again = fields_of(answer.text)
    assert {name: again[name] for name in sent if name in again} == {k: v for k, v in sent.items() if k in again}
    assert again["values.points"] == "many"
    assert 'id="value-points" name="values.points" type="text" value="many" aria-invalid="true"' in answer.text
    assert answer.text.count('class="problem"') == 1
    assert 'role="alert" data-code="invalid"' in answer.text
    mended = {**again, "model": "User", "values.points": "7"}
    done = board.post("/workspaces/w/objects/", version=version_of(answer.text), **mended)
    assert done.status_code == 303
    assert "Ada &lt;Lovelace&gt;" in board.get("/workspaces/w/").text


def test_values_that_are_refused_come_back_and_what_was_not_touched_stays_untouched(board, script):
    board.post("/workspaces/w/load", model="Book", key="1")
    page = board.get("/workspaces/w/?edit=Book:1").text
    nullable = re.search(r'name="(null\.\w+)" value="1">', page).group(1)
    sent = {**fields_of(page), "values.title": "Emma, again", "values.price": "dear", nullable: "1"}
    answer = board.post("/workspaces/w/objects/Book:1/values", version=version_of(page), **sent)
    assert answer.status_code == 422
    again = fields_of(answer.text)
    assert (again["values.title"], again["values.price"], again[nullable]) == ("Emma, again", "dear", "1")
    bases = {name: text for name, text in sent.items() if name.startswith("base")}
    assert {name: again[name] for name in bases} == bases
    again["values.price"] = "7.25"
    done = board.post("/workspaces/w/objects/Book:1/values", version=version_of(answer.text), **again)
    assert done.status_code == 303, done.text
    assert set(script("viewer").get("/workspaces/w/").json["objects"][0]["changes"]) <= {
        "title",
        "price",
        nullable.partition(".")[2],
    }


def test_a_stale_form_comes_back_on_the_page_as_it_is_now(board):
    sent = {"model": "User", "values.name": "Ada", "values.email": "ada@x"}
    board.post("/workspaces/w/load", model="Book", key="1")
    answer = board.post("/workspaces/w/objects/", version="1", **sent)
    assert answer.status_code == 409
    assert fields_of(answer.text)["values.name"] == "Ada"
    assert 'data-ref="Book:1"' in answer.text
    assert board.post("/workspaces/w/objects/", version=version_of(answer.text), **sent).status_code == 303


def test_a_form_whose_model_is_not_there_is_told_in_words_alone(board):
    answer = board.post("/workspaces/w/objects/", **{"model": "Nothing", "values.name": "x"})
    assert answer.status_code == 404
    assert "<h1>Not here</h1>" in answer.text


def test_the_settings_of_the_session_are_switched_on_the_page(board, script):
    page = board.get("/workspaces/w/").text
    switches = re.findall(r'<button name="(\w+)" value="(\w+)" role="switch" aria-checked="(\w+)"', page)
    assert switches == [("autoflush", "on", "false"), ("expire_on_commit", "off", "true")]
    for name, value, _ in switches:
        answer = board.post("/workspaces/w/settings", **{name: value})
        assert (answer.status_code, answer.headers["Location"]) == (303, "/workspaces/w/")
    assert script("viewer").get("/workspaces/w/").json["settings"] == {"autoflush": True, "expire_on_commit": False}
    stale = board.post("/workspaces/w/settings", version="1", autoflush="off")
    assert stale.status_code == 409
    viewed = script("viewer").get("/workspaces/w/", Accept="text/html").text
    assert 'role="switch"' not in viewed
    assert "autoflush on, expire on commit off" in viewed
    assert script("viewer").post("/workspaces/w/settings", {"autoflush": False}).status_code == 403


def test_a_table_without_a_key_is_not_offered_and_said_to_be_left_out(make_app, tmp_path):
    engine = sa.create_engine(f"sqlite:///{tmp_path / 'foreign.db'}")
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE author (id INTEGER PRIMARY KEY, name TEXT)")
        connection.exec_driver_sql("CREATE TABLE log (at TEXT, words TEXT)")
        connection.exec_driver_sql("CREATE TABLE visit (at TEXT, words TEXT)")
        connection.exec_driver_sql("INSERT INTO author VALUES (1, 'Jane Austen')")
    engine.dispose()
    board = Browser(make_app(DATABASE_URL=str(engine.url)))
    board.post("/workspaces/", name="w")
    page = board.get("/workspaces/w/").text
    assert re.findall(r"<option[^>]*>(.*?)</option>", page) == ["author", "author"]
    left_out = re.findall(r"data-left-out><small>(.*?)</small>", page)
    assert len(left_out) == 1
    assert left_out[0].startswith("Not offered: log, visit. The table has no primary key")
    board.post("/workspaces/w/load", model="author", key="1")
    assert '<div class="label">Jane Austen</div>' in board.get("/workspaces/w/?view=board").text
