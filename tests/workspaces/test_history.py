"""What each commit changed is kept, shown to whom may see it, and undone as a change that is checked like any other."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from dashboard.config import Config
from dashboard.refusal import Refusal
from dashboard.store.change_sets import data_table
from dashboard.workspaces.committing import create_in
from dashboard.workspaces.registry import EVERYTHING
from dashboard.workspaces.sight import Sight
from tests.workspaces import shop
from tests.workspaces.archive import Archive


@pytest.fixture
def archive(request, database_url, tmp_path):
    """Kept in the store; `@BESIDE` also in the data's own database."""
    config = Config(change_sets=getattr(request, "param", "store"))
    with Archive(database_url, f"sqlite:///{tmp_path / 'store.db'}", config=config) as made:
        if made.history.beside:
            create_in(made.engine)
        made.open()
        yield made


BESIDE = pytest.mark.parametrize("archive", ["store", "database"], indirect=True)


def changes(shown):
    return {(each.kind, each.model, each.key): each.changes for each in shown.objects}


@BESIDE
def test_a_commit_is_kept_with_before_and_after(archive):
    archive.load("Book", 1)
    archive.set("Book:1", title="New", price="7.5")
    number = archive.commit(note="spring")
    assert [(line.number, line.author, line.note, line.changes, line.outcome) for line in archive.lines()] == [
        (number, "ada", "spring", 1, "committed")
    ]
    shown = archive.show(number)
    assert changes(shown) == {("changed", "Book", "1"): {"title": ["Notes", "New"], "price": ["9.00", "7.50"]}}
    assert (shown.workspace, shown.database, shown.withheld) == ("w", "default", 0)


def test_a_commit_that_changes_nothing_makes_no_change_set(archive):
    archive.load("Book", 1)
    assert archive.commit() is None
    archive.set("Book:1", title="Notes")
    assert archive.commit() is None
    assert archive.lines() == ()


def test_flushes_of_one_transaction_are_one_change(archive):
    ref = archive.make("Author", name="First")
    archive.load("User", 2)
    archive.do("delete", "User:2")
    archive.load("Book", 1)
    archive.set("Book:1", title="One")
    archive.do("flush")
    archive.set(ref, name="Second")
    archive.set("Book:1", title="Notes", price="1")
    archive.do("flush")
    gone = archive.make("Author", name="Gone")
    archive.do("flush")
    archive.do("delete", gone)
    number = archive.commit()
    found = changes(archive.show(number))
    key = archive[ref]["key"]
    assert found.pop(("created", "Author", key))["name"] == [None, "Second"]
    assert found.pop(("deleted", "User", "2"))["email"] == ["cy@x", None]
    book = found.pop(("changed", "Book", "1"))
    assert book == {"price": ["9.00", "1.00"]}
    assert found == {}


def test_what_was_never_loaded_is_known_of_a_row_that_goes(archive):
    with archive.engine.begin() as connection:
        connection.exec_driver_sql("delete from line")
    archive.load("Book", 2)
    archive.do("expire", "Book:2")
    archive.do("delete", "Book:2")
    archive.do("commit")
    found = changes(archive.show(archive.lines()[0].number))
    assert found["deleted", "Book", "2"]["summary"] == ["Long.", None]
    assert {key for key in found if key[1] == "Review"} == {("deleted", "Review", "1"), ("deleted", "Review", "2")}


def test_an_orphan_is_known_whole(archive):
    archive.load("Book", 2)
    archive.set("Book:2", reviews=["1"])
    number = archive.commit()
    found = changes(archive.show(number))
    assert found["deleted", "Review", "2"] == {"id": [2, None], "book_id": [2, None], "stars": [2, None]}
    before = archive.table()
    name = archive.undo(number).name
    archive.commit(name)
    assert archive.table() != before
    assert archive.rows("select book_id, stars from review where id = 2") == [(2, 2)]


@BESIDE
def test_the_rows_between_two_models_are_told(archive):
    archive.load("Book", 2)
    archive.set("Book:2", tags=["2"])
    number = archive.commit()
    (only,) = archive.show(number).objects
    assert (only.model, only.key, only.kind) == ("Book", "2", "changed")
    assert only.relationships == {"tags": {"added": ["2"], "removed": ["1"]}}


WORK = {
    "made": lambda a: [a.make("Author", name="New"), a.make("Book", title="T", author="Author:new-1", tags=["1", "2"])],
    "deleted": lambda a: [a.load("Book", 2), a.do("delete", "Book:2")],
    "changed": lambda a: [a.load("Book", 1), a.set("Book:1", title="X", price="1", author="2")],
    "links": lambda a: [a.load("Book", 2), a.set("Book:2", tags=["2"])],
    "tree": lambda a: [a.load("Node", 1), a.load("Node", 2), a.do("delete", "Node:2"), a.do("delete", "Node:1")],
    "let go": lambda a: [a.load("Node", 1), a.do("delete", "Node:1")],
    "moved to what was made": lambda a: [
        a.make("Author", name="New"), a.load("Book", 1), a.set("Book:1", author="Author:new-1"),
    ],
    "moved from what was deleted": lambda a: [
        a.load("Book", 2), a.set("Book:2", author="1"), a.load("Author", 2), a.do("delete", "Author:2"),
    ],
    "hung under what was made": lambda a: [
        a.make("Node", name="top"), a.load("Node", 1), a.set("Node:1", parent="Node:new-1"),
        a.load("Node", 2), a.set("Node:2", parent="Node:new-1"),
    ],
    "documents": lambda a: [a.load("User", 1), a.set("User:1", settings={"json": {"theme": "light"}}, points=3)],
    "null": lambda a: [a.load("User", 1), a.set("User:1", settings=None)],
}  # fmt: skip
TOGETHER = ("made", "deleted", "changed", "tree", "documents", "null")


@pytest.mark.parametrize("work", [*WORK, "together"])
def test_an_undone_commit_leaves_the_rows_as_they_were(archive, work):
    if work in ("deleted", "together"):
        with archive.engine.begin() as connection:
            connection.exec_driver_sql("delete from line")
    before = archive.table()
    for name in TOGETHER if work == "together" else [work]:
        WORK[name](archive)
    number = archive.commit()
    assert archive.table() != before
    view = archive.undo(number)
    assert (view.name, view.owner) == (f"undo-{number}", "ada")
    assert archive.table() != before
    undone = archive.commit(view.name, note="back")
    assert archive.table() == before
    again = archive.undo(undone)
    archive.commit(again.name)
    assert archive.table() != before


def test_what_somebody_edited_since_is_in_conflict_at_the_undos_commit(archive):
    archive.load("Book", 1)
    archive.set("Book:1", title="New")
    number = archive.commit()
    with archive.engine.begin() as connection:
        connection.exec_driver_sql("update book set title = 'Theirs', version = 9 where id = 1")
    name = archive.undo(number).name
    with pytest.raises(Refusal) as refused:
        archive.commit(name)
    assert refused.value.code == "conflict"
    (conflict,) = refused.value.details["conflicts"]
    assert [conflict[each] for each in ("column", "before", "mine", "theirs")] == ["title", "New", "Notes", "Theirs"]
    archive.workspaces.act(name, "resolve", {"resolve": {"Book:1": {"title": "mine"}}}, actor="ada")
    archive.commit(name)
    assert archive.rows("select title, version from book where id = 1") == [("Notes", 10)]


def test_a_row_that_was_made_and_edited_since_is_not_taken_away_unasked(archive):
    ref = archive.make("Author", name="New")
    number = archive.commit()
    key = archive.do("refresh", ref).view.object(ref)["key"]
    with archive.engine.begin() as connection:
        connection.execute(sa.text("update author set name = 'Theirs' where id = :id"), {"id": int(key)})
    name = archive.undo(number).name
    with pytest.raises(Refusal) as refused:
        archive.commit(name)
    assert refused.value.details["conflicts"][0]["deleted"] == "mine"


@BESIDE
def test_the_second_click_of_a_commit_is_told_its_number(archive):
    archive.make("Author", name="New")
    version = archive.view().version
    number = archive.do("commit", version=version).view.change_set
    for by in (archive.workspaces, archive.worker()):
        with pytest.raises(Refusal) as refused:
            archive.do("commit", version=version, by=by)
        assert (refused.value.code, refused.value.details["change_set"]) == ("already_committed", number)
    with pytest.raises(Refusal) as refused:
        archive.do("flush", version=version)
    assert refused.value.code == "stale"
    assert len(archive.rows("select * from author where name = 'New'")) == 1


@BESIDE
def test_the_list_is_read_in_pages(archive, monkeypatch):
    object.__setattr__(archive.config, "history_rows", 2)
    for number in range(5):
        archive.make("Tag", name=f"t{number}")
        archive.commit(note=str(number))
    pages, before = [], None
    while True:
        lines, before = archive.history.lines(EVERYTHING, "ada", before=before)
        pages.append([line.note for line in lines])
        if before is None:
            break
    assert pages == [["4", "3"], ["2", "1"], ["0"]]


def test_who_may_not_see_a_model_or_column_sees_nothing_of_it(archive):
    archive.load("Book", 1)
    archive.set("Book:1", title="Secret", price="1")
    archive.load("User", 1)
    archive.set("User:1", name="Other")
    number = archive.commit()
    no_books = Sight(may=lambda verb, model: model.name != "Book")
    shown = archive.show(number, no_books, "bob")
    assert ([each.model for each in shown.objects], shown.withheld, shown.changes) == (["User"], 1, 1)
    assert [line.changes for line in archive.lines(no_books, "bob")] == [1]
    no_titles = Sight(hidden=lambda model: frozenset({"title"}) if model.name == "Book" else frozenset())
    assert "Secret" not in str(archive.show(number, no_titles, "bob"))
    nothing = Sight(may=lambda verb, model: model.name == "Node")
    assert archive.lines(nothing, "bob") == ()
    ruled = Sight(rows=lambda model: shop.Book.price > 5 if model.name == "Book" else shop.User.points >= 0)
    for sight in (nothing, ruled):
        if sight is nothing:
            with pytest.raises(Refusal) as refused:
                archive.show(number, sight, "bob")
            assert refused.value.code == "not_found"
    assert archive.show(number, ruled, "ada").withheld == 0
    for sight in (no_books, no_titles):
        with pytest.raises(Refusal) as refused:
            archive.undo(number, sight, "bob")
        assert refused.value.code == "forbidden"
    assert [row.name for row in archive.workspaces.summaries()] == ["w"]


def test_an_undo_that_cannot_be_staged_leaves_no_workspace(archive):
    for number in (0, 77):
        with pytest.raises(Refusal) as refused:
            archive.undo(number)
        assert refused.value.code == "not_found"
    assert [row.name for row in archive.workspaces.summaries()] == ["w"]


def test_nobody_sends_an_inverse(archive):
    for given in ({}, {"change_set": 1}, {"change_set": {"number": 1}}):
        with pytest.raises(Refusal) as refused:
            archive.do("inverse", **given)
        assert refused.value.code == "not_found"


def test_a_change_set_that_is_too_large_is_refused_with_everything_staged(archive):
    object.__setattr__(archive.config, "change_set_bytes", 300)
    refs = [archive.make("Author", name="long" * 20) for _ in range(5)]
    with pytest.raises(Refusal) as refused:
        archive.commit()
    assert refused.value.code == "too_large"
    assert {archive.badge(ref) for ref in refs} == {"pending"}
    assert archive.lines() == ()


def test_without_its_table_nothing_is_committed(database_url, tmp_path):
    config = Config(change_sets="database")
    with Archive(database_url, f"sqlite:///{tmp_path / 'store.db'}", config=config) as archive:
        archive.open()
        ref = archive.make("Author", name="New")
        for ask in (archive.commit, archive.lines):
            with pytest.raises(Refusal) as refused:
                ask()
            assert refused.value.code == "unavailable"
            assert "store create" in refused.value.remedy
        assert archive.badge(ref) == "pending"
        create_in(archive.engine)
        number = archive.commit()
        with archive.engine.connect() as connection:
            assert connection.scalar(sa.select(data_table.c.number)) == number


def test_what_a_savepoint_took_back_is_in_no_change_set(archive):
    archive.load("Book", 1)
    archive.set("Book:1", title="Kept")
    archive.do("savepoint")
    archive.set("Book:1", title="Not kept", price="1")
    archive.make("Author", name="Not kept")
    archive.do("flush")
    archive.do("rollback-to-savepoint")
    number = archive.commit()
    assert changes(archive.show(number)) == {("changed", "Book", "1"): {"title": ["Notes", "Kept"]}}
