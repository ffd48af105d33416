"""The pages of workspaces, and what every page has in common: HTML, JSON and one partial, of one context."""

from __future__ import annotations

import json
import re

import pytest

SHAPE = {"name", "owner", "version", "database", "sandbox", "settings", "transaction", "counts", "objects", "tape"}
SHAPE |= {"since", "updated_at", "notices", "change_set", "savepoints", "undo", "redo"}
OBJECT = {"ref", "model", "key", "label", "state", "flags", "badge", "values", "unloaded", "changes", "actions"}
SUMMARY = {"name", "owner", "database", "objects", "transaction", "updated_at", "version"}
ENTRY = {"number", "action", "python", "at", "transitions", "connection", "statements", "error"}


@pytest.fixture
def runtime_that_publishes(runtime):
    runtime.ledger.join()
    yield runtime
    runtime.ledger.leave()


@pytest.fixture
def editor(script):
    editor = script("editor")
    assert editor.post("/workspaces/", {"name": "w"}).status_code == 201
    return editor


PAGES = {  # path: the element that changes live, a key of its JSON
    "/": ("overview", "verdict"),
    "/pools/": ("pools", "pools"),
    "/pools/default": ("pool", "holders"),
    "/sessions/": ("sessions", "registries"),
    "/workspaces/": (None, "workspaces"),
    "/workspaces/w/": ("workspace", "objects"),
}


@pytest.mark.parametrize("path", PAGES)
def test_every_page_is_html_json_and_one_partial(runtime_that_publishes, editor, path):
    live, key = PAGES[path]
    whole = editor.get(path, Accept="text/html")
    assert (whole.status_code, whole.mimetype) == (200, "text/html")
    assert whole.text.startswith("<!doctype html>")
    as_json = editor.get(path)
    assert (as_json.status_code, as_json.mimetype) == (200, "application/json")
    assert key in as_json.json
    for answer in (whole, as_json):
        assert {"Accept", "HX-Request", "HX-Target", "Cookie"} <= set(answer.vary)
        assert answer.headers["Cache-Control"] == "no-store"
    if live is None:
        return
    assert f'id="{live}"' in whole.text
    part = editor.get(path, Accept="text/html", **{"HX-Request": "true", "HX-Target": f"div#{live}"})
    assert part.status_code == 200
    assert re.match(rf'\s*<div id="{live}"', part.text)
    assert "<html" not in part.text
    assert {"HX-Request", "HX-Target"} <= set(part.vary)


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize(
    "target",
    ["", "div#", "#nothing", "div#tape", "div#card", "div#form", "div#strip", "div#../base", "div#index", "\xff"],
)
def test_an_element_that_is_no_partial_of_the_page_gets_all_of_it(runtime_that_publishes, editor, path, target):
    answer = editor.get(path, Accept="text/html", **{"HX-Request": "true", "HX-Target": target})
    assert answer.status_code == 200
    assert answer.text.startswith("<!doctype html>")


def test_a_partial_is_only_for_htmx(runtime_that_publishes, editor):
    answer = editor.get("/pools/", Accept="text/html", **{"HX-Target": "div#pools"})
    assert answer.text.startswith("<!doctype html>")


def test_json_wins_over_htmx(runtime_that_publishes, editor):
    assert "pools" in editor.get("/pools/", **{"HX-Request": "true", "HX-Target": "div#pools"}).json


@pytest.mark.parametrize("path", PAGES)
def test_every_page_is_drawn_for_a_viewer_without_what_he_may_not_do(runtime_that_publishes, editor, script, path):
    editor.post("/workspaces/w/load", {"model": "Book", "key": "1"})
    answer = script("viewer").get(path, Accept="text/html")
    assert answer.status_code == 200
    assert set(re.findall(r'method="post" action="([^"]+)"', answer.text)) == {"/about/theme", "/logout"}


def test_the_shapes_of_the_contract(editor):
    listed = editor.get("/workspaces/").json
    assert set(listed) == {"workspaces"}
    assert set(listed["workspaces"][0]) == SUMMARY
    made = editor.post("/workspaces/w/objects/", {"model": "User", "values": {"name": "Ada", "email": "a@b"}})
    assert made.status_code == 201
    assert set(made.json) == SHAPE | {"ref"}
    loaded = editor.post("/workspaces/w/load", {"model": "Book", "key": "1"})
    assert loaded.status_code == 200
    assert loaded.json["ref"] == "Book:1"
    merged = editor.post("/workspaces/w/objects/Book:1/merge")
    assert merged.json["merged"] == "Book:1"
    flushed = editor.post("/workspaces/w/flush").json
    assert set(flushed) == SHAPE
    assert {"since", "seconds", "worker", "connection", "ends_at"} <= set(flushed["transaction"])
    assert all(set(each) >= OBJECT for each in flushed["objects"])
    assert all(set(each) >= ENTRY for each in flushed["tape"])
    assert sum(flushed["counts"].values()) == len(flushed["objects"])
    assert editor.get("/workspaces/w/").json["objects"] == flushed["objects"]
    assert editor.post("/workspaces/w/rollback").json["transaction"] is None
    assert editor.post("/workspaces/w/discard").status_code == 200
    assert editor.get("/workspaces/w/").status_code == 404


def test_a_form_is_answered_with_303_to_the_page(browser_client):
    answer = browser_client.post("/workspaces/", name="w")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/workspaces/w/")
    version = "1"
    for path, fields in [
        ("objects/", {"model": "User", "values.name": "Ada", "values.email": "a@b", "add": "true"}),
        ("load", {"model": "Book", "key": "1"}),
        ("objects/Book:1/values", {"values.title": "New"}),
        ("objects/Book:1/expire", {}),
        ("flush", {}),
        ("commit", {"note": "first"}),
        ("objects/", {"model": "User", "values.name": "Bob", "values.email": "b@b", "add": "false"}),
        ("objects/User:new-2/drop", {}),
    ]:
        answer = browser_client.post(f"/workspaces/w/{path}", version=version, **fields)
        assert (answer.status_code, answer.headers["Location"]) == (303, "/workspaces/w/")
        version = re.search(r'data-version="(\d+)"', browser_client.get("/workspaces/w/").text).group(1)
    answer = browser_client.post("/workspaces/w/discard", version=version)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/workspaces/")


def test_a_set_of_related_records_comes_from_a_form_as_it_does_in_json(editor):
    editor.post("/workspaces/w/load", {"model": "Book", "key": "1"})
    answer = editor.client.post(
        "/workspaces/w/objects/Book:1/values", data={"values.tags": ["2", "3"]}, headers=editor.headers
    )
    by_form = answer.json["objects"][0]["relationships"]["tags"]["refs"]
    assert sorted(by_form) == ["Tag:2", "Tag:3"]
    editor.post("/workspaces/w/objects/Book:1/values", {"values": {"tags": []}})
    answer = editor.post("/workspaces/w/objects/Book:1/values", {"values": {"tags": ["2", "3"]}})
    assert answer.json["objects"][0]["relationships"]["tags"]["refs"] == by_form


@pytest.mark.parametrize("model", ["User", "Author", "Book", "Tag", "Order", "OrderLine", "Review"])
def test_what_a_form_shows_may_be_sent_back_and_changes_nothing(editor, model):
    """As JSON has it, and as the page's own form has it, field by field."""
    loaded = editor.post("/workspaces/w/load", {"model": model, "key": "1,1" if model == "OrderLine" else "1"}).json
    shown = loaded["objects"][0]
    page = editor.get(f"/workspaces/w/?edit={shown['ref']}", Accept="text/html").text
    fields = fields_of(page)
    assert any(name.startswith("values.") for name in fields)
    answer = editor.client.post(f"/workspaces/w/objects/{shown['ref']}/values", data=fields, headers=editor.headers)
    assert answer.status_code == 200, answer.text
    assert answer.json["objects"][0] == shown
    editable = {name: value for name, value in shown["values"].items() if name != "version"}
    answer = editor.post(f"/workspaces/w/objects/{shown['ref']}/values", {"values": editable, "base": shown["values"]})
    assert answer.status_code == 200, answer.text
    assert answer.json["objects"][0] == shown


def test_of_a_form_what_is_needed_or_wrong_comes_first_and_the_rest_can_be_folded(browser_client):
    browser_client.post("/workspaces/", name="w")

    def folded(answer):
        return re.findall(r'data-field="(\w+)"', answer.text.partition('id="further"')[2].partition("</details>")[0])

    assert {"id", "points", "settings"} <= set(folded(browser_client.get("/workspaces/w/?new=User")))
    assert not {"name", "email"} & set(folded(browser_client.get("/workspaces/w/?new=User")))
    sent = {
        "version": "1",
        "model": "User",
        "values.name": "Ada",
        "values.email": "a@b",
        "values.points": "many",
        "add": "false",
    }
    refused = browser_client.post("/workspaces/w/objects/", **sent)
    assert refused.status_code == 422
    assert "points" not in folded(refused)
    assert "settings" in folded(refused)


def fields_of(page):
    """What a browser would send for the form on the page, without its hidden token and version."""
    from html import unescape

    sheet = page[page.index('id="form"') : page.index("</section>", page.index('id="form"'))]
    fields = {}
    for name, text in re.findall(r'<textarea[^>]* name="([^"]+)"[^>]*>\n(.*?)</textarea>', sheet, re.DOTALL):
        fields[name] = unescape(text)
    for name, options in re.findall(r'<select[^>]* name="([^"]+)"[^>]*>(.*?)</select>', sheet, re.DOTALL):
        chosen = re.search(r"<option selected>(.*?)</option>", options)
        fields[name] = unescape(chosen.group(1)) if chosen else ""
    for tag in re.findall(r"<input[^>]*>", sheet):
        name, value = (re.search(rf'{key}="([^"]*)"', tag) for key in ("name", "value"))
        if name and value and ('type="checkbox"' not in tag or " checked" in tag):
            fields[name.group(1)] = unescape(value.group(1))
    return {name: text for name, text in fields.items() if name not in ("csrf", "version")}


@pytest.mark.parametrize("path", ["/workspaces/w/", "/workspaces/w/?new=Book", "/workspaces/w/?edit=Book:1"])
def test_what_stands_in_the_data_is_only_text_on_the_page(editor, path):
    editor.post("/workspaces/w/load", {"model": "Book", "key": "1"})
    bad = "<script>alert(1)</script>\"'><img src=x>"
    values = {"title": bad, "details": {"json": {bad: bad}}, "summary": f"</textarea>{bad}"}
    assert editor.post("/workspaces/w/objects/Book:1/values", {"values": values}).status_code == 200
    page = editor.get(path, Accept="text/html").text
    assert "<script>alert" not in page
    assert "<img" not in page


@pytest.mark.parametrize("name", ["x" * 10_000, "../" * 3_000, "%00" * 3_000])
def test_an_address_of_ten_thousand_characters(editor, name):
    for path in (f"/workspaces/{name}/", f"/workspaces/w/?new={name}", f"/workspaces/w/?edit={name}", f"/pools/{name}"):
        assert editor.get(path).json["error"]["code"] == "not_found"
    for path in (f"/workspaces/{name}/flush", f"/workspaces/w/{name}", f"/workspaces/w/objects/{name}/add"):
        assert editor.post(path).json["error"]["code"] == "not_found"


def test_every_error_has_a_page_of_its_own_with_words_and_a_way_back(editor):
    html = {"Accept": "text/html", "Referer": "http://localhost/workspaces/w/"}
    for path, body, title in [
        ("/workspaces/w/load", {"model": "Book", "key": "999999"}, "Not here"),
        ("/workspaces/w/load", {"model": "Book", "key": 3.5}, "Not understood"),
        ("/workspaces/w/commit", {"version": 99}, "It does not fit together"),
        ("/workspaces/w/objects/", {"model": "User", "values": {"points": "x"}}, "It does not fit"),
    ]:
        answer = editor.client.post(
            path, data=json.dumps(body), headers=editor.headers | html | {"Content-Type": "application/json"}
        )
        assert f"<h1>{title}</h1>" in answer.text
        assert 'href="/workspaces/w/">Back to where you were</a>' in answer.text
        assert answer.text.startswith("<!doctype html>")


@pytest.mark.parametrize(
    "referrer", ["http://[", "http://evil.example/x", "//evil.example", "javascript:alert(1)", "\xff"]
)
def test_the_way_back_leads_to_a_page_of_ours(editor, referrer):
    answer = editor.get("/nowhere", Accept="text/html", Referer=referrer)
    assert answer.status_code == 404
    assert 'href="/">Back to where you were</a>' in answer.text


def test_half_a_surrogate_pair_is_answered_in_html_too(editor):
    for body, status in (('{"model": "\\ud800"}', 404), ('{"model": "User", "values": {"\\ud800": 1}}', 422)):
        for more in ({}, {"HX-Request": "true"}):
            answer = editor.client.post(
                "/workspaces/w/objects/",
                data=body,
                headers=editor.headers | {"Accept": "text/html", "Content-Type": "application/json", **more},
            )
            assert answer.status_code == status


def test_a_fault_of_ours_is_told_without_its_stack(app, editor, caplog, monkeypatch):
    def fail(*arguments, **options):
        raise RuntimeError("secret of the stack")

    monkeypatch.setattr(type(app.extensions["poolhouse"].workspaces), "view", fail)
    answer = editor.get("/workspaces/w/")
    assert answer.status_code == 500
    assert set(answer.json["error"]) == {"code", "message", "fields", "remedy"}
    assert "secret" not in answer.text
    assert "secret of the stack" in caplog.text


def test_in_a_sandbox_a_forbidden_verb_is_offered_and_its_error_explained(script):
    editor = script("editor")
    assert editor.post("/workspaces/", {"name": "s", "sandbox": True}).json["sandbox"] is True
    ref = editor.post("/workspaces/s/load", {"model": "Author", "key": "1"}).json["ref"]
    editor.post(f"/workspaces/s/objects/{ref}/expunge")
    page = editor.get("/workspaces/s/?view=board", Accept="text/html").text
    assert "Try it anyway" in page
    assert "data-force" in page
    refused = editor.post(f"/workspaces/s/objects/{ref}/read", {"attribute": "books"})
    assert refused.status_code == 409
    explained = refused.json["error"]["explained"]
    assert explained["class"] == "DetachedInstanceError"
    assert explained["link"].endswith("/bhk3")
    assert editor.post(f"/workspaces/s/objects/{ref}/expunge", {"force": "1"}).json["error"]["explained"]["said"]
    page = editor.get("/workspaces/s/", Accept="text/html").text
    assert 'data-error="DetachedInstanceError"' in page
    assert editor.post("/workspaces/s/objects/x/expunge", {"force": "2"}).status_code == 400
