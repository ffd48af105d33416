"""Why the ORM asked the database is told for each of its SELECTs."""

from __future__ import annotations

import threading

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import defaultload, immediateload, joinedload, selectinload, subqueryload

from dashboard.config import Config
from dashboard.telemetry import loads, unwatch, watch
from dashboard.telemetry.merging import counted, plus
from dashboard.telemetry.session_parts import sessions_of
from dashboard.telemetry.snapshot import own
from dashboard.telemetry.tables import OTHER, Names

from .library import Author, Book, Node, Page, Poet


def an_author(session, class_=Author):
    return session.scalars(sa.select(class_).order_by(class_.id).limit(1)).one()


def test_a_query_is_a_query_whatever_its_spelling(watched, loaded):
    with watched() as session:
        session.scalars(sa.select(Author)).all()
        session.query(Author.id).filter_by(id=1).all()
        session.get(Book, 1)
        session.scalars(sa.select(Page).from_statement(sa.text("SELECT * FROM page"))).all()
    assert loaded() == {"query": 3}  # SQLAlchemy does not take text for a SELECT


def test_a_union_and_a_query_with_options_of_its_own_are_queries(watched, loaded):
    with watched() as session:
        both = sa.union_all(sa.select(Author.id), sa.select(Book.id))
        session.execute(both).all()
        session.scalars(sa.select(Author).execution_options(populate_existing=True, yield_per=2)).all()
    assert loaded()["query"] == 2


def test_an_engine_that_nobody_watches_has_its_loads_counted_too(watched, loaded, engine):
    unwatch(engine)
    with watched() as session:
        for _ in range(2):
            assert an_author(session).books
            session.expunge_all()
            session.commit()
    assert loaded() == {"query": 2, ("lazy", "Author.books"): 2}
    assert not engine.dispatch.after_cursor_execute


def test_a_connection_whose_engine_comes_to_be_watched_counts_each_load_once(watched, loaded, engine, name):
    unwatch(engine)
    with engine.connect() as connection:
        with watched(bind=connection) as session:
            an_author(session)
        assert loaded() == {"query": 1}
        connection.rollback()
        watch(engine, name=name)
        with watched(bind=connection) as session:
            an_author(session)
        assert loaded() == {"query": 1}


def test_what_is_no_select_of_the_orm_is_no_load(watched, loaded):
    with watched() as session:
        session.execute(sa.text("SELECT 1"))
        session.execute(sa.select(Author.__table__))
        session.execute(sa.update(Book).values(title="x").execution_options(synchronize_session=False))
        session.execute(sa.insert(Node).values(parent_id=None))
        session.scalars(sa.insert(Node).returning(Node), [{"parent_id": None}]).all()
        session.execute(sa.delete(Node).execution_options(synchronize_session=False))
    assert loaded() == {}


def test_lazy_loads_count_by_their_relationship(watched, loaded):
    with watched() as session:
        author = an_author(session)
        assert author.books[0].pages
        session.expunge_all()
        assert session.get(Book, 1).author is not None
    assert loaded() == {
        "query": 2,
        ("lazy", "Author.books"): 1,
        ("lazy", "Book.pages"): 1,
        ("lazy", "Book.author"): 1,
    }


def test_a_many_to_one_that_is_in_the_session_already_loads_nothing(watched, loaded):
    with watched() as session:
        author = an_author(session)
        book = author.books[0]
        loaded()
        assert book.author is author
    assert loaded() == {}


@pytest.mark.parametrize("option", [selectinload, subqueryload, immediateload])
def test_eager_loads_that_send_a_select_count_by_their_relationship(watched, loaded, option):
    with watched() as session:
        session.scalars(sa.select(Author).where(Author.id == 1).options(option(Author.books))).all()
    assert loaded() == {"query": 1, ("eager", "Author.books"): 1}


def test_a_joined_load_is_part_of_its_query(watched, loaded):
    with watched() as session:
        session.scalars(sa.select(Author).options(joinedload(Author.books))).unique().all()
    assert loaded() == {"query": 1}


def test_an_eager_load_below_a_lazy_one_is_eager(watched, loaded):
    with watched() as session:
        option = defaultload(Author.books).selectinload(Book.pages)
        author = session.scalars(sa.select(Author).where(Author.id == 1).options(option)).one()
        loaded()
        assert author.books
    assert loaded() == {("lazy", "Author.books"): 1, ("eager", "Book.pages"): 1}


def test_expired_columns_are_refreshed_and_unloaded_ones_are_deferred(watched, loaded):
    with watched() as session:
        author = an_author(session)
        loaded()
        assert author.biography == ""
        assert loaded() == {"deferred": 1}
        session.commit()
        assert author.name
        assert loaded() == {"refresh": 1}
        session.expire(author, ["name"])
        assert author.name
        assert loaded() == {"refresh": 1}
        session.refresh(author)
        session.refresh(author, ["name"])
        assert loaded() == {"refresh": 2}
        session.expire(author, ["books"])
        assert author.books
        assert loaded() == {("lazy", "Author.books"): 1}


def test_a_column_of_a_subclass_that_the_query_left_out_is_deferred_until_it_is_expired(watched, loaded):
    with watched() as session:
        poet = session.scalars(sa.select(Author).where(Author.kind == "poet").limit(1)).one()
        assert isinstance(poet, Poet)
        loaded()
        assert poet.verse == ""
        assert loaded() == {"deferred": 1}
        session.expire(poet)
        assert poet.verse == ""
        assert loaded() == {"refresh": 1}


def test_each_registry_tells_its_own_loads_against_its_commits(watched, read, name):
    with watched() as session:
        author = an_author(session)
        for _ in range(3):
            session.commit()
            assert author.name
    totals = next(r for r in read().sessions.registries if r.name == name).totals
    assert (totals["loads_refresh"], totals["transactions_commit"], totals["loads_query"]) == (3, 3, 1)


def test_a_path_of_a_subclass_has_the_name_of_the_class_that_declares_it(watched, loaded):
    with watched() as session:
        assert an_author(session, Poet).books
    assert loaded() == {"query": 1, ("lazy", "Author.books"): 1}


def test_threads_count_without_losing_any_and_outlive_themselves(watched, loaded):
    def work():
        with watched() as session:
            for author in session.scalars(sa.select(Author)).all():
                assert author.books

    with watched() as session:
        authors = session.scalar(sa.select(sa.func.count()).select_from(Author))
    loaded()
    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert loaded() == {"query": 3, ("lazy", "Author.books"): 3 * authors}


def test_more_relationships_than_may_have_a_row_count_together(watched, loaded, monkeypatch):
    monkeypatch.setattr(loads, "paths", Names(0))
    with watched() as session:
        book = session.get(Book, 1)
        assert book.pages
        assert book.author
    assert loaded() == {"query": 1, ("lazy", OTHER): 2}


def test_what_two_processes_counted_adds_up_and_outlives_them(watched, loaded):
    with watched() as session:
        assert an_author(session).books
    word = own(Config())
    dead = plus(counted(word), counted(word))
    once, twice = sessions_of(word, [], 0.0), sessions_of(dead, [], 0.0)
    assert [load.count for load in twice.loads] == [2 * load.count for load in once.loads]
    assert ("lazy", "Author.books") in {(load.kind, load.path) for load in twice.loads}
    assert [sum(r.totals.values()) for r in twice.registries] == [2 * sum(r.totals.values()) for r in once.registries]


def test_counts_stay_when_a_registry_is_no_longer_watched(watched, loaded, read):
    with watched() as session:
        assert an_author(session).books
    before = loaded()
    unwatch(watched)
    assert before[("lazy", "Author.books")] == 1
    assert loaded() == {}
