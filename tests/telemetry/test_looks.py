"""What do a holder's and a waiter's threads do now? Asked only while somebody looks at their pool."""

from __future__ import annotations

import asyncio
import threading

import pytest
from sqlalchemy.ext.asyncio import create_async_engine

from dashboard.config import Config
from dashboard.telemetry import unwatch, watch
from dashboard.telemetry.ledger import Ledger
from dashboard.telemetry.merging import alone
from dashboard.telemetry.snapshot import own

from .waiting import until


@pytest.fixture
def looked(name):
    """The reading of the pool `name` while somebody looks at it."""
    return lambda: alone(own(Config(), {name}), Config(), 0.0, None).pool(name)


def work(engine, has, may_end):
    connection = engine.connect()
    has.set()
    wait_for_the_post(may_end)
    connection.close()


def wait_for_the_post(may_end):
    may_end.wait(20)


def test_what_a_holders_thread_does_now_is_its_programs_innermost_line_and_its_stack(engine, looked, pool):
    has, may_end = threading.Event(), threading.Event()
    thread = threading.Thread(target=work, args=(engine, has, may_end))
    thread.start()
    has.wait(20)
    holder = until(lambda: looked().holders[0] if "wait_for" in (looked().holders[0].now or "") else None)
    unasked = pool().holders[0]
    may_end.set()
    thread.join()
    assert holder.now.startswith("tests/telemetry/test_looks.py:")
    assert holder.now.endswith("in wait_for_the_post")
    own_lines = [line for line in holder.stack if "test_looks" in line]
    assert [line.rpartition(" ")[2] for line in own_lines] == ["wait_for_the_post", "work"]
    assert len(holder.stack) <= 20
    assert (unasked.now, unasked.stack) == (None, ())


def test_a_waiter_is_known_with_its_line_now(make_engine, name, looked):
    engine = make_engine(pool_size=1, max_overflow=0, pool_timeout=20)
    watch(engine, name=name)
    taken = engine.connect()
    waiting = threading.Thread(target=lambda: engine.connect().close(), name="waiting")
    waiting.start()
    waiter = until(lambda: looked().waiters)[0]
    taken.close()
    waiting.join()
    assert waiter.now.startswith("tests/telemetry/test_looks.py:")
    assert (waiter.thread, waiter.line) == ("waiting", waiter.now)


def test_a_thread_that_has_ended_does_nothing_now_though_another_has_its_number(engine, looked):
    taken = []

    def take():
        taken.append(engine.connect())

    first = threading.Thread(target=take)
    first.start()
    first.join()
    may_end = threading.Event()
    others = [threading.Thread(target=may_end.wait, args=(20,)) for _ in range(4)]
    for other in others:
        other.start()
    holder = looked().holders[0]
    may_end.set()
    for other in others:
        other.join()
    taken[0].close()
    assert (holder.now, holder.stack) == (None, ())
    assert holder.line.endswith("take")


def test_tasks_share_a_thread_so_nothing_is_said_of_what_one_does_now(tmp_path, name, looked):
    async def work():
        engine = create_async_engine(f"sqlite+aiosqlite:///{tmp_path / 'async.db'}")
        watch(engine, name=name)
        async with engine.connect():
            holder = looked().holders[0]
        unwatch(engine)
        await engine.dispose()
        return holder

    holder = asyncio.run(work())
    assert (holder.now, holder.stack) == (None, ())
    assert "work" in holder.line


def test_a_look_reaches_the_other_processes_and_ends_by_itself(start, tmp_path):
    config = Config.read({"DASHBOARD_LOOK_SECONDS": "1"})
    (program,) = start()
    program.ask("hold")
    ledger = Ledger(tmp_path / "ledger", config)
    try:
        holder = until(lambda: next(iter(ledger.read().pool("shop").holders), None))
        assert (holder.now, holder.stack) == (None, ())
        ledger.look("shop")
        holder = until(lambda: next((h for h in ledger.read().pool("shop").holders if h.now), None))
        assert "program.py" in holder.now
        assert holder.stack
        until(lambda: ledger.read().pool("shop").holders[0].now is None)
    finally:
        program.ask("give")
        ledger._member.rows.close()


def test_a_process_that_looks_at_its_own_pool_is_answered_at_once(engine, name, ledger):
    ledger.join()
    with engine.connect():
        ledger.look(name)
        holder = ledger.read().pool(name).holders[0]
    assert holder.now.endswith("in test_a_process_that_looks_at_its_own_pool_is_answered_at_once")


def test_a_look_never_raises_where_the_ledger_cannot_be_used_and_is_bounded(tmp_path):
    (tmp_path / "ledger").write_text("a file where the folder should be")
    ledger = Ledger(tmp_path / "ledger")
    for number in range(200):
        ledger.look(f"pool {number}")
    assert len(ledger._member._looked) == 50
    assert ledger.history("shop").series["used"] == (None,) * 900
