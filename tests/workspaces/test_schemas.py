"""What another Poolhouse kept: an older snapshot is migrated, a newer one only looked at."""

from __future__ import annotations

import json

import pytest
import sqlalchemy as sa

from dashboard.refusal import Refusal
from dashboard.store.workspace_rows import object_table, version_table

ADDED_IN_2 = {"savepoints", "epoch", "undo", "redo", "committed", "fields"}


def rewrite(desk, table, column, change):
    """Every JSON text of this column, changed in the store itself."""
    keys = table.primary_key.columns
    with desk.store.writing() as connection:
        for row in connection.execute(table.select().where(table.c[column].is_not(None))).all():
            same = [key == row._mapping[key.name] for key in keys]
            text = json.dumps(change(json.loads(row._mapping[column])))
            connection.execute(sa.update(table).where(*same).values({column: text}))


def as_1(image):
    staged = {"staged": as_1(image["staged"])} if "staged" in image else {}
    return {key: value for key, value in {**image, **staged}.items() if key not in ("schema", "nulls")}


@pytest.fixture
def of_1(desk):
    """A workspace that a Poolhouse of schema 1 has kept, with a flush in it whose worker was killed."""
    desk.open()
    desk.load("Book", 1)
    desk.set("Book:1", title="Other")
    desk.do("flush")
    desk.make("User", name="Ann", email="ann@x")
    rewrite(desk, version_table, "header", lambda header: {"schema": 1, **_without(header, ADDED_IN_2)})
    rewrite(desk, object_table, "image", as_1)
    desk.workspaces._lives.drop("w")
    return desk


def _without(header, names):
    return {key: value for key, value in header.items() if key not in {*names, "schema"}}


def test_an_older_snapshot_is_migrated(of_1):
    view = of_1.view()
    assert [notice["code"] for notice in view.notices] == ["transaction_lost"]
    assert view.undo == {"what": None, "why": "There is nothing to undo."}
    of_1.do("load", model="Book", key="2")
    assert of_1.view().undo["what"] == "load Book:2"
    of_1.do("undo")
    assert of_1["Book:1"]["changes"] == {"title": ["Notes", "Other"]}
    of_1.do("commit")
    assert of_1.rows("select title from book where id = 1") == [("Other",)]
    assert of_1.rows("select count(*) from user_account") == [(3,)]


def test_an_object_that_nobody_changed_since_is_migrated_too(of_1):
    of_1.do("load", model="Book", key="2")
    of_1.forget()
    assert "schema" not in _images(of_1)[2]
    of_1.do("undo")
    of_1.do("values", "User:new-1", values={"name": "Anna"})
    assert _images(of_1)[2]["schema"] == 2


def _images(desk):
    """The last kept image of each object."""
    with desk.store.reading() as connection:
        rows = connection.execute(object_table.select().order_by(object_table.c.version)).all()
    return {row.number: json.loads(row.image) for row in rows if row.image is not None}


@pytest.fixture(params=["images that are read", "images that nobody knows"])
def newer(desk, request):
    desk.open()
    desk.load("Book", 1)
    desk.set("Book:1", title="Other")
    rewrite(desk, version_table, "header", lambda header: {"schema": 99, "more": header})
    if request.param == "images that nobody knows":
        rewrite(desk, object_table, "image", lambda image: {"ref": image["ref"], "more": image})
    desk.forget()
    return desk


def test_a_newer_snapshot_is_shown_and_left_as_it_is(newer):
    view = newer.view()
    assert [notice["code"] for notice in view.notices] == ["newer_snapshot"]
    assert [each["ref"] for each in view.objects] == ["Book:1"]
    assert view.objects[0]["actions"] == []
    before = _images(newer)
    for verb, arguments in [("commit", {}), ("undo", {}), ("load", {"model": "Book", "key": "2"})]:
        with pytest.raises(Refusal) as refused:
            newer.do(verb, **arguments)
        assert refused.value.code == "unavailable"
        assert "newer" in refused.value.message
        assert refused.value.remedy
    assert _images(newer) == before
    assert newer.view().version == view.version


def test_a_newer_snapshot_can_be_discarded(newer):
    newer.do("discard")
    with pytest.raises(Refusal) as refused:
        newer.view()
    assert refused.value.code == "not_found"


def test_a_newer_snapshot_whose_worker_is_gone_is_left_as_it_is(desk):
    desk.open()
    desk.load("Book", 1)
    desk.set("Book:1", title="Other")
    desk.do("flush")
    rewrite(desk, version_table, "header", lambda header: {**header, "schema": 99})
    desk.workspaces._lives.drop("w")
    assert [notice["code"] for notice in desk.view().notices] == ["newer_snapshot"]
    with pytest.raises(Refusal) as refused:
        desk.do("commit")
    assert refused.value.code == "unavailable"
