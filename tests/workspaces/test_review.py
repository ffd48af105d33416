"""What does a review tell, and does it leave everything as it was?"""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import replace

import pytest
import sqlalchemy as sa

from dashboard.refusal import Refusal
from dashboard.workspaces.sight import Sight
from dashboard.workspaces.states import BADGES
from tests.workspaces.desk import Desk


def review(desk, *, by=None, **options):
    return (by or desk.workspaces).review("w", actor="ada", **options)


def everything(desk):
    """All that a review could have changed: the workspace, and each row."""
    tables = ("author", "book", "tag", "book_tag", "review", "node", "line", "user_account")
    return still(desk.view()), [sorted(map(repr, desk.rows(f"select * from {table}"))) for table in tables]


def still(view):
    """Without the seconds that an open transaction counts."""
    told = {name: value for name, value in (view.transaction or {}).items() if name not in ("seconds", "ends_in")}
    return replace(view, transaction=told)


def written(statements, desk=None, above=0):
    """Its DML. desk: on MariaDB, which makes other keys each time, whole numbers above that are told by when they first
    come."""
    dml = [each for each in statements if not each["sql"].lstrip().startswith("SELECT")]
    if desk is None or desk.engine.dialect.name not in ("mysql", "mariadb"):
        return [(each["sql"], each["parameters"]) for each in dml]
    known = {}
    return [(each["sql"], [[_nth(value, known, above) for value in row] for row in each["parameters"]]) for each in dml]


def _nth(value, known, above):
    return known.setdefault(value, len(known)) if type(value) is int and value > above else value


@contextmanager
def keys_kept(desk):
    """Inside, the keys that PostgreSQL makes are made again afterwards: only they may differ."""
    if desk.engine.dialect.name != "postgresql":
        yield
        return
    before = desk.rows("select schemaname || '.' || sequencename, last_value from pg_sequences")
    yield
    with desk.engine.begin() as connection:
        for name, value in before:
            reset = sa.select(sa.func.setval(name, value or 1, value is not None))
            connection.execute(reset)


@pytest.fixture
def work(desk):
    desk.open()
    desk.set(desk.load("Book", 2), title="Emma anew", tags=["1", "2"])
    ada = desk.load("Author", 1)
    desk.set(ada, name="Ada L.")
    desk.make("Book", title="Third", author=ada, tags=["1"], price="3.00")
    desk.make("User", name="Di", email="di@x", settings={"json": {"a": 1}})
    desk.do("delete", desk.load("Line", "2,a~2Cb"))
    return desk


def test_a_review_changes_nothing(work):
    before = everything(work)
    found = review(work)
    assert (found.ran, found.errors) == (True, ())
    assert found.statements
    assert everything(work) == before


def test_what_it_tells_is_what_the_commit_sends(work):
    with keys_kept(work):
        found = review(work)
    work.do("commit")
    assert written(found.statements, work) == written(work.last()["statements"], work)
    assert found.rows == {"insert": 4, "update": 2, "delete": 1}


def test_with_an_open_transaction_it_tells_what_was_sent_and_what_is_still_to_send(work):
    work.do("flush")
    flushed = written(work.last()["statements"])
    work.set("Book:2", title="Emma again")
    work.make("Tag", name="green")
    before = still(work.view())
    with keys_kept(work):
        found = review(work)
    assert written(found.sent) == flushed
    assert still(work.view()) == before
    work.do("commit")
    assert written(found.statements, work) == written(work.last()["statements"], work)
    assert work.rows("select title from book where id = 2") == [("Emma again",)]


def test_a_review_of_what_is_flushed_whole_has_nothing_left_to_send(work):
    work.do("flush")
    found = review(work)
    assert (found.statements, found.errors) == ((), ())
    work.do("rollback")
    assert sum(work.view().counts[badge] for badge in BADGES) == len(work.view().objects)


def test_rows_that_another_workspace_has_flushed_are_told_as_busy_soon(work):
    work.do("flush")
    other = work.worker()
    other.open("v", "bob")
    other.act("v", "load", {"model": "Book", "key": "2"}, actor="bob")
    other.act("v", "values", {"ref": "Book:2", "values": {"title": "Mine"}}, actor="bob")
    begun = time.monotonic()
    with pytest.raises(Refusal) as told:
        other.review("v", actor="bob")
    assert (told.value.code, told.value.status) == ("busy", 423)
    assert time.monotonic() - begun < 3
    work.do("rollback")
    assert other.review("v", actor="bob").rows["update"] == 1


@pytest.mark.parametrize(
    "model, values, field",
    [
        ("User", {"name": "Bo", "email": "bob@x"}, "email"),
        ("Book", {"title": "x", "author_id": 99}, "author_id"),
        ("Book", {"title": "x", "author_id": 1, "price": "-1.00"}, None),
        ("Tag", {}, "name"),
    ],
)
@pytest.mark.parametrize("flushed", [False, True])
def test_what_a_constraint_would_refuse_is_told_by_object_and_field(desk, model, values, field, flushed):
    desk.open()
    if flushed:
        desk.set(desk.load("Author", 1), name="A")
        desk.do("flush")
    ref = desk.make(model, **values)
    before = everything(desk)
    (error,) = review(desk).errors
    assert error["refs"] == [ref]
    assert field is None or list(error["fields"]) == [field]
    assert everything(desk) == before
    desk.do("expunge", ref)
    desk.do("commit")
    assert not flushed or desk.rows("select name from author where id = 1") == [("A",)]


def test_what_somebody_else_changed_is_told_as_three_values(desk):
    desk.open()
    desk.set(desk.load("Tag", 1), name="mine")
    with desk.engine.begin() as connection:
        connection.exec_driver_sql("update tag set name = 'theirs' where id = 1")
    found = review(desk)
    assert found.conflicts == ({"ref": "Tag:1", "column": "name", "before": "old", "mine": "mine", "theirs": "theirs"},)
    assert written(found.statements)
    assert not found.errors


def test_the_reviews_and_tags_of_a_deleted_book_go_along_by_the_orm(desk):
    desk.open()
    desk.do("delete", desk.load("Line", "2,a~2Cb"))
    desk.do("delete", desk.load("Book", 2))
    found = [(each.of, each.table, each.rows, each.by, each.effect) for each in review(desk).cascades]
    assert sorted(found) == [("", "book_tag", 1, "orm", "delete"), ("Book:2", "review", 2, "orm", "delete")]


def test_the_children_of_a_deleted_node_lose_their_parent_by_the_orm(desk):
    desk.open()
    desk.do("delete", desk.load("Node", 1))
    (found,) = review(desk).cascades
    assert (found.of, found.table, found.rows, found.by, found.effect) == ("Node:1", "node", 1, "orm", "set null")
    assert found.refs == ("Node:2",)


def test_on_another_worker_than_the_one_with_the_transaction_it_says_where(work):
    work.do("flush")
    other = work.worker()
    with pytest.raises(Refusal) as told:
        review(work, by=other)
    assert (told.value.status, bool(told.value.remedy)) == (423, True)


def test_a_statement_is_rendered_with_its_parameters(desk):
    desk.open()
    desk.set(desk.load("Tag", 1), name="it's")
    (statement,) = review(desk).statements
    assert (statement["kind"], statement["rows"], statement["table"]) == ("update", 1, "tag")
    with desk.engine.begin() as connection:
        connection.exec_driver_sql(statement["rendered"].replace("%", "%%"))
    assert desk.rows("select name from tag where id = 1") == [("it's",)]


def test_every_new_object_that_would_be_refused_is_told(desk):
    desk.open()
    wrong = [desk.make("User", name="Bo", email="bob@x"), desk.make("Tag"), desk.make("Book", title="x", author_id=99)]
    desk.make("Tag", name="fine")
    before = everything(desk)
    assert sorted(ref for error in review(desk).errors for ref in error["refs"]) == sorted(wrong)
    assert everything(desk) == before


def test_what_a_rollback_to_a_savepoint_took_back_was_not_sent(work):
    work.do("flush")
    sent = written(review(work).sent)
    work.do("savepoint")
    work.set("Book:2", title="Within")
    work.do("flush")
    assert len(review(work).sent) == len(sent) + 1
    work.do("rollback-to-savepoint")
    assert written(review(work).sent) == sent
    assert [each["sql"].split()[0] for each in review(work).statements] == []


def test_rows_without_an_order_of_their_own_are_written_in_one(desk):
    desk.open()
    for number in range(12):
        desk.make("Book", title=str(number), author_id=1, tags=["2", "1"])
        desk.set(desk.make("Node", name=str(number)), children=[desk.make("Node", name=f"of {number}")])
    with keys_kept(desk):
        found = written(review(desk).statements)
    desk.do("commit")
    sent = written(desk.last()["statements"])
    if desk.engine.dialect.name in ("mysql", "mariadb"):  # whose keys are others each time
        found, sent = [sql for sql, _ in found], [sql for sql, _ in sent]
    assert found == sent


def test_values_that_the_actor_may_not_see_are_withheld(work):
    hidden = Sight(hidden=lambda model: frozenset({"name"} if model.name == "Author" else ()))
    statements = review(work, sight=hidden).statements
    of_authors = [each for each in statements if each["table"] == "author"]
    assert of_authors
    assert all("Ada L." not in str(each) for each in of_authors)
    assert "Emma anew" in str(statements)


def test_where_the_one_connection_is_shared_too(tmp_path):
    options = {"poolclass": sa.pool.StaticPool, "connect_args": {"check_same_thread": False}}
    with Desk("sqlite://", f"sqlite:///{tmp_path / 'store.db'}", **options) as desk:
        desk.open()
        desk.set(desk.load("Tag", 1), name="red")
        for expected in (1, 0):
            found = review(desk)
            assert (len(found.statements), found.errors) == (expected, ())
            assert desk.rows("select count(*) from tag where name = 'red'") == [(1 - expected,)]
            desk.do("flush")
        desk.do("rollback")
        assert desk.rows("select name from tag where id = 1") == [("old",)]
