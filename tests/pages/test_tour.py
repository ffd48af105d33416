"""The tour, walked over HTTP as a person does it: by the forms of the page; and two workspaces side by side."""

from __future__ import annotations

import re
from html import unescape

import pytest

from dashboard.workspaces.tour import STEPS, name_for

HIDDEN = re.compile(r'<input type="hidden" name="([^"]+)" value="([^"]*)">')


def next_form(page):
    """The address and the fields of the step that may be done now; None at the end."""
    here = page.partition('aria-current="step"')[2]
    found = re.search(r'<form [^>]*method="post" action="([^"]+)"(.*?)</form>', here, re.DOTALL)
    if not here or found is None:
        return None
    return found[1], {name: unescape(value) for name, value in HIDDEN.findall(found[2])}


def test_the_whole_tour_by_its_forms(browser_client, script):
    client, viewer = browser_client, script("viewer")
    index = client.get("/workspaces/").text
    name = re.search(r'name="name" value="(tour-[^"]+)"', index)[1]
    opened = client.post("/workspaces/", name=name, sandbox="on")
    assert opened.headers["Location"] == f"/workspaces/{name}/"
    users = viewer.get("/records/User/").json["count"]
    for number, step in enumerate(STEPS):
        page = client.get(f"/workspaces/{name}/").text
        assert f'data-done="{number}"' in page
        assert "data-strayed" not in page
        path, fields = next_form(page)
        answer = client.post(path, **{key: value for key, value in fields.items() if key != "csrf"})
        assert answer.status_code == (409 if step.error else 303), (step, answer.text)
        view = viewer.get(f"/workspaces/{name}/").json
        assert [each["badge"] for each in view["objects"]] == [step.badge], step
        entry = view["tape"][-1]
        assert (entry["action"], (entry["error"] or {}).get("class", "")) == (step.action, step.error)
    page = client.get(f"/workspaces/{name}/").text
    assert next_form(page) is None
    assert f'data-done="{len(STEPS)}"' in page
    assert viewer.get("/records/User/").json["count"] == users
    assert "Go on with the tour" in client.get("/workspaces/").text


def test_who_leaves_the_way_is_told(script):
    editor = script("editor")
    name = name_for("test-editor")
    editor.post("/workspaces/", {"name": name, "sandbox": True})
    made = {"model": "User", "add": False, "values": {"name": "Ada", "email": "a@b"}}
    ref = editor.post(f"/workspaces/{name}/objects/", made).json["ref"]
    editor.post(f"/workspaces/{name}/objects/{ref}/add")
    editor.post(f"/workspaces/{name}/objects/{ref}/expunge")
    page = editor.get(f"/workspaces/{name}/", Accept="text/html").text
    assert "data-strayed" in page
    editor.post(f"/workspaces/{name}/undo")
    page = editor.get(f"/workspaces/{name}/", Accept="text/html").text
    assert "data-strayed" not in page
    assert 'data-done="2"' in page


def test_no_other_workspace_is_a_tour(script):
    editor = script("editor")
    editor.post("/workspaces/", {"name": "w", "sandbox": True})
    editor.post("/workspaces/", {"name": "tour-x"})
    for name in ("w", "tour-x"):
        assert 'id="tour"' not in editor.get(f"/workspaces/{name}/", Accept="text/html").text


@pytest.fixture
def two(script):
    editor = script("editor")
    for name in ("one", "two"):
        editor.post("/workspaces/", {"name": name})
        editor.post(f"/workspaces/{name}/load", {"model": "Author", "key": "1"})
    editor.post("/workspaces/one/objects/Author:1/values", {"values": {"name": "Mine"}})
    return editor


def test_two_workspaces_side_by_side_show_where_the_same_row_differs(two):
    page = two.get("/workspaces/one/?beside=two", Accept="text/html")
    assert page.status_code == 200
    assert page.text.count('data-also="differs"') == 2
    assert '<a href="/workspaces/two/">two</a>' in page.text
    assert "with another name" in page.text
    found = two.get("/workspaces/one/?beside=two").json
    assert (found["name"], found["beside"]["name"]) == ("one", "two")
    assert found["objects"][0]["badge"] == "modified"


def test_one_beside_itself_or_beside_nothing(two):
    assert two.get("/workspaces/one/?beside=nothing").status_code == 404
    assert two.get("/workspaces/one/?beside=one", Accept="text/html").status_code == 200
