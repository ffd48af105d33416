"""Does what is remembered stop growing? Memory after ten times as many events is where it was."""

from __future__ import annotations

import gc
import itertools
import os

import psutil
import pytest

from dashboard.telemetry import scope

EVENTS = 1_000_000 if os.environ.get("SOAK") else 10_000
MOST = 2 * 1024 * 1024
EVENTS_OF_A_TURN = 5  # checkout, begin, statement, end, checkin
FINGERPRINTS = 400  # more than are kept


@pytest.mark.soak
def test_ten_times_as_many_events_leave_memory_where_it_was(engine, pool):
    numbers = itertools.count()

    def work(events):
        for _ in range(events // EVENTS_OF_A_TURN):
            number = next(numbers)
            with scope(f"endpoint {number % 300}"), engine.connect() as connection:
                connection.exec_driver_sql(f"select 1 as c{number % FINGERPRINTS}")
        pool()
        gc.collect()
        return psutil.Process().memory_info().rss

    before = work(EVENTS)
    after = work(9 * EVENTS)
    assert after - before <= MOST
    assert pool().totals["checkouts"] == 10 * EVENTS // EVENTS_OF_A_TURN
