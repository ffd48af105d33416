"""Every bound: past it stands the contract's error, and nothing was changed. One table."""

from __future__ import annotations

import html
import io
import re
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import pytest

from dashboard.app import DEMO_FILE
from dashboard.config import table
from dashboard.refusal import STATUS_OF_CODE
from tests.pages.conftest import Script

NEW = {"model": "Author", "values": {"name": "One more"}}


class File(dict):
    """A form with a file, which is read anew each time it is sent."""

    def __init__(self):
        super().__init__(dry_run="1")

    def fields(self):
        return {**self, "file": (io.BytesIO(b"name\n" + b"x" * 300 + b"\n"), "authors.csv")}


FILE = File()


@dataclass(frozen=True)
class Row:
    """setting: with the bound, set to `value`. method, path, given: past it. first: what is sent before, within it."""

    setting: str
    value: str
    code: str
    method: str
    path: str
    given: Any = None
    first: tuple[tuple[str, str, Any], ...] = ()

    def __str__(self) -> str:
        return self.setting or self.path[:40]


MANY = {f"c{n}": 1 for n in range(1_001)}
MANY_FIELDS = {"model": "Author", **{f"values.c{n}": "1" for n in range(1_001)}}
EVE = {"name": "eve", "role": "viewer"}
LARGE = {"model": "Book", "values": {"title": "x" * 190, "summary": "y" * 3_000}}
OBJECTS = "/workspaces/w/objects/"
ANOTHER = (OBJECTS, NEW, (("POST", OBJECTS, NEW),))
TWO = tuple(("POST", OBJECTS, {"model": "Author", "values": {"name": letter * 70}}) for letter in "xy")
GUESS = ("/login", {"username": "ada", "password": "guess"})
REVIEWED = (("GET", "/workspaces/w/review", None),)
DEEP_WHERE = '{"and":[{"or":[{"not":{"name":{"eq":"x"}}}]}]}'
TWO_TERMS = "f.name.eq=a&f.name.eq=b&f.name.eq=c"
ROWS = (
    # what is sent
    Row("DASHBOARD_REQUEST_BYTES", "500", "too_large", "POST", "/workspaces/", {"name": "x" * 600}),
    Row("DASHBOARD_REQUEST_BYTES", "500", "too_large", "POST", "/records/Author/", {"values": {"name": "x" * 600}}),
    Row("DASHBOARD_REQUEST_BYTES", "500", "too_large", "POST", "/login", {"username": "x" * 600}),
    Row("DASHBOARD_REQUEST_BYTES", "500", "too_large", "FORM", "/records/Author/~/import", {"rows": "x" * 600}),
    Row("DASHBOARD_IMPORT_BYTES", "200", "too_large", "FILE", "/records/Author/~/import", FILE),
    Row("", "", "not_understood", "POST", "/workspaces/w/objects/", {"model": "Author", "values": MANY}),
    Row("", "", "not_understood", "FORM", "/workspaces/w/objects/", MANY_FIELDS),
    Row("", "", "not_understood", "RAW", "/workspaces/w/commit", b'{"a":' * 200 + b"1" + b"}" * 200),
    # names
    Row("", "", "invalid", "POST", "/workspaces/", {"name": "x" * 65}),
    Row("", "", "invalid", "POST", "/accounts/", {"name": "x" * 101, "role": "viewer", "password": "long enough"}),
    Row("", "", "invalid", "POST", "/accounts/tokens/", {"name": "x" * 101, "role": "viewer"}),
    Row("DASHBOARD_PASSWORD_CHARACTERS", "12", "invalid", "POST", "/accounts/", {**EVE, "password": "x" * 11}),
    Row("DASHBOARD_ACCOUNTS", "1", "too_large", "POST", "/accounts/", {**EVE, "password": "long enough"}),
    Row("DASHBOARD_TOKENS", "1", "too_large", "POST", "/accounts/tokens/", {"name": "ci", "role": "viewer"}),
    # what a list is asked
    Row("DASHBOARD_FILTER_DEPTH", "2", "not_understood", "GET", f"/records/Author/?where={DEEP_WHERE}"),
    Row("DASHBOARD_FILTER_TERMS", "2", "not_understood", "GET", f"/records/Author/?{TWO_TERMS}"),
    Row("DASHBOARD_FILTER_TERMS", "2", "invalid", "GET", "/records/Author/?f.name.in=a&f.name.in=b&f.name.in=c"),
    Row("DASHBOARD_SEARCH_CHARACTERS", "5", "invalid", "GET", "/records/Author/?q=" + "x" * 6),
    Row("DASHBOARD_RECORDS_ROWS_MOST", "10", "not_understood", "GET", "/records/Author/?size=11"),
    Row("DASHBOARD_STREAM_TOPICS", "1", "not_understood", "GET", "/stream/now?topics=overview,pools"),
    # what a workspace holds
    Row("DASHBOARD_WORKSPACES", "1", "too_large", "POST", "/workspaces/", {"name": "second"}),
    Row("DASHBOARD_WORKSPACE_OBJECTS", "1", "too_large", "POST", *ANOTHER),
    Row("DASHBOARD_WORKSPACE_BYTES", "2000", "too_large", "POST", "/workspaces/w/objects/", LARGE),
    Row("DASHBOARD_CHANGE_SET_BYTES", "300", "too_large", "POST", "/workspaces/w/commit", {}, TWO),
    Row("DASHBOARD_BULK_ROWS", "2", "too_large", "POST", "/records/Author/~/bulk", {"action": "delete", "all": 1}),
    # how often
    Row("DASHBOARD_HEAVY_REQUESTS", "1", "throttled", "GET", "/records/Tag/~/export", None, REVIEWED),
    Row("DASHBOARD_SIGN_IN_TRIES", "1", "throttled", "BROWSER", *GUESS, (("BROWSER", *GUESS),)),
)  # fmt: skip


class Sender:
    def __init__(self, app):
        self.app, self.admin, self.browser = app, Script(app, "admin"), app.test_client()

    def send(self, method, path, given, accept="application/json"):
        client, headers = self.admin.client, {**self.admin.headers, "Accept": accept}
        if method == "GET":
            return client.get(path, headers=headers)
        if method == "BROWSER":
            from tests.pages.conftest import token_in

            csrf = token_in(self.browser.get(path).text)
            return self.browser.post(path, data={**given, "csrf": csrf})
        if method == "RAW":
            return client.post(path, data=given, headers={**headers, "Content-Type": "application/json"})
        if method in ("FORM", "FILE"):
            return client.post(path, data=given.fields() if method == "FILE" else given, headers=headers)
        return client.post(path, json=given, headers=headers)


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_past_its_bound_each_request_gets_its_error_and_changes_nothing(make_app, row):
    app = make_app(**({row.setting: row.value} if row.setting else {}))
    sender = Sender(app)
    if row.setting != "DASHBOARD_REQUEST_BYTES":
        assert sender.send("POST", "/workspaces/", {"name": "w"}).status_code == 201
    for method, path, given in row.first:
        assert sender.send(method, path, given).status_code in (200, 201, 422), path
    runtime = app.extensions["poolhouse"]
    with closing(sqlite3.connect(runtime.config.instance / DEMO_FILE)) as data:
        before = state(data, runtime)
        answer = sender.send(row.method, row.path, row.given)
        assert answer.status_code == STATUS_OF_CODE[row.code], answer.text[:500]
        if row.method != "BROWSER":
            error = answer.json["error"]
            assert error["code"] == row.code
            if error["code"] == "too_large" and row.setting.endswith(("REQUEST_BYTES", "IMPORT_BYTES")):
                assert row.setting in error["message"]
            page = sender.send(row.method, row.path, row.given, accept="text/html")
            assert (page.status_code, page.mimetype) == (answer.status_code, "text/html")
            assert said_on(page, error), page.text
        assert state(data, runtime) == before


def said_on(page, error):
    """The page says what the JSON says, somewhere: at the field, or as a whole."""
    text = " ".join(html.unescape(re.sub(r"<[^>]*>", " ", page.text)).split())
    sentences = [error["message"], *error["fields"].values()]
    return any(" ".join(each.split()) in text for each in sentences if each)


def state(data, runtime):
    with runtime.store.reading() as store:
        kept = [store.exec_driver_sql(f"SELECT * FROM poolhouse_{name}").all() for name in ("account", "change_set")]
        objects = store.exec_driver_sql(
            "SELECT workspace, number, version, image FROM poolhouse_workspace_object"
        ).all()
    return data.execute("PRAGMA data_version").fetchone(), kept, objects


def test_a_form_with_files_takes_as_long_a_text_as_any_other(make_app):
    editor = Script(make_app(), "editor")
    part = 'Content-Disposition: form-data; name="values.summary"\r\n\r\n' + "y" * 900_000
    sent = {"data": f"--b\r\n{part}\r\n--b--\r\n", "content_type": "multipart/form-data; boundary=b"}
    answer = editor.client.post("/records/Book/1", headers=editor.headers, **sent)
    assert answer.status_code == 200, answer.text
    assert len(editor.get("/records/Book/1").json["values"]["summary"]) == 900_000


def test_a_query_is_stopped_when_its_time_is_over(make_app, tmp_path):
    file = tmp_path / "slow.db"
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("CREATE TABLE a (id INTEGER PRIMARY KEY, name TEXT)")
        connection.execute(
            "CREATE VIEW endless AS WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n LIMIT 1000000000) "
            "SELECT x FROM n"
        )
        connection.commit()
    viewer = Script(make_app(DATABASE_URL=f"sqlite:///{file}", DASHBOARD_RECORDS_SECONDS="0.3"), "viewer")
    answer = viewer.get("/records/endless/?f.x.isnull=true")
    assert (answer.status_code, answer.json["error"]["code"]) == (503, "overloaded"), answer.text


def test_no_bound_can_be_switched_off():
    for setting in table():
        if setting.bound:
            for value in ("-1", "none", "1e99"):
                with pytest.raises(ValueError):
                    setting.read(value)
