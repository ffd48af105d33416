"""Whatever is sent to the pages that write records is answered in the contract's words, and changes nothing."""

from __future__ import annotations

import io

import pytest
import sqlalchemy as sa

JUNK = [None, True, 5, "", "x", "\ud800", "\0", [], [1], ["x"], {}, {"x": 1}, {"json": 1}, [[{}]], "9" * 400]
PLACES = ["values", "base", "keys", "action", "all", "stage", "q", "where", "from", "mode", "f.id.eq", "f.id.in", "f.x"]
PATHS = ["Tag/", "Tag/1", "Tag/1/delete", "Tag/~/bulk", "Tag/0", "Tag/~", "OrderLine/1", "OrderLine/1,1"]


def tags(runtime):
    with runtime.databases["default"].engine.connect() as connection:
        return connection.execute(sa.text("select * from tag order by id")).all()


@pytest.mark.parametrize("path", PATHS)
def test_no_json_is_a_mistake_of_ours(script, runtime, path):
    editor, before = script("editor"), tags(runtime)
    for place in PLACES:
        for junk in JUNK:
            body = {"values": {"name": None}, "action": "edit", "keys": ["1"], place: junk}
            answer = editor.post(f"/records/{path}", body)
            assert answer.status_code < 500, (body, answer.text)
            assert answer.status_code == 200 or answer.json["error"]["code"]
    assert path == "Tag/1/delete" or tags(runtime) == before


@pytest.mark.parametrize("path", PATHS)
def test_no_form_is_a_mistake_of_ours(browser_client, path):
    names = ["values.x", "values.name", "null.name", "base.name", "base-null.name", "default.name", "settle.name",
             "find-in", "make-in", "back", "for", "q.name", "by-enter", "file.name", "keys", "keys[]", "all",
             "confirmed", "action", "stage", "from", "resolve.x"]  # fmt: skip
    for name in names:
        for text in ("", "x", "\0", "1", "é" * 300):
            answer = browser_client.post(f"/records/{path}", **{name: text})
            assert answer.status_code < 500, (name, text, answer.text[:500])


@pytest.mark.parametrize(
    "path",
    ["Tag/~/new?from=0", "Tag/~/new?from=~", "Tag/~/new?values.name=%00&back=//x", "Tag/0/edit", "Tag/1/edit?null.x=1",
     "Tag/~/lookup?q=%00", "Tag/~/export?format=", "Tag/~/export?f.x.y=1", "Tag/1/file/name", "Tag/1/file/x",
     "Tag/~/import?x=1", "Tag/~/bulk", "Nothing/~/new", "Nothing/~/export", "Tag/1,2/delete", "Tag/~/nothing"],
)  # fmt: skip
def test_no_address_is_a_mistake_of_ours(script, browser_client, path):
    for answer in (script("editor").get(f"/records/{path}"), browser_client.get(f"/records/{path}")):
        assert answer.status_code < 500, answer.text[:500]


@pytest.mark.parametrize("mode", ["", "x", "insert", "upsert"])
@pytest.mark.parametrize("form", ["", "x", "csv", "json", "jsonl"])
def test_no_file_is_a_mistake_of_ours(script, mode, form):
    editor = script("editor")
    for content in (
        b"",
        b"\0",
        b"\xff\xfe",
        b"name\n\0\n",
        b"[",
        b"[[]]",
        b"{}",
        b'{"name": {}}\n',
        b"id\n1\n",
        b"'\n",
    ):
        data = {"file": (io.BytesIO(content), "f.csv"), "mode": mode, "format": form, "dry_run": "1"}
        answer = editor.client.post("/records/Tag/~/import", data=data, headers=editor.headers)
        assert answer.status_code < 500, (content, answer.text[:500])
    for mimetype in ("text/csv", "application/x-ndjson", "application/json", "text/plain", ""):
        answer = editor.client.post(
            "/records/Tag/~/import", data=b"\xff", headers=editor.headers, content_type=mimetype
        )
        assert 400 <= answer.status_code < 500, (mimetype, answer.text)
