"""What the database or the ORM refuses is named, object and column, also where no driver says it; and nothing that
was staged is lost."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from dashboard.workspaces.refused import said
from tests.workspaces.blame import blamed, fails
from tests.workspaces.loans import Library

# rows that are not on the board


def test_a_child_that_is_not_on_the_board_is_named_with_the_deletion_that_empties_it(desk):
    desk.open()
    desk.load("Author", 2)
    desk.make("User", name="Staged", email="staged@x")
    desk.do("delete", "Author:2")
    refused = fails(desk)
    assert blamed(refused) == ("invalid", ["Book:2"], {"author_id"})
    assert refused.details["causes"] == ["Author:2"]
    assert "deleting Author:2" in refused.message
    assert "Author:2" in refused.remedy


def test_every_child_that_a_deletion_would_empty_is_named(desk):
    with desk.engine.begin() as connection:
        connection.exec_driver_sql("insert into tag (id, name) values (9, 'x')")
        connection.exec_driver_sql("update book set author_id = 1")
    desk.open()
    desk.load("Author", 1)
    desk.load("Author", 2)
    desk.do("delete", "Author:2")
    desk.do("delete", "Author:1")
    refused = fails(desk, "flush")
    assert refused.details["causes"] == ["Author:1"]
    assert set(refused.details["refs"]) <= {"Book:1", "Book:2"}
    assert refused.details["refs"]


def test_an_object_that_was_taken_out_of_a_collection_is_named_with_who_let_it_go(desk):
    desk.open()
    desk.load("Author", 2)
    desk.do("read", "Author:2", attribute="books")
    desk.set("Author:2", books=[])
    refused = fails(desk)
    assert blamed(refused) == ("invalid", ["Book:2"], {"author_id"})
    assert "let go" in refused.message


def test_an_object_that_came_along_by_cascade_is_named(desk):
    desk.open()
    desk.make("Author", add=False)
    desk.make("Book", title="Two", author="Author:new-1")
    assert blamed(fails(desk)) == ("invalid", ["Author:new-1"], {"name"})


def test_an_object_that_comes_in_the_flush_itself_is_named(desk):
    from tests.workspaces.shop import Tag

    def more(session, context, instances):
        session.add(Tag())

    sa.event.listen(desk.maker.class_, "before_flush", more)
    try:
        desk.open()
        desk.make("Author", name="Staged")
        refused = fails(desk)
    finally:
        sa.event.remove(desk.maker.class_, "before_flush", more)
    assert (refused.code, set(refused.fields)) == ("invalid", {"name"})
    assert "Tag" in refused.message


def test_a_row_between_two_tables_is_told_by_the_relationship(desk):
    with desk.engine.begin() as connection:
        connection.exec_driver_sql("insert into tag (id, name) values (77, 'short-lived')")
    desk.open()
    ref = desk.load("Book", 1)
    desk.do("read", ref, attribute="tags")
    desk.set(ref, tags=["77"])
    with desk.engine.begin() as connection:
        connection.exec_driver_sql("delete from tag where id = 77")
    refused = fails(desk)
    assert blamed(refused) in (("invalid", [ref], {"tags"}), ("invalid", ["Tag:77"], {"books"}))  # it has two ends


# foreign keys


@pytest.mark.parametrize("reader, shelf, at_fault", [(1, 99, {"shelf_id"}), (99, 1, {"reader_id"})])
def test_of_two_foreign_keys_the_one_whose_row_is_missing_is_named(library, reader, shelf, at_fault):
    loan = library.make("Loan", reader_id=reader, shelf_id=shelf)
    assert blamed(fails(library)) == ("invalid", [loan], at_fault)
    assert not any("SELECT" in each["sql"] for each in library.last()["statements"])


def test_what_the_same_flush_makes_is_not_missing(library):
    library.make("Reader", id=7, name="New")
    loan = library.make("Loan", reader_id=7, shelf_id=99)
    assert blamed(fails(library)) == ("invalid", [loan], {"shelf_id"})


def test_where_both_are_missing_both_are_named(library):
    loan = library.make("Loan", reader_id=98, shelf_id=99)
    refused = fails(library)
    says_which = library.engine.dialect.name != "sqlite"
    assert blamed(refused) == ("invalid", [loan], {"reader_id"} if says_which else {"reader_id", "shelf_id"})
    assert ("One of these" in refused.message) is not says_which


def test_a_deletion_that_other_rows_point_to_is_named_itself(library):
    library.make("Loan", reader_id=1, shelf_id=1)
    library.do("commit")
    library.load("Reader", 1)
    library.do("delete", "Reader:1")
    refused = fails(library)
    assert blamed(refused) == ("invalid", ["Reader:1"], set())
    assert "point to" in refused.message


# the ORM's own words


@pytest.mark.filterwarnings("ignore:Column 'keyless.code' is marked:sqlalchemy.exc.SAWarning")
def test_a_key_that_nobody_makes(library):
    made = library.make("Keyless", name="x")
    refused = fails(library)
    assert (refused.details["refs"], set(refused.fields)) == ([made], {"code"})


@pytest.mark.filterwarnings("ignore:Column 'keyless.code' is marked:sqlalchemy.exc.SAWarning")
def test_a_key_that_the_database_leaves_empty(tmp_path):
    with Library(f"sqlite:///{tmp_path / 'shop.db'}", f"sqlite:///{tmp_path / 'store.db'}") as made:
        with made.engine.begin() as connection:
            connection.exec_driver_sql("drop table keyless")
            connection.exec_driver_sql("create table keyless (code text primary key, name text)")
        made.open()
        ref = made.make("Keyless", name="x")
        refused = fails(made)
        assert blamed(refused) == ("failed", [ref], {"code"})
        assert "has no value" in refused.message


def test_what_the_programs_own_code_says_of_an_object_has_its_ref(desk):
    def never(session, context, instances):
        raise ValueError(f"not {object.__repr__(next(iter(session.new)))}")

    sa.event.listen(desk.maker.class_, "before_flush", never)
    try:
        desk.open()
        made = desk.make("Author", name="Staged")
        refused = fails(desk)
    finally:
        sa.event.remove(desk.maker.class_, "before_flush", never)
    assert refused.message.endswith(f"not {made}")


def test_a_key_that_would_be_blanked_out(library):
    library.load("Shelf", 1)
    library.do("delete", "Shelf:1")
    refused = fails(library)
    assert (refused.code, refused.details["refs"], set(refused.fields)) == ("failed", ["Place:1,1"], {"shelf_id"})


@pytest.mark.filterwarnings("ignore:New instance:sqlalchemy.exc.SAWarning")
def test_a_key_that_another_object_of_the_session_has(library):
    library.load("Reader", 1)
    made = library.make("Reader", id=1, name="Other")
    refused = fails(library)
    assert refused.details["refs"] == [made]
    assert set(refused.fields) == {"id"}
    assert "Reader:1" in refused.message


# what an author wrote


def _trigger(desk, sentence):
    with desk.engine.begin() as connection:
        if desk.engine.dialect.name == "sqlite":
            connection.exec_driver_sql(
                f"create trigger closed before update on book begin select raise(abort, '{sentence}'); end"
            )
            return
        if desk.engine.dialect.name == "mariadb":
            connection.exec_driver_sql(
                "create trigger closed before update on book for each row"
                f" signal sqlstate '45000' set message_text = '{sentence}'"
            )
            return
        connection.exec_driver_sql(
            f"create function closed() returns trigger language plpgsql as $$begin raise exception '{sentence}'; end$$"
        )
        connection.exec_driver_sql("create trigger closed before update on book for each row execute function closed()")


def test_the_sentence_of_a_trigger_is_told(desk):
    _trigger(desk, "The shop is closed on Sundays.\nSecond line.")
    desk.open()
    desk.load("Book", 1)
    desk.set("Book:1", title="Staged")
    refused = fails(desk)
    assert blamed(refused) == ("invalid", ["Book:1"], set())
    assert refused.message == "Book:1: The shop is closed on Sundays."


def test_a_trigger_that_speaks_under_the_name_of_a_constraint_is_told_too(postgresql_url, tmp_path):
    with Library(postgresql_url, f"sqlite:///{tmp_path / 'store.db'}") as made:
        with made.engine.begin() as connection:
            connection.exec_driver_sql(
                "create function is_full() returns trigger language plpgsql as "
                "$$begin raise exception 'The shelf is full.' using errcode = 'check_violation'; end$$"
            )
            connection.exec_driver_sql(
                "create trigger t before insert on reader for each row execute function is_full()"
            )
        made.open()
        ref = made.make("Reader", name="New")
        refused = fails(made)
        assert (refused.code, refused.message) == ("invalid", f"{ref}: The shelf is full.")


def test_a_long_sentence_of_a_trigger_is_cut(desk):
    _trigger(desk, "Closed. " * 200)
    desk.open()
    desk.load("Book", 1)
    desk.set("Book:1", title="Staged")
    assert len(fails(desk).message) < 400


def test_the_sentence_of_a_signal_of_mysql_is_told():
    error = sa.exc.OperationalError("UPDATE", {}, Exception(1644, "The shop is closed."))
    assert said(error) == "The shop is closed."


def test_an_account_that_may_not_write(postgresql_url, tmp_path):
    with Library(postgresql_url, f"sqlite:///{tmp_path / 'store.db'}") as made:
        with made.engine.begin() as connection:
            connection.exec_driver_sql("drop role if exists reads")
            connection.exec_driver_sql("create role reads")
            connection.exec_driver_sql("grant select on all tables in schema public to reads")

        @sa.event.listens_for(made.engine, "connect")
        def connected(connection, record):
            connection.execute("set role reads")
            connection.commit()

        made.engine.dispose()
        made.open()
        made.load("Reader", 1)
        made.set("Reader:1", name="Staged")
        refused = fails(made)
        assert (refused.code, refused.details["refs"]) == ("failed", ["Reader:1"])
        assert "change rows of reader" in refused.message
    owner = sa.create_engine(postgresql_url)
    with owner.begin() as connection:
        connection.exec_driver_sql("drop owned by reads")
        connection.exec_driver_sql("drop role reads")
    owner.dispose()


def test_a_database_that_is_read_only_just_now(narrow):
    narrow.load("Reader", 1)
    narrow.set("Reader:1", name="Staged")
    with narrow.engine.connect() as connection:
        name = connection.scalar(sa.text("select current_database()"))
        connection.exec_driver_sql(f'alter database "{name}" set default_transaction_read_only = on')
        connection.commit()
    for registry in narrow.workspaces._lives._registries.values():
        registry.main.engine.dispose()
    refused = fails(narrow)
    assert (refused.code, "only be read" in refused.message) == ("failed", True)
