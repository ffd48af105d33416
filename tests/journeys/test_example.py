"""Does the example do what its text says? Staff of a Flask host, signed in by it, with a column that nobody sees."""

from __future__ import annotations

import sqlite3

import pytest

from tests.journeys.host import EXAMPLE, Host, laid
from tests.journeys.visitor import Visitor


@pytest.fixture(scope="module")
def example(installed, tmp_path_factory):
    place = tmp_path_factory.mktemp("example")
    with Host(installed, laid(place / "app", EXAMPLE), place / "poolhouse") as host:
        yield host


def staff(example, name):
    """A member of the example's staff, sent to its sign-in by us and back again, and the token of our forms."""
    visitor = Visitor(example.url)
    refused = visitor.get("/ops/workspaces/")
    assert (refused.status, refused.location) == (303, "/sign-in?next=/ops/workspaces/")
    form = visitor.get(refused.location)
    back = visitor.post(refused.location, {"name": name, "next": form.token("next")})
    assert (back.status, back.location) == (302, "/ops/workspaces/")
    page = visitor.get(back.location)
    assert page.status == 200
    assert name in page.text
    return visitor


def test_the_examples_staff_signs_in_there_and_nowhere_else(example):
    visitor = Visitor(example.url)
    assert visitor.json("/ops/pools/").status == 401
    assert visitor.get("/ops/login").status == 404
    staff(example, "ada")


def test_a_viewer_of_the_example_reads_and_changes_nothing(example):
    bob = staff(example, "bob")
    assert [bob.get(f"/ops{page}").status for page in ("/", "/pools/", "/pools/default", "/sessions/")] == [200] * 4
    assert 'action="/ops/workspaces/"' not in bob.get("/ops/workspaces/").text
    assert bob.post("/ops/workspaces/", {"name": "bobs"}).status == 403
    assert bob.json("/ops/workspaces/").json["workspaces"] == []


def test_an_editor_of_the_example_works_and_a_hidden_column_is_nowhere(example):
    ada = staff(example, "ada")
    csrf = ada.get("/ops/workspaces/").token()
    assert ada.post("/ops/workspaces/", {"name": "bills", "csrf": csrf}).status == 303
    asked = {"X-CSRF-Token": csrf}
    loaded = ada.json("/ops/workspaces/bills/load", {"model": "Invoice", "key": "1"}, **asked)
    assert loaded.json["objects"][0]["values"] == {"id": 1, "customer": "Emma", "cents": 700}
    for path in (
        "/ops/workspaces/bills/",
        "/ops/workspaces/bills/?edit=Invoice:1",
        "/ops/workspaces/bills/?new=Invoice",
    ):
        for answer in (ada.get(path), ada.json(path)):
            assert answer.status == 200
            assert "DE0212" not in answer.text
            assert 'name="values.bank_account"' not in answer.text
    values = "/ops/workspaces/bills/objects/Invoice:1/values"
    refused = ada.json(values, {"values": {"bank_account": "mine"}}, **asked)
    assert refused.status in (403, 404, 422)
    assert ada.post(values, {"values.bank_account": "mine", "csrf": csrf}).status == refused.status
    assert ada.json(values, {"values": {"cents": 900}}, **asked).status == 200
    assert ada.post("/ops/workspaces/bills/commit", {"csrf": csrf}).status == 303
    connection = sqlite3.connect(example.folder / "instance" / "shop.db")
    try:
        found = connection.execute("SELECT cents, bank_account FROM invoice").fetchall()
    finally:
        connection.close()
    assert found == [(900, "DE02120300000000202051")]
    assert "mine" not in ada.get("/ops/workspaces/bills/").text
