"""Is every number of a pool what the driver itself counted, whatever happens to its connections?"""

from __future__ import annotations

import gc
import sqlite3

import pytest
import sqlalchemy as sa
from sqlalchemy.pool import AssertionPool, NullPool, QueuePool, SingletonThreadPool, StaticPool

from dashboard.telemetry import unwatch, watch


def assert_true(pool, driver):
    """At a quiet point: what was opened and closed is what the driver saw, and every checkout ended or is out."""
    reading = pool()
    assert reading.totals["opened"] == driver.counts["connects"]
    assert reading.totals["closed"] == driver.counts["closes"]
    assert reading.totals["checkouts"] == sum(reading.numbers.get("hold", [0])[:-1]) + reading.counts.used
    return reading


def test_a_connection_is_used_while_it_is_out_and_idle_after(engine, pool, driver):
    with engine.connect():
        reading = assert_true(pool, driver)
        assert (reading.counts.used, reading.counts.idle) == (1, 0)
    reading = assert_true(pool, driver)
    assert (reading.counts.used, reading.counts.idle, reading.counts.dead_slot) == (0, 1, 0)
    assert (reading.totals["checkouts"], reading.totals["checkins"]) == (1, 1)


def test_limits_are_those_of_the_pool(engine, pool, make_engine, read):
    limits = pool().limits
    assert (limits.size, limits.max_overflow, limits.total, limits.timeout_seconds) == (2, 1, 3, 0.05)
    watch(make_engine(max_overflow=-1), name="endless")
    assert read().pool("endless").limits.total == float("inf")


def test_a_failed_reconnect_is_a_checkin_without_a_checkout_and_counts_as_neither(engine, pool, driver):
    engine.connect().close()
    driver.drop_all()
    with pytest.raises(sa.exc.ProgrammingError), engine.connect() as connection:
        connection.exec_driver_sql("select 1")
    driver.is_away = True
    for _ in range(5):
        with pytest.raises(sa.exc.OperationalError):
            engine.connect()
    reading = assert_true(pool, driver)
    assert (reading.counts.used, reading.totals["checkouts"], reading.totals["checkins"]) == (0, 2, 2)
    assert reading.counts.dead_slot == 1
    assert sum(reading.numbers["create|error"][:-1]) == driver.counts["failed connects"] == 5
    assert reading.numbers["connection errors|connect|false"] == 5


def test_a_detached_connection_leaves_the_set_and_counts_as_detached_until_it_is_closed(engine, pool, driver):
    connection = engine.connect()
    connection.detach()
    reading = assert_true(pool, driver)
    assert (reading.counts.used, reading.counts.detached) == (0, 1)
    connection.close()
    reading = assert_true(pool, driver)
    assert (reading.counts.detached, reading.numbers["closed|detached"]) == (0, 1)


def test_a_detached_connection_that_is_dropped_without_a_close_does_not_count_for_ever(engine, pool):
    connection = engine.raw_connection()
    raw = connection.dbapi_connection
    connection.detach()
    assert pool().counts.detached == 1
    del connection
    gc.collect()
    assert pool().counts.detached == 0
    raw.close()


@pytest.fixture
def no_collection():
    """The old pool lives on until a cycle is collected; a test that counts what is in it says when that is."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


@pytest.mark.usefixtures("no_collection")
@pytest.mark.parametrize("close", [True, False])
def test_a_connection_that_is_out_over_a_dispose_comes_back_to_the_old_pool(engine, pool, driver, close):
    connection = engine.connect()
    engine.dispose(close=close)
    with engine.connect():
        assert pool().counts.used == 2
    connection.close()
    reading = pool()
    assert (reading.counts.used, reading.totals["checkins"]) == (0, 2)
    assert reading.counts.idle == driver.open == 2  # one of them in the old pool, while that lives
    assert reading.totals["opened"] == driver.counts["connects"] == 2
    del connection
    gc.collect()
    assert pool().counts.idle == driver.open


def test_an_invalidated_connection_is_closed_once_and_its_slot_is_dead(engine, pool, driver):
    with engine.connect() as connection:
        connection.invalidate()
    reading = assert_true(pool, driver)
    assert (reading.counts.used, reading.counts.dead_slot, reading.counts.idle) == (0, 1, 0)
    assert (reading.numbers["closed|invalidated"], reading.numbers["invalidations|hard"]) == (1, 1)


def test_a_softly_invalidated_connection_is_closed_when_it_is_taken_again(engine, pool, driver):
    with engine.connect() as connection:
        connection.connection._connection_record.invalidate(soft=True)
    assert "closed|invalidated" not in pool().numbers
    engine.connect().close()
    reading = assert_true(pool, driver)
    assert (reading.numbers["closed|invalidated"], reading.numbers["invalidations|soft"]) == (1, 1)


def test_why_a_connection_was_closed_is_told(make_engine, driver, name, pool):
    engine = make_engine(pool_size=1, max_overflow=1, pool_pre_ping=True, pool_recycle=1)
    watch(engine, name=name)
    with engine.connect(), engine.connect():
        pass
    assert assert_true(pool, driver).numbers["closed|overflow"] == 1
    engine.pool._pool.queue[0].starttime -= 10
    engine.connect().close()
    assert assert_true(pool, driver).numbers["closed|recycle"] == 1
    driver.drop_all()
    engine.connect().close()
    assert assert_true(pool, driver).numbers["closed|pre_ping"] == 1
    assert pool().numbers["connection errors|ping|true"] == 1
    engine.dispose()
    assert assert_true(pool, driver).numbers["closed|dispose"] == 1


def test_a_connection_that_a_listener_refused_is_counted_as_opened_and_closed(engine, pool, driver):
    def refuse(dbapi_connection, record):
        raise ValueError("not this one")

    sa.event.listen(engine, "connect", refuse)
    with pytest.raises(ValueError, match="not this one"):
        engine.connect()
    sa.event.remove(engine, "connect", refuse)
    reading = assert_true(pool, driver)
    assert (reading.totals["opened"], reading.numbers["closed|error"], reading.totals["checkouts"]) == (1, 1, 0)


def test_a_listener_that_asks_for_another_connection_makes_one_checkout(engine, pool, driver):
    asked = []

    def ask_once(dbapi_connection, record, proxy):
        if not asked:
            asked.append(True)
            raise sa.exc.DisconnectionError

    sa.event.listen(engine, "checkout", ask_once)
    with engine.connect():
        reading = assert_true(pool, driver)
        assert (reading.totals["checkouts"], reading.counts.used) == (1, 1)
    sa.event.remove(engine, "checkout", ask_once)
    assert assert_true(pool, driver).totals["checkins"] == 1


def test_a_connection_that_the_garbage_collector_brings_back_is_a_leak_and_its_transaction_abandoned(
    engine, pool, driver
):
    connection = engine.connect()
    connection.exec_driver_sql("select 1")
    del connection
    gc.collect()
    reading = assert_true(pool, driver)
    assert (reading.counts.used, reading.numbers["leaks|garbage_collected"]) == (0, 1)
    assert reading.totals["abandoned"] == 1


@pytest.mark.parametrize(
    "class_, idle, waits",
    [
        (QueuePool, 1, 0),
        (NullPool, None, None),
        (StaticPool, 1, None),
        (SingletonThreadPool, 1, None),
        (AssertionPool, 1, None),
    ],
)
def test_what_a_pool_class_does_not_have_is_absent(make_engine, driver, name, pool, class_, idle, waits):
    engine = make_engine(poolclass=class_)
    watch(engine, name=name)
    for _ in range(3):
        with engine.connect() as connection:
            connection.exec_driver_sql("select 1")
            assert pool().counts.used == 1
    reading = assert_true(pool, driver)
    assert (reading.class_, reading.counts.used) == (class_.__name__, 0)
    assert (reading.totals["checkouts"], reading.totals["checkins"]) == (3, 3)
    assert (reading.counts.idle, reading.counts.waiters) == (idle, waits)
    assert (reading.limits.total is None) == (waits is None)


class Suspicious(sqlite3.Connection):
    """A driver that nobody knows, with methods that another driver also has."""

    asked = False

    def get_server_pid(self):
        self.asked = True
        return 7

    thread_id = get_server_pid


def test_a_driver_that_is_not_known_is_not_asked_and_nothing_is_left_in_the_programs_info(name, pool):
    engine = sa.create_engine("sqlite://", creator=lambda: sqlite3.connect(":memory:", factory=Suspicious))
    watch(engine, name=name)
    with engine.connect() as connection:
        assert pool().holders[0].server_process is None
        assert not connection.connection.driver_connection.asked
        assert connection.info == {}
    unwatch(engine)
    engine.dispose()
