"""A Session that its request left open is told, once, with its request and its line; one that was closed is not."""

from __future__ import annotations

import gc
import re

import pytest
import sqlalchemy as sa
from sqlalchemy import orm as sa_orm

from dashboard.config import Config
from dashboard.telemetry import scope, survivors, unwatch, watch_sessions
from dashboard.telemetry.merging import alone
from dashboard.telemetry.scopes import here
from dashboard.telemetry.snapshot import own

from .conftest import User


@pytest.fixture
def watched(maker, name):
    watch_sessions(maker, registry=name)
    with maker() as session:
        session.add_all([User(name="ada"), User(name="grace")])
        session.commit()
    del session
    yield maker
    unwatch(maker)


@pytest.fixture
def look(name):
    """The survivors of the registry as they are judged without waiting, and how many were counted."""

    def now():
        config = Config(survivor_seconds=0.0)
        sessions = alone(own(config), config, 0.0, None).sessions
        counted = next(r for r in sessions.registries if r.name == name).totals["survivors"]
        return [one for one in sessions.survivors if one.registry == name], counted

    now()
    return now


def test_a_session_that_is_left_with_objects_is_a_survivor_with_its_request_and_line(watched, look):
    with scope("shop.leaky"):
        session = watched()
        users = session.scalars(sa.select(User)).all()
    (one,), counted = look()
    assert (one.endpoint, one.alive, one.objects, one.connection, counted) == ("shop.leaky", True, 2, True, 1)
    assert re.search(r"test_survivors.py:\d+ in test_a_session_that_is_left", one.line)
    assert look()[1] == 1  # once for each Session
    session.close()
    (one,), _ = look()
    assert (one.alive, one.objects, one.connection) == (True, 0, False)
    del session, users
    gc.collect()
    assert [one.alive for one in look()[0]] == [False]


def test_a_session_that_keeps_only_its_transaction_is_a_survivor(watched, look):
    with scope("shop.leaky"):
        session = watched()
        session.execute(sa.text("SELECT 1"))
    assert look()[1] == 1
    session.close()


def test_a_session_that_keeps_only_pending_objects_is_a_survivor(watched, look):
    with scope("shop.leaky"):
        session = watched()
        session.add(User(name="mary"))
    assert look()[1] == 1
    session.close()


def test_a_session_that_is_closed_a_moment_after_its_scope_is_none(watched, look):
    with scope("shop.sound"):
        session = watched()
        users = session.scalars(sa.select(User)).all()
    session.close()
    assert (look(), len(users)) == (([], 0), 2)


def test_a_closed_session_whose_objects_live_on_is_none(watched, look):
    with scope("shop.sound"), watched() as session:
        users = session.scalars(sa.select(User)).all()
    assert (look(), len(users), session.get_transaction()) == (([], 0), 2, None)


def test_a_session_that_was_closed_and_is_used_by_the_next_request_is_none(watched, look):
    session = watched()
    with scope("shop.sound"):
        session.scalars(sa.select(User)).all()
    session.close()
    with scope("shop.next"):
        users = session.scalars(sa.select(User)).all()
        assert look()[1] == 0  # in the middle of the next request
    session.close()
    assert (look()[1], len(users)) == (0, 2)


def test_a_scoped_session_that_the_next_request_finds_as_it_was_left_is_a_survivor(watched, look):
    registry = sa_orm.scoped_session(watched)
    with scope("shop.first"):
        users = registry.scalars(sa.select(User)).all()
    with scope("shop.second"):
        registry.scalars(sa.select(User)).all()
        found, counted = look()
        assert ([one.endpoint for one in found], counted) == (["shop.first"], 1)
    registry.remove()
    assert (look()[1], len(users)) == (1, 2)


def test_a_session_is_judged_only_when_its_time_is_over(watched, look, read, name):
    with scope("shop.leaky"):
        session = watched()
        session.execute(sa.text("SELECT 1"))
    soon = next(r for r in read().sessions.registries if r.name == name)
    assert soon.totals["survivors"] == 0  # by default it takes a second
    session.close()
    assert look()[1] == 0


def test_a_session_of_an_inner_scope_belongs_to_the_outer_one(watched, look):
    with scope("shop.request"):
        with scope("shop.step"):
            session = watched()
            users = session.scalars(sa.select(User)).all()
        assert look()[1] == 0
    found, _ = look()
    assert ([one.endpoint for one in found], len(users)) == (["shop.request"], 2)
    session.close()


def test_what_is_used_outside_of_every_scope_is_no_survivor(watched, look):
    session = watched()
    users = session.scalars(sa.select(User)).all()
    assert (look()[1], len(users)) == (0, 2)
    session.close()


def test_a_workspace_is_no_survivor_for_it_is_meant_to_live_on(maker, read):
    watch_sessions(maker, registry=survivors.OURS)
    try:
        with scope("poolhouse.workspace"):
            session = maker()
            session.execute(sa.text("SELECT 1"))
        own(Config(survivor_seconds=0.0))
        assert not [one for one in read().sessions.survivors if one.registry == survivors.OURS]
        session.close()
    finally:
        unwatch(maker)


def test_a_scope_that_lasts_as_long_as_its_worker_keeps_few_sessions_of_its_jobs(watched):
    with scope("shop.worker"):
        for _ in range(400):
            with scope("shop.job"), watched() as session:
                session.execute(sa.text("SELECT 1"))
        assert len(here().marks["sessions"]) <= 256


def test_a_scope_with_very_many_sessions_keeps_few(watched):
    with scope("shop.batch"):
        for _ in range(1_000):
            with watched() as session:
                session.execute(sa.text("SELECT 1"))
        assert len(here().marks["sessions"]) <= 256
