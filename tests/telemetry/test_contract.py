"""Does every kind of pool, on every kind of driver, keep the same contract through the same life?"""

from __future__ import annotations

import gc
import warnings
from contextlib import nullcontext

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import create_async_engine

from dashboard.telemetry import unwatch, watch

from .kinds import KINDS, Assertion, AsyncPostgresql, traces


@pytest.fixture(params=KINDS, ids=lambda kind: kind.__name__)
def kind(request, tmp_path):
    """Each kind of pool, made and used by somebody else; not watched yet."""
    if request.param.needs_server:
        request.param.url = request.getfixturevalue("postgresql_url")
    made = request.param(tmp_path)
    yield made
    made.begin(unwatch)
    made.close()


@pytest.fixture
def watched(kind, name):
    kind.use()
    kind.begin(watch, name)
    return kind


def assert_true(reading, kind):
    """What is said of the pool is what the driver has seen."""
    totals = reading.totals
    assert (totals["opened"], totals["closed"]) == kind.opened_and_closed()
    assert totals["checkouts"] == sum(reading.numbers.get("hold", [0])[:-1]) + reading.counts.used
    assert (reading.counts.detached, len(reading.holders)) == (0, reading.counts.used)


def test_every_kind_of_pool_lives_the_same_life(watched, pool):
    watched.use()
    assert_true(pool(), watched)
    with watched.connection() as connection:
        assert_true(pool(), watched)
        (holder,) = pool().holders
        assert holder.line.split(":")[0] == "tests/telemetry/kinds.py"
        watched.execute(connection)
    with watched.connection() as connection:
        watched.invalidate(connection)
    assert_true(pool(), watched)
    with watched.connection() as connection:
        watched.record(connection).invalidate(soft=True)
    watched.use()
    assert_true(pool(), watched)
    watched.dispose()
    watched.use()
    assert_true(pool(), watched)
    reading = pool()
    assert (reading.counts.used, reading.totals["checkouts"], reading.totals["checkins"]) == (0, 6, 6)
    assert (reading.numbers["invalidations|hard"], reading.numbers["invalidations|soft"]) == (1, 1)
    assert reading.totals["statements"] == (4 if watched.has_engine else 0)


@pytest.mark.parametrize("close", [True, False])
def test_what_is_out_while_the_pool_is_disposed_of_comes_back_to_nobody_and_is_counted(watched, pool, close):
    connection = watched.take()
    watched.dispose(close=close)
    assert pool().counts.used == 1
    if watched.survives_dispose or not close:  # else it is closed under whoever has it
        watched.execute(connection)
    with pytest.raises(AssertionError) if isinstance(watched, Assertion) and close else nullcontext():
        watched.give_back(connection)  # an AssertionPool says that it is not out
    del connection
    gc.collect()
    assert (pool().counts.used, pool().totals["checkins"]) == (0, 1)
    watched.use()
    reading = pool()
    assert (reading.counts.used, reading.totals["checkouts"], reading.totals["checkins"]) == (0, 2, 2)
    opened, closed = watched.opened_and_closed()
    assert reading.totals["opened"] == opened
    assert reading.totals["closed"] == closed


def test_a_detached_connection_is_in_use_no_more_and_closed_as_detached(watched, pool):
    with watched.connection() as connection:
        watched.detach(connection)
        reading = pool()
        assert (reading.counts.used, reading.counts.detached) == (0, 1)
    reading = pool()
    assert (reading.counts.used, reading.counts.detached) == (0, 0)
    closes = watched.opened_and_closed()[1]
    assert reading.numbers.get("closed|detached", 0) == reading.totals["closed"] == closes
    assert closes or isinstance(watched, AsyncPostgresql)  # SQLAlchemy drops it: this dialect cannot terminate one


def test_a_connection_that_is_collected_while_it_is_out_is_a_leak_of_its_line(watched, pool):
    connection = watched.take()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of asyncio: it cannot be given back without the event loop
        del connection
        gc.collect()
    reading = pool()
    assert (reading.counts.used, reading.numbers["leaks|garbage_collected"]) == (0, 1)
    (leak,) = reading.leaks
    assert (leak.kind, leak.line.split(":")[0]) == ("garbage_collected", "tests/telemetry/kinds.py")


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind.has_engine], indirect=True)
def test_a_connection_that_has_died_is_found_by_its_ping(kind, name, pool):
    kind.make(**kind.options(pre_ping=True))
    kind.use()
    kind.begin(watch, name)
    kind.lose_all()
    kind.use()
    reading = pool()
    assert reading.counts.used == 0
    assert reading.totals["checkouts"] == 1
    opened, closed = kind.opened_and_closed()
    assert (reading.totals["opened"], reading.totals["closed"]) == (opened, closed)
    if kind.keeps_any:
        assert reading.numbers["closed|pre_ping"] == reading.numbers["connection errors|ping|true"] == 1


def test_a_connection_that_is_too_old_is_made_anew_and_the_reason_said(kind, name, pool):
    kind.make(**kind.options(recycle=30))
    kind.use()
    kind.begin(watch, name)
    kind.age()
    kind.use()
    reading = pool()
    assert (reading.counts.used, reading.totals["checkouts"]) == (0, 1)
    assert (reading.totals["opened"], reading.totals["closed"]) == kind.opened_and_closed()
    assert reading.numbers.get("closed|recycle", 0) == (1 if kind.keeps_any else 0)


def test_two_of_a_kind_count_each_for_itself(watched, read, name, tmp_path):
    (tmp_path / "other").mkdir()
    other = type(watched)(tmp_path / "other")
    try:
        other.begin(watch, f"{name}-other")
        other.use()
        watched.use()
        watched.use()
        counted = [read().pool(label).totals["checkouts"] for label in (name, f"{name}-other")]
        assert counted == [2, 1]
    finally:
        other.close()


def test_what_a_class_does_not_have_is_absent_and_not_zero(watched, pool):
    watched.use()
    reading = pool()
    is_queued = watched.is_queued
    assert (reading.limits.total is None, reading.counts.waiters is None) == (not is_queued, not is_queued)
    assert (reading.counts.overflow is None, reading.limits.timeout_seconds is None) == (not is_queued, not is_queued)
    assert (reading.counts.idle is None) == (not watched.keeps_any)
    assert ("wait|ok" in reading.numbers) == is_queued


def test_unwatch_leaves_no_trace_in_any_kind(kind, name, pool):
    kind.dispose()
    kind.use()
    before = traces(kind)
    kind.begin(watch, name)
    kind.use()
    kind.dispose()
    kind.use()
    kind.begin(unwatch)
    assert traces(kind) == before
    kind.use()
    assert pool().totals["checkouts"] == 2


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind.is_queued], indirect=True)
def test_a_wait_ends_as_a_timeout_and_counts_once(kind, name, pool):
    kind.make(pool_size=1, max_overflow=0, **kind.options(timeout=0.05))
    kind.begin(watch, name)
    with kind.connection(), pytest.raises(sa.exc.TimeoutError):
        kind.take()
    reading = pool()
    assert (reading.totals["timeouts"], reading.counts.waiters) == (1, 0)
    assert sum(reading.numbers["wait|ok"][:-1]) == reading.totals["checkouts"] == 1


def test_an_async_engine_tells_the_servers_process_of_each_holder(postgresql_url, tmp_path, name, pool):
    AsyncPostgresql.url = postgresql_url
    one = AsyncPostgresql(tmp_path)
    one.target = create_async_engine(postgresql_url)  # a driver's own class: any other is never asked
    one.begin(watch, name)
    with one.connection() as connection:
        asked = one.run(connection.scalar(sa.text("select pg_backend_pid()")))
        assert [holder.server_process for holder in pool().holders] == [asked]
    one.close()
