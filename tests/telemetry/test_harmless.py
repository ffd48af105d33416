"""Does telemetry leave the program's connections, threads and forks alone?"""

from __future__ import annotations

import multiprocessing
import threading

import pytest
import sqlalchemy as sa
from sqlalchemy import orm as sa_orm

from dashboard.config import Config
from dashboard.telemetry import unwatch, watch, watch_sessions
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


class Shelf(sa.pool.Pool):
    """A pool that a program has made from scratch."""

    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)
        self._pool = []

    def _do_get(self):
        return self._pool.pop() if self._pool else self._create_connection()

    def _do_return_conn(self, record):
        self._pool.append(record)

    def recreate(self):
        return Shelf(self._creator, _dispatch=self.dispatch, dialect=self._dialect)

    def dispose(self):
        while self._pool:
            self._pool.pop().close()


class Miscounting(sa.pool.QueuePool):
    """A pool of which one cannot ask everything."""

    refuses = False

    def overflow(self):
        if self.refuses:
            raise RuntimeError("not of mine")
        return super().overflow()


class Secretive(sa_orm.Session):
    """A Session into which one cannot look."""

    @property
    def identity_map(self):
        raise RuntimeError("not into mine")

    @identity_map.setter
    def identity_map(self, _):
        pass


def test_a_pool_that_the_program_made_from_scratch_is_told_without_what_nobody_knows(make_engine, driver, name, pool):
    engine = make_engine(poolclass=Shelf)
    watch(engine, name=name)
    held, other = engine.connect(), engine.connect()
    other.close()
    counts = pool().counts
    assert (counts.used, counts.idle, counts.dead_slot, counts.waiters) == (1, None, None, None)
    held.close()
    assert (pool().counts.used, pool().totals["checkouts"], pool().class_) == (0, 2, "Shelf")
    unwatch(engine)
    assert not [key for key in engine.pool.__dict__ if "poolhouse" in key]
    engine.dispose()
    assert driver.open == 0


@pytest.mark.parametrize("times", [1, 150])
def test_a_pool_that_cannot_be_described_keeps_its_counts_and_hides_nothing_else(make_engine, name, read, times):
    odd, plain = make_engine(poolclass=Miscounting), make_engine()
    watch(odd, name=name)
    watch(plain, name=f"{name} plain")
    for engine in (odd, plain):
        engine.connect().close()
    odd.pool.refuses = True
    for _ in range(times):  # at that it may not be switched off
        reading = read()
    odd.pool.refuses = False
    assert [reading.pool(which).totals["checkouts"] for which in (name, f"{name} plain")] == [1, 1]
    assert (reading.pool(name).class_, reading.pool(f"{name} plain").class_) == ("", "QueuePool")
    assert reading.faults["pool word"] >= times


def test_a_session_that_cannot_be_looked_into_hides_no_other(engine, name, read):
    secretive, plain = sa_orm.sessionmaker(engine, class_=Secretive), sa_orm.sessionmaker(engine)
    for maker, registry in ((secretive, name), (plain, f"{name} plain")):
        watch_sessions(maker, registry=registry)
    live = [secretive(), plain()]
    told = {one.registry for one in read().sessions.live}
    assert f"{name} plain" in told
    assert name not in told
    for maker in (secretive, plain):
        unwatch(maker)
    live.clear()
