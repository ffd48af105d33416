"""Does an AsyncEngine count like any other: who holds, who waits, what the garbage collector finds?"""

from __future__ import annotations

import asyncio
import gc
import warnings

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine

from dashboard.telemetry import unwatch, watch, watch_sessions

from .conftest import Base, User


@pytest.fixture
def run(tmp_path, name):
    """`run(work)` runs a coroutine function with a watched AsyncEngine that has one connection."""

    def now(work, **options):
        async def all_of_it():
            url = f"sqlite+aiosqlite:///{tmp_path / 'async.db'}"
            engine = create_async_engine(url, **{"pool_size": 1, "max_overflow": 0, "pool_timeout": 0.05, **options})
            watch(engine, name=name)
            try:
                return await work(engine)
            finally:
                unwatch(engine)
                await engine.dispose()

        return asyncio.run(all_of_it())

    return now


def test_a_holder_is_named_by_the_programs_line_across_the_greenlet(run, pool):
    async def work(engine):
        async with engine.connect() as connection:
            await connection.execute(sa.text("select 1"))
            return pool()

    reading = run(work)
    assert (reading.class_, reading.counts.used) == ("AsyncAdaptedQueuePool", 1)
    assert reading.holders[0].line.startswith("tests/telemetry/test_async.py:")
    assert "work" in reading.holders[0].line
    assert pool().totals["checkouts"] == pool().totals["checkins"] == 1
    assert pool().totals["statements_select"] == 1


def test_waiters_of_one_thread_are_told_apart_and_their_timeouts_counted(run, pool):
    async def work(engine):
        async def one_more():
            async with engine.connect():
                pass

        async with engine.connect():
            waiting = [asyncio.create_task(one_more()) for _ in range(3)]
            while pool().counts.waiters < 3:
                await asyncio.sleep(0)
            assert all("one_more" in waiter.line for waiter in pool().waiters)
            return await asyncio.gather(*waiting, return_exceptions=True)

    assert [type(result) for result in run(work)] == [sa.exc.TimeoutError] * 3
    reading = pool()
    assert (reading.totals["timeouts"], sum(reading.numbers["wait|ok"][:-1])) == (3, 1)


def test_a_waiter_that_gets_its_connection_has_waited(run, pool):
    async def work(engine):
        async def one_more():
            async with engine.connect():
                return True

        async with engine.connect():
            waiting = asyncio.create_task(one_more())
            while not pool().counts.waiters:
                await asyncio.sleep(0)
        await waiting
        return pool()

    reading = run(work, pool_timeout=30)
    assert (reading.counts.waiters, reading.totals["timeouts"]) == (0, 0)
    assert sum(reading.numbers["wait|ok"][:-1]) == reading.totals["checkouts"] == 2


def test_a_wait_that_is_cancelled_is_neither_ok_nor_a_timeout(run, pool):
    async def work(engine):
        async with engine.connect():
            waiting = asyncio.create_task(engine.connect().start())
            while not pool().counts.waiters:
                await asyncio.sleep(0)
            waiting.cancel()
            assert isinstance((await asyncio.gather(waiting, return_exceptions=True))[0], asyncio.CancelledError)
            return pool()

    reading = run(work, pool_timeout=30)
    assert (reading.counts.waiters, reading.totals["timeouts"]) == (0, 0)
    assert sum(reading.numbers["wait|ok"][:-1]) == reading.totals["checkouts"] == 1


def test_a_connection_that_is_collected_while_it_is_out_is_a_leak_and_in_use_no_more(run, pool):
    async def work(engine):
        connection = await engine.connect()
        assert pool().counts.used == 1
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # SQLAlchemy's own: it cannot be given back without the event loop
            del connection
            gc.collect()
        return pool()

    reading = run(work)
    assert (reading.counts.used, reading.counts.detached) == (0, 0)
    assert reading.numbers["leaks|garbage_collected"] == 1


def test_an_async_sessionmaker_counts_under_its_registry(run, name, read):
    async def work(engine):
        async with engine.begin() as connection:
            await connection.run_sync(Base.metadata.create_all)

        class Session(sa.orm.Session):
            pass

        maker = async_sessionmaker(engine, sync_session_class=Session)
        watched = watch_sessions(maker, registry=name)
        async with maker() as session:
            assert isinstance(session, AsyncSession)
            session.add(User(name="ada"))
            await session.commit()
        watched.stop()

    run(work)
    (registry,) = (found for found in read().sessions.registries if found.name == name)
    assert (registry.totals["transactions_commit"], registry.totals["flushed_new"]) == (1, 1)
