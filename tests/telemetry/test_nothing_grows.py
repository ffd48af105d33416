"""Does telemetry need more memory the longer the program runs? 200,000 events; two million where SOAK is set."""

from __future__ import annotations

import gc
import os
import sys
import threading
import tracemalloc
from collections import deque
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy import orm as sa_orm

import dashboard.telemetry
from dashboard.config import Config
from dashboard.telemetry import scope, unwatch, watch, watch_sessions
from dashboard.telemetry.merging import alone
from dashboard.telemetry.snapshot import own

from .conftest import User

FOLDER = Path(dashboard.telemetry.__file__).parent
EVENTS = 2_000_000 if os.environ.get("SOAK") else 200_000
ROUND = 100  # at the least: checkout, begin, statement, commit and checkin, eight times over and a few rare ones
GROWTH = 256 * 1024


class Program:
    """What a busy program does in a round, each time with names and texts that were never there before."""

    def __init__(self, engine, maker):
        self.engine = engine
        self.maker = maker
        self.round = 0

    def work(self):
        self.round += 1
        with scope(f"endpoint {self.round}"):
            for number in range(14):
                with self.engine.begin() as connection:
                    connection.exec_driver_sql("select 1" if number else f"select 1 as column_{self.round}")
            with self.maker() as session:
                session.add(User(name=f"name {self.round}"))
                session.flush()
                session.rollback()
        if self.round % 10 == 0:
            self.rare()

    def rare(self):
        with self.engine.connect() as connection:
            connection.detach()
        with self.engine.connect() as connection:
            connection.invalidate()
        with self.engine.connect() as connection, pytest.raises(sa.exc.OperationalError):
            connection.exec_driver_sql(f"select nothing from nowhere_{self.round}")
        leaked = self.engine.raw_connection()
        del leaked
        gc.collect(0)
        thread = threading.Thread(target=lambda: self.engine.connect().close())
        thread.start()
        thread.join()
        with self.engine.connect(), self.engine.connect(), self.engine.connect(), pytest.raises(sa.exc.TimeoutError):
            self.engine.connect()
        if self.round % 50 == 0:
            self.look()

    def look(self):
        config = Config()
        return alone(own(config, {"growing"}), config, 0.0, None)


def registers():
    """The length of every list, dictionary, set and deque that a module of telemetry or a watched pool has."""
    lengths = {}
    for module in [name for name in sys.modules if name.startswith("dashboard.telemetry.")]:
        for name, value in vars(sys.modules[module]).items():
            if isinstance(value, dict | list | set | deque) and not name.startswith("__"):
                lengths[f"{module}.{name}"] = len(value)
    for watched in sys.modules["dashboard.telemetry.watching"].active:
        for name in type(watched).__slots__[1:]:
            value = getattr(watched, name)
            if isinstance(value, dict | list | set | deque):
                lengths[f"{watched.name}.{name}"] = len(value)
        lengths[f"{watched.name} threads"] = len(watched.recorder._threads)
        for table in ("endpoints", "statements"):
            lengths[f"{watched.name} {table}"] = len(watched.recorder.rows(table))
    return lengths


def traced():
    gc.collect()
    snapshot = tracemalloc.take_snapshot().filter_traces([tracemalloc.Filter(True, str(FOLDER / "*"))])
    return sum(statistic.size for statistic in snapshot.statistics("filename"))


@pytest.mark.soak
def test_a_program_that_runs_long_needs_no_more_memory(make_engine, driver):
    engine = make_engine(pool_size=2, max_overflow=1, pool_timeout=0.001)
    watch(engine, name="growing")
    User.metadata.create_all(engine)
    maker = sa_orm.sessionmaker(engine)
    watched = watch_sessions(maker, registry="growing")
    program = Program(engine, maker)
    rounds = EVENTS // ROUND
    tracemalloc.start()
    try:
        for _ in range(rounds // 2):
            program.work()
        before, lengths = traced(), registers()
        for _ in range(rounds - rounds // 2):
            program.work()
        grown = traced() - before
    finally:
        tracemalloc.stop()
        watched.stop()
    reading, after = program.look().pool("growing"), registers()
    unwatch(engine)
    assert reading.totals["checkouts"] * 5 >= 0.7 * EVENTS
    assert grown < GROWTH
    assert {name: length for name, length in after.items() if length > 2_000} == {}
    assert {name for name, length in after.items() if length > max(300, lengths.get(name, 0))} == set()
