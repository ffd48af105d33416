"""What is known of the life of one connection, and of what leaked?"""

from __future__ import annotations

import gc

import pytest
import sqlalchemy as sa
from sqlalchemy.pool import NullPool, StaticPool

from dashboard.config import Config
from dashboard.telemetry import scope, unwatch, watch
from dashboard.telemetry.merging import alone
from dashboard.telemetry.snapshot import own
from dashboard.telemetry.watches import LIFE


@pytest.fixture
def looked(name):
    """The reading of the pool `name` while somebody looks at it."""
    return lambda: alone(own(Config(), {name}), Config(), 0.0, None).pool(name)


def kinds(connection):
    return [event.kind for event in connection.events]


def test_the_life_of_a_connection_is_told_in_its_order(engine, looked):
    with scope("shop.report"), engine.begin() as connection:
        connection.exec_driver_sql("select 1")
    with engine.connect() as connection:
        connection.exec_driver_sql("select 1")
    (one,) = looked().connections
    assert kinds(one) == [
        "opened", "checked_out", "transaction_begun", "transaction_ended", "given_back",
        "checked_out", "transaction_begun", "transaction_ended", "given_back",
    ]  # fmt: skip
    assert (one.number, one.state, one.uses) == (1, "idle", 2)
    assert [event.detail for event in one.events if event.kind == "transaction_ended"] == ["commit", "rollback"]
    assert one.events[1].endpoint == "shop.report"
    assert one.events[1].line.endswith("in test_the_life_of_a_connection_is_told_in_its_order")
    assert [event.at for event in one.events] == sorted(event.at for event in one.events)
    assert one.opened_at <= one.events[1].at
    assert one.events[4].seconds >= 0


def test_a_hold_that_goes_on_is_told_with_all_its_transactions(engine, looked):
    with engine.connect() as connection:
        for _ in range(3):
            connection.exec_driver_sql("select 1")
            connection.commit()
        connection.exec_driver_sql("select 1")
        (one,) = looked().connections
    assert (one.state, one.uses) == ("used", 1)
    assert kinds(one)[2:] == ["transaction_begun", "transaction_ended"] * 3 + ["transaction_begun"]


def test_a_commit_that_failed_is_told_as_a_rollback(engine, looked, driver):
    connection = engine.connect()
    connection.exec_driver_sql("select 1")
    driver.commits_fail = True
    with pytest.raises(sa.exc.OperationalError):
        connection.commit()
    driver.commits_fail = False
    connection.close()
    ended = [event.detail for event in looked().connections[0].events if event.kind == "transaction_ended"]
    assert ended == ["rollback"]


def test_whoever_does_not_look_gets_the_last_three_events(engine, pool):
    for _ in range(5):
        engine.connect().close()
    assert kinds(pool().connections[0]) == ["given_back", "checked_out", "given_back"]
    assert [(event.kind, event.connection) for event in pool().events] == [("opened", 1)]


def test_an_invalidated_connection_ends_with_its_reason_and_the_next_has_a_number_of_its_own(engine, looked):
    connection = engine.connect()
    connection.invalidate()
    connection.close()
    engine.connect().close()
    old, new = looked().connections
    assert kinds(old) == ["opened", "checked_out", "invalidated", "closed", "given_back"]
    assert (old.number, old.state, old.events[3].detail) == (1, "closed", "invalidated")
    assert (new.number, new.state, new.uses) == (2, "idle", 1)
    assert [(e.connection, e.kind) for e in looked().events] == [
        (1, "opened"), (1, "invalidated"), (1, "closed"), (2, "opened")
    ]  # fmt: skip


def test_a_detached_connection_is_known_until_it_is_closed(engine, looked):
    connection = engine.connect()
    connection.detach()
    (one,) = looked().connections
    assert (one.state, kinds(one)) == ("detached", ["opened", "detached"])
    connection.close()
    (one,) = looked().connections
    assert (one.state, one.events[-1].kind, one.events[-1].detail) == ("closed", "closed", "detached")


def test_overflow_and_dispose_are_told_as_the_reason_of_a_close(engine, looked):
    held = [engine.connect() for _ in range(3)]
    for connection in held:
        connection.close()
    engine.dispose()
    closed = {one.number: one.events[-1].detail for one in looked().connections}
    assert sorted(closed.values()) == ["dispose", "dispose", "overflow"]


def test_a_wait_that_timed_out_is_on_the_tape_with_its_line(engine, pool):
    held = [engine.connect() for _ in range(3)]
    with scope("shop.pay"), pytest.raises(sa.exc.TimeoutError):
        engine.connect()
    event = pool().events[-1]
    for connection in held:
        connection.close()
    assert (event.kind, event.connection, event.endpoint) == ("timed_out", None, "shop.pay")
    assert event.line.endswith("in test_a_wait_that_timed_out_is_on_the_tape_with_its_line")
    assert event.seconds >= 0.05


def test_a_leak_is_told_with_its_line_and_in_the_life_of_its_connection(engine, looked):
    with scope("shop.leak"):
        leaked = engine.raw_connection()
    del leaked
    gc.collect()
    (leak,) = looked().leaks
    assert (leak.kind, leak.endpoint, leak.worker) == ("garbage_collected", "shop.leak", 1)
    assert leak.line.endswith("in test_a_leak_is_told_with_its_line_and_in_the_life_of_its_connection")
    assert leak.seconds >= 0
    assert ("leak", "garbage_collected") in [(e.kind, e.detail) for e in looked().connections[0].events]


def test_an_overdue_hold_is_a_leak_once(engine, name):
    config = Config.read({"DASHBOARD_OVERDUE_SECONDS": "0.1"})
    with engine.connect():
        for holder in engine.pool._poolhouse.held.values():
            holder[0] -= 1.0  # as if it were held for a second
        for _ in range(3):
            leaks = alone(own(config), config, 0.0, None).pool(name).leaks
    assert [leak.kind for leak in leaks] == ["overdue"]
    assert leaks[0].seconds >= 1.0


@pytest.mark.parametrize("pool_class", [NullPool, StaticPool])
def test_pools_of_other_classes_have_lives_too(make_engine, name, looked, pool_class):
    engine = make_engine(poolclass=pool_class)
    watch(engine, name=name)
    with engine.connect():
        (one,) = looked().connections
        assert (one.number, one.state) == (1, "used")
    assert looked().connections[0].state == {NullPool: "closed", StaticPool: "idle"}[pool_class]


def test_a_connection_that_is_older_than_the_watch_is_told_too(make_engine, name, looked):
    engine = make_engine()
    engine.connect().close()
    watch(engine, name=name)
    (one,) = looked().connections
    assert (one.number, one.state, one.uses, kinds(one)) == (1, "idle", 0, [])
    engine.connect().close()
    assert looked().connections[0].uses == 1


def test_what_is_kept_of_a_hold_does_not_keep_its_request(engine):
    with scope("shop.report"), engine.begin() as connection:
        connection.exec_driver_sql("select 1")
        record = connection.connection._connection_record
    (hold,) = record.__dict__[LIFE].holds
    assert "shop.report" in hold
    assert not any(type(part).__name__ in ("Scope", "Texts") for part in hold)


def test_unwatch_takes_the_lives_away(engine):
    with engine.connect() as connection:
        record = connection.connection._connection_record
    assert LIFE in record.__dict__
    unwatch(engine)
    assert LIFE not in record.__dict__
