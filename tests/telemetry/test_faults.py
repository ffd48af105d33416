"""Does a fault of telemetry stay its own: counted, told once a minute, and in the end switched off?"""

from __future__ import annotations

import logging
import multiprocessing

import pytest
import sqlalchemy as sa

from dashboard.telemetry import faults, watch
from dashboard.telemetry.findings import findings
from dashboard.telemetry.statements import listeners


@pytest.fixture
def fresh():
    """As if nothing had failed in this process; what a test switches off is on again afterwards."""
    faults.switch_on()
    before = dict(faults._counts)
    faults._counts.clear()
    faults._logged.clear()
    yield
    faults.switch_on()
    faults._counts.clear()
    faults._counts.update(before)


@pytest.fixture
def broken(monkeypatch):
    """`broken("pools.CHECKINS")`: from now on a name that a listener needs leads to an error."""

    def now(place):
        monkeypatch.setattr(f"dashboard.telemetry.{place}", "no cell has this number")

    return now


def test_a_listener_that_goes_on_failing_is_switched_off_and_the_program_never_notices(
    engine, name, read, pool, fresh, broken
):
    broken("pools.CHECKINS")
    for _ in range(150):
        with engine.begin() as connection:
            assert connection.exec_driver_sql("select 1").scalar() == 1
    assert faults.counts() == {"checkin": 101}
    assert faults.off == {"checkin": 101}
    reading = read()
    assert [(one.listener, one.faults, one.worker) for one in reading.switched_off] == [("checkin", 101, 1)]
    (finding,) = [one for one in findings(reading) if one.finding == "ListenerOff"]
    assert (finding.level, finding.worker, dict(finding.numbers)) == ("warning", 1, {"faults": 101})
    assert "checkin failed 101 times" in finding.sentence
    assert finding.remedy
    assert reading.pool(name).totals["commits"] == 150  # the others go on
    assert (reading.pool(name).counts.used, reading.pool(name).holders) == (0, ())


def test_below_the_limit_a_listener_stays_on(engine, fresh, broken, read):
    broken("pools.CHECKINS")
    for _ in range(100):
        engine.connect().close()
    assert faults.counts() == {"checkin": 100}
    assert (faults.off, read().switched_off) == ({}, ())


@pytest.mark.parametrize(
    "place, listener",
    [
        ("pools.SINCE", "checkin"),
        ("pools.CHECKOUTS", "checkout"),
        ("transactions.TEXTS", "begin"),
        ("statements.STATEMENT_TEXT", "before_cursor_execute"),
        ("statements.STATEMENT_SUM", "after_cursor_execute"),
        ("transactions.ref", "commit"),
        ("instruments.CREATE", "create"),
        ("instruments.CLOSED", "close"),
        ("pools.INVALIDATIONS", "hard_invalidate"),
    ],
)
def test_every_kind_of_listener_can_be_off_and_statements_still_work(engine, fresh, broken, place, listener):
    broken(place)
    for number in range(110):
        with engine.begin() as connection:
            assert connection.execute(sa.text("select :a"), {"a": number}).scalar() == number
            if listener in ("create", "close", "hard_invalidate"):
                connection.invalidate()
                connection.rollback()
    assert listener in faults.off
    count = faults.counts()[listener]
    with engine.begin() as connection:
        assert connection.execute(sa.text("select :a"), {"a": 1}).scalar() == 1
    assert faults.counts()[listener] == count


def test_a_listener_that_is_switched_off_answers_as_sqlalchemy_expects_it():
    before = listeners(None)["before_cursor_execute"]
    code = before.__code__
    before.__code__ = faults._idle(code)
    try:
        assert before(None, None, "select 1", (), None, False) == ("select 1", ())
    finally:
        before.__code__ = code


def test_what_waited_is_forgotten_when_the_end_of_waits_is_off(make_engine, name, pool, fresh, broken):
    engine = make_engine(pool_size=1, max_overflow=0, pool_timeout=0.001)
    watch(engine, name=name)
    broken("instruments.WAIT_SECONDS")
    taken = engine.connect()
    for _ in range(110):
        with pytest.raises(sa.exc.TimeoutError):
            engine.connect()
    taken.close()
    assert "wait" in faults.off
    assert pool().waiters == ()
    engine.connect().close()


def test_one_logger_tells_each_cause_once_a_minute(engine, fresh, broken, caplog):
    broken("pools.CHECKINS")
    with caplog.at_level(logging.DEBUG):
        for _ in range(150):
            engine.connect().close()
    ours = [(record.name, record.levelname) for record in caplog.records]
    assert ours == [("poolhouse", "ERROR"), ("poolhouse", "WARNING")]
    assert "checkin" in caplog.records[0].message
    assert caplog.records[0].exc_info is not None
    assert "switched off" in caplog.records[1].message


def test_a_minute_later_it_is_told_again_and_counted_anew(fresh, caplog, monkeypatch):
    now = [1_000.0]
    monkeypatch.setattr(faults.time, "monotonic", lambda: now[0])
    for _ in range(5):
        for _ in range(60):
            faults.fault("connect")
        now[0] += 61
    assert len(caplog.records) == 5
    assert faults.off == {}


def test_a_child_starts_with_every_listener_on(engine, fresh, broken):
    broken("pools.CHECKINS")
    for _ in range(110):
        engine.connect().close()
    assert "checkin" in faults.off
    here, there = multiprocessing.get_context("fork").Pipe()

    def child():
        there.send((dict(faults.off), faults.counts()))

    process = multiprocessing.get_context("fork").Process(target=child)
    process.start()
    assert here.recv() == ({}, {})
    process.join()
