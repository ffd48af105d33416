"""A relationship that is loaded again and again within one request is told with its place and its cure."""

from __future__ import annotations

import asyncio

import pytest
import sqlalchemy as sa
from sqlalchemy import orm as sa_orm
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine
from sqlalchemy.orm import selectinload

from dashboard.telemetry import scope, unwatch, watch_sessions
from dashboard.telemetry.examples import KEPT
from dashboard.telemetry.n_plus_one import examples

from . import library
from .library import Author, Book, Library, Node, shelf


@pytest.fixture(autouse=True)
def no_examples():
    """They are the process's, and may be another test's."""
    examples.begin_at_zero()


@pytest.fixture
def many(read):
    """Occasions of N+1 since the last question, by path."""
    seen = {}

    def ask():
        now = {one.path: one.count for one in read().sessions.n_plus_one}
        new = {path: count - seen.get(path, 0) for path, count in now.items() if count != seen.get(path, 0)}
        seen.update(now)
        return new

    ask()
    return ask


def written(option):
    """The option as Python has it: what a person would paste."""
    return eval(option, {**vars(sa_orm), **vars(library)})


def test_ten_lazy_loads_of_one_relationship_in_a_scope_are_one_n_plus_one(watched, many):
    with watched() as session:
        with scope("shop.authors"):
            for author in session.scalars(sa.select(Author)):
                assert author.books
        assert many() == {"Author.books": 1}
        session.expunge_all()
        with scope("shop.authors"):
            for author in session.scalars(sa.select(Author).limit(9)):
                assert author.books
        session.expunge_all()
        for author in session.scalars(sa.select(Author)):  # outside of every scope
            assert author.books
    assert many() == {}


def test_of_each_endpoint_the_newest_example_is_kept(watched, read):
    def first(session):
        return [author.books for author in session.scalars(sa.select(Author))]

    def second(session):
        return [author.books for author in session.scalars(sa.select(Author))]

    for endpoint, work in (("shop.old", first), ("shop.new", first), ("shop.new", second), ("shop.old", first)):
        with watched() as session, scope(endpoint):
            work(session)
    one = next(one for one in read().sessions.n_plus_one if one.path == "Author.books")
    lines = {example.endpoint: example.line for example in one.examples}
    assert (one.endpoint, one.stack[0]) == ("shop.old", lines["shop.old"])
    counts = {example.endpoint: example.count for example in one.examples}
    assert "second" in lines["shop.new"]
    assert "first" in lines["shop.old"]
    assert (counts["shop.old"], counts["shop.new"]) == (2, 2)


def test_of_too_many_examples_those_that_have_not_happened_for_longest_go(watched):
    examples.note("Author.books", "shop.first")
    for number in range(KEPT):
        examples.note("Author.books", "shop.first" if number == 5 else f"shop.number_{number}")
    kept = [one["endpoint"] for one in examples.said()]
    assert len(kept) == KEPT
    assert "shop.first" in kept
    assert "shop.number_0" in kept
    examples.note("Author.books", "shop.one_more")
    assert "shop.number_0" not in [one["endpoint"] for one in examples.said()]


def test_the_example_has_the_programs_lines_and_the_option_that_cures_it(watched, read):
    with watched() as session, scope("shop.books"):
        for book in session.scalars(sa.select(Book)):
            assert book.author
    one = next(one for one in read().sessions.n_plus_one if one.path == "Book.author")
    assert (one.endpoint, one.cure) == ("shop.books", "joinedload(Book.author)")
    assert "test_n_plus_one.py" in one.stack[0]
    assert "test_the_example_has" in one.stack[0]
    assert not any("pytest" in line for line in one.stack)
    assert one.at.endswith("Z")


@pytest.mark.parametrize(
    "options, cure",
    [
        ((), "selectinload(Book.pages)"),
        ((selectinload(Author.books),), "defaultload(Author.books).selectinload(Book.pages)"),
    ],
)
def test_the_cure_says_what_stands_before_the_relationship_where_options_are_given(watched, read, options, cure):
    with watched() as session, scope("shop.pages"):
        for author in session.scalars(sa.select(Author).options(*options)).all():
            assert author.books[0].pages
    assert next(one for one in read().sessions.n_plus_one if one.path == "Book.pages").cure == cure


def test_the_written_cure_cures(watched, many):
    option = written("defaultload(Author.books).selectinload(Book.pages)")
    with watched() as session, scope("shop.pages"):
        for author in session.scalars(sa.select(Author).options(selectinload(Author.books), option)).all():
            assert author.books[0].pages
    assert many() == {}


def test_a_tree_is_cured_to_its_leaves(watched, read, loaded):
    root = Node(children=[Node(children=[Node()]) for _ in range(10)])
    with watched() as session:
        session.add(root)
        session.commit()
        top = root.id
        session.expunge_all()
        loaded()
        with scope("shop.tree"):
            for child in session.get(Node, top).children:
                assert len(child.children) < 2
        assert loaded() == {"query": 1, ("lazy", "Node.children"): 11}
        one = next(one for one in read().sessions.n_plus_one if one.path == "Node.children")
        assert one.cure == "selectinload(Node.children, recursion_depth=-1)"
        session.expunge_all()
        node = session.scalars(sa.select(Node).where(Node.id == top).options(written(one.cure))).one()
        loaded()
        assert node.children[0].children[0].children == []
    assert loaded() == {}


def test_an_async_session_counts_and_its_program_is_found_across_the_greenlet(tmp_path, name, loaded, read):

    async def work():
        engine = create_async_engine(f"sqlite+aiosqlite:///{tmp_path / 'loads.db'}")
        maker = async_sessionmaker(engine)
        async with engine.begin() as connection:
            await connection.run_sync(Library.metadata.create_all)
        async with maker() as session:
            await session.run_sync(shelf)
        watch_sessions(maker, registry=name)
        try:
            async with maker() as session:
                with scope("shop.async"):
                    for author in (await session.scalars(sa.select(Author))).all():
                        await session.run_sync(lambda _, one=author: one.books)
        finally:
            unwatch(maker)
            await engine.dispose()

    loaded()
    asyncio.run(work())
    assert loaded() == {"query": 1, ("lazy", "Author.books"): 12}
    one = next(one for one in read().sessions.n_plus_one if one.path == "Author.books")
    assert one.endpoint == "shop.async"
    assert any("test_n_plus_one.py" in line and "work" in line for line in one.stack)
