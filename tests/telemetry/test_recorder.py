"""Do the threads' own numbers add up, whoever lives, and does a child begin at zero?"""

from __future__ import annotations

import gc
import multiprocessing
import threading
from bisect import bisect_left

import pytest
import sqlalchemy as sa

from dashboard.telemetry import lines, watch, watching
from dashboard.telemetry.recorder import SECONDS, Layout, Recorder
from dashboard.telemetry.tables import HOLDS, Endpoints, Names

fork = multiprocessing.get_context("fork")


def a_recorder() -> tuple[Recorder, int, int]:
    layout = Layout()
    events, seconds = layout.counter("events"), layout.histogram("seconds", SECONDS)
    return Recorder(layout), events, seconds


def test_eight_threads_lose_nothing():
    recorder, events, seconds = a_recorder()

    def count() -> None:
        cells = recorder.local.cells
        for number in range(5_000):
            cells[events] += 1
            cells[seconds + bisect_left(SECONDS, number / 1000)] += 1

    threads = [threading.Thread(target=count) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    numbers = recorder.numbers()
    assert numbers["events"] == sum(numbers["seconds"][:-1]) == 40_000


def test_a_dead_threads_numbers_stay_and_its_list_goes():
    recorder, events, _ = a_recorder()

    def count() -> None:
        recorder.local.cells[events] += 1

    for _ in range(20):
        thread = threading.Thread(target=count)
        thread.start()
        thread.join()
    gc.collect()
    assert recorder.numbers() == {"events": 20}
    assert len(recorder._threads) == 1
    assert recorder.numbers() == {"events": 20}


def test_what_a_finalizer_counts_while_its_threads_own_numbers_are_made_is_not_lost():
    """The garbage collector may run within the making, and give a leaked connection back in the same thread."""
    layout = Layout()
    events = layout.counter("events")
    busy = threading.local()

    def make() -> Endpoints:
        if not hasattr(busy, "within"):
            busy.within = True
            recorder.local.cells[events] += 1
            recorder.local.endpoints["shop"][HOLDS] += 1
        return Endpoints(Names(20))

    busy.within = True  # not while the recorder itself is made
    recorder = Recorder(layout, {"endpoints": make})

    def count() -> None:
        recorder.local.cells[events] += 1
        recorder.local.endpoints["shop"][HOLDS] += 1

    thread = threading.Thread(target=count)
    thread.start()
    thread.join()
    assert (recorder.numbers(), recorder.rows("endpoints")["shop"][HOLDS]) == ({"events": 2}, 2)


def test_a_bucket_takes_its_own_bound():
    recorder, _, seconds = a_recorder()
    cells = recorder.local.cells
    for value in (0.0005, 0.00051, 300.0, 301.0):
        cells[seconds + bisect_left(SECONDS, value)] += 1
    buckets = recorder.numbers()["seconds"]
    assert (buckets[0], buckets[1], buckets[-3], buckets[-2]) == (1, 1, 1, 1)


def test_a_count_that_is_taken_back_between_two_readings_does_not_fall():
    recorder, events, _ = a_recorder()
    cells = recorder.local.cells
    cells[events] += 1
    assert recorder.numbers() == {"events": 1}
    cells[events] -= 1
    assert recorder.numbers() == {"events": 1}
    cells[events] += 1
    assert recorder.numbers() == {"events": 1}


def in_a_child(work):
    """What `work` returns in a forked child of this process."""
    here, there = fork.Pipe()

    def child() -> None:
        there.send(work())

    process = fork.Process(target=child)
    process.start()
    answer = here.recv()
    process.join()
    return answer


def test_a_forked_child_begins_at_zero_and_its_parent_goes_on(engine, pool, name):
    held = engine.connect()
    engine.connect().close()

    def work():
        inherited = pool()
        engine.dispose(close=False)
        engine.connect().close()
        return inherited.totals["checkouts"], inherited.counts.used, pool().totals["checkouts"]

    assert in_a_child(work) == (0, 0, 1)
    held.close()
    assert pool().totals["checkouts"] == 2


@pytest.mark.parametrize("how", ["line", "full", "off"])
def test_a_connection_used_in_a_process_that_did_not_open_it_is_a_leak(make_engine, name, pool, how, monkeypatch):
    monkeypatch.setattr(lines, "keep", how)
    engine = make_engine(pool_size=1)
    watch(engine, name=name)
    engine.connect().close()

    def work():
        with engine.connect() as connection:
            connection.execute(sa.text("select 1"))
        engine.connect().close()
        engine.dispose(close=False)
        engine.connect().close()
        return pool().numbers.get("leaks|foreign_process")

    assert in_a_child(work) == 2
    assert "leaks|foreign_process" not in pool().numbers


def test_a_child_that_is_forked_while_another_thread_begins_to_watch_can_watch_too(make_engine, name):
    is_held, may_end = threading.Event(), threading.Event()

    def hold() -> None:
        with watching._lock:
            is_held.set()
            may_end.wait(30)

    thread = threading.Thread(target=hold)
    thread.start()
    is_held.wait(30)
    here, there = fork.Pipe()
    process = fork.Process(target=lambda: there.send(watch(make_engine(), name=name).name))
    process.start()
    try:
        assert here.poll(20)
        assert here.recv() == name
    finally:
        may_end.set()
        thread.join()
        process.kill()
        process.join()
