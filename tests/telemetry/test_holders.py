"""Who has a connection, since when, from which line; and who waits for one?"""

from __future__ import annotations

import threading

import pytest
import sqlalchemy as sa

from dashboard.telemetry import scope, set_scope_reader, watch
from dashboard.telemetry.scopes import Scope

from .waiting import until


def test_the_holder_is_named_with_its_line_thread_endpoint_and_statement(engine, pool):
    with scope("shop.report"), engine.connect() as connection:
        connection.execute(sa.text("select 1 where 1 = :one"), {"one": 1})
        holder = pool().holders[0]
    assert holder.line.startswith("tests/telemetry/test_holders.py:")
    assert holder.line.endswith("in test_the_holder_is_named_with_its_line_thread_endpoint_and_statement")
    assert (holder.thread, holder.endpoint, holder.in_transaction) == ("MainThread", "shop.report", True)
    assert holder.statement == "select 1 where 1 = ?"
    assert holder.idle_in_transaction_seconds is not None
    assert holder.server_process is None


def test_the_scope_reader_is_asked_where_no_scope_is_set(engine, pool):
    set_scope_reader(lambda: Scope("shop.index"))
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
