"""Is an export what the list shows, harmless and streamed, and does an import take it back, whole or not at all?"""

from __future__ import annotations

import csv
import io
import json
import time
import weakref

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from dashboard.demo import models
from dashboard.records import export
from dashboard.records.export import guarded
from dashboard.records.rows_read import _unguarded
from dashboard.refusal import Refusal
from tests.pages.conftest import Script


def lines(answer):
    assert answer.status_code == 200, answer.text
    return list(csv.reader(io.StringIO(answer.text)))


def send(editor, model, name, text, **fields):
    data = {"file": (io.BytesIO(text.encode()), name), **fields}
    return editor.client.post(f"/records/{model}/~/import", data=data, headers=editor.headers)


def count(runtime, table):
    with runtime.databases["default"].engine.connect() as connection:
        return connection.scalar(sa.text(f'select count(*) from "{table}"'))


def test_an_export_is_what_the_list_shows(script):
    viewer, asked = script("viewer"), "f.id.between=3,40&q=the&sort=-title&columns=title,price,published"
    listed = viewer.get(f"/records/Book/?{asked}&size=500").json["rows"]
    found = lines(viewer.get(f"/records/Book/~/export?format=csv&{asked}"))
    assert found[0] == ["title", "price", "published"]
    assert [row[0] for row in found[1:]] == [guarded(each["values"]["title"]) for each in listed]
    for form in ("json", "jsonl"):
        text = viewer.get(f"/records/Book/~/export?format={form}&{asked}").text
        rows = json.loads(text) if form == "json" else [json.loads(line) for line in text.splitlines()]
        assert rows == [each["values"] for each in listed]


def test_an_export_of_all_rows_has_each_once(script, runtime):
    found = lines(script("viewer").get("/records/Book/~/export?columns=id"))
    assert sorted(int(row[0]) for row in found[1:]) == list(range(1, count(runtime, "book") + 1))
    assert json.loads(script("viewer").get("/records/Book/~/export?format=json&f.id.lt=1").text) == []


@pytest.mark.parametrize("query, status", [("format=xls", 400), ("f.nothing.eq=1", 400), ("f.price.gt=dear", 422)])
def test_what_is_wrong_with_an_export_is_said_before_it_begins(script, runtime, query, status):
    assert script("viewer").get(f"/records/Book/~/export?{query}").status_code == status
    assert runtime.readers._readers == {} or checked_out(runtime) == 0


def checked_out(runtime):
    return runtime.readers._readers["default"].main.engine.pool.checkedout()


def test_an_export_that_nobody_reads_gives_its_connection_back(script, runtime):
    viewer = script("viewer")
    answer = viewer.client.get("/records/Book/~/export", headers=viewer.headers, buffered=False)
    next(iter(answer.response))
    assert checked_out(runtime) == 1
    answer.close()
    assert checked_out(runtime) == 0
    assert viewer.client.head("/records/Book/~/export", headers=viewer.headers).status_code == 200
    assert checked_out(runtime) == 0


def test_who_reads_exports_slowly_takes_the_records_from_nobody(script, runtime):
    """A browser's download that is paused keeps a connection, and whoever may look may begin many."""
    viewer, open_ = script("viewer"), []
    for _ in range(runtime.config.records_connections + 1):
        answer = viewer.client.get("/records/Book/~/export", headers=viewer.headers, buffered=False)
        if answer.status_code == 200:
            next(iter(answer.response))
        open_.append(answer)
    assert [answer.status_code for answer in open_] == [200, 200, 503, 503]
    assert open_[-1].json["error"]["code"] == "overloaded"
    assert script("viewer").get("/records/Book/").status_code == 200
    for answer in open_:
        answer.close()
    assert viewer.client.head("/records/Book/~/export", headers=viewer.headers).status_code == 200


def test_an_export_that_is_read_for_too_long_ends(script, runtime, monkeypatch):
    viewer = script("viewer")
    answer = viewer.client.get("/records/Book/~/export", headers=viewer.headers, buffered=False)
    parts = iter(answer.response)
    next(parts)
    later = time.monotonic() + runtime.config.export_seconds
    monkeypatch.setattr(export, "monotonic", lambda: later)
    with pytest.raises(Refusal, match="takes too long"):
        list(parts)
    answer.close()
    assert checked_out(runtime) == 0


@settings(deadline=None)
@given(st.text())
def test_a_guard_is_taken_away_again(text):
    shown = guarded(text)
    assert shown
    assert not shown.startswith(("=", "+", "-", "@", "\t", "\r"))
    assert _unguarded(shown) == text


@pytest.mark.parametrize("form", ["csv", "json", "jsonl"])
def test_what_was_exported_is_imported(script, runtime, form):
    editor, engine = script("editor"), runtime.databases["default"].engine
    with engine.begin() as connection:
        connection.execute(sa.text("update author set biography = '=1+1', country = null where id = 1"))
        connection.execute(sa.text("update author set biography = '', born = '1900-02-03' where id = 2"))
        connection.execute(sa.text("update author set biography = null where id = 3"))
    read = sa.text("select * from author where id in (1, 2, 3) order by id")
    text = editor.get(f"/records/Author/~/export?format={form}&f.id.in=1,2,3").text
    with engine.begin() as connection:
        before = connection.execute(read).all()
        connection.execute(sa.text("update author set biography = 'x', country = 'XX', born = null, name = 'y'"))
    answer = send(editor, "Author", f"authors.{form}", text, mode="upsert")
    assert (answer.status_code, answer.json["updated"], answer.json["inserted"]) == (200, 3, 0), answer.text
    with engine.connect() as connection:
        assert connection.execute(read).all() == before


def test_a_dry_run_tells_what_is_wrong_by_row_and_column_and_writes_nothing(script, runtime):
    before = count(runtime, "tag")
    text = "name\nfresh\n" + "t" * 41 + "\nfresh\n"
    answer = send(script("editor"), "Tag", "tags.csv", text, dry_run="1")
    assert answer.status_code == 200, answer.text
    assert [(each["row"], each["column"]) for each in answer.json["errors"]] == [(3, "name"), (4, "name")]
    assert count(runtime, "tag") == before
    refused = send(script("editor"), "Tag", "tags.csv", text)
    assert (refused.status_code, refused.json["error"]["errors"][0]["row"]) == (422, 3)
    assert count(runtime, "tag") == before
    assert "staged" not in refused.text


def test_many_rows_are_imported_in_one_transaction(script, runtime):
    before = count(runtime, "tag")
    text = "name\n" + "".join(f"tag number {n}\n" for n in range(1_000))
    answer = send(script("editor"), "Tag", "tags.csv", text)
    assert (answer.status_code, answer.json["inserted"]) == (200, 1_000), answer.text
    assert count(runtime, "tag") == before + 1_000
    again = send(script("editor"), "Tag", "tags.csv", "name\nanother\n" + "tag number 999\n")
    assert (again.status_code, again.json["error"]["errors"]) != (200, [])
    assert again.json["error"]["errors"][0]["row"] == 3
    assert count(runtime, "tag") == before + 1_000


@pytest.mark.parametrize(
    "name, text, status",
    [
        ("a.csv", "", 422),
        ("a.csv", "name,name\n", 422),
        ("a.csv", "name\na,b\n", 422),
        ("a.csv", "nothing\na\n", 422),
        ("a.csv", 'name\n"a', 422),
        ("a.json", "{}", 422),
        ("a.json", '[{"name": "a"}, 1]', 422),
        ("a.json", '[{"name": "a"', 422),
        ("a.jsonl", "name\n", 422),
        ("a.json", "[]", 200),
    ],
)
def test_a_file_that_is_none_is_refused_and_nothing_of_it_is_written(script, runtime, name, text, status):
    before = count(runtime, "tag")
    answer = send(script("editor"), "Tag", name, text)
    assert answer.status_code == status, answer.text
    assert count(runtime, "tag") == before


def test_a_person_tries_a_file_and_imports_it_without_javascript(browser_client, runtime):
    assert 'type="file"' in browser_client.get("/records/Tag/~/import").text

    def post(**fields):
        data = {"csrf": browser_client.csrf, "file": (io.BytesIO(b"name\nby hand\n"), "t.csv"), **fields}
        return browser_client.client.post("/records/Tag/~/import", data=data, content_type="multipart/form-data")

    before = count(runtime, "tag")
    assert "1 new" in post(dry_run="1").text
    assert count(runtime, "tag") == before
    assert post(dry_run="0").status_code == 200
    assert count(runtime, "tag") == before + 1
    wrong = post(dry_run="0")
    assert (wrong.status_code, 'id="errors"' in wrong.text) == (422, True)


def test_a_viewer_exports_and_does_not_import(app):
    viewer = Script(app, "viewer")
    assert viewer.get("/records/Tag/~/export").status_code == 200
    assert send(viewer, "Tag", "t.csv", "name\nx\n").status_code == 403


def test_an_import_holds_few_rows_at_once_however_many_there_are(script):
    alive, most = weakref.WeakSet(), [0]

    def made(target, arguments, keywords):
        alive.add(target)

    def written(mapper, connection, target):
        most[0] = max(most[0], len(alive))

    sa.event.listen(models.Tag, "init", made)
    sa.event.listen(models.Tag, "before_insert", written)
    try:
        text = "name\n" + "".join(f"tag {number}\n" for number in range(3_000))
        answer = send(script("editor"), "Tag", "tags.csv", text)
    finally:
        sa.event.remove(models.Tag, "init", made)
        sa.event.remove(models.Tag, "before_insert", written)
    assert answer.json["inserted"] == 3_000, answer.text
    assert 0 < most[0] <= 1_000
