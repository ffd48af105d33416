"""Does each trouble get its finding, with the line that makes it, and none when there is no trouble?"""

from __future__ import annotations

import threading
import time
from contextlib import ExitStack, suppress
from math import inf

import pytest
import sqlalchemy as sa
import sqlalchemy.orm as sa_orm

from dashboard.config import Config
from dashboard.telemetry import scope, watch, watch_sessions
from dashboard.telemetry.findings import LEVELS, findings, verdict
from dashboard.telemetry.ledger import Ledger
from dashboard.telemetry.reading import Counts, Limits, PoolReading, Reading
from dashboard.telemetry.rules import RULES

from .library import Author, Book
from .waiting import until

SETTINGS = {
    "DASHBOARD_OVERDUE_SECONDS": "0.2",
    "DASHBOARD_IDLE_IN_TRANSACTION_SECONDS": "0.1",
    "DASHBOARD_STUCK_SECONDS": "0.1",
    "DASHBOARD_SLOW_SECONDS": "0.11",
    "DASHBOARD_JUDGED_SECONDS": "2",
    "DASHBOARD_PUBLISH_SECONDS": "0.1",
}


@pytest.fixture
def ledger(tmp_path):
    """This process publishes, and so notes what the rules need."""
    ledger = Ledger(tmp_path / "judged", Config.read(SETTINGS))
    ledger.join()
    until(lambda: ledger.read().memory.at)
    yield ledger
    ledger.leave()


@pytest.fixture
def found(ledger, name):
    """`found("ConnectionLeak")`: the finding about the pool `name`, as soon as there is one."""

    def now(finding):
        def look():
            return [one for one in findings(ledger.read()) if (one.finding, one.pool) == (finding, name)]

        return until(look, seconds=10)[0]

    return now


@pytest.fixture
def gone(ledger, name):
    def now():
        until(lambda: not [one for one in findings(ledger.read()) if one.pool == name], seconds=15)

    return now


def test_a_leak_is_told_with_its_line_and_ends_when_the_connection_is_given_back(engine, found, gone, ledger):
    with scope("shop.report"):
        taken = engine.connect()
    finding = found("ConnectionLeak")
    assert (finding.level, finding.endpoint, finding.worker) == ("critical", "shop.report", 1)
    assert "test_findings.py" in finding.line
    assert finding.line in finding.sentence
    assert finding.numbers["held_seconds"] > 0.2
    assert "sqlalchemy_connection_oldest_hold_seconds" in finding.rule
    assert finding.remedy
    taken.close()
    gone()


def test_a_finding_keeps_since_when_it_holds(engine, found, ledger, name):
    taken = engine.connect()
    # judged once a second, by a thread that on a busy machine waits for this one, which asks all the time
    until(lambda: f"ConnectionLeak|{name}" in ledger.read().memory.begun, seconds=30)
    first = found("ConnectionLeak")
    assert {found("ConnectionLeak").since for _ in range(5)} == {first.since}
    taken.close()


def test_an_open_transaction_without_a_statement_is_told(engine, found, gone):
    with engine.connect() as connection:
        connection.execute(sa.text("select 41 + 1"))
        finding = found("IdleInTransaction")
    assert "select 41 + 1" in finding.sentence
    assert "test_findings.py" in finding.line
    gone()


def test_an_overdue_hold_that_idles_in_its_transaction_is_told_as_that_and_never_as_a_leak(engine, ledger, name):
    with engine.connect() as connection:
        connection.execute(sa.text("select 41 + 1"))
        (leak,) = until(lambda: ledger.read().pool(name).leaks)
        until(lambda: told(ledger, name) != [])
        assert (leak.kind, leak.meanwhile) == ("overdue", "idle in transaction")
        assert told(ledger, name) == ["IdleInTransaction"]
    assert told(ledger, name) == []


def told(ledger, name):
    return [one.finding for one in findings(ledger.read()) if one.pool == name]


def test_of_a_leak_and_the_exhaustion_that_it_makes_the_leak_comes_first(make_engine, name, found, gone, ledger):
    engine = make_engine(pool_size=1, max_overflow=0, pool_timeout=5)
    watch(engine, name=name)
    taken = engine.connect()
    waiting = threading.Thread(target=lambda: engine.connect().close())
    waiting.start()
    finding = found("PoolSaturated")
    assert (finding.numbers["waiters"], finding.numbers["used"]) == (1, 1)
    assert "test_findings.py" in finding.line
    found("ConnectionLeak")
    all_ = findings(ledger.read())
    names = [one.finding for one in all_ if one.pool == name]
    assert names.index("ConnectionLeak") < names.index("PoolSaturated")
    assert "1 request waits" in verdict(ledger.read(), all_).sentence
    taken.close()
    waiting.join()
    gone()


def test_who_got_no_connection_is_told_for_as_long_as_the_pages_judge(make_engine, name, found, gone):
    engine = make_engine(pool_size=1, max_overflow=0, pool_timeout=0.01)
    watch(engine, name=name)
    with engine.connect(), suppress(sa.exc.TimeoutError):
        engine.connect()
    finding = found("PoolTimeouts")
    assert finding.numbers["timeouts"] == 1
    assert "test_findings.py" in finding.line
    gone()


def test_a_database_that_cannot_be_opened_is_away(name, found, gone):
    engine = sa.create_engine("sqlite:////no/such/folder/at/all.db")
    watched = watch(engine, name=name)
    with pytest.raises(sa.exc.OperationalError):
        engine.connect()
    assert found("DatabaseAway").level == "critical"
    gone()
    watched.stop()
    engine.dispose()


def test_an_n_plus_one_is_told_where_it_is_worst_now(watched, ledger):
    def list_authors(endpoint, times):
        for _ in range(times):
            with watched() as session, scope(endpoint):
                assert [author.books for author in session.scalars(sa.select(Author))]

    def told():
        return [one for one in findings(ledger.read()) if (one.finding, one.pool) == ("NPlusOne", "Author.books")]

    list_authors("shop.of_old", 8)
    until(lambda: told() and told()[0].endpoint == "shop.of_old", seconds=10)
    until(lambda: not told(), seconds=15)
    list_authors("shop.now", 4)
    list_authors("shop.of_old", 2)
    finding = until(told, seconds=10)[0]
    assert finding.endpoint == "shop.now"
    assert "list_authors" in finding.line
    assert "selectinload(Author.books)" in finding.remedy


def test_of_statements_that_are_stuck_the_oldest_is_named_and_the_others_are_counted(make_engine, name, found):
    engine = make_engine(pool_size=3)
    watch(engine, name=name)
    may_end = threading.Event()

    def ask(endpoint):
        with scope(endpoint), engine.connect() as connection:
            connection.connection.driver_connection.create_function("hang", 0, lambda: may_end.wait(10))
            connection.execute(sa.text("select hang()"))

    asking = [threading.Thread(target=ask, args=(f"shop.{place}",)) for place in ("first", "second")]
    for thread in asking:
        thread.start()
    finding = until(lambda: one if (one := found("StatementStuck")).numbers["stuck"] == 2 else None)
    assert "; 1 more for over 0.1 s." in finding.sentence
    assert finding.endpoint in finding.sentence
    may_end.set()
    for thread in asking:
        thread.join()


def test_a_slow_statement_is_the_one_that_is_slow_now(engine, found, gone, name):
    def ask(endpoint, text, seconds):
        with scope(endpoint), engine.connect() as connection:
            connection.connection.driver_connection.create_function("ponder", 1, time.sleep)
            connection.execute(sa.text(text), {"seconds": seconds})

    ask("shop.of_old", "select ponder(:seconds), 'old'", 0.6)
    assert found("SlowStatements").endpoint == "shop.of_old"
    gone()
    for _ in range(3):
        ask("shop.of_old", "select ponder(:seconds), 'old'", 0.0)
    ask("shop.now", "select ponder(:seconds) as now", 0.15)
    finding = found("SlowStatements")
    assert finding.endpoint == "shop.now"
    assert "select ponder(…) as now" in finding.sentence
    assert "test_findings.py" in finding.line
    assert finding.worker == 1


def test_a_refresh_storm_names_who_reads_again_and_not_who_sends_most(watched, ledger):
    def storm():
        with watched() as session, scope("shop.storm"):
            books = session.scalars(sa.select(Book)).all()
            session.commit()
            return [book.title for book in books]

    def quiet():
        with watched() as session, scope("shop.quiet"):
            for number in range(40):
                session.execute(sa.select(Author.name).where(Author.id == number))

    def told():
        storm()
        quiet()
        return [one for one in findings(ledger.read()) if one.finding == "RefreshStorm"]

    finding = until(told, seconds=10)[0]
    assert finding.endpoint == "shop.storm"
    assert "storm" in finding.line


def test_rollbacks_are_told_of_the_programs_own_registries_alone(engine, ledger):
    """The pages of records only read, and take each of their transactions back."""
    with ExitStack() as watched:
        makers = [sa_orm.sessionmaker(engine) for _ in range(3)]
        for maker, registry in zip(makers, ("records", "records.other", "shop"), strict=True):
            watched.callback(watch_sessions(maker, registry=registry).stop)

        def told():
            for maker in makers:
                with maker() as session:
                    session.execute(sa.text("select 1"))
                    session.rollback()
            found = [one.pool for one in findings(ledger.read()) if one.finding == "RollbackRatio"]
            return found if "shop" in found else None

        assert until(told, seconds=10) == ["shop"]


def test_quiet_work_gives_no_finding(engine, ledger, name):
    for _ in range(20):
        with engine.begin() as connection:
            connection.execute(sa.text("select 1"))
    reading = ledger.read()
    assert [one for one in findings(reading) if one.pool == name] == []


def test_the_healthy_verdict_counts_the_programs_own_connections():
    pools = [
        PoolReading(name, "QueuePool", Limits(total=most), Counts(used=used))
        for name, most, used in (("shop", 15.0, 3), ("records", 3.0, 1), ("workspaces", 3.0, 1))
    ]
    assert verdict(Reading(pools=tuple(pools)), ()).sentence == "Healthy: 3 of 15 connections in use, nobody waits."
    unlimited = PoolReading("other", "QueuePool", Limits(total=inf), Counts(used=1))
    told = verdict(Reading(pools=(*pools, unlimited)), ()).sentence
    assert told == "Healthy: 4 connections in use, nobody waits."


def test_every_rule_has_its_words_and_its_own_name():
    assert len({rule.finding for rule in RULES}) == len(RULES)
    for rule in RULES:
        assert rule.level in LEVELS
        assert all((rule.remedy, rule.summary, rule.promql(Config())))
