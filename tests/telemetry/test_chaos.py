"""Does anything drift when eight threads lose connections in every way while the database flaps, or is stopped?"""

from __future__ import annotations

import gc
import logging
import os
import threading
import time

import psycopg
import pytest
import sqlalchemy as sa
from sqlalchemy import orm as sa_orm

from dashboard.telemetry import unwatch, watch, watch_sessions
from tests.journeys.postgresql import PostgreSQL

from .chaos import Storm
from .conftest import Base, User
from .driver import Driver
from .waiting import until

SECONDS = 60 if os.environ.get("SOAK") else 0
ROUNDS, TURNS = (2, 500)
POOL = {"pool_size": 3, "max_overflow": 2, "pool_timeout": 0.05, "pool_pre_ping": True}


def rounds():
    """Two, or as many as there is time for."""
    enough = time.monotonic() + SECONDS
    done = 0
    while done < ROUNDS or time.monotonic() < enough:
        yield done
        done += 1


class Onlooker:
    """Somebody who reads all the while: no counter falls, and no commit is told before the driver has made it."""

    def __init__(self, pool, driver):
        self.pool, self.driver = pool, driver
        self.readings, self.wrong = 0, []
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._over.set()
        self._thread.join()
        gc.collect()  # what the onlooker had in its hands just then
        assert self.readings > 0
        assert self.wrong == []

    def _look(self):
        before = {}
        while not self._over.wait(0.002):
            totals = self.pool().totals
            made = self.driver.counts["commits"]
            self.readings += 1
            if totals["commits"] > made:
                self.wrong.append(("commits", totals["commits"], made))
            self.wrong += [(name, was, totals[name]) for name, was in before.items() if totals[name] < was]
            before = totals


def assert_nothing_drifted(reading, storm, driver):
    """At a quiet point: what is said of the pool is what the driver and the threads counted."""
    totals, numbers, counts = reading.totals, reading.numbers, reading.counts
    assert (counts.used, counts.detached, counts.waiters) == (0, 0, 0)
    assert (totals["opened"], totals["closed"]) == (driver.counts["connects"], driver.counts["closes"])
    assert sum(numbers.get("create|error", [0])[:-1]) == driver.counts["failed connects"]
    assert totals["commits"] == driver.counts["commits"]
    assert sum(totals[end] for end in ("commits", "rollbacks", "released", "abandoned")) == storm.seen["begun"]
    assert totals["abandoned"] == storm.seen["drop"]
    assert totals["statements"] == storm.seen["statements"]
    assert totals["checkins"] == totals["checkouts"] - storm.seen["detach"]
    assert numbers["invalidations|soft"] == storm.seen["invalidate_softly"]
    assert numbers["invalidations|hard"] >= storm.seen["invalidate"] + storm.seen["take_another"]
    assert totals["timeouts"] == storm.seen["timeouts"]
    assert sum(numbers["hold"][:-1]) == totals["checkouts"]
    assert sum(numbers["wait|ok"][:-1]) == totals["checkouts"] + numbers.get("lost checkouts", 0)
    assert numbers["leaks|garbage_collected"] == storm.seen["drop"] > 0


@pytest.mark.soak
def test_nothing_drifts_while_the_database_flaps(make_engine, driver, name, pool, read):
    def flap(luck):
        if luck.random() < 0.03:
            driver.drop_all()
        if luck.random() < 0.03:
            driver.is_away = not driver.is_away

    def come_back():
        driver.is_away = False  # until the next flap

    engine = make_engine(**POOL)
    watch(engine, name=name)
    before = read().faults
    storm = Storm(engine, flap, come_back)
    for _ in rounds():
        with Onlooker(pool, driver):
            storm.rage(lambda: storm.turns(TURNS))
        come_back()
        reading = pool()
        assert_nothing_drifted(reading, storm, driver)
        assert (
            reading.counts.idle == driver.open
        )  # the old pools have gone, with the connections that came back to them
    assert driver.counts["failed connects"] > 0
    assert sum(reading.totals[end] for end in ("commits", "rollbacks", "released", "abandoned")) > 100
    assert read().faults == before


class PsycopgDriver(Driver):
    """psycopg that counts for itself."""

    def __init__(self, url):
        super().__init__(url)
        url = sa.make_url(url).set(drivername="postgresql")
        self.conninfo = url.update_query_dict({"application_name": "chaos"}).render_as_string(hide_password=False)

    def connect(self):
        try:
            connection = CountedPsycopg.connect(self.conninfo)
        except psycopg.OperationalError:
            self.count("failed connects")
            raise
        connection.driver = self
        connection.generation = self.generation
        self._alive.add(connection)
        self.count("connects")
        return connection

    @property
    def reachable(self):
        """Open ones that were made since the server was stopped last; an old pool that lives on has others."""
        return sum(not known.is_closed and known.generation == self.generation for known in list(self._alive))


class CountedPsycopg(psycopg.Connection):
    driver: PsycopgDriver
    is_closed = False

    def commit(self):
        super().commit()
        self.driver.count("commits")

    def close(self):
        if not self.is_closed:
            self.is_closed = True
            self.driver.count("closes")
        super().close()


@pytest.fixture
def server():
    """A PostgreSQL of this test's own, which is stopped and started."""
    with PostgreSQL() as server:
        yield server


@pytest.mark.soak
@pytest.mark.filterwarnings("ignore:.*was deleted while still open")  # by old pools, with what came back to them
def test_nothing_drifts_while_postgresql_is_stopped_and_started(server, name, pool, read, caplog):
    caplog.set_level(logging.CRITICAL, "sqlalchemy.pool")  # what is logged is kept, with its frames and their pools
    url = server.new_database()
    driver = PsycopgDriver(url)
    beside = sa.create_engine(url, poolclass=sa.NullPool)
    engine = sa.create_engine("postgresql+psycopg://", creator=driver.connect, **POOL)
    watch(engine, name=name)
    before = read().faults
    storm = Storm(engine)

    def stop_and_start():
        storm.turns(TURNS // 5)
        server.stop()
        driver.drop_all()
        storm.turns(TURNS // 5)
        server.start()
        storm.turns(TURNS // 5)

    def at_the_server():
        with beside.connect() as connection:
            asked = "select count(*) from pg_stat_activity where application_name = 'chaos'"
            return connection.exec_driver_sql(asked).scalar_one()

    for _ in rounds():
        with Onlooker(pool, driver):
            storm.rage(stop_and_start)
        reading = pool()
        assert_nothing_drifted(reading, storm, driver)
        assert reading.counts.idle == driver.open
        held = [engine.connect() for _ in range(3)]  # the dead among them are found out, and made anew
        assert pool().counts.used == 3
        until(lambda: at_the_server() == driver.reachable >= 3)
        for connection in held:
            connection.close()
        assert pool().counts.idle == driver.open
        until(lambda: at_the_server() == driver.reachable >= 3)
    assert driver.counts["failed connects"] > 0
    assert read().faults == before
    unwatch(engine)
    engine.dispose()
    until(lambda: at_the_server() == driver.reachable)
    for known in list(driver._alive):  # of old pools that something still refers to
        known.close()
    until(lambda: at_the_server() == 0)
    beside.dispose()


def test_sessions_in_eight_threads_lose_nothing(make_engine, driver, name, pool, read):
    engine = make_engine(pool_size=8)
    Base.metadata.create_all(engine)
    maker = sa_orm.sessionmaker(engine)
    watch(engine, name=name)
    watch_sessions(maker, registry=name)
    before = driver.counts["commits"]

    def work(engine, seed):
        for turn in range(20):
            with maker() as session:
                session.add(User(name=f"{seed}.{turn}"))
                session.commit()

    threads = [threading.Thread(target=work, args=(engine, seed)) for seed in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    unwatch(maker)
    (registry,) = (found for found in read().sessions.registries if found.name == name)
    moves = {(t.from_, t.to): t.count for t in read().sessions.transitions if t.registry == name}
    assert registry.totals["transactions_commit"] == registry.totals["flushed_new"] == 160
    assert moves["transient", "pending"] == moves["pending", "persistent"] == 160
    assert pool().totals["commits"] == driver.counts["commits"] - before == 160
    assert pool().totals["statements_insert"] == driver.counts["executed insert"] == 160
