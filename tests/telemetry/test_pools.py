"""Is every number of a pool what the driver itself counted, whatever happens to its connections?"""

from __future__ import annotations

import gc
import threading

import pytest
import sqlalchemy as sa
from sqlalchemy.pool import AssertionPool, NullPool, QueuePool, SingletonThreadPool, StaticPool

from dashboard.telemetry import scope, set_scope_reader, unwatch, watch

from .waiting import until


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


def test_the_holder_is_named_with_its_line_thread_endpoint_and_statement(engine, pool):
    with scope("shop.report"), engine.connect() as connection:
        connection.execute(sa.text("select 1 where 1 = :one"), {"one": 1})
        holder = pool().holders[0]
    assert holder.line.startswith("tests/telemetry/test_pools.py:")
    assert holder.line.endswith("in test_the_holder_is_named_with_its_line_thread_endpoint_and_statement")
    assert (holder.thread, holder.endpoint, holder.in_transaction) == ("MainThread", "shop.report", True)
    assert holder.statement == "select 1 where 1 = ?"
    assert holder.idle_in_transaction_seconds is not None
    assert holder.server_process is None


def test_the_scope_reader_is_asked_where_no_scope_is_set(engine, pool):
    set_scope_reader(lambda: "shop.index")
    try:
        with engine.connect():
            assert pool().holders[0].endpoint == "shop.index"
        with scope("shop.report"), engine.connect():
            assert pool().holders[0].endpoint == "shop.report"
    finally:
        set_scope_reader(None)


def test_who_waits_is_known_while_it_waits_and_its_timeout_counts_once(make_engine, name, pool):
    engine = make_engine(pool_size=1, max_overflow=0, pool_timeout=30)
    watch(engine, name=name)
    taken = engine.connect()
    got = []

    def wait():
        with scope("shop.checkout"):
            got.append(engine.connect())

    waiting = threading.Thread(target=wait, name="waiting")
    waiting.start()
    waiter = until(lambda: pool().waiters)[0]
    assert (waiter.endpoint, waiter.thread) == ("shop.checkout", "waiting")
    assert waiter.line.endswith("wait")
    assert pool().counts.waiters == 1
    taken.close()
    waiting.join()
    got[0].close()
    reading = pool()
    assert (reading.waiters, reading.totals["timeouts"]) == ((), 0)
    assert sum(reading.numbers["wait|ok"][:-1]) == 2  # one did not wait


def test_a_timeout_counts_once_and_acquisitions_that_did_not_wait_count_as_zero(engine, pool):
    held = [engine.connect() for _ in range(3)]
    for _ in range(4):
        with pytest.raises(sa.exc.TimeoutError):
            engine.connect()
    reading = pool()
    assert (reading.totals["timeouts"], sum(reading.numbers["wait|timeout"][:-1])) == (4, 4)
    assert reading.numbers["wait|ok"][0] == 3
    assert reading.counts.overflow == 1
    for connection in held:
        connection.close()


def test_the_peak_is_remembered_after_a_burst(engine, pool):
    burst = [engine.connect() for _ in range(3)]
    for connection in burst:
        connection.close()
    assert (pool().counts.used, pool().counts.peak) == (0, 3)


def test_slots_are_the_places_of_the_pool(engine, pool):
    held = [engine.connect() for _ in range(3)]
    assert [slot.state for slot in pool().slots] == ["used", "used", "overflow"]
    for connection in held:
        connection.close()
    assert [slot.state for slot in pool().slots] == ["idle", "idle"]
    engine.dispose()
    assert [slot.state for slot in pool().slots] == ["free", "free"]


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


def test_a_bare_pool_without_an_engine_is_watched_too(driver, name, pool):
    bare = QueuePool(driver.connect, pool_size=1, max_overflow=0, timeout=0.05)
    watched = watch(bare, name=name)
    connection = bare.connect()
    with pytest.raises(sa.exc.TimeoutError):
        bare.connect()
    assert pool().holders[0].line.endswith("test_a_bare_pool_without_an_engine_is_watched_too")
    connection.close()
    again = bare.recreate()
    again.connect().close()
    reading = assert_true(pool, driver)
    assert (reading.totals["checkouts"], reading.totals["timeouts"]) == (2, 1)
    watched.stop()
    for pool_ in (bare, again):
        assert "_poolhouse" not in pool_.__dict__
        assert not pool_.dispatch.checkout
        pool_.dispose()


def test_an_engine_its_copy_and_its_pool_are_watched_once(engine, pool):
    copy = engine.execution_options(isolation_level="SERIALIZABLE")
    watched = watch(engine)
    assert watch(copy) is watched
    assert watch(engine.pool) is watched
    copy.connect().close()
    assert pool().totals["checkouts"] == 1


def test_a_second_name_for_a_pool_is_a_value_error(engine, name):
    with pytest.raises(ValueError, match=name):
        watch(engine.pool, name="another")


def test_a_pool_that_is_watched_first_gains_its_engine_later(make_engine, name, pool):
    engine = make_engine()
    watch(engine.pool, name=name)
    watch(engine)
    with engine.begin() as connection:
        connection.exec_driver_sql("select 1")
    assert (pool().totals["commits"], pool().totals["checkouts"]) == (1, 1)
    engine.dispose()
    engine.connect().close()
    assert pool().totals["checkouts"] == 2


def test_the_label_is_the_name_given_else_the_pools_own_else_default(make_engine):
    assert watch(make_engine(pool_logging_name="reports")).name == "reports"
    assert watch(make_engine(pool_logging_name="reports"), name="shop").name == "shop"
    assert watch(make_engine()).name == "default"


@pytest.mark.parametrize("target", [None, 1, "engine", int])
def test_what_is_neither_engine_nor_pool_cannot_be_watched(target):
    with pytest.raises(TypeError, match="watch takes"):
        watch(target)


def fingerprint(engine):
    pool = engine.pool
    queue = pool._pool
    return {
        "pool events": [
            name
            for name in ("connect", "checkout", "checkin", "close", "detach", "invalidate")
            for _ in getattr(pool.dispatch, name)
        ],
        "engine events": [collection.name for collection in engine.dispatch._event_descriptors if collection],
        "dialect events": [collection.name for collection in engine.dialect.dispatch._event_descriptors if collection],
        "flags": (engine._has_events, engine.dialect._has_events),
        "attributes": (sorted(pool.__dict__), sorted(queue.__dict__), sorted(queue.not_empty.__dict__)),
        "classes": (type(pool), type(queue), type(queue.not_empty)),
        "methods": (pool._do_get.__func__, pool._close_connection.__func__, pool._invoke_creator.__qualname__),
    }


@pytest.mark.parametrize("disposed", [False, True])
def test_unwatch_leaves_no_trace(make_engine, disposed):
    engine = make_engine()
    engine.connect().close()
    before = fingerprint(engine)
    watched = watch(engine, name="traceless")
    engine.connect().close()
    if disposed:
        engine.dispose()
        engine.connect().close()
    watched.stop()
    watched.stop()
    unwatch(engine)
    assert fingerprint(engine) == before


def test_counts_outlive_the_watch_and_go_on_with_the_next(engine, pool, name):
    engine.connect().close()
    unwatch(engine)
    engine.connect().close()
    assert pool().totals["checkouts"] == 1
    watch(engine, name=name)
    engine.connect().close()
    assert pool().totals["checkouts"] == 2


def test_counts_outlive_an_engine_that_the_program_dropped(make_engine, driver, read):
    engine = sa.create_engine("sqlite://", creator=driver.connect, poolclass=QueuePool)
    watch(engine, name="dropped")
    engine.connect().close()
    engine.dispose()
    del engine
    gc.collect()
    assert read().pool("dropped").totals["checkouts"] == 1


def test_watching_the_class_watches_every_engine_and_a_watched_one_counts_once(make_engine, name, pool, read):
    early = make_engine()
    watch(early, name="early")
    watched = watch(sa.Engine, name=name)
    try:
        late = make_engine()
        with late.begin() as connection:
            connection.exec_driver_sql("select 1")
        with early.begin() as connection:
            connection.exec_driver_sql("select 1")
        assert (pool().totals["checkouts"], pool().totals["commits"], pool().totals["opened"]) == (1, 1, 1)
        reading = read().pool("early")
        assert (reading.totals["checkouts"], reading.totals["statements"], reading.totals["commits"]) == (1, 1, 1)
    finally:
        watched.stop()
    assert "_poolhouse" not in late.pool.__dict__
    late.connect().close()
    assert pool().totals["checkouts"] == 1


def test_a_pool_made_from_anothers_dispatch_counts_for_itself_only(engine, pool, driver, read):
    copy = QueuePool(driver.connect, _dispatch=engine.pool.dispatch)
    watch(copy, name="copy")
    copy.connect().close()
    assert (pool().totals["checkouts"], read().pool("copy").totals["checkouts"]) == (0, 1)
    unwatch(copy)
    copy.connect().close()
    assert pool().totals["checkouts"] == 0
    copy.dispose()


def test_an_engine_built_on_a_recreated_pool_counts_for_itself(engine, pool, read):
    twin = sa.Engine(engine.pool.recreate(), engine.dialect, engine.url)
    watch(twin, name="twin")
    twin.connect().close()
    engine.connect().close()
    assert (pool().totals["checkouts"], read().pool("twin").totals["checkouts"]) == (1, 1)
    unwatch(twin)
    twin.dispose()


def test_pools_under_one_name_add_up(make_engine, read):
    for size in (2, 3):
        watch(make_engine(pool_size=size, max_overflow=0), name="summed")
    reading = read().pool("summed")
    assert (reading.limits.total, len(reading.slots)) == (5, 5)


def test_engines_of_a_watched_class_add_up_and_leave_nothing_behind(driver, name, pool):
    watched = watch(sa.Engine, name=name)
    try:
        for _ in range(20):
            engine = sa.create_engine("sqlite://", creator=driver.connect, poolclass=QueuePool, pool_size=1)
            engine.connect().close()
            engine.dispose()
            del engine
        gc.collect()
        assert (pool().totals["checkouts"], pool().totals["closed"]) == (20, 20)
        assert len(watched._registration.watches()) == 0
    finally:
        watched.stop()
