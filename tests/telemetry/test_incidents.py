"""Does the flight recorder freeze what was, when something begins, and keep it when its worker is gone?"""

from __future__ import annotations

import json
import threading
import zlib
from contextlib import ExitStack, suppress

import pytest
import sqlalchemy as sa

from dashboard.config import Config
from dashboard.telemetry import incidents, scope, watch
from dashboard.telemetry.ledger import Ledger

from .waiting import until

SETTINGS = {
    "DASHBOARD_OVERDUE_SECONDS": "0.3",
    "DASHBOARD_JUDGED_SECONDS": "2",
    "DASHBOARD_PUBLISH_SECONDS": "0.1",
    "DASHBOARD_INCIDENT_WAIT_SECONDS": "0.5",
}


@pytest.fixture
def open_ledger(tmp_path):
    """`open_ledger(DASHBOARD_INCIDENTS_KEPT="3")`: this process publishes there, and judges."""
    opened = []

    def make(**settings):
        ledger = Ledger(tmp_path / f"incidents-{len(opened)}", Config.read({**SETTINGS, **settings}))
        opened.append(ledger)
        ledger.join()
        until(lambda: ledger.read().memory.at)
        return ledger

    yield make
    for ledger in opened:
        ledger.leave()


@pytest.fixture
def of(name):
    """The incidents about the pool `name`, the newest first."""
    return lambda ledger: [one for one in incidents.kept(ledger) if one.about == name]


def test_a_leak_is_an_incident_with_its_line_its_holder_and_what_its_connection_did(engine, open_ledger, of):
    ledger = open_ledger()
    with engine.begin() as connection:
        connection.execute(sa.text("select 1"))
    with scope("shop.report"):
        taken = engine.connect()
        taken.execute(sa.text("select 'a secret' || :word"), {"word": "another"})
        taken.rollback()
    (incident,) = until(lambda: of(ledger))
    assert (incident.finding, incident.level, incident.endpoint) == ("ConnectionLeak", "critical", "shop.report")
    assert "test_incidents.py" in incident.line
    assert incident.line in incident.sentence
    whole = until(lambda: has_events(incidents.by_number(ledger, incident.number), 8))
    (pool,) = whole.pictures[0]["pools"]
    (holder,) = pool["holders"]
    assert (holder["line"], holder["endpoint"]) == (incident.line, "shop.report")
    assert holder["statement"] == "select # || ?"
    assert "secret" not in json.dumps(whole.pictures)
    (one,) = pool["connections"]
    kinds = [event["kind"] for event in one["events"]]
    assert kinds[:5] == ["opened", "checked_out", "transaction_begun", "transaction_ended", "given_back"]
    assert kinds[5:] == ["checked_out", "transaction_begun", "transaction_ended", "leak"]
    taken.close()


def has_events(incident, number):
    """The processes say more as soon as they hear that somebody looks."""
    (pool,) = incident.pictures[0]["pools"]
    return incident if any(len(one["events"]) >= number for one in pool["connections"]) else None


def test_it_is_over_when_nothing_of_it_holds_any_more(engine, open_ledger, of):
    ledger = open_ledger()
    taken = engine.connect()
    (incident,) = until(lambda: of(ledger))
    assert incident.ended is None
    taken.close()
    (over,) = until(lambda: [one for one in of(ledger) if one.ended], seconds=20)
    assert over.number == incident.number
    assert over.at < over.ended


def test_what_begins_within_a_minute_is_another_picture_of_the_same_incident(make_engine, name, open_ledger, of):
    ledger = open_ledger()
    engine = make_engine(pool_size=1, max_overflow=0, pool_timeout=5)
    watch(engine, name=name)
    taken = engine.connect()
    waiting = threading.Thread(target=lambda: engine.connect().close())
    waiting.start()
    wanted = {f"{finding}|{name}" for finding in ("ConnectionLeak", "PoolSaturated", "LongWait")}
    until(lambda: wanted <= set(of(ledger)[0].keys) if of(ledger) else False)
    taken.close()
    waiting.join()
    (incident,) = of(ledger)
    assert (incident.finding, incident.level) == ("ConnectionLeak", "critical")  # whichever was found first
    assert {"PoolSaturated", "LongWait"} <= set(incident.others)
    pictures = incidents.by_number(ledger, incident.number).pictures
    assert [picture["at"] for picture in pictures] == sorted(picture["at"] for picture in pictures)
    assert {began["finding"] for picture in pictures for began in picture["began"]} >= {
        "ConnectionLeak", "PoolSaturated", "LongWait",
    }  # fmt: skip
    assert any(waiter["seconds"] > 0.5 for picture in pictures for waiter in picture["pools"][0]["waiters"])


def test_an_incident_is_headed_by_the_cause_though_its_consequence_is_worse_and_was_found_first(
    make_engine, name, open_ledger, of
):
    settings = {"DASHBOARD_OVERDUE_SECONDS": "300", "DASHBOARD_IDLE_IN_TRANSACTION_SECONDS": "1.2"}
    ledger = open_ledger(**settings)
    engine = make_engine(pool_size=1, max_overflow=0, pool_timeout=10)
    watch(engine, name=name)
    with engine.connect() as taken:
        taken.execute(sa.text("select 1"))
        waiting = threading.Thread(target=lambda: engine.connect().close())
        waiting.start()
        assert until(lambda: of(ledger))[0].finding in ("PoolSaturated", "LongWait")
        (incident,) = until(lambda: [one for one in of(ledger) if one.finding == "IdleInTransaction"])
    waiting.join()
    assert incident.level == "critical"
    assert incident.sentence.startswith("Idle in transaction")


def test_who_got_no_connection_makes_an_incident(make_engine, name, open_ledger, of):
    ledger = open_ledger(DASHBOARD_OVERDUE_SECONDS="300")
    engine = make_engine(pool_size=1, max_overflow=0, pool_timeout=0.01)
    watch(engine, name=name)
    with engine.connect(), suppress(sa.exc.TimeoutError):
        engine.connect()
    (incident,) = until(lambda: of(ledger))
    assert incident.finding == "PoolTimeouts"


def test_only_the_last_are_kept(make_engine, name, open_ledger):
    ledger = open_ledger(DASHBOARD_INCIDENTS_KEPT="2")
    with ExitStack() as stack:
        for number in range(3):
            engine = make_engine()
            watch(engine, name=f"{name}-{number}")
            stack.enter_context(engine.connect())
            until(lambda about=f"{name}-{number}": incidents.kept(ledger) and incidents.kept(ledger)[0].about == about)
        newest, second = incidents.kept(ledger)
        assert (newest.about, second.about) == (f"{name}-2", f"{name}-1")
        assert incidents.by_number(ledger, newest.number - 2) is None


def test_one_a_minute_and_a_few_pictures_of_it(make_engine, name, open_ledger, of):
    ledger = open_ledger(DASHBOARD_INCIDENT_PICTURES="1")
    engine = make_engine(pool_size=1, max_overflow=0, pool_timeout=5)
    watch(engine, name=name)
    with ExitStack() as stack:
        stack.enter_context(engine.connect())
        until(lambda: of(ledger))
        waiting = threading.Thread(target=lambda: engine.connect().close())
        waiting.start()
        until(lambda: len(of(ledger)[0].keys) > 1)
    waiting.join()
    (incident,) = of(ledger)
    assert len(incidents.by_number(ledger, incident.number).pictures) == 1


def test_a_worker_killed_with_a_connection_out_is_an_incident_that_tells_what_it_did(start, ledger, name):
    (program,) = start()
    program.ask("work 12")
    until(lambda: recorded(ledger, "given_back") == 12)
    program.ask("hold")
    until(lambda: recorded(ledger, "checked_out") == 13)
    program.kill()
    (incident,) = until(lambda: died(ledger))
    assert f"process {program.pid}" in incident.sentence
    assert "1 connection of pool shop" in incident.sentence
    assert "program.py" in incident.line
    (picture,) = incidents.by_number(ledger, incident.number).pictures
    (pool,) = picture["pools"]
    (one,) = pool["connections"]
    kinds = [event["kind"] for event in one["events"]]
    assert (kinds[0], kinds[-1]) == ("opened", "checked_out")
    assert kinds.count("given_back") == 12
    assert kinds.count("checked_out") == 13
    assert [event["at"] for event in one["events"]] == sorted(event["at"] for event in one["events"])


def died(ledger):
    ledger.read()  # whoever reads finds the dead
    return [one for one in incidents.kept(ledger) if one.finding == "WorkerDied"]


def recorded(ledger, kind):
    """How many events of this kind the program has written down."""
    with ledger._member.rows.writing() as transaction:
        packed = transaction.execute("SELECT packed FROM flight").fetchall()
    return sum(zlib.decompress(tape).decode().count(kind) for (tape,) in packed)


def test_a_worker_that_ends_as_it_should_is_no_incident(start, ledger):
    (program,) = start()
    program.ask("hold")
    until(lambda: ledger.read().pool("shop").counts.used)
    program.close()
    until(lambda: not ledger.read().workers)
    assert died(ledger) == []


def test_a_ledger_that_cannot_be_used_has_no_incidents(tmp_path):
    (tmp_path / "ledger.db").write_bytes(b"no database at all" * 100)
    ledger = Ledger(tmp_path)
    assert incidents.kept(ledger) == ()
    assert incidents.by_number(ledger, 1) is None
