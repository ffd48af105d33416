"""Mapped classes were changed between two starts of the program: what fits is kept, the rest is listed."""

from __future__ import annotations

import types

import pytest
import sqlalchemy as sa
import sqlalchemy.orm as sa_orm

from dashboard.refusal import Refusal
from tests.workspaces.desk import Desk
from tests.workspaces.shop import prepare


def world(*, renamed):
    """The same two tables, mapped as they were, or by a program that has renamed, retyped and dropped some of it."""

    class Base(sa_orm.DeclarativeBase):
        pass

    class Shelf(Base):
        __tablename__ = "shelf"
        id = sa.Column(sa.Integer, primary_key=True)
        name = sa.Column(sa.String(20))

    class Item(Base):
        __tablename__ = "item"
        id = sa.Column(sa.Integer, primary_key=True)
        name = sa.Column(sa.String(20))
        shelf_id = sa.Column(sa.ForeignKey("shelf.id"))
        if renamed:
            words = sa.Column("note", sa.String(20))
            size = sa.Column(sa.Integer)
        else:
            note = sa.Column(sa.String(20))
            size = sa.Column(sa.String(20))
            shelf = sa_orm.relationship(Shelf)

    def make(engine):
        Base.metadata.create_all(engine)
        with sa_orm.Session(engine) as session:
            session.add(Shelf(name="one"))
            session.flush()
            session.add(Item(name="box", note="old", size="7", shelf_id=1))
            session.commit()

    return types.SimpleNamespace(Base=Base, make=make, prepare=prepare)


@pytest.fixture
def changed(database_url, tmp_path):
    """A workspace of the old program, in the hands of the new one."""
    store = f"sqlite:///{tmp_path / 'store.db'}"
    with Desk(database_url, store, world=world(renamed=False)) as desk:
        desk.open()
        desk.load("Item", 1)
        desk.load("Shelf", 1)
        desk.set("Item:1", note="staged", name="crate", size="large", shelf="Shelf:1")
        desk.make("Item", name="new", note="lost", shelf="Shelf:1")
    with Desk(database_url, store, world=world(renamed=True), make=False) as desk:
        yield desk


def test_what_fits_is_kept_and_the_rest_is_listed(changed):
    for look in range(2):
        notices = changed.view().notices
        assert [notice["code"] for notice in notices] == ["classes_changed"]
        for field in ("Item:1.note", "Item:1.size", "Item:1.shelf", "Item:new-1.note", "Item:new-1.shelf"):
            assert field in notices[0]["message"]
        assert changed["Item:1"]["changes"] == {"name": ["box", "crate"]}
        if not look:
            changed.do("read", "Item:1", attribute="words")
    assert changed["Item:1"]["values"]["words"] == "old"
    changed.do("commit")
    assert changed.view().notices == ()
    assert changed.rows("select name, note, shelf_id from item order by id") == [
        ("crate", "old", 1),
        ("new", None, None),
    ]


def test_an_undo_brings_back_what_fits(changed):
    changed.do("undo")
    assert [notice["code"] for notice in changed.view().notices] == ["classes_changed"]
    assert [each["ref"] for each in changed.view().objects] == ["Item:1", "Shelf:1"]
    changed.do("undo")
    assert changed["Item:1"]["changes"] == {}


def test_a_class_that_is_gone_leaves_the_workspace_as_it_is(database_url, tmp_path):
    store = f"sqlite:///{tmp_path / 'store.db'}"
    with Desk(database_url, store, world=world(renamed=False)) as desk:
        desk.open()
        desk.load("Item", 1)
    with Desk(database_url, store) as desk:
        assert [each["ref"] for each in desk.view().objects] == ["Item:1"]
        with pytest.raises(Refusal) as refused:
            desk.load("Book", 1)
        assert refused.value.code == "unavailable"
        assert "discard" in refused.value.remedy
