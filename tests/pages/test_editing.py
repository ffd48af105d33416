"""Does a form save what was touched alone, refuse what does not fit at its field, and keep what was typed?"""

from __future__ import annotations

import io
import re

import pytest
import sqlalchemy as sa

from tests.pages.drawn import as_dict, fields_of, row, written


@pytest.mark.parametrize("path", ["Book/1", "Author/1", "User/1", "Order/1", "OrderLine/1,1", "Review/1", "Tag/1"])
def test_a_form_that_is_sent_as_it_was_drawn_writes_nothing(browser_client, runtime, path):
    page = browser_client.get(f"/records/{path}/edit")
    assert page.status_code == 200, page.text
    statements = written(runtime)
    answer = browser_client.client.post(f"/records/{path}", data=as_dict(fields_of(page.text)))
    assert (answer.status_code, answer.location) == (303, f"/records/{path}"), answer.text
    assert statements == []


def test_only_what_was_touched_is_written(browser_client, runtime):
    fields = as_dict(fields_of(browser_client.get("/records/Book/1/edit").text))
    statements = written(runtime)
    answer = browser_client.client.post("/records/Book/1", data={**fields, "values.title": "Changed"})
    assert answer.status_code == 303, answer.text
    assert len(statements) == 1
    assert re.fullmatch(r"UPDATE book SET title=\?, version=\? WHERE .*", statements[0])
    assert row(runtime, "book", 1)["title"] == "Changed"


def test_what_does_not_fit_is_said_at_its_field_and_all_that_was_typed_stays(browser_client, runtime):
    before = row(runtime, "book", 1)
    fields = as_dict(fields_of(browser_client.get("/records/Book/1/edit").text))
    fields |= {"values.title": "<Typed>", "values.price": "dear", "values.details": '{"a": [1,}'}
    answer = browser_client.client.post("/records/Book/1", data=fields)
    assert answer.status_code == 422
    assert 'value="&lt;Typed&gt;"' in answer.text
    assert 'value="dear"' in answer.text
    assert "line 1, column" in answer.text
    again = as_dict(fields_of(answer.text))
    assert (again["base.title"], again["values.title"]) == ([before["title"]], ["<Typed>"])
    assert row(runtime, "book", 1) == before


def test_null_is_its_own_choice_and_empty_text_another(browser_client, runtime):
    fields = as_dict(fields_of(browser_client.get("/records/Author/1/edit").text))
    fields.pop("null.biography", None)
    browser_client.client.post("/records/Author/1", data={**fields, "null.country": "1", "values.biography": ""})
    found = row(runtime, "author", 1)
    assert (found["country"], found["biography"]) == (None, "")


def test_an_edit_that_meets_somebody_elses_is_settled_on_the_page(browser_client, runtime):
    fields = as_dict(fields_of(browser_client.get("/records/Book/1/edit").text))
    with runtime.databases["default"].engine.begin() as connection:
        connection.execute(sa.text("update book set title = 'Theirs', stock = 77 where id = 1"))
    answer = browser_client.client.post(
        "/records/Book/1", data={**fields, "values.title": "<Mine>", "values.isbn": "9"}
    )
    assert answer.status_code == 409, answer.text
    assert 'data-conflict="title"' in answer.text
    assert 'data-conflict="stock"' not in answer.text
    fields = as_dict(fields_of(answer.text))
    assert fields["base.title"] == ["Theirs"]
    for word, title in (("theirs", "Theirs"), ("mine", "<Mine>")):
        done = browser_client.client.post("/records/Book/1", data={**fields, "settle.title": word})
        assert done.status_code == 303, done.text
        found = row(runtime, "book", 1)
        assert (found["title"], found["stock"], found["isbn"]) == (title, 77, "9")
        fields["values.isbn"] = fields["base.isbn"] = "9"


def test_a_conflict_is_409_with_before_mine_and_theirs(script):
    editor = script("editor")
    answer = editor.post("/records/Book/1", {"values": {"title": "Mine"}, "base": {"title": "Before"}})
    assert answer.status_code == 409
    error = answer.json["error"]
    now = editor.get("/records/Book/1").json["values"]["title"]
    assert (error["code"], list(error["fields"])) == ("conflict", ["title"])
    assert {k: error["conflicts"][0][k] for k in ("column", "before", "mine", "theirs")} == {
        "column": "title", "before": "Before", "mine": "Mine", "theirs": now,
    }  # fmt: skip
    assert "staged" not in error["remedy"]


def test_what_a_script_was_shown_may_be_sent_back(script, runtime):
    editor = script("editor")
    for path in ("Book/1", "User/2", "Order/1", "OrderLine/1,1"):
        shown = editor.get(f"/records/{path}").json["values"]
        statements = written(runtime)
        answer = editor.post(f"/records/{path}", {"values": shown})
        assert answer.status_code == 200, answer.text
        assert answer.json["values"] == shown
        assert statements == []


def test_values_of_a_version_that_is_over_are_a_conflict(script):
    editor = script("editor")
    shown = editor.get("/records/Book/1").json["values"]
    assert editor.post("/records/Book/1", {"values": {"stock": 5000}}).status_code == 200
    answer = editor.post("/records/Book/1", {"values": {**shown, "title": "Late"}})
    assert (answer.status_code, answer.json["error"]["conflicts"][0]["column"]) == (409, "version")


def test_a_new_record_leaves_defaults_to_the_program(browser_client, runtime):
    page = browser_client.get("/records/Book/~/new")
    fields = as_dict(fields_of(page.text))
    answer = browser_client.client.post(
        "/records/Book/", data={**fields, "values.title": "New", "values.author_id": "2"}
    )
    assert answer.status_code == 303, answer.text
    key = int(answer.location.rpartition("/")[2])
    found = row(runtime, "book", key)
    assert (found["title"], found["author_id"], found["stock"], found["isbn"]) == ("New", 2, 0, None)


def test_a_new_record_that_lacks_something_is_422_at_its_field(browser_client, script):
    fields = as_dict(fields_of(browser_client.get("/records/Book/~/new").text))
    answer = browser_client.client.post("/records/Book/", data={**fields, "values.title": "No author"})
    assert answer.status_code == 422
    assert re.search(r'data-field="author_id".*?class="problem"', answer.text, re.S)
    refused = script("editor").post("/records/Author/", {"values": {"country": "DE"}})
    assert (refused.status_code, list(refused.json["error"]["fields"])) == (422, ["name"])
    created = script("editor").post("/records/Author/", {"values": {"name": "Ada"}})
    assert (created.status_code, created.json["label"]) == (201, "Ada")


def test_a_picker_searches_and_creates_without_javascript(browser_client):
    fields = as_dict(fields_of(browser_client.get("/records/Book/~/new").text))
    fields |= {"values.title": "<Typed>"}
    found = browser_client.client.post("/records/Book/", data={**fields, "find-in": "author_id", "q.author_id": "7"})
    assert found.status_code == 200
    assert re.search(r'<option value="7"', found.text)
    assert 'value="&lt;Typed&gt;"' in found.text
    aside = browser_client.client.post("/records/Book/", data={**fields, "make-in": "author_id"})
    assert aside.status_code == 303
    form = browser_client.get(aside.location)
    typed = {**as_dict(fields_of(form.text)), "values.name": "Somebody New"}
    back = browser_client.client.post("/records/Author/", data=typed)
    assert back.status_code == 303, back.text
    assert back.location.startswith("/records/Book/~/new?")
    page = browser_client.get(back.location).text
    again = as_dict(fields_of(page))
    assert again["values.title"] == ["<Typed>"]
    assert again["values.author_id"][0].isdigit()


@pytest.mark.parametrize("back", ["https://example.org/", "//example.org/", "javascript:alert(1)", "/\\example.org"])
def test_nobody_is_sent_elsewhere_after_a_save(browser_client, back):
    answer = browser_client.post("/records/Tag/", **{"values.name": "t" + back, "back": back, "for": "x"})
    assert answer.status_code == 303
    assert answer.location.startswith("/records/Tag/")


def test_a_set_of_related_records_is_sent_whole_and_merges(browser_client, runtime):
    engine = runtime.databases["default"].engine
    with engine.begin() as connection:
        connection.execute(sa.text("delete from book_tag where book_id = 1"))
        connection.execute(sa.text("insert into book_tag (book_id, tag_id) values (1, 1), (1, 2)"))
    fields = as_dict(fields_of(browser_client.get("/records/Book/1/edit").text))
    assert fields["values.tags"] == ["", "1", "2"]
    with engine.begin() as connection:
        connection.execute(sa.text("insert into book_tag (book_id, tag_id) values (1, 3)"))
    answer = browser_client.client.post("/records/Book/1", data={**fields, "values.tags": ["", "2", "4"]})
    assert answer.status_code == 303, answer.text
    with engine.connect() as connection:
        tags = connection.execute(sa.text("select tag_id from book_tag where book_id = 1 order by 1")).scalars().all()
    assert tags == [2, 3, 4]


def test_binary_data_goes_up_and_comes_down(browser_client, runtime):
    data = bytes(range(256)) * 4
    fields = as_dict(fields_of(browser_client.get("/records/Book/1/edit").text))
    sent = {**fields, "file.cover": (io.BytesIO(data), "cover.png")}
    answer = browser_client.client.post("/records/Book/1", data=sent, content_type="multipart/form-data")
    assert answer.status_code == 303, answer.text
    down = browser_client.get("/records/Book/1/file/cover")
    assert (down.data, down.mimetype) == (data, "application/octet-stream")
    assert down.headers["Content-Disposition"].startswith("attachment")
    statements = written(runtime)
    fields = as_dict(fields_of(browser_client.get("/records/Book/1/edit").text))
    assert browser_client.client.post("/records/Book/1", data=fields).status_code == 303
    assert statements == []
    browser_client.client.post("/records/Book/1", data={**fields, "null.cover": "1"})
    assert row(runtime, "book", 1)["cover"] is None


def test_a_copy_has_all_but_the_key(browser_client, runtime):
    engine = runtime.databases["default"].engine
    with engine.begin() as connection:
        connection.execute(sa.text("update book set cover = x'00ff', isbn = null, details = null where id = 1"))
        connection.execute(sa.text("delete from book_tag where book_id = 1"))
        connection.execute(sa.text("insert into book_tag (book_id, tag_id) values (1, 1), (1, 2)"))
    fields = as_dict(fields_of(browser_client.get("/records/Book/~/new?from=1").text))
    answer = browser_client.client.post("/records/Book/", data=fields)
    assert answer.status_code == 303, answer.text
    copied, original = row(runtime, "book", int(answer.location.rpartition("/")[2])), row(runtime, "book", 1)
    assert {k: v for k, v in copied.items() if k not in ("id", "version")} == {
        k: v for k, v in original.items() if k not in ("id", "version")
    }


def test_moments_are_shown_and_typed_in_the_persons_zone(browser_client, runtime):
    assert browser_client.post("/records/~/zone", zone="Europe/Berlin").status_code == 303
    with runtime.databases["default"].engine.begin() as connection:
        connection.execute(sa.text("update \"order\" set placed_at = '2026-07-01 10:00:00.000000' where id = 1"))
    fields = as_dict(fields_of(browser_client.get("/records/Order/1/edit").text))
    assert fields["values.placed_at"] == ["2026-07-01T12:00:00+02:00"]
    for typed, status in (("2026-07-01T13:30:00", 303), ("2026-03-29T02:30:00", 422), ("2026-10-25T02:30:00", 422)):
        answer = browser_client.client.post("/records/Order/1", data={**fields, "values.placed_at": typed})
        assert answer.status_code == status, answer.text
    assert row(runtime, "order", 1)["placed_at"].startswith("2026-07-01 11:30:00")
    assert browser_client.post("/records/~/zone", zone="Nowhere").status_code == 422


def test_a_change_is_staged_in_an_open_workspace(script):
    editor = script("editor")
    editor.post("/workspaces/", {"name": "prices"})
    answer = editor.post("/records/Book/1", {"values": {"title": "Staged"}, "stage": "prices"})
    assert answer.status_code == 200, answer.text
    assert answer.json["objects"][0]["changes"]["title"][1] == "Staged"
    assert editor.get("/records/Book/1").json["values"]["title"] != "Staged"
    created = editor.post("/records/Tag/", {"values": {"name": "staged"}, "stage": "prices"})
    assert (created.status_code, created.json["counts"]["pending"]) == (201, 1)
    gone = editor.post("/records/Book/2/delete", {"stage": "prices"})
    assert (gone.status_code, gone.json["counts"]["deleted"]) == (200, 1)
    late = editor.post("/records/Book/3", {"values": {"title": "x"}, "base": {"title": "y"}, "stage": "prices"})
    assert (late.status_code, late.json["error"]["conflicts"][0]["before"]) == (409, "y")


def test_a_save_leaves_no_workspace_behind(script, runtime):
    editor = script("editor")
    for number in range(5):
        assert editor.post("/records/Book/1", {"values": {"stock": 1000 + number}}).status_code == 200
        assert editor.post("/records/Book/1", {"values": {"stock": "many"}}).status_code == 422
    assert editor.get("/workspaces/").json["workspaces"] == []
    main = runtime.workspaces._lives.registry("default").main
    assert main.engine.pool.checkedout() == 0
    assert list(runtime.workspaces._lives) == []


@pytest.mark.parametrize("method", ["get", "post"])
@pytest.mark.parametrize("path", ["Book/1/edit", "Book/~/new", "Book/1/delete"])
def test_a_viewer_edits_nothing(script, method, path):
    if method == "get":
        assert script("viewer").get(f"/records/{path}").status_code == 403
    else:
        assert script("viewer").post(f"/records/{path.replace('/edit', '').replace('~/new', '')}").status_code == 403


def test_a_file_is_staged_as_any_other_value(browser_client, runtime):
    browser_client.post("/workspaces/", name="covers")
    sent = {"file.cover": (io.BytesIO(b"\x89PNG"), "cover.png"), "values.title": "With a cover", "stage": "covers"}
    answer = browser_client.post("/records/Book/3", **sent)
    assert answer.headers["Location"] == "/workspaces/covers/"
    assert browser_client.post("/workspaces/covers/commit").status_code == 303
    kept = row(runtime, "book", 3)
    assert (kept["cover"], kept["title"]) == (b"\x89PNG", "With a cover")
