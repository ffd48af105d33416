"""Do Sessions and objects count by their registry, each event once, under the most specific name?"""

from __future__ import annotations

import gc

import pytest
import sqlalchemy as sa
from sqlalchemy import orm as sa_orm

from dashboard.telemetry import unwatch, watch_sessions

from .conftest import User


@pytest.fixture
def watched(maker, name):
    watch_sessions(maker, registry=name)
    yield maker
    unwatch(maker)


@pytest.fixture
def registry(read, name):
    return lambda: next((r for r in read().sessions.registries if r.name == name), None)


@pytest.fixture
def moves(read, name):
    """Transitions since the last question, as {(from, to): count}."""
    seen = {}

    def ask():
        now = {(t.from_, t.to): t.count for t in read().sessions.transitions if t.registry == name}
        new = {pair: count - seen.get(pair, 0) for pair, count in now.items() if count != seen.get(pair, 0)}
        seen.update(now)
        return new

    return ask


def test_the_whole_life_of_an_object_is_counted_arrow_by_arrow(watched, moves):
    session = watched()
    user = User(name="ada")
    session.add(user)
    assert moves() == {("transient", "pending"): 1}
    session.expunge(user)
    assert moves() == {("pending", "transient"): 1}
    session.add(user)
    session.flush()
    assert moves() == {("transient", "pending"): 1, ("pending", "persistent"): 1}
    session.rollback()
    assert moves() == {("persistent", "transient"): 1}
    session.add(user)
    session.commit()
    assert moves() == {("transient", "pending"): 1, ("pending", "persistent"): 1, ("persistent", "expired"): 1}
    assert user.name == "ada"
    assert moves() == {("expired", "persistent"): 1}
    session.delete(user)
    session.flush()
    assert moves() == {("persistent", "deleted"): 1}
    session.rollback()
    assert moves() == {("deleted", "persistent"): 1, ("persistent", "expired"): 1}
    session.delete(user)
    session.commit()
    assert moves() == {("expired", "persistent"): 1, ("persistent", "deleted"): 1, ("deleted", "detached"): 1}
    session.close()


def test_loading_detaching_and_coming_back_are_counted(watched, moves):
    with watched() as session:
        session.add(User(name="ada"))
        session.commit()
    moves()
    session = watched()
    user = session.scalars(sa.select(User)).one()
    assert moves() == {("database", "persistent"): 1}
    session.expunge(user)
    assert moves() == {("persistent", "detached"): 1}
    session.add(user)
    assert moves() == {("detached", "persistent"): 1}
    session.close()
    assert moves() == {("persistent", "detached"): 1}


def test_what_is_expired_already_does_not_expire_again(watched, moves):
    session = watched()
    user = User(name="ada")
    session.add(user)
    session.commit()
    moves()
    session.commit()
    session.expire_all()
    session.rollback()
    assert moves() == {}
    assert user.age is None
    assert moves() == {("expired", "persistent"): 1}
    session.close()


def test_a_query_that_loads_an_expired_object_brings_it_back(watched, moves):
    session = watched()
    user = User(name="ada")
    session.add(user)
    session.commit()
    moves()
    assert session.scalars(sa.select(User)).one() is user
    assert moves() == {("expired", "persistent"): 1}
    session.refresh(user)
    assert moves() == {("persistent", "expired"): 1, ("expired", "persistent"): 1}
    session.close()


def test_an_object_of_which_one_attribute_is_still_missing_is_still_expired(watched, moves):
    session = watched()
    user = User(name="ada", age=36)
    session.add(user)
    session.commit()
    session.expire(user)
    moves()
    session.refresh(user, ["name"])
    assert moves() == {}
    assert user.age == 36
    assert moves() == {("expired", "persistent"): 1}
    session.expire(user, ["age"])
    assert moves() == {("persistent", "expired"): 1}
    session.close()


def test_root_transactions_count_by_their_outcome(watched, registry):
    with watched() as session:
        session.add(User(name="ada"))
        session.commit()
        session.scalars(sa.select(User)).all()
        session.rollback()
        session.scalars(sa.select(User)).all()
    totals = registry().totals
    assert [totals[f"transactions_{o}"] for o in ("commit", "rollback", "released")] == [1, 1, 1]


def test_savepoints_and_the_transaction_of_a_flush_are_no_root_transactions(watched, registry):
    with watched() as session:
        with session.begin_nested():
            session.add(User(name="ada"))
        with session.begin_nested() as savepoint:
            session.add(User(name="grace"))
            session.flush()
            savepoint.rollback()
        session.commit()
    totals = registry().totals
    assert [totals[f"transactions_{o}"] for o in ("commit", "rollback", "released")] == [1, 0, 0]


def test_a_failed_flush_needs_a_rollback_and_counts_as_one(watched, registry, read, name):
    session = watched()
    session.add_all([User(name="ada"), User(name="ada")])
    with pytest.raises(sa.exc.IntegrityError):
        session.flush()
    assert (registry().needs_rollback, registry().in_transaction) == (1, 0)
    assert [one.state for one in read().sessions.live if one.registry == name] == ["needs_rollback"]
    session.rollback()
    totals = registry().totals
    assert [totals[f"transactions_{o}"] for o in ("commit", "rollback", "released")] == [0, 1, 0]
    assert (totals["flushes"], totals["flushed_new"]) == (0, 0)
    session.close()


def test_flushed_objects_count_by_what_was_done_to_them(watched, registry):
    with watched() as session:
        users = [User(name=name) for name in "abc"]
        session.add_all(users)
        session.flush()
        users[0].age, users[1].name = 1, "b"  # set to what it was: nothing to write
        session.delete(users[2])
        session.commit()
    totals = registry().totals
    assert [totals[f"flushed_{kind}"] for kind in ("new", "modified", "deleted")] == [3, 1, 1]
    assert totals["flushes"] == 2


def test_live_sessions_are_seen_and_forgotten_with_the_last_reference(watched, registry, read, name):
    session = watched()
    user = User(name="ada")
    session.add(user)
    session.flush()
    session.add(User(name="grace"))
    live = [one for one in read().sessions.live if one.registry == name]
    assert [(one.state, one.new, one.identity_map) for one in live] == [("in_transaction", 1, 1)]
    assert (registry().in_transaction, registry().identity_map_objects) == (1, 1)
    session.close()
    assert sa.inspect(user).detached
    assert registry().idle == 1
    del session
    gc.collect()
    assert registry().idle == 0


def test_a_session_is_in_a_transaction_when_it_holds_a_connection(watched, registry, engine):
    session = watched()
    session.add(User(name="ada"))
    assert session.in_transaction()
    assert (registry().idle, registry().in_transaction) == (1, 0)
    with session.begin_nested():
        assert (registry().idle, registry().in_transaction) == (0, 1)
    session.rollback()
    assert (registry().idle, registry().in_transaction) == (1, 0)
    session.close()


def test_what_comes_to_a_session_expired_is_counted_as_that(watched, moves):
    session = watched()
    user = User(name="ada")
    session.add(user)
    session.commit()
    session.expunge(user)
    moves()
    session.add(user)
    assert moves() == {("detached", "persistent"): 1, ("persistent", "expired"): 1}
    assert user.name == "ada"
    assert moves() == {("expired", "persistent"): 1}
    session.close()


def test_what_is_missing_and_then_written_is_expired_no_more(watched, moves):
    session = watched()
    user = User(name="ada", age=36)
    session.add(user)
    session.commit()
    assert user.age == 36
    session.expire(user, ["age"])
    moves()
    user.age = 37
    session.flush()
    assert moves() == {("expired", "persistent"): 1}
    session.expire(user, ["age"])
    assert moves() == {("persistent", "expired"): 1}
    session.close()


def test_an_event_counts_once_for_the_most_specific_registration(maker, name, registry, read):
    general = watch_sessions(sa_orm.Session, registry="everything")
    special = watch_sessions(maker, registry=name)
    try:
        with maker() as session:
            session.add(User(name="ada"))
            session.commit()
        with sa_orm.Session(maker.kw["bind"]) as session:
            session.add(User(name="grace"))
            session.commit()
        every = next(r for r in read().sessions.registries if r.name == "everything")
        assert registry().totals["transactions_commit"] == every.totals["transactions_commit"] == 1
        assert registry().totals["flushed_new"] == every.totals["flushed_new"] == 1
    finally:
        special.stop()
        general.stop()


def test_a_scoped_session_its_sessionmaker_and_its_class_are_one_target(maker, name):
    scoped = sa_orm.scoped_session(maker)
    watch_sessions(scoped, registry=name)
    assert watch_sessions(maker).name == name
    assert watch_sessions(maker.class_).name == name
    with pytest.raises(ValueError, match=name):
        watch_sessions(maker, registry="another")
    unwatch(scoped)


@pytest.mark.parametrize("target", [None, 1, int, "Session"])
def test_what_makes_no_sessions_cannot_be_watched(target):
    with pytest.raises(TypeError, match="watch_sessions takes"):
        watch_sessions(target)


def test_unwatched_sessions_leave_no_listener_and_keep_their_counts(maker, name, registry):
    def listening():
        of_sessions = [c.name for c in maker.class_.dispatch._event_descriptors if c._clslevel.get(maker.class_)]
        of_objects = [n for n in ("expire", "refresh") if getattr(sa_orm.class_mapper(User).class_manager.dispatch, n)]
        return of_sessions, of_objects

    with maker() as session:
        session.commit()
    before = listening()
    watched = watch_sessions(maker, registry=name)
    with maker() as session:
        session.add(User(name="ada"))
        session.commit()
    watched.stop()
    watched.stop()
    assert listening() == before
    with maker() as session:
        session.add(User(name="grace"))
        session.commit()
    assert registry().totals["flushed_new"] == 1
