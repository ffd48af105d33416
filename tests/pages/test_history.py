"""What a person sees of what was committed: the list, one change set, and the way back, also without JavaScript."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
import sqlalchemy as sa

from dashboard import Records
from dashboard.app import create_app
from dashboard.records.models import Models
from dashboard.refusal import Refusal
from tests.pages.conftest import Script, close
from tests.workspaces import records


@pytest.fixture
def committed(script):
    """An editor who has committed one change of a book; answers its number too."""
    editor = script("editor")
    editor.post("/workspaces/", {"name": "w"})
    editor.post("/workspaces/w/load", {"model": "Book", "key": "1"})
    before = editor.post("/workspaces/w/objects/Book:1/values", {"values": {"title": "<New>"}}).json
    answer = editor.post("/workspaces/w/commit", {"note": "spring <prices>", "version": before["version"]})
    return editor, answer.json["change_set"], before


def test_the_list_and_one_change_set_in_json(committed):
    editor, number, before = committed
    listed = editor.get("/history/").json
    assert listed["next"] is None
    (line,) = listed["change_sets"]
    assert [line[name] for name in ("number", "author", "note", "changes")] == [
        number,
        "test-editor",
        "spring <prices>",
        1,
    ]
    assert line["models"] == {"Book": 1}
    shown = editor.get(f"/history/{number}").json
    (book,) = shown["objects"]
    assert (book["model"], book["key"], book["kind"]) == ("Book", "1", "changed")
    assert book["changes"]["title"] == before["objects"][0]["changes"]["title"]


def test_the_second_click_is_told_the_number(committed):
    editor, number, before = committed
    answer = editor.post("/workspaces/w/commit", {"version": before["version"]})
    assert answer.status_code == 409
    assert (answer.json["error"]["code"], answer.json["error"]["change_set"]) == ("already_committed", number)


def test_a_person_finds_it_and_undoes_it_without_javascript(committed, browser_client, runtime):
    _, number, before = committed
    page = browser_client.get("/workspaces/w/").text
    assert f'href="/history/{number}"' in page
    listed = browser_client.get("/history/").text
    assert "spring &lt;prices&gt;" in listed
    shown = browser_client.get(f"/history/{number}").text
    assert "&lt;New&gt;" in shown
    assert f'action="/history/{number}/undo"' in shown
    done = browser_client.post(f"/history/{number}/undo")
    assert (done.status_code, done.headers["Location"]) == (303, f"/workspaces/undo-{number}/")
    staged = browser_client.get(f"/workspaces/undo-{number}/").text
    assert 'data-badge="modified"' in staged
    version = re.search(r'name="version" value="(\d+)"', staged).group(1)
    assert browser_client.post(f"/workspaces/undo-{number}/commit", version=version).status_code == 303
    with runtime.databases["default"].engine.connect() as connection:
        title = connection.scalar(sa.text("select title from book where id = 1"))
    assert title == before["objects"][0]["changes"]["title"][0]


def test_a_viewer_reads_and_does_not_undo(committed, script):
    _, number, _ = committed
    viewer = script("viewer")
    assert viewer.get("/history/").status_code == 200
    assert viewer.get(f"/history/{number}").status_code == 200
    assert viewer.post(f"/history/{number}/undo").status_code == 403
    assert [each["name"] for each in viewer.get("/workspaces/").json["workspaces"]] == ["w"]


@pytest.mark.parametrize("number", ["0", "99", "x", "-1", "1.0", "9" * 30, "%00", "²"])
def test_what_is_no_change_set_is_not_found(committed, number):
    editor, _, _ = committed
    assert editor.get(f"/history/{number}").status_code == 404
    assert editor.post(f"/history/{number}/undo").status_code == 404
    status = 200 if number in ("0", "99") else 404  # before a number that there is not yet, or never, is a place
    assert editor.get(f"/history/?before={number}").status_code == status


def test_kept_in_the_datas_own_database_it_is_read_from_there(make_app):
    app = make_app(DASHBOARD_CHANGE_SETS="database")
    editor = Script(app, "editor")
    editor.post("/workspaces/", {"name": "w"})
    editor.post("/workspaces/w/objects/", {"model": "Author", "values": {"name": "New"}})
    number = editor.post("/workspaces/w/commit").json["change_set"]
    engine = app.extensions["poolhouse"].databases["default"].engine
    with engine.connect() as connection:
        assert connection.scalar(sa.text("select number from poolhouse_change_set")) == number
    assert [each["number"] for each in editor.get("/history/").json["change_sets"]] == [number]
    assert editor.get(f"/history/{number}").json["objects"][0]["kind"] == "created"
    assert "poolhouse" not in editor.get("/records/").text
    for nowhere in ("/history/?database=nowhere", f"/history/{number}?database=nowhere"):
        assert editor.get(nowhere).status_code == 404


def test_an_access_that_hides_hides_here_too(make_app, committed, runtime):
    _, number, _ = committed
    from dashboard.workspaces.sight import Sight

    hidden = Sight(hidden=lambda model: frozenset({"title"}) if model.name == "Book" else frozenset())
    assert "<New>" not in str(runtime.history.show(number, hidden, "bob"))
    with pytest.raises(Refusal):
        runtime.history.undo(number, hidden, "bob")


@pytest.fixture
def shelf(tmp_path):
    """An editor on a database that deletes along, with two rows of a table that no class has."""
    url = f"sqlite:///{tmp_path / 'records.db'}"
    engine = sa.create_engine(url)
    records.make(engine)
    with engine.begin() as connection:
        connection.execute(sa.insert(records.play), [{"record_id": 1}, {"record_id": 1}])
    engine.dispose()
    settings = {"DASHBOARD_INSTANCE": str(tmp_path / "instance"), "DASHBOARD_MODELS": "tests.workspaces.records"}
    app = create_app({"DATABASE_URL": url, "TESTING": True, **settings})
    with app.app_context():
        records.prepare(app.extensions["sqlalchemy"].engine)
    yield Script(app, "editor")
    close(app)


@pytest.mark.parametrize("hide", [(), ("summary",)])
def test_of_a_model_that_is_gone_nothing_is_shown_where_some_columns_are_hidden(script, runtime, hide):
    """What was hidden of it, nobody says any more."""
    admin = script("admin")
    answer = admin.post("/records/Author/1", {"values": {"name": "Somebody else"}})
    assert answer.status_code == 200
    database = runtime.databases["default"]
    models = [model for model in database.models if model.name != "Author"]
    left = [replace(each, told=Records(hide=hide)) if each.name == "Book" else each for each in models]
    runtime.history._databases["default"] = replace(database, models=Models(left))
    shown = admin.get("/history/1")
    assert [each["key"] for each in shown.json["objects"]] == ["1"]
    assert ("Somebody else" in shown.text) is not bool(hide)


def test_what_went_along_with_a_deleted_record_is_shown_and_what_stays_lost_is_told(shelf):
    assert shelf.post("/records/Record/1/delete", {}).status_code == 200
    number = shelf.get("/history/").json["change_sets"][0]["number"]
    page = shelf.get(f"/history/{number}", Accept="text/html").text
    assert "2 of play." in page
    assert re.findall(r'data-model="(\w+)"', page).count("Disc") == 2
    name = shelf.post(f"/history/{number}/undo", {}).json["name"]
    assert "2 of play." in shelf.get(f"/workspaces/{name}/", Accept="text/html").text
    assert shelf.post(f"/workspaces/{name}/commit", {}).status_code == 200
    assert [row["key"] for row in shelf.get("/records/Cut/").json["rows"]] == ["11", "12", "21", "22"]
