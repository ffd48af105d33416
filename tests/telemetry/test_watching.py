"""Is a pool watched once, whatever is passed, and let go without a trace?"""

from __future__ import annotations

import gc

import pytest
import sqlalchemy as sa
from sqlalchemy import orm as sa_orm
from sqlalchemy.pool import QueuePool

from dashboard.telemetry import unwatch, watch, watch_sessions


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
    reading = pool()
    assert (reading.totals["opened"], reading.totals["closed"]) == (driver.counts["connects"], driver.counts["closes"])
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
    lost = engine.raw_connection()
    del lost
    engine.dispose()
    del engine
    gc.collect()
    reading = read().pool("dropped")
    assert reading.totals["checkouts"] == 1
    assert [leak.kind for leak in reading.leaks] == ["garbage_collected"]


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


def test_sessions_whose_listeners_the_program_cleared_are_let_go_without_an_error(name):
    class Session(sa_orm.Session):
        pass

    watched = watch_sessions(Session, registry=name)
    listeners = watched._registration.listeners
    sa.event.remove(Session, "after_commit", listeners["after_commit"])
    watched.stop()
    assert [event for event, listener in listeners.items() if sa.event.contains(Session, event, listener)] == []
    again = watch_sessions(Session, registry=name)
    assert sa.event.contains(Session, "after_commit", again._registration.listeners["after_commit"])
    again.stop()
