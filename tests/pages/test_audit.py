"""The audit: each sign-in, refusal, write, export and act of an admin, with who, when and from where."""

from __future__ import annotations

import csv
import io
import json

import pytest

from dashboard.store.audit import DONE, REFUSED
from tests.pages.conftest import Browser, Script, token_in
from tests.pages.test_account import PASSWORD, SignedIn


@pytest.fixture
def deeds(runtime):
    """What was written down, the oldest first: act, subject, who, outcome."""

    def told():
        return [(each.act, each.subject, each.who, each.outcome) for each in reversed(runtime.audit.newest(most=100))]

    return told


def test_signing_in_and_out_and_each_failure_is_written_down(app, deeds):
    app.extensions["poolhouse"].accounts.save("ada", "editor", PASSWORD)
    SignedIn(app, "ada").post("/logout")
    SignedIn(app, "ada", "guess")
    SignedIn(app, "my password in the wrong field", "guess")
    Browser(app)
    assert deeds() == [
        ("sign_in", "ada", "ada", DONE),
        ("sign_out", "ada", "ada", DONE),
        ("sign_in", "ada", "", REFUSED),
        ("sign_in", "", "", REFUSED),
        ("sign_in.link", "admin", "admin", DONE),
    ]


def test_each_write_is_written_down_and_who_only_looks_is_not(script, deeds):
    editor = script("editor")
    made = editor.post("/records/Author/", {"values": {"name": "Ada"}}).json
    editor.post(f"/records/Author/{made['key']}", {"values": {"name": "Ada Lovelace"}})
    editor.get("/records/Author/")
    editor.post("/workspaces/", {"name": "w"})
    editor.post("/workspaces/w/load", {"model": "Author", "key": "1"})
    editor.post("/workspaces/w/objects/Author:1/values", {"values": {"name": "Jane"}})
    editor.post("/workspaces/w/commit")
    editor.post(f"/records/Author/{made['key']}/delete")
    editor.post("/records/Author/", {"values": {"name": 7}})
    assert deeds() == [
        ("records.create_record", "Author", "test-editor", DONE),
        ("records.save_record", f"Author/{made['key']}", "test-editor", DONE),
        ("workspaces.create", "", "test-editor", DONE),
        ("workspaces.act.commit", "w", "test-editor", DONE),
        ("records.delete_record", f"Author/{made['key']}", "test-editor", DONE),
    ]


def test_what_was_only_asked_or_tried_is_not_written_down_as_done(browser_client, deeds):
    author = "/records/Author"
    asked = [
        browser_client.post(f"{author}/~/bulk", action="delete", keys="1"),
        browser_client.post(f"{author}/~/import", dry_run="1", file=(io.BytesIO(b"name\nAda\n"), "authors.csv")),
        browser_client.post("/records/Book/", **{"find-in": "author_id", "q.author_id": "Jane"}),
    ]
    assert [answer.status_code for answer in asked] == [200, 200, 200]
    assert [act for act, *_ in deeds()] == ["sign_in.link"]


def test_of_what_was_done_to_many_and_of_what_was_staged_the_row_says_that(script, runtime):
    editor = script("editor")
    editor.post("/records/Book/~/bulk", {"action": "edit", "keys": ["1", "2"], "values": {"stock": 3}})
    rows = {"file": (io.BytesIO(b"name\nAda\n"), "authors.csv")}
    editor.client.post("/records/Author/~/import", data=rows, headers=editor.headers)
    editor.post("/workspaces/", {"name": "w"})
    editor.post("/records/Book/1", {"values": {"stock": 4}, "stage": "w"})
    editor.post("/records/Book/~/bulk", {"action": "stage", "keys": ["2", "3"], "stage": "w"})
    told = [dict(each.details) for each in reversed(runtime.audit.newest(most=9))]
    assert [{name: value for name, value in each.items() if name != "token"} for each in told] == [
        {"action": "edit", "count": 2},
        {"mode": "insert", "inserted": 1, "updated": 0},
        {},
        {"workspace": "w"},
        {"action": "stage", "workspace": "w"},
    ]


def test_an_export_is_written_down_before_its_first_byte(script, deeds):
    script("viewer").get("/records/Author/~/export?format=csv&f.name.contains=Jane")
    assert deeds() == [("records.export", "Author", "test-viewer", DONE)]


def test_who_may_not_is_written_down_once_a_minute(app, script, deeds):
    for _ in range(5):
        script("viewer").post("/workspaces/", {"name": "w"})
        app.test_client().get("/", headers={"Accept": "application/json", "X-Forwarded-For": "10.1.2.3"})
    assert deeds() == [
        ("workspaces.create", "", "test-viewer", REFUSED),
        ("overview.index", "", "", REFUSED),
    ]


def test_a_forged_form_is_written_down(browser_client, deeds):
    browser_client.post("/workspaces/", csrf="forged", name="w")
    assert deeds()[-1] == ("workspaces.create", "", "admin", REFUSED)


def test_what_an_admin_does_with_accounts_is_written_down_without_any_secret(script, runtime):
    admin = script("admin")
    admin.post("/accounts/", {"name": "eve", "role": "viewer", "password": "very secret words"})
    made = admin.post("/accounts/tokens/", {"name": "ci", "role": "viewer", "scope": "metrics"}).json
    admin.post("/accounts/eve/role", {"role": "editor"})
    sign_in = runtime.accounts.sign_in("eve", "very secret words")
    admin.post(f"/accounts/sign-ins/{sign_in.id}/end")
    ended, *told = runtime.audit.newest(most=10)
    assert (ended.act, ended.subject) == ("accounts.end_sign_in", "eve")
    assert [(each.act, each.subject) for each in told] == [
        ("accounts.set_role", "eve"),
        ("accounts.create_token", "ci"),
        ("accounts.add", "eve"),
    ]
    assert told[0].details == {"role": "editor", "token": "test-admin"}
    assert told[0].address == "127.0.0.1"
    assert "secret" not in repr(told)
    assert made["token"] not in repr(told)


def test_an_admin_reads_the_audit_by_who_and_act_page_by_page_and_as_a_file(app, script, browser_client):
    admin = script("admin")
    for number in range(3):
        admin.post("/workspaces/", {"name": f"w{number}"})
    page = browser_client.get("/audit/?who=test-admin&act=workspaces.")
    assert page.text.count('data-act="workspaces.create"') == 3
    found = admin.get("/audit/?act=workspaces.").json["deeds"]
    assert [each["who"] for each in found] == ["test-admin"] * 3
    assert admin.get(f"/audit/?act=workspaces.&before={found[0]['number']}").json["deeds"] == found[1:]
    rows = list(csv.DictReader(io.StringIO(admin.get("/audit/export").text)))
    assert [row["act"] for row in rows] == ["audit.export", *["workspaces.create"] * 3, "sign_in.link"]
    lines = admin.get("/audit/export?format=jsonl").text.splitlines()
    assert [json.loads(line)["act"] for line in lines][:2] == ["audit.export", "audit.export"]


def test_a_cell_of_the_exported_audit_is_no_formula(app, script):
    client = app.test_client()
    csrf = token_in(client.get("/login").text)
    app.extensions["poolhouse"].accounts.save("=1+1", "viewer", PASSWORD)
    client.post("/login", data={"csrf": csrf, "username": "=1+1", "password": PASSWORD})
    assert "'=1+1" in script("admin").get("/audit/export").text


@pytest.mark.parametrize("path", ["/audit/", "/audit/export"])
def test_the_audit_is_for_admins_and_no_address_changes_it(script, path):
    assert script("editor").get(path).status_code == 403
    for method in ("post", "put", "patch", "delete"):
        admin = script("admin")
        assert getattr(admin.client, method)(path, headers=admin.headers).status_code == 405


@pytest.mark.parametrize("query", ["before=x", "before=-1", "before=" + "9" * 30])
def test_a_row_that_is_none_is_not_understood(script, query):
    assert script("admin").get(f"/audit/?{query}").status_code == 400


def test_an_export_is_refused_while_it_cannot_be_written_down(app, script, monkeypatch):
    from dashboard.refusal import Refusal

    viewer = Script(app, "viewer")
    viewer.get("/records/Author/")

    def away(deed):
        raise Refusal("store_away", "The store cannot be reached just now.")

    monkeypatch.setattr(app.extensions["poolhouse"].audit, "add", away)
    answer = viewer.get("/records/Author/~/export")
    assert (answer.status_code, answer.json["error"]["code"]) == (503, "store_away")
