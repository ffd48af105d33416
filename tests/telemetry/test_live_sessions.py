"""Each live Session says for whom, from which line and since when it works, and why it wants a rollback."""

from __future__ import annotations

import re
import threading

import pytest
import sqlalchemy as sa
from sqlalchemy import orm as sa_orm

from dashboard.telemetry import scope, unwatch, watch, watch_sessions

from .conftest import Base, User
from .waiting import until


@pytest.fixture
def watched(maker, name):
    watch_sessions(maker, registry=name)
    with maker() as session:
        session.add(User(name="ada"))
        session.commit()
    del session
    yield maker
    unwatch(maker)


@pytest.fixture
def live(read, name):
    """The only live Session of the registry."""

    def now():
        (one,) = (one for one in read().sessions.live if one.registry == name)
        return one

    return now


def test_a_session_tells_its_endpoint_line_and_transaction(watched, live):
    with scope("shop.order"):
        session = watched()
        user = User(name="grace")
        session.add(user)
        assert (live().endpoint, live().connection, live().transaction_seconds) == ("shop.order", False, None)
        assert re.search(r"test_live_sessions.py:\d+ in test_a_session_tells", live().line)
        session.flush()
        one = live()
        assert (one.state, one.connection, one.identity_map) == ("in_transaction", True, 1)
        assert 0 <= one.transaction_seconds <= one.age
        assert user.id
        session.rollback()
        assert (live().state, live().connection, live().transaction_seconds) == ("idle", False, None)
        session.close()


def test_a_savepoint_does_not_begin_the_transaction_anew(watched, live):
    with watched() as session:
        session.execute(sa.text("SELECT 1"))
        before = until(lambda: (seconds := live().transaction_seconds) > 0.05 and seconds)
        with session.begin_nested():
            session.add(User(name="grace"))
        assert live().transaction_seconds >= before


def test_a_session_that_is_used_again_after_it_was_closed_has_a_new_first_use(watched, live):
    session = watched()
    with scope("shop.first"):
        session.scalars(sa.select(User)).all()
    session.close()
    with scope("shop.second"):
        users = session.scalars(sa.select(User)).all()
    assert (live().endpoint, len(users)) == ("shop.second", 1)
    with scope("shop.third"):
        session.commit()
        session.execute(sa.text("SELECT 1"))
    assert live().endpoint == "shop.second"  # its objects are still those
    session.close()


def test_the_first_error_is_kept_until_the_rollback(watched, live):
    with scope("shop.order"):
        session = watched()
        session.add(User(name="ada"))
        with pytest.raises(sa.exc.IntegrityError):
            session.flush()
        for _ in range(2):
            with pytest.raises(sa.exc.PendingRollbackError):
                session.execute(sa.text("SELECT 1"))
    one = live()
    assert (one.state, one.connection) == ("needs_rollback", True)
    assert (one.error.error, one.error.endpoint) == ("IntegrityError", "shop.order")
    assert one.error.statement == "INSERT INTO user (name, age) VALUES (…)"
    assert re.search(r"test_live_sessions.py:\d+ in test_the_first_error", one.error.line)
    assert "ada" not in repr(one)
    session.rollback()
    assert (live().state, live().error) == ("idle", None)
    session.close()


def test_an_error_that_is_not_the_databases_has_no_statement(watched, live):
    session = watched()
    session.execute(sa.text("SELECT 1"))

    @sa.event.listens_for(session, "before_flush")
    def refuse(*_):
        raise ValueError("4111 1111 1111 1111")

    session.add(User(name="grace"))
    with pytest.raises(ValueError, match="4111"):
        session.flush()
    assert live().error is None  # SQLAlchemy has begun nothing yet
    sa.event.remove(session, "before_flush", refuse)

    @sa.event.listens_for(session, "after_flush")
    def refuse_later(*_):
        raise ValueError("4111 1111 1111 1111")

    with pytest.raises(ValueError, match="4111"):
        session.flush()
    assert (live().error.error, live().error.statement) == ("ValueError", None)
    assert "4111" not in repr(live())
    session.close()


def test_a_session_without_an_error_has_none(watched, live):
    with watched() as session:
        session.scalars(sa.select(User)).all()
        assert live().error is None


def test_a_failed_savepoint_that_was_rolled_back_leaves_no_error(watched, live):
    with watched() as session:
        savepoint = session.begin_nested()
        session.add(User(name="ada"))
        with pytest.raises(sa.exc.IntegrityError):
            session.flush()
        savepoint.rollback()
        assert (live().state, live().error) == ("in_transaction", None)


def test_a_watch_that_began_late_tells_what_it_knows(maker, name, live):
    session = maker()
    session.execute(sa.text("SELECT 1"))
    watch_sessions(maker, registry=name)
    try:
        one = live()
        assert (one.connection, one.endpoint, one.line, one.transaction_seconds) == (True, None, None, None)
    finally:
        session.close()
        unwatch(maker)


def test_a_scoped_session_is_one_session(watched, live):
    registry = sa_orm.scoped_session(watched)
    registry.execute(sa.text("SELECT 1"))
    registry.execute(sa.text("SELECT 1"))
    assert live().state == "in_transaction"
    registry.remove()


def test_a_session_that_waits_for_its_connection_or_for_its_commit_needs_no_rollback(
    make_engine, driver, name, read, pool
):
    engine = make_engine(pool_size=1, max_overflow=0, pool_timeout=20)
    watch(engine, name=name)
    Base.metadata.create_all(engine)
    maker = sa_orm.sessionmaker(engine)
    watch_sessions(maker, registry=name)
    committing, go_on = threading.Event(), threading.Event()

    def hold_up():
        committing.set()
        go_on.wait(20)

    def add():
        with maker() as session:
            session.add(User(name="ada"))
            session.commit()

    def look():
        with maker() as session:
            session.scalars(sa.select(User)).all()

    driver.before_commit = hold_up
    threads = [threading.Thread(target=work) for work in (add, look)]
    threads[0].start()
    assert committing.wait(20)
    threads[1].start()
    until(lambda: pool().counts.waiters == 1)
    seen = next(one for one in read().sessions.registries if one.name == name)
    go_on.set()
    for thread in threads:
        thread.join()
    unwatch(maker)
    assert (seen.in_transaction, seen.idle, seen.needs_rollback) == (1, 1, 0)
