"""Bad input gets the answer of the contract and changes nothing: neither the workspace, nor the list, nor a row."""

from __future__ import annotations

import http.client
import json
import re
import sqlite3
import urllib.parse
from contextlib import closing
from dataclasses import dataclass

import pytest

from tests.journeys.desk import Desk
from tests.journeys.server import Answer

LONG = "x" * 10_000
LONG_LINE = "x" * 3_900
"""In an address; gunicorn itself takes a request's line up to 4,094 characters."""
DEEP = b'{"values": ' + b"[" * 100_000 + b"]" * 100_000 + b"}"


@dataclass(frozen=True)
class House:
    """A running server, a workspace with an object in every state that holds no connection, and all its rows."""

    server: object
    token: str
    desk: Desk
    watcher: sqlite3.Connection
    rows: list

    @property
    def name(self):
        return self.desk.name

    def send(self, method, path, body=None, **headers):
        """One request, the path sent as it stands. body: bytes as they are, anything else as JSON."""
        sent = {"Accept": "application/json", "Authorization": f"Bearer {self.token}"}
        if body is not None:
            sent["Content-Type"] = "application/json"
            body = body if isinstance(body, bytes) else json.dumps(body).encode()
        sent = {key: value for key, value in {**sent, **headers}.items() if value is not None}
        connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=30)
        with closing(connection):
            connection.request(method, path, body, sent)
            answer = connection.getresponse()
            return Answer(answer.status, answer.headers, answer.read())

    def everything(self):
        workspace = self.desk.get()
        listed = self.server.request("GET", "/workspaces/", token=self.token).json["workspaces"]
        return workspace, listed, self.watcher.execute("PRAGMA data_version").fetchone()


def rows_of(watcher):
    tables = [name for (name,) in watcher.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY 1")]
    return [watcher.execute(f'SELECT * FROM "{table}"').fetchall() for table in tables]


@pytest.fixture(scope="module")
def house(poolhouse_server):
    server = poolhouse_server(settings={"DASHBOARD_DEMO": "off"})
    token = server.token("editor")
    desk = Desk(server, token)
    desk.new("User", name="Ada", email="ada@bad.input")
    desk.new("Author", name="Jane", add=False)
    desk.do("values", desk.load("Book", "1"), values={"title": "Changed"})
    desk.do("expire", desk.load("Book", "2"))
    desk.do("expunge", desk.load("Tag", "1"))
    desk.do("delete", desk.load("Tag", "2"))
    with closing(sqlite3.connect(server.instance / "demo.db", isolation_level=None)) as watcher:
        rows = rows_of(watcher)
        yield House(server, token, desk, watcher, rows)
        assert rows_of(watcher) == rows
    assert "Traceback" not in server.output()
    assert "failed" not in server.output()


def refused(house, before, answer, status, code):
    """The answer is the contract's, and nothing changed. Answers what was said."""
    assert answer.status == status, answer.text
    said = answer.json
    assert list(said) == ["error"]
    assert {"code", "message", "fields", "remedy"} <= set(said["error"])
    assert said["error"]["code"] == code
    assert len(answer.body) < 2_000
    assert house.everything() == before
    return said["error"]


# what is sent to the verbs of a workspace

NOT_JSON = [
    b"",
    b"[]",
    b"null",
    b'"text"',
    b"7",
    b"{",
    b"{'a': 1}",
    b"\x00",
    b"\xff\xfe",
    b'{"model": "\xff"}',
    b'{"model": "User", "model": "Book", "values": {}}',
    b'{"model": "User", "values": {"name": "a", "name": "b"}}',
    b'{"a":' * 500 + b"1" + b"}" * 500,
    DEEP,
    b'{"model": "User", "values": {"points": ' + b"9" * 5_000 + b"}}",
]
OBJECTS = [
    ({}, 400, "not_understood"),
    ({"model": 3}, 400, "not_understood"),
    ({"model": None, "values": {}}, 400, "not_understood"),
    ({"model": ["User"], "values": {}}, 400, "not_understood"),
    ({"model": {"User": 1}, "values": {}}, 400, "not_understood"),
    ({"model": "Nothing", "values": {}}, 404, "not_found"),
    ({"model": "user", "values": {}}, 404, "not_found"),
    ({"model": "book_tag", "values": {}}, 404, "not_found"),
    ({"model": "../User", "values": {}}, 404, "not_found"),
    ({"model": "User\0", "values": {}}, 404, "not_found"),
    ({"model": "\ud800", "values": {}}, 404, "not_found"),
    ({"model": LONG, "values": {}}, 404, "not_found"),
    ({"model": "__class__", "values": {}}, 404, "not_found"),
    ({"model": "User", "values": []}, 400, "not_understood"),
    ({"model": "User", "values": [["name", "x"]]}, 400, "not_understood"),
    ({"model": "User", "values": "name"}, 400, "not_understood"),
    ({"model": "User", "values": None}, 400, "not_understood"),
    ({"model": "User", "values": {f"c{n}": 1 for n in range(1_001)}}, 400, "not_understood"),
    ({"model": "User", "values": {}, "add": "perhaps"}, 400, "not_understood"),
    ({"model": "User", "values": {}, "add": [True]}, 400, "not_understood"),
    ({"model": "User", "values": {}, "add": 2}, 400, "not_understood"),
    ({"model": "User", "values": {"nothing": 1}}, 422, "invalid"),
    ({"model": "User", "values": {"": 1}}, 422, "invalid"),
    ({"model": "User", "values": {"metadata": 1}}, 422, "invalid"),
    ({"model": "User", "values": {"__class__": "User"}}, 422, "invalid"),
    ({"model": "User", "values": {"_sa_instance_state": None}}, 422, "invalid"),
    ({"model": "User", "values": {"name\0": "x"}}, 422, "invalid"),
    ({"model": "User", "values": {"\ud800": "x"}}, 422, "invalid"),
    ({"model": "User", "values": {LONG: "x"}}, 422, "invalid"),
]
VALUES = [  # model, column, a value that does not fit it
    *[("User", "name", value) for value in (None, 3, 1.5, True, [], ["x"], {}, {"a": 1}, "a\0b", "\ud800", LONG)],
    *[("User", "points", value) for value in (None, "", "many", 1.5, "1.5", True, [1], {}, 2**63, -(2**63) - 1)],
    *[("User", "points", value) for value in (float("nan"), float("inf"), 1e300, 10**4000, "9" * 10_000, "١")],
    *[("User", "newsletter", value) for value in (None, "", "perhaps", 1, 0, [], {})],
    *[("User", "role", value) for value in (None, "", "Reader", "owner", 1, ["reader"], {}, "reader\0")],
    *[("User", "born", value) for value in ("", "today", "2026-02-30", "2026-1-1", 20260101, True, [], {})],
    *[("User", "call_after", value) for value in ("", "25:00", "noon", 12, [], {})],
    *[("User", "joined_at", value) for value in (None, "", "now", "2026-01-01", "2026-01-01T00:00:00", 0, [], {})],
    *[("User", "member", value) for value in (None, "", "x", 7, "0" * 31, [], {}, LONG)],
    *[("User", "settings", value) for value in ([], {}, {"theme": "dark"}, 3, "{", {"json": 1, "x": 2})],
    *[("User", "settings", {"json": value}) for value in (float("nan"), "\ud800", {"a": "\ud800"}, {"\ud800": 1})],
    ("User", "settings", {"json": json.loads("[" * 120 + "]" * 120)}),
    *[("Book", "price", value) for value in (None, "", "cheap", "1.234", "1e12", float("nan"), "NaN", "Infinity", [])],
    *[("Book", "weight", value) for value in ("", "heavy", float("nan"), "NaN", True, [], {}, "1e999")],
    *[("Book", "pages", value) for value in (2**63, "", "-", 0.5)],
    *[("Book", "reading_time", value) for value in ("", "PT", "2 hours", 7, "P1Y", [], {})],
    *[("Book", "cover", value) for value in (3, "\0", {"base64": "!"}, {"base64": 3}, {"hex": "00"}, ["AA=="])],
    *[("Book", "version", value) for value in (1, None, "x")],
    *[("Book", "author_id", value) for value in (None, "", "x", [1], {"a": 1}, True)],
    *[("Book", "author", value) for value in ("99,1", "x", "../1", "1\0", "\ud800", LONG, "Author:9", "Book:1")],
    *[("Book", "author", value) for value in (["1"], {"key": 1}, True, 1.5, 10**30)],
    *[("Book", "tags", value) for value in ({"1": 2}, 3, True, [[1]], [{}], ["x"], ["Tag:9"], ["Author:new-1"])],
    *[("Book", "tags", value) for value in ([LONG], ["1\0"], ["1"] * 1_001)],
]
LOADS = [
    ({}, 400, "not_understood"),
    ({"model": "Book"}, 400, "not_understood"),
    ({"key": "1"}, 400, "not_understood"),
    ({"model": "Book", "key": ""}, 400, "not_understood"),
    ({"model": "Book", "key": ["1"]}, 400, "not_understood"),
    ({"model": "Book", "key": {"id": 1}}, 400, "not_understood"),
    ({"model": "Book", "key": None}, 400, "not_understood"),
    ({"model": "Book", "key": True}, 400, "not_understood"),
    ({"model": "Nothing", "key": "1"}, 404, "not_found"),
    ({"model": "Book", "key": "one"}, 404, "not_found"),
    ({"model": "Book", "key": "1,1"}, 404, "not_found"),
    ({"model": "OrderLine", "key": "1"}, 404, "not_found"),
    ({"model": "OrderLine", "key": "1,1,1"}, 404, "not_found"),
    ({"model": "OrderLine", "key": "1,"}, 404, "not_found"),
    ({"model": "Book", "key": "01"}, 404, "not_found"),
    ({"model": "Book", "key": "+1"}, 404, "not_found"),
    ({"model": "Book", "key": "~31"}, 404, "not_found"),
    ({"model": "Book", "key": "~"}, 404, "not_found"),
    ({"model": "Book", "key": "~0"}, 404, "not_found"),
    ({"model": "Book", "key": "~00"}, 404, "not_found"),
    ({"model": "Book", "key": "1\0"}, 404, "not_found"),
    ({"model": "Book", "key": "\ud800"}, 404, "not_found"),
    ({"model": "Book", "key": "../../etc/passwd"}, 404, "not_found"),
    ({"model": "Book", "key": LONG}, 404, "not_found"),
    ({"model": "Book", "key": "9" * 4_000}, 404, "not_found"),
    ({"model": "Book", "key": "1 OR 1=1"}, 404, "not_found"),
]
MODIFY = [
    ({"values": []}, 400, "not_understood"),
    ({"values": {"title": "New"}, "base": []}, 400, "not_understood"),
    ({"values": {"title": "New"}, "base": "title"}, 400, "not_understood"),
    ({"values": {"nothing": 1}}, 422, "invalid"),
    ({"values": {"title": 3}}, 422, "invalid"),
    ({"values": {"title": "New"}, "base": {"title": "Another"}}, 409, "conflict"),
    ({"values": {"title": "New"}, "base": {"price": "0.01"}}, 409, "conflict"),
    ({"values": {"title": "New"}, "base": {"title": {"a": 1}}}, 422, "invalid"),
    ({"values": {"title": "New"}, "base": {"title": [1]}}, 422, "invalid"),
    ({"values": {"title": "New"}, "base": {"details": {"base64": "!"}}}, 422, "invalid"),
]
VERSIONS = [
    *[(version, 409, "stale") for version in (0, 1, "1", 10**17)],
    *[(version, 400, "not_understood") for version in (-1, 1.0, "1.0", True, [1], {"a": 1}, "x", "²", "١", 10**30)],
]


def shown(case):
    return re.sub(r"[^ -~]|[\[\]]", "?", str(case))[:60]


@pytest.mark.parametrize("body", NOT_JSON, ids=shown)
@pytest.mark.parametrize(
    "path", ["objects/", "load", "flush", "commit", "objects/Book:1/values", "objects/Book:1/delete"]
)
def test_a_body_that_is_no_json_object(house, path, body):
    before = house.everything()
    answer = house.send("POST", f"/workspaces/{house.name}/{path}", body)
    refused(house, before, answer, 400, "not_understood")


@pytest.mark.parametrize("body, status, code", OBJECTS, ids=shown)
def test_a_new_object(house, body, status, code):
    before = house.everything()
    refused(house, before, house.send("POST", f"/workspaces/{house.name}/objects/", body), status, code)


@pytest.mark.parametrize("model, column, value", VALUES, ids=shown)
def test_a_value_that_does_not_fit_its_column(house, model, column, value):
    """It is named at its field, for a new object and for one that is there."""
    before = house.everything()
    ref = "User:new-1" if model == "User" else "Book:1"
    for path, body in (("objects/", {"model": model}), (f"objects/{ref}/values", {})):
        body = {**body, "values": {column: value}}
        error = refused(house, before, house.send("POST", f"/workspaces/{house.name}/{path}", body), 422, "invalid")
        assert list(error["fields"]) == [column]
        assert error["remedy"]


@pytest.mark.parametrize("column", ["author", "tags"])
def test_a_related_record_that_is_not_there(house, column):
    """Only the database knows that: the question stands on the tape, and nothing else is changed."""
    workspace, listed, version = house.everything()
    value = -1 if column == "author" else ["1", "999999"]
    answer = house.send("POST", f"/workspaces/{house.name}/objects/Book:1/values", {"values": {column: value}})
    assert (answer.status, answer.json["error"]["code"]) == (422, "invalid")
    assert list(answer.json["error"]["fields"]) == [column]
    after, listed_after, version_after = house.everything()
    asked = after["tape"][-1]
    assert asked["error"]["code"] == "invalid"
    assert all(each["sql"].startswith("SELECT") for each in asked["statements"])
    assert {**after, "tape": None} == {**workspace, "tape": None}
    assert [w["version"] for w in listed_after] == [w["version"] for w in listed]
    assert version_after == version


@pytest.mark.parametrize("body, status, code", LOADS, ids=shown)
def test_a_load(house, body, status, code):
    before = house.everything()
    refused(house, before, house.send("POST", f"/workspaces/{house.name}/load", body), status, code)


@pytest.mark.parametrize("key", ["999999", "-1", "0"])
def test_a_load_of_what_is_not_there(house, key):
    workspace, *_ = house.everything()
    answer = house.send("POST", f"/workspaces/{house.name}/load", {"model": "Book", "key": key})
    assert (answer.status, answer.json["error"]["code"]) == (404, "not_found")
    after, *_ = house.everything()
    assert {**after, "tape": None} == {**workspace, "tape": None}
    assert after["tape"][-1]["statements"]


@pytest.mark.parametrize("body, status, code", MODIFY, ids=shown)
def test_a_modification(house, body, status, code):
    before = house.everything()
    refused(house, before, house.send("POST", f"/workspaces/{house.name}/objects/Book:1/values", body), status, code)


@pytest.mark.parametrize("version, status, code", VERSIONS, ids=shown)
@pytest.mark.parametrize("path", ["flush", "commit", "discard", "objects/", "objects/Book:1/expunge"])
def test_a_version(house, path, version, status, code):
    before = house.everything()
    body = {"model": "User", "values": {"name": "x", "email": "x@y"}, "version": version}
    refused(house, before, house.send("POST", f"/workspaces/{house.name}/{path}", body), status, code)


@pytest.mark.parametrize(
    "attribute, status, code",
    [
        *[(attribute, 400, "not_understood") for attribute in (None, "", 3, ["title"], {"title": 1}, True)],
        *[(attribute, 422, "invalid") for attribute in ("nothing", "__class__", "metadata", "title\0", "\ud800", LONG)],
    ],
    ids=shown,
)
def test_an_attribute_to_read(house, attribute, status, code):
    before = house.everything()
    answer = house.send("POST", f"/workspaces/{house.name}/objects/Book:1/read", {"attribute": attribute})
    refused(house, before, answer, status, code)


@pytest.mark.parametrize(
    "note, status, code",
    [
        *[(note, 400, "not_understood") for note in (3, [1], {"a": 1}, True)],
        *[(note, 422, "invalid") for note in ("a\0b", "\ud800", LONG)],
    ],
    ids=shown,
)
def test_the_note_of_a_commit_is_looked_at_before_the_commit(house, note, status, code):
    before = house.everything()
    refused(house, before, house.send("POST", f"/workspaces/{house.name}/commit", {"note": note}), status, code)


FORBIDDEN = {
    "User:new-1": ("add", "read", "expire", "refresh", "delete", "make-transient", "drop"),  # pending
    "Author:new-1": ("read", "expire", "refresh", "expunge", "delete", "make-transient"),  # transient
    "Book:1": ("add", "make-transient", "drop"),  # persistent and modified
    "Book:2": ("add", "make-transient", "drop"),  # persistent and expired
    "Tag:1": ("expire", "refresh", "expunge", "delete", "drop"),  # detached
    "Tag:2": ("values", "read", "expire", "refresh", "delete", "merge", "make-transient", "drop"),  # marked-deleted
}


@pytest.mark.parametrize("ref, verb", [(ref, verb) for ref, verbs in FORBIDDEN.items() for verb in verbs])
def test_a_verb_that_the_state_forbids(house, ref, verb):
    before = house.everything()
    body = {"attribute": "title", "values": {}}
    error = refused(
        house, before, house.send("POST", f"/workspaces/{house.name}/objects/{ref}/{verb}", body), 409, "wrong_state"
    )
    assert ref in error["message"]
    assert error["remedy"]


# where it is sent

VERBS = [
    "nothing",
    "__init__",
    "FLUSH",
    "..",
    "%2e%2e",
    "%00",
    "flush%00",
    "values",
    "expire",
    "review",
    LONG_LINE,
    "objects/Book:1/nothing",
    "objects/Book:1/flush",
    "objects/Book:1/commit",
    "objects/Book:1/discard",
    "objects/Book:1/objects",
    "objects/Book:1/load",
    "objects/Book:1/%00",
    "objects/Book:1/..",
    "objects/Book:1/" + LONG_LINE,
    "objects/Book:1/",
    "objects/Book:1",
    "objects/Book:9/values",
    "objects/book:1/values",
    "objects/1/values",
    "objects/%00/values",
    "objects/Book:1%00/values",
    "objects/../values",
    "objects/%2e%2e%2f%2e%2e/values",
    "objects/Book%2F1/values",
    "objects/%ff/values",
    "objects/" + LONG_LINE + "/values",
    "objects//values",
    "flush/",
    "flush/flush",
    "/flush",
]


@pytest.mark.parametrize("path", VERBS, ids=shown)
def test_a_verb_or_a_ref_that_is_none(house, path):
    before = house.everything()
    body = {"values": {"title": "x"}, "model": "User", "key": "1"}
    refused(house, before, house.send("POST", f"/workspaces/{house.name}/{path}", body), 404, "not_found")


NAMES = [
    "nothing",
    "..",
    "%2e%2e",
    "..%2f..",
    "a%2Fb",
    "a%00b",
    "%00",
    "%ff",
    "%ed%a0%80",
    LONG_LINE,
    "~",
    "'",
    "%0a",
    "W",
]


@pytest.mark.parametrize("name", NAMES, ids=shown)
def test_a_workspace_that_is_none(house, name):
    before = house.everything()
    refused(house, before, house.send("GET", f"/workspaces/{name}/"), 404, "not_found")
    for path in ("flush", "discard", "objects/", "objects/Book:1/values", "load"):
        answer = house.send("POST", f"/workspaces/{name}/{path}", {"model": "User", "values": {}, "key": "1"})
        refused(house, before, answer, 404, "not_found")


@pytest.mark.parametrize(
    "query", ["new=Nothing", "new=%00", "new=" + LONG_LINE, "edit=x", "edit=%ff", "edit=../x"], ids=shown
)
def test_a_form_that_there_is_not(house, query):
    before = house.everything()
    refused(house, before, house.send("GET", f"/workspaces/{house.name}/?{query}"), 404, "not_found")


def test_an_address_past_the_server_s_own_bound(house):
    before = house.everything()
    for path in (
        f"/workspaces/{LONG}/",
        f"/workspaces/{house.name}/{LONG}",
        f"/workspaces/{house.name}/objects/{LONG}/add",
    ):
        assert house.send("POST", path, {}).status == 414
    assert house.everything() == before


OPEN = [
    *[
        ({"name": name}, 422, "invalid")
        for name in (None, "", "../x", "..", "a/b", "a\0b", LONG, "x" * 65, "-x", ".x", "é", "a\n", " a", "\ud800", 3)
    ],
    *[({"name": name}, 422, "invalid") for name in (["a"], {"a": 1}, True)],
    ({}, 422, "invalid"),
    ({"name": "a", "database": "elsewhere"}, 404, "not_found"),
    ({"name": "a", "database": "\ud800"}, 404, "not_found"),
    ({"name": "a", "database": "../demo.db"}, 404, "not_found"),
    ({"name": "a", "database": LONG}, 404, "not_found"),
    *[({"name": "a", "database": value}, 400, "not_understood") for value in ([], {}, 1, False, ["default"])],
    *[({"name": "a", key: [1]}, 400, "not_understood") for key in ("autoflush", "expire_on_commit", "sandbox")],
    *[({"name": "a", key: "maybe"}, 400, "not_understood") for key in ("autoflush", "expire_on_commit", "sandbox")],
    ({"name": "a", "version": "x"}, 400, "not_understood"),
]


@pytest.mark.parametrize("body, status, code", OPEN, ids=shown)
def test_a_workspace_is_not_opened(house, body, status, code):
    before = house.everything()
    refused(house, before, house.send("POST", "/workspaces/", body), status, code)


def test_a_name_is_taken_once(house):
    before = house.everything()
    refused(house, before, house.send("POST", "/workspaces/", {"name": house.name}), 409, "taken")


# how it is sent


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "TRACE"])
@pytest.mark.parametrize(
    "path, allowed",
    [
        ("/", "GET"),
        ("/workspaces/", "GET, POST"),
        ("/workspaces/{name}/", "GET"),
        ("/workspaces/{name}/flush", "POST"),
        ("/workspaces/{name}/objects/", "POST"),
        ("/workspaces/{name}/objects/Book:1/delete", "POST"),
        ("/pools/", "GET"),
        ("/sessions/", "GET"),
        ("/metrics", "GET"),
        ("/healthz", "GET"),
        ("/login", "GET, POST"),
        ("/static/base.css", "GET"),
    ],
)
def test_a_method_that_a_page_does_not_take(house, method, path, allowed):
    before = house.everything()
    answer = house.send(method, path.format(name=house.name))
    refused(house, before, answer, 405, "method_not_allowed")
    assert answer.headers["Allow"] == allowed


@pytest.mark.parametrize("path", ["/", "/pools/", "/sessions/", "/workspaces/{name}/", "/metrics", "/static/base.css"])
def test_a_post_to_a_page_that_is_only_read(house, path):
    before = house.everything()
    refused(house, before, house.send("POST", path.format(name=house.name), {}), 405, "method_not_allowed")


@pytest.mark.parametrize("verb", ["flush", "commit", "discard", "objects/", "load", "objects/Book:1/delete"])
def test_a_get_of_a_verb_does_nothing(house, verb):
    before = house.everything()
    refused(house, before, house.send("GET", f"/workspaces/{house.name}/{verb}"), 405, "method_not_allowed")
    answer = house.send("HEAD", f"/workspaces/{house.name}/{verb}")
    assert (answer.status, answer.body) == (405, b"")
    assert house.everything() == before


def test_a_method_that_nobody_knows(house):
    before = house.everything()
    for path in ("/", f"/workspaces/{house.name}/flush", "/nowhere"):
        assert house.send("BREW", path).status == 405
    assert house.everything() == before


@pytest.mark.parametrize("path", ["/workspaces/", "/workspaces/{name}/", "/", "/pools/", "/sessions/", "/healthz"])
def test_a_head_is_a_get_without_its_body(house, path):
    answer = house.send("HEAD", path.format(name=house.name))
    assert (answer.status, answer.body) == (200, b"")


@pytest.mark.parametrize("path", ["/workspaces", "/workspaces/{name}", "/pools", "/sessions"])
def test_a_missing_slash_at_the_end_is_added(house, path):
    path = path.format(name=house.name)
    answer = house.send("GET", path)
    assert answer.status == 308
    assert urllib.parse.urlsplit(answer.headers["Location"]).path == path + "/"


def test_a_missing_slash_of_a_post_is_added_and_nothing_done_before(house):
    before = house.everything()
    for path in ("/workspaces", f"/workspaces/{house.name}/objects"):
        answer = house.send("POST", path, {"name": "a", "model": "User", "values": {}})
        assert answer.status == 308
        assert urllib.parse.urlsplit(answer.headers["Location"]).path == path + "/"
    assert house.everything() == before


@pytest.mark.parametrize(
    "path",
    [
        "/nowhere",
        "/workspaces//",
        "/pools/nothing",
        "/pools/%00",
        "/pools/../../etc/passwd",
        "/sessions/x",
        "/%00",
        "/%ff",
        "/static/",
        "/static/nothing.css",
        "/static/../base.css",
        "/static/%2e%2e/%2e%2e/wsgi.py",
        "/static/a%00b",
        "/link/x",
        "/link/%00",
        "/" + LONG_LINE,
        "/static/" + LONG_LINE,
        "/%2e%2e/%2e%2e/etc/passwd",
        "/wsgi.py",
        "/instance/store.db",
    ],
    ids=shown,
)
def test_a_page_that_is_not_there(house, path):
    before = house.everything()
    refused(house, before, house.send("GET", path), 404, "not_found")
    refused(house, before, house.send("PUT", "/nowhere"), 404, "not_found")


@pytest.mark.parametrize(
    "content_type",
    ["text/plain", "text/xml", "application/octet-stream", "", "x", "application/jsonp", "\xff", None],
    ids=shown,
)
def test_a_body_of_another_type(house, content_type):
    before = house.everything()
    body = b'{"model": "User", "values": {"name": "x", "email": "x@y"}}'
    answer = house.send("POST", f"/workspaces/{house.name}/objects/", body, **{"Content-Type": content_type})
    refused(house, before, answer, 400, "not_understood")


@pytest.mark.parametrize(
    "content_type, body",
    [
        ("multipart/form-data", b"--x\r\n"),
        ("multipart/form-data; boundary=x", b"--x\r\nContent-Disposition: form-data; name=model\r\n\r\nUs"),
        ("multipart/form-data; boundary=" + "x" * 500, b"--x--"),
        ("application/x-www-form-urlencoded", b"%ff%fe&==&;&model"),
        ("application/x-www-form-urlencoded", b"values.name=x&null.name=1"),
        ("application/x-www-form-urlencoded", b"\xff\x00\xfe"),
    ],
    ids=shown,
)
def test_a_form_that_is_broken(house, content_type, body):
    before = house.everything()
    answer = house.send("POST", f"/workspaces/{house.name}/objects/", body, **{"Content-Type": content_type})
    refused(house, before, answer, 400, "not_understood")


def test_a_body_past_the_bound(house):
    before = house.everything()
    for content_type in ("application/json", "application/x-www-form-urlencoded"):
        body = b'{"model": "' + b"x" * 1_000_001 + b'"}'
        answer = house.send("POST", f"/workspaces/{house.name}/objects/", body, **{"Content-Type": content_type})
        refused(house, before, answer, 413, "too_large")


@pytest.mark.parametrize(
    "headers",
    [
        {"Authorization": None},
        {"Authorization": "Bearer"},
        {"Authorization": "Bearer nonsense"},
        {"Authorization": "Bearer \xff"},
        {"Authorization": "Bearer " + LONG[:5_000]},
        {"Authorization": "Basic YWRtaW46YWRtaW4="},
        {"Authorization": None, "Cookie": "poolhouse=x"},
        {"Authorization": None, "Cookie": "poolhouse=eyJpZCI6IngifQ.x; poolhouse=\xff"},
    ],
    ids=shown,
)
def test_nobody_known(house, headers):
    before = house.everything()
    for path in ("/workspaces/", f"/workspaces/{house.name}/flush", f"/workspaces/{house.name}/discard"):
        answer = house.send("POST", path, {"name": "a"}, **headers)
        refused(house, before, answer, 401, "signed_out")
        assert answer.headers["WWW-Authenticate"] == "Bearer"


def test_odd_headers_are_read_as_if_they_were_not_there(house):
    odd = {
        "Accept": "application/json, \xff;;q=x",
        "Referer": "http://[",
        "HX-Target": "../x",
        "Accept-Language": "\xff",
    }
    assert house.send("GET", f"/workspaces/{house.name}/", **odd).status == 200
    assert house.send("GET", "/nowhere", **{**odd, "Accept": "text/html"}).status == 404


# the same from a browser: a form with a cookie, answered for a person


class Person:
    """A browser without JavaScript, signed in by a link of the command line."""

    def __init__(self, house):
        self.house, self.cookie = house, ""
        link = re.search(r"/link/\S+", house.server.command("link")).group()
        self.csrf = self._csrf(self.ask("GET", link))
        self.ask("POST", link, {"csrf": self.csrf})
        self.csrf = self._csrf(self.ask("GET", "/workspaces/"))

    def ask(self, method, path, form=None, **headers):
        headers = {"Accept": "text/html", "Authorization": None, "Cookie": self.cookie or None, **headers}
        if form is not None:
            headers["Content-Type"] = headers.get("Content-Type", "application/x-www-form-urlencoded")
        body = form if isinstance(form, bytes | None) else urllib.parse.urlencode(form).encode()
        answer = self.house.send(method, path, body, **headers)
        if set_cookie := answer.headers.get("Set-Cookie"):
            self.cookie = set_cookie.partition(";")[0]
        return answer

    def post(self, path, form, **headers):
        return self.ask("POST", path, {"csrf": self.csrf, **form}, **headers)

    @staticmethod
    def _csrf(answer):
        return re.search(r'name="csrf" value="([^"]+)"', answer.text).group(1)


@pytest.fixture(scope="module")
def person(house):
    return Person(house)


FORMS = [
    ("objects/", {"model": "Nothing"}, 404, "not_found"),
    ("objects/", {}, 400, "not_understood"),
    ("objects/", {"model": "User", "values.nothing": "x"}, 422, "invalid"),
    ("objects/", {"model": "User", "values.name": LONG}, 422, "invalid"),
    ("objects/", {"model": "User", "values.name": "a\0b"}, 422, "invalid"),
    ("objects/", {"model": "User", "null.name": "1"}, 422, "invalid"),
    ("objects/", {"model": "User", "values.points": "many"}, 422, "invalid"),
    ("objects/", {"model": "User", "values.<script>": "x"}, 422, "invalid"),
    ("objects/", {"model": "<script>alert(1)</script>"}, 404, "not_found"),
    ("load", {"model": "Book", "key": "../../etc/passwd"}, 404, "not_found"),
    ("load", {"model": "Book", "key": LONG}, 404, "not_found"),
    ("objects/Book:1/values", {"values.title": "x", "base.title": "y"}, 409, "conflict"),
    ("objects/Book:1/nothing", {}, 404, "not_found"),
    ("objects/Book:9/delete", {}, 404, "not_found"),
    ("objects/Tag:1/expire", {}, 409, "wrong_state"),
    ("flush", {"version": "1"}, 409, "stale"),
    ("flush", {"version": "x"}, 400, "not_understood"),
    ("commit", {"note": LONG}, 422, "invalid"),
    ("nothing", {}, 404, "not_found"),
    ("../nothing/flush", {}, 404, "not_found"),
]


@pytest.mark.parametrize("path, form, status, code", FORMS, ids=shown)
def test_a_form_is_answered_for_a_person(house, person, path, form, status, code):
    """A whole page that says what, why and where to go on; for htmx the message alone."""
    before = house.everything()
    url, here = f"/workspaces/{house.name}/{path}", f"/workspaces/{house.name}/"
    answer = person.post(url, form, Referer=house.server.url + here)
    assert (answer.status, f'data-code="{code}"' in answer.text) == (status, True)
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    assert answer.text.startswith("<!doctype html>")
    assert f'="{here}' in answer.text  # a link to the workspace, or the workspace itself with the form as it was sent
    assert "<script>alert" not in answer.text
    assert "Traceback" not in answer.text
    swapped = person.post(url, form, **{"HX-Request": "true", "HX-Target": "div#workspace"})
    assert (swapped.status, swapped.text[:38]) == (status, '<hx-partial hx-target="#messages" hx-s')
    assert f'data-code="{code}"' in swapped.text
    assert "<html" not in swapped.text
    assert house.everything() == before


@pytest.mark.parametrize("csrf", [None, "", "x", "x" * 64, LONG, "\xff", "é"], ids=shown)
def test_a_form_without_its_token(house, person, csrf):
    before = house.everything()
    form = {} if csrf is None else {"csrf": csrf}
    for path in ("/workspaces/", *(f"/workspaces/{house.name}/{verb}" for verb in ("flush", "discard", "objects/"))):
        form = {**form, "name": "a", "model": "User"}
        assert person.ask("POST", path, form).status == 403
        as_json = person.ask(
            "POST", path, json.dumps({**form, "csrf": csrf}).encode(), **{"Content-Type": "application/json"}
        )
        assert as_json.status == 403
        answer = person.ask("POST", path, form, Accept="application/json")
        refused(house, before, answer, 403, "csrf")


@pytest.mark.parametrize("csrf", [["x"], {"a": 1}, 7, True, "\ud800"], ids=shown)
def test_a_token_of_another_kind(house, person, csrf):
    before = house.everything()
    body = json.dumps({"name": "a", "csrf": csrf}).encode()
    answer = person.ask(
        "POST", "/workspaces/", body, **{"Content-Type": "application/json", "Accept": "application/json"}
    )
    refused(house, before, answer, 403, "csrf")


@pytest.mark.parametrize("body", [b"{", DEEP, b'{"csrf": "a", "csrf": "b"}', b""], ids=shown)
def test_json_that_is_broken_has_no_token_either(house, person, body):
    before = house.everything()
    answer = person.ask(
        "POST", "/workspaces/", body, **{"Content-Type": "application/json", "Accept": "application/json"}
    )
    refused(house, before, answer, 403, "csrf")


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://[", "\xff", "http://127.0.0.1:1"], ids=shown)
def test_a_form_of_another_site(house, person, origin):
    before = house.everything()
    answer = person.post("/workspaces/", {"name": "a"}, Origin=origin, Accept="application/json")
    refused(house, before, answer, 403, "csrf")


def test_a_viewer_changes_nothing(house):
    before = house.everything()
    viewer = f"Bearer {house.server.token('viewer')}"
    for path in ("/workspaces/", *(f"/workspaces/{house.name}/{verb}" for verb in ("flush", "discard", "nothing"))):
        refused(house, before, house.send("POST", path, {"name": "a"}, Authorization=viewer), 403, "forbidden")
