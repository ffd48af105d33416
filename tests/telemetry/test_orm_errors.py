"""The ORM's errors are told from the chain of the exception that ends a scope: each once, and never with values."""

from __future__ import annotations

import asyncio
import gc
import re

import pytest
import sqlalchemy as sa
from sqlalchemy import orm as sa_orm
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine

from dashboard.telemetry import scope, unwatch, watch_sessions
from dashboard.telemetry.orm_errors import chain_of

from .library import Author, Book, Library, Node


@pytest.fixture
def errors(read):
    """How many since the last question, by kind; and the newest one."""
    seen = {}

    def ask():
        sessions = read().sessions
        counts = dict(sessions.error_counts)
        new = {kind: count - seen.get(kind, 0) for kind, count in counts.items() if count != seen.get(kind, 0)}
        seen.update(counts)
        return new, sessions.errors[0] if sessions.errors else None

    ask()
    return ask


def fails(work, *arguments, endpoint="shop.page"):
    """Runs it in a scope, and gives back the error that came out."""
    with pytest.raises(Exception) as caught, scope(endpoint):
        work(*arguments)
    return caught.value


def a_detached_author(maker):
    with maker() as session:
        return session.scalars(sa.select(Author).order_by(Author.id).limit(1)).one()


def test_a_detached_object_tells_its_class_attribute_and_where_it_was_detached(watched, errors):
    author = a_detached_author(watched)
    fails(lambda: author.books)
    new, one = errors()
    assert new == {"detached": 1}
    assert (one.kind, one.error, one.endpoint) == ("detached", "DetachedInstanceError", "shop.page")
    assert (one.model, one.attribute) == ("Author", "books")
    assert re.search(r"test_orm_errors.py:\d+ in a_detached_author", one.detached_at)
    assert re.search(r"test_orm_errors.py:\d+ in test_a_detached_object.*lambda", one.line)
    assert one.at.endswith("Z")


def test_deferred_and_expired_columns_of_a_detached_object_are_told_too(watched, errors):
    fails(lambda author: author.biography, a_detached_author(watched))
    assert errors()[1].attribute == "biography"
    with watched() as session:
        author = session.scalars(sa.select(Author).limit(1)).one()
        session.commit()
        session.expunge(author)
    fails(lambda: author.name)
    _, one = errors()
    assert (one.model, one.attribute) == ("Author", "name")
    assert "test_deferred_and_expired" in one.detached_at


def test_each_call_that_detaches_has_its_own_line(watched, errors):
    with watched() as session:
        first, second, third = session.scalars(sa.select(Author).order_by(Author.id).limit(3))
        session.expunge(first)
        session.expunge(second)
        session.expunge_all()
    lines = []
    for author in (first, second, third):
        fails(lambda author=author: author.books)
        lines.append(int(re.search(r":(\d+) in", errors()[1].detached_at)[1]))
    assert lines == [lines[0], lines[0] + 1, lines[0] + 2]


def test_an_object_whose_session_was_dropped_has_no_place_where_it_was_detached(watched, errors):
    session = watched()
    author = session.scalars(sa.select(Author).limit(1)).one()
    assert author.name
    session.rollback()
    assert author.name
    session.get_transaction().close()
    del session
    gc.collect()
    fails(lambda: author.books)
    _, one = errors()
    assert (one.kind, one.model, one.detached_at) == ("detached", "Author", None)


def test_a_pending_rollback_tells_the_first_error_without_its_values(watched, errors):
    with watched() as session:
        session.add(Book(id=1, title="secret 4111"))

        def work():
            with pytest.raises(sa.exc.IntegrityError):
                session.flush()
            session.scalars(sa.select(Author)).all()

        fails(work, endpoint="shop.order")
    new, one = errors()
    assert new == {"pending_rollback": 1}
    assert (one.first.error, one.first.statement) == (
        "IntegrityError",
        "INSERT INTO book (id, title, author_id) VALUES (…)",
    )
    assert "in test_a_pending_rollback" in one.first.line
    assert "4111" not in repr(one)


def test_stale_data_a_pool_that_is_exhausted_and_the_rest_are_told_apart(watched, errors, engine):
    with watched() as session:
        book = session.get(Book, 1)
        session.execute(sa.delete(Book).where(Book.id == 1).execution_options(synchronize_session=False))
        book.title = "gone"
        fails(session.flush)
        assert errors()[0] == {"stale_data": 1}
    taken = [engine.connect() for _ in range(3)]
    fails(engine.connect)
    for connection in taken:
        connection.close()
    new, one = errors()
    assert (new, one.error) == ({"pool_timeout": 1}, "TimeoutError")
    with watched() as session:
        fails(session.execute, sa.text("SELECT * FROM nowhere"))
    assert errors()[0] == {"other": 1}


def test_an_error_that_is_not_sqlalchemys_is_none(errors):
    fails(lambda: {}["key"])
    assert errors()[0] == {}


def test_the_cause_and_the_context_are_looked_through_and_the_telling_error_wins(watched, errors):
    def wrapped():
        try:
            assert a_detached_author(watched).books
        except sa_orm.exc.DetachedInstanceError as error:
            raise RuntimeError("the shop's own") from error

    def while_handling():
        try:
            wrapped()
        except RuntimeError:
            raise sa.exc.NoSuchTableError("x")  # noqa: B904  what is looked for is the context

    fails(wrapped)
    assert errors()[0] == {"detached": 1}
    fails(while_handling)
    assert errors()[0] == {"detached": 1}


def test_an_error_that_passes_through_two_scopes_counts_once_for_the_inner_one(watched, errors):
    author = a_detached_author(watched)

    def inner():
        with scope("shop.step"):
            assert author.books

    def outer():
        try:
            inner()
        except sa.exc.SQLAlchemyError as error:
            raise RuntimeError from error

    fails(outer)
    new, one = errors()
    assert (new, one.endpoint) == ({"detached": 1}, "shop.step")


def test_a_chain_that_bites_its_tail_ends():
    one, two = ValueError(), KeyError()
    one.__cause__, two.__cause__ = two, one
    assert list(chain_of(one)) == [one, two]


def test_a_suppressed_context_is_not_looked_at(watched, errors):
    def work():
        try:
            assert a_detached_author(watched).books
        except sa_orm.exc.DetachedInstanceError:
            raise KeyError from None

    fails(work)
    assert errors()[0] == {}


def test_only_the_last_errors_are_remembered(watched, errors, read):
    for _ in range(60):
        fails(lambda: a_detached_author(watched).books)
    assert errors()[0] == {"detached": 60}
    assert len(read().sessions.errors) == 50


@pytest.mark.parametrize("explicitly", [True, False])
def test_an_async_session_tells_where_it_was_closed_unless_its_block_did_it(tmp_path, name, errors, explicitly):
    async def work():
        engine = create_async_engine(f"sqlite+aiosqlite:///{tmp_path / 'errors.db'}")
        maker = async_sessionmaker(engine)
        async with engine.begin() as connection:
            await connection.run_sync(Library.metadata.create_all)
        watch_sessions(maker, registry=name)
        try:
            async with maker() as session:
                session.add_all([Node() for _ in range(3)])
                await session.commit()
                nodes = (await session.scalars(sa.select(Node))).all()
                if explicitly:
                    await session.close()
            for node in nodes:
                fails(lambda node=node: node.children)
                new, one = errors()
                assert (new, one.model) == ({"detached": 1}, "Node")
                if explicitly:
                    assert re.search(r"test_orm_errors.py:\d+ in .*work", one.detached_at)
                else:  # in a task of its own, with nothing of the program above it
                    assert one.detached_at is None
        finally:
            unwatch(maker)
            await engine.dispose()

    asyncio.run(work())
