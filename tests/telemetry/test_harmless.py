"""Does telemetry leave the program's connections, threads and forks alone?"""

from __future__ import annotations

import multiprocessing
import threading

import sqlalchemy as sa

from dashboard.config import Config
from dashboard.telemetry import watch
from dashboard.telemetry.ledger import Ledger
from dashboard.telemetry.snapshot import own


def test_no_connection_of_a_watched_pool_is_ever_used(engine, name, driver, ledger):
    ledger.join()
    engine.connect().close()
    held = engine.connect()
    before = dict(driver.counts)
    for _ in range(3):
        ledger.look(name)
        reading = ledger.read().pool(name)
        ledger.history(name, span="24h")
    assert (reading.counts.used, reading.holders[0].now is not None) == (1, True)
    assert dict(driver.counts) == before
    held.close()
    assert reading.totals["checkouts"] == 2


def test_watching_and_reading_start_no_thread_until_the_process_joins(make_engine, tmp_path):
    before = set(threading.enumerate())
    engine = make_engine()
    watch(engine, name="threadless")
    engine.connect().close()
    ledger = Ledger(tmp_path / "ledger")
    ledger.read()
    ledger.look("threadless")
    ledger.history("threadless")
    own(Config(), {"threadless"})
    assert set(threading.enumerate()) == before
    ledger._member.rows.close()


def test_a_forked_child_has_no_events_leaks_or_looks_of_its_parent(engine, name, ledger):
    ledger.join()
    ledger.look(name)
    held = [engine.connect() for _ in range(2)]
    held.pop().close()
    here, there = multiprocessing.get_context("fork").Pipe()

    def child():
        engine.dispose(close=False)
        with engine.connect() as connection:
            connection.execute(sa.text("select 1"))
        said = own(Config())["pools"][name]
        numbers = [one["number"] for one in said["connections"]]
        there.send((said["leaks"], [kind for _, _, kind, *_ in said["tape"]], numbers, ledger._member._looked))
        engine.dispose()

    process = multiprocessing.get_context("fork").Process(target=child)
    process.start()
    leaks, tape, numbers, looked = here.recv()
    process.join()
    held.pop().close()
    assert (leaks, tape, looked) == ([], ["opened"], {})
    assert numbers == [3]
