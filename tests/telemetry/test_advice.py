"""Would the advised pool have been enough, and one connection less too few? The same load, simulated again."""

from __future__ import annotations

import sqlite3
import threading

import pytest

from dashboard.config import Config
from dashboard.telemetry import demand, points
from dashboard.telemetry.advice import TIMEOUTS, advice, needed
from dashboard.telemetry.reading import Counts, Limits, PoolReading
from dashboard.telemetry.rows import Row
from dashboard.telemetry.snapshot import own

from .queueing import Pool, arriving, in_bursts
from .waiting import until

START = 1_700_000_000.0
SECONDS = 1_800


def seldom_long(chance):
    return 0.02 if chance.random() < 0.9 else 0.3


def exponential(mean):
    return lambda chance: chance.expovariate(1 / mean)


def rush(at):
    """Three times as much from the middle on."""
    return 20 if at < SECONDS / 2 else 60


LOADS = {
    "steady": arriving(1, lambda _: 60, exponential(0.05), SECONDS),
    "long": arriving(2, lambda _: 13, exponential(0.4), SECONDS),
    "little": arriving(3, lambda _: 6, exponential(0.06), SECONDS),
    "rush": arriving(4, rush, exponential(0.08), SECONDS),
    "seldom long": arriving(5, lambda _: 40, seldom_long, SECONDS),
    "bursts": in_bursts(6, 6, 6, exponential(0.03), SECONDS),
}


@pytest.fixture
def table():
    connection = sqlite3.connect(":memory:", isolation_level=None)
    for statement in points.SCHEMA:
        connection.execute(statement)
    yield points.Points(connection.execute)
    connection.close()


def told(table, *pools):
    """What the ledger tells of these workers' pools after they have published each minute."""
    rows = [Row(("host", "boot", worker, worker, 0), worker, START, 0.0, "") for worker, _ in enumerate(pools, 1)]
    for words in zip(*(pool.numbers_by_minute() for pool in pools), strict=False):
        said = [{"shop": demand.brief({"numbers": numbers})} for _, numbers in words]
        demand.note(table, START + words[0][0], list(zip(rows, said, strict=True)))
    return demand.asked(table.asked("shop"), [], START + SECONDS)


def p99(*pools):
    waits = sorted(wait for pool in pools for wait in pool.waits)
    return waits[int(0.99 * len(waits))]


def reading(workers=1, size=5, overflow=10):
    limits, counts = Limits(size, overflow, workers * (size + overflow), 30.0), Counts()
    part = PoolReading("shop", "QueuePool", limits, counts)
    return PoolReading("shop", "QueuePool", limits, counts, workers=(part,) * workers)


@pytest.mark.parametrize("name", LOADS)
def test_with_its_pool_size_the_same_load_does_not_wait_and_with_one_less_it_does(table, name):
    load = LOADS[name]
    size = needed(told(table, Pool(load, 100)))
    assert Pool(load, size).p99() < 0.001
    assert Pool(load, size - 1).p99() >= 0.001


@pytest.mark.parametrize("name", ["steady", "long", "little"])
def test_a_pool_that_is_too_small_now_is_told_the_same(table, name):
    load = LOADS[name]
    busy = sum(hold for _, hold in load) / SECONDS
    size = needed(told(table, Pool(load, int(busy) + 1)))
    assert Pool(load, size).p99() < 0.001
    assert Pool(load, size - 1).p99() >= 0.001


def test_workers_that_do_not_work_alike_are_each_taken_as_they_are(table):
    loads = (LOADS["steady"], LOADS["little"])
    asked = told(table, *(Pool(load, 100) for load in loads))
    size = needed(asked)
    assert p99(*(Pool(load, size) for load in loads)) < 0.001
    assert p99(*(Pool(load, size - 1) for load in loads)) >= 0.001
    said = advice(reading(workers=2), asked)
    assert [(one.worker, one.pool_size > 4) for one in said.by_worker] == [(1, True), (2, False)]
    assert (said.asked_now, said.asked) == (30, 2 * (said.pool_size + said.max_overflow))


def test_with_the_overflow_nobody_waits_at_all_and_the_timeout_is_longer_than_two_holds(table):
    load = LOADS["steady"]
    said = advice(reading(), told(table, Pool(load, 100)))
    assert max(Pool(load, said.pool_size + said.max_overflow).waits) == 0.0
    assert max(Pool(load, said.pool_size + said.max_overflow - 1).waits) > 0.0
    longest = sorted(hold for _, hold in load)[int(0.99 * len(load))]
    assert said.timeout_seconds == next(seconds for seconds in TIMEOUTS if seconds >= 2 * longest)
    assert f"pool_size={said.pool_size}" in said.sentence


def test_of_few_checkouts_and_of_a_pool_without_a_size_it_says_why_there_is_no_advice(table):
    few = advice(reading(), told(table, Pool(arriving(7, lambda _: 1, exponential(0.1), 150), 5)))
    assert (few.pool_size, few.asked_now) == (None, 15)
    assert 50 < few.checkouts < 200
    assert "200 checkouts" in few.sentence
    none = advice(PoolReading("shop", "NullPool", Limits(), Counts()), ())
    assert none.sentence == "A NullPool has no size that could be advised."


def test_what_a_process_asked_before_it_was_seen_counts_from_its_beginning(table):
    row = Row(("host", "boot", 1, 1, 0), 1, START, 0.0, "")
    pools = {"shop": demand.brief({"numbers": {"checkouts": 40}})}
    (first,) = demand.asked([], demand.present("shop", [(row, pools)], [], START + 20), START + 20)
    assert (first.checkouts, first.seconds) == (40, 20)
    demand.note(table, START + 30, [(row, pools)])
    later = {"shop": demand.brief({"numbers": {"checkouts": 50}})}
    kept = table.asked("shop")
    asked = demand.asked(kept, demand.present("shop", [(row, later)], kept, START + 45), START + 45)
    assert [(one.checkouts, one.seconds) for one in asked] == [(40, 30), (10, 15)]
    demand.note(table, START + 30 + demand.SECONDS_KEPT, [(row, later)])
    assert len(table.asked("shop")) == 2


def test_the_pool_counts_how_many_are_out_at_each_checkout_and_who_waits_with_them(engine, name):
    with engine.connect(), engine.connect():
        pass
    with engine.connect():
        pass
    assert counts(name)["in use"][:4] == [0, 2, 1, 0]
    held = [engine.connect() for _ in range(3)]
    engine.pool._timeout = 10.0
    threads = [threading.Thread(target=lambda: engine.connect().close()) for _ in range(2)]
    for thread in threads:
        thread.start()
    until(lambda: own(Config())["pools"][name]["waiters"] == 2)
    for connection in held:
        connection.close()
    for thread in threads:
        thread.join()
    wanted = counts(name)["wanted"]
    assert sum(wanted) == 2
    assert wanted[4:6] == [1, 1]


def counts(name):
    return own(Config())["pools"][name]["numbers"]
