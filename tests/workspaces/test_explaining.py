"""Is each exception that the table explains really raised by SQLAlchemy, and told with the right row?"""

from __future__ import annotations

import asyncio
import gc
import sqlite3
import warnings

import pytest
import sqlalchemy as sa
import sqlalchemy.orm as sa_orm
from sqlalchemy.util import await_only

from dashboard.workspaces import explaining
from tests.workspaces.shop import Author, Book, Line, Node, Tag, make, prepare


@pytest.fixture
def engine(tmp_path):
    engine = sa.create_engine(f"sqlite:///{tmp_path / 'shop.db'}", pool_size=1, max_overflow=0, pool_timeout=0.01)
    prepare(engine)
    make(engine)
    yield engine
    engine.dispose()


@pytest.fixture
def session(engine):
    with sa_orm.Session(engine) as session:
        yield session


def detached(session):
    book = session.get(Book, 1)
    session.expunge(book)
    _ = book.author


def pending_rollback(session):
    session.add(Tag(name="old"))
    with pytest.raises(sa.exc.IntegrityError):
        session.flush()
    session.execute(sa.text("select 1"))


def stale(session):
    tag = session.get(Tag, 1)
    session.execute(sa.text("delete from book_tag"))
    session.execute(sa.text("delete from tag where id = 1"))
    tag.name = "new"
    session.flush()


def gone(session):
    author = Author(name="short")
    session.add(author)
    session.flush()
    session.expire(author)
    session.execute(sa.text("delete from author where name = 'short'"))
    _ = author.name


def dereferenced(session):
    children = session.get(Node, 1).children
    session.expunge_all()
    gc.collect()
    children.add(Node(name="x"))


class Keyless(sa_orm.DeclarativeBase):
    pass


class Text(Keyless):
    __tablename__ = "text_key"
    id: sa_orm.Mapped[str] = sa_orm.mapped_column(sa.String(5), primary_key=True)
    name: sa_orm.Mapped[str | None]


def null_identity(session):
    session.execute(sa.text("create table text_key (id varchar(5), name text)"))
    session.add(Text(name="x"))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        session.flush()


def wrong_flush(session):
    session.add(Line(book=session.get(Tag, 1), code="c"))
    session.flush()


def circle(session):
    one, other = Node(name="one"), Node(name="other")
    one.parent, other.parent = other, one
    session.add(one)
    session.flush()


def greenlet(session):
    await_only(asyncio.sleep(0))


def closed(session):
    result = session.execute(sa.select(Tag))
    result.close()
    result.all()


def attached(session):
    with sa_orm.Session(session.get_bind()) as other:
        tag = Tag(name="x")
        other.add(tag)
        session.add(tag)


def twice(session):
    tag = session.get(Tag, 1)
    session.expunge(tag)
    _second = session.get(Tag, 1)
    session.add(tag)


def deleted(session):
    tag = Tag(name="x")
    session.add(tag)
    session.flush()
    session.delete(tag)
    session.flush()
    session.add(tag)


def refreshed(session):
    tag = Tag(name="x")
    session.add(tag)
    session.flush()
    session.execute(sa.text("delete from tag where name = 'x'"))
    session.refresh(tag)


def exhausted(session):
    session.execute(sa.text("select 1"))
    with session.get_bind().connect():
        pass


def unbound(session):
    with sa_orm.Session() as nowhere:
        nowhere.execute(sa.select(Tag))


def data_error(session):
    raise sa.exc.DBAPIError.instance("INSERT", {}, sqlite3.DataError("out of range"), sqlite3.Error)


def driver_error(session):
    raise sa.exc.DBAPIError.instance("INSERT", {}, sqlite3.InternalError("x"), sqlite3.Error)


RAISED = {
    detached: (sa_orm.exc.DetachedInstanceError, ""),
    pending_rollback: (sa.exc.PendingRollbackError, ""),
    stale: (sa_orm.exc.StaleDataError, ""),
    gone: (sa_orm.exc.ObjectDeletedError, ""),
    dereferenced: (sa_orm.exc.ObjectDereferencedError, ""),
    (lambda session: session.add("text")): (sa_orm.exc.UnmappedInstanceError, ""),
    (lambda session: sa_orm.class_mapper(str)): (sa_orm.exc.UnmappedClassError, ""),
    null_identity: (sa_orm.exc.FlushError, "NULL identity key"),
    wrong_flush: (sa_orm.exc.FlushError, ""),
    circle: (sa.exc.CircularDependencyError, ""),
    (lambda session: session.scalars(sa.select(Tag)).one()): (sa.exc.MultipleResultsFound, ""),
    (lambda session: session.scalars(sa.select(Tag).where(sa.false())).one()): (sa.exc.NoResultFound, ""),
    greenlet: (sa.exc.MissingGreenlet, ""),
    closed: (sa.exc.ResourceClosedError, ""),
    unbound: (sa.exc.UnboundExecutionError, ""),
    (lambda session: session.delete(Tag(name="x"))): (sa.exc.InvalidRequestError, "is not persisted"),
    (lambda session: session.expire(Tag())): (sa.exc.InvalidRequestError, "is not persistent within this Session"),
    (lambda session: session.expunge(Tag())): (sa.exc.InvalidRequestError, "is not present in this Session"),
    deleted: (sa.exc.InvalidRequestError, "has been deleted"),
    attached: (sa.exc.InvalidRequestError, "is already attached to session"),
    twice: (sa.exc.InvalidRequestError, "another instance with key"),
    refreshed: (sa.exc.InvalidRequestError, "Could not refresh instance"),
    (lambda session: session.begin() and session.begin()): (sa.exc.InvalidRequestError, ""),
    (lambda session: session.execute(sa.insert(Tag).values(name="old"))): (sa.exc.IntegrityError, ""),
    data_error: (sa.exc.DataError, ""),
    (lambda session: session.execute(sa.text("select * from nothing"))): (sa.exc.OperationalError, ""),
    (lambda session: session.connection().exec_driver_sql("select ?", ())): (sa.exc.ProgrammingError, ""),
    driver_error: (sa.exc.DBAPIError, ""),
    (lambda session: session.execute(sa.insert(Book).values(price=object()))): (sa.exc.StatementError, ""),
    exhausted: (sa.exc.TimeoutError, ""),
    (lambda session: session.execute("select 1")): (sa.exc.ArgumentError, ""),
}


@pytest.mark.parametrize("raises", RAISED, ids=lambda raises: RAISED[raises][0].__name__ + " " + RAISED[raises][1])
def test_what_sqlalchemy_really_raises_is_told_with_its_row(session, raises):
    with pytest.raises(Exception) as raised:
        raises(session)
    row = explaining.find(raised.value)
    assert row is not None, raised.value
    assert (row.class_, row.words) == RAISED[raises]
    told = explaining.explained(raised.value)
    assert (told["meaning"], told["cure"]) == (row.meaning, row.cure)
    code = raised.value.code
    assert told["link"] == ("" if code is None else f"https://sqlalche.me/e/{explaining._VERSION}/{code}")
    session.rollback()


def test_every_row_of_the_table_is_reached():
    assert {(row.class_, row.words) for row in explaining.TABLE} == set(RAISED.values())


def test_a_drivers_own_words_are_not_told(session):
    with pytest.raises(sa.exc.IntegrityError) as raised:
        session.execute(sa.insert(Tag).values(name="old"))
    assert explaining.explained(raised.value)["said"] == ""


def test_what_is_not_sqlalchemys_is_not_explained():
    assert explaining.explained(ValueError("x")) == {}


def test_what_stands_behind_a_statement_that_was_not_sent_is_explained():
    error = sa.exc.StatementError("x", "SELECT 1", {}, sa.exc.MissingGreenlet("no await"))
    assert explaining.explained(error)["class"] == "MissingGreenlet"
