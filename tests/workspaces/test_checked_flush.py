"""What a flush writes beside the rows that a person changed themselves is checked against others' edits too."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from dashboard.refusal import Refusal
from tests.workspaces.desk import Desk


def elsewhere(desk, *statements):
    with desk.engine.begin() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)


def test_a_child_that_somebody_gave_another_parent_is_not_let_go(desk):
    desk.open()
    desk.load("Node", 1)
    desk.load("Node", 2)
    desk.do("read", "Node:1", attribute="children")
    elsewhere(desk, "insert into node (id, name) values (9, 'other')", "update node set parent_id = 9 where id = 2")
    desk.do("delete", "Node:1")
    with pytest.raises(Refusal) as refused:
        desk.do("commit")
    (conflict,) = refused.value.details["conflicts"]
    assert [conflict[name] for name in ("ref", "column", "before", "theirs")] == ["Node:2", "parent_id", 1, 9]
    assert desk.rows("select parent_id from node where id = 2") == [(9,)]


@pytest.mark.parametrize("loaded", [True, False])
def test_a_row_between_two_that_is_there_or_gone_already_is_nobodys_conflict(desk, loaded):
    desk.open()
    desk.load("Book", 2)
    desk.load("Book", 1)
    if not loaded:
        desk.do("expire", "Book:2")
    desk.set("Book:2", tags=["2"])
    desk.set("Book:1", tags=["2"])
    elsewhere(
        desk,
        "delete from book_tag where book_id = 2 and tag_id = 1",
        "insert into book_tag (book_id, tag_id) values (2, 2)",
    )
    desk.do("commit")
    rows = desk.rows("select book_id, tag_id from book_tag order by 1, 2")
    assert [tuple(row) for row in rows] == [(1, 2), (2, 2)]


def test_what_the_database_rounded_is_no_conflict_later(desk):
    desk.open(expire_on_commit=False)
    desk.load("Book", 1)
    with desk.engine.begin() as connection:
        if connection.dialect.name == "sqlite":  # which rounds nothing by itself
            connection.exec_driver_sql(
                "create trigger rounds after update on book begin update book set title = 'Cut' where id = new.id; end"
            )
    desk.set("Book:1", title="Cut off", price="1.25")
    desk.do("commit")
    title = desk.rows("select title from book where id = 1")[0][0]
    assert desk["Book:1"]["values"]["title"] == title
    desk.set("Book:1", title="Again")
    desk.do("commit")
    assert desk.view().change_set


def test_an_account_that_may_delete_and_not_update_deletes(postgresql_url, tmp_path):
    url, store = postgresql_url, f"sqlite:///{tmp_path / 'store.db'}"
    with Desk(url, store) as owner:
        elsewhere(
            owner,
            "drop role if exists only_deletes",
            "create role only_deletes",
            "grant select, delete on user_account to only_deletes",
        )
        with Desk(url, store, make=False, connect_args={"options": "-c role=only_deletes"}) as desk:
            desk.open()
            desk.load("User", 2)
            desk.do("delete", "User:2")
            elsewhere(owner, "update user_account set points = 7 where id = 2")
            with pytest.raises(Refusal) as refused:
                desk.do("commit")
            assert refused.value.code == "conflict"
            desk.do("resolve", resolve={"User:2": {"points": "mine"}})
            desk.do("commit")
        assert owner.rows("select id from user_account where id = 2") == []
        with owner.engine.begin() as connection:
            connection.execute(sa.text("drop owned by only_deletes"))
            connection.execute(sa.text("drop role only_deletes"))


def test_many_rows_are_asked_for_in_few_statements(desk):
    desk.open()
    refs = [desk.make("Node", name=f"n{number}") for number in range(40)]
    desk.do("commit")
    for ref in refs:
        desk.do("refresh", ref)
        desk.set(ref, name=f"{ref} new")
    desk.do("commit")
    asked = [each["sql"] for each in desk.last()["checks"] if each["sql"].startswith("SELECT")]
    assert len(asked) == 1
