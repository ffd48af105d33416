"""Does every kind of pool, also that of a real server's AsyncEngine, keep the same contract through the same life?"""

from __future__ import annotations

import asyncio

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import AssertionPool, NullPool, QueuePool, SingletonThreadPool, StaticPool

from dashboard.telemetry import unwatch, watch

KINDS = (QueuePool, NullPool, StaticPool, SingletonThreadPool, AssertionPool)


def use(engine):
    with engine.connect() as connection:
        connection.exec_driver_sql("select 1")


@pytest.fixture(params=KINDS, ids=lambda class_: class_.__name__)
def engine(request, make_engine, name):
    """Of each kind, made and used by somebody else before it is watched."""
    engine = make_engine(poolclass=request.param)
    use(engine)
    watch(engine, name=name)
    return engine


def assert_true(reading, driver, earlier):
    """earlier: connects and closes from before the watch."""
    totals = reading.totals
    connects, closes = driver.counts["connects"] - earlier[0], driver.counts["closes"] - earlier[1]
    assert (totals["opened"], totals["closed"]) == (connects, closes)
    assert totals["checkouts"] == sum(reading.numbers.get("hold", [0])[:-1]) + reading.counts.used
    assert (reading.counts.detached, len(reading.holders)) == (0, reading.counts.used)


def test_every_kind_of_pool_lives_the_same_life(engine, driver, pool, name):
    earlier = driver.counts["connects"], driver.counts["closes"]
    copy = engine.execution_options(compiled_cache=None)
    use(copy)
    assert_true(pool(), driver, earlier)
    with engine.connect():
        assert_true(pool(), driver, earlier)
        assert (pool().counts.used, pool().holders[0].line.split(":")[0]) == (1, "tests/telemetry/test_contract.py")
    with engine.connect() as connection:
        connection.invalidate()
    assert_true(pool(), driver, earlier)
    with engine.connect() as connection:
        connection.connection._connection_record.invalidate(soft=True)
    use(engine)
    assert_true(pool(), driver, earlier)
    engine.dispose()
    use(engine)
    assert_true(pool(), driver, earlier)
    reading = pool()
    assert (reading.counts.used, reading.totals["checkouts"], reading.totals["checkins"]) == (0, 6, 6)
    assert (reading.totals["statements"], reading.numbers["invalidations|soft"]) == (3, 1)


def test_what_is_let_go_counts_no_more_and_goes_on_working(engine, pool):
    use(engine)
    unwatch(engine)
    use(engine)
    assert pool().totals["checkouts"] == 1
    assert "_poolhouse" not in engine.pool.__dict__
    assert not engine.pool.dispatch.checkout


def test_an_async_engine_on_a_real_server_keeps_it_too(postgresql_url, name, pool):
    async def live():
        engine = create_async_engine(postgresql_url, pool_size=1, max_overflow=1, pool_timeout=0.05)
        watch(engine, name=name)
        try:
            async with engine.connect() as connection, engine.connect():
                asked = await connection.scalar(sa.text("select pg_backend_pid()"))
                told = {holder.server_process for holder in pool().holders}
                with pytest.raises(sa.exc.TimeoutError):
                    await engine.connect()
            async with engine.connect() as connection:
                await connection.invalidate()
            async with engine.connect() as connection:
                await connection.scalar(sa.text("select 1"))
            await engine.dispose()
            return asked, told, pool()
        finally:
            unwatch(engine)

    asked, told, reading = asyncio.run(live())
    assert asked in told
    assert (reading.class_, reading.counts.used) == ("AsyncAdaptedQueuePool", 0)
    assert (reading.totals["checkouts"], reading.totals["checkins"], reading.totals["timeouts"]) == (4, 4, 1)
    assert reading.totals["opened"] == reading.totals["closed"] == 3
    assert reading.numbers["closed|overflow"] == reading.numbers["closed|dispose"] == 1
