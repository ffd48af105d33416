"""Does each fault of the demo get its own verdict within seconds, with its line, and does it leave when it is off?"""

import os
import time
from random import Random

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import sessionmaker

from dashboard.app import DEMO_THRESHOLDS
from dashboard.config import Config
from dashboard.demo.faults import FAULTS, Faults
from dashboard.demo.faulty import Shop
from dashboard.demo.seed import seed
from dashboard.demo.traffic import WEIGHTS, Traffic
from dashboard.telemetry import scope, watch, watch_sessions
from dashboard.telemetry.findings import findings
from dashboard.telemetry.ledger import Ledger

BEGINS_WITHIN, ENDS_WITHIN = 5.0, 15.0
SHORT = {"leaked-connection", "slow-statement", "n-plus-one", "detached-errors"}
"""Of each room of rules one; each takes some ten seconds to be forgotten. All of them where SOAK is set."""
TRIED = [fault for fault in FAULTS if os.environ.get("SOAK") or fault.name in SHORT]
PAIRS = [
    (("leaked-connection", "n-plus-one"), ["ConnectionLeak", "NPlusOne"]),
    (("pool-too-small", "slow-statement"), ["SlowStatements", "PoolSaturated"]),
][: None if os.environ.get("SOAK") else 1]
SLACK = 3.0
"""Seconds for a machine that does other things as well."""


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    engine = sa.create_engine(f"sqlite:///{tmp_path_factory.mktemp('shop')}/demo.db")
    seed(engine)
    watched = watch(engine, name="faulty shop")
    maker = sessionmaker(engine)
    sessions = watch_sessions(maker, registry="faulty shop")
    yield Shop(engine, maker, scope)
    sessions.stop()
    watched.stop()
    engine.dispose()


@pytest.fixture(scope="module")
def ledger(tmp_path_factory):
    ledger = Ledger(tmp_path_factory.mktemp("ledger"), Config.read({}, **DEMO_THRESHOLDS))
    ledger.join()
    within(BEGINS_WITHIN + SLACK, lambda: ledger.read().memory.at)
    LEFT_BEHIND.update(one.key for one in findings(ledger.read()))
    yield ledger
    ledger.leave()


@pytest.fixture
def faults(tmp_path, shop):
    faults = Faults(tmp_path, shop)
    faults.start()
    yield faults
    faults.stop()


LEFT_BEHIND = set()
"""What is found before anything is switched on: other tests of this process let connections go on purpose."""


def found(ledger):
    return tuple(one for one in findings(ledger.read()) if one.key not in LEFT_BEHIND)


def verdict_is(ledger, finding):
    worst = found(ledger)[:1]
    return worst[0] if worst and worst[0].finding == finding else None


def within(seconds, condition):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        value = condition()
        if value:
            return value
        time.sleep(0.1)
    raise AssertionError("it did not happen in time")


@pytest.mark.soak
@pytest.mark.parametrize("fault", TRIED, ids=lambda fault: fault.name)
def test_a_fault_gets_its_verdict_and_leaves_without_a_trace(fault, faults, ledger):
    within(ENDS_WITHIN + SLACK, lambda: ledger.read().memory.at and not found(ledger))
    faults.switch(fault.name, True)
    finding = within(BEGINS_WITHIN + SLACK, lambda: verdict_is(ledger, fault.finding))
    assert "faulty.py" in finding.line
    assert fault.run.__name__ in finding.line
    assert finding.line in finding.sentence
    assert finding.endpoint.startswith("shop.")
    assert finding.endpoint in finding.sentence
    assert any(finding.numbers.values())
    faults.switch(fault.name, False)
    within(ENDS_WITHIN + SLACK, lambda: not found(ledger))


def test_the_healthy_shop_gives_no_finding(shop, ledger):
    within(ENDS_WITHIN + SLACK, lambda: not found(ledger))
    traffic, chance = Traffic(shop.maker), Random(7)
    for _ in range(200):
        assert traffic.once(chance.choices(list(WEIGHTS), list(WEIGHTS.values()))[0], chance)
    assert found(ledger) == ()


@pytest.mark.soak
@pytest.mark.parametrize("names, expected", PAIRS)
def test_of_two_faults_at_once_both_are_named_and_the_cause_comes_first(names, expected, faults, ledger):
    within(ENDS_WITHIN + SLACK, lambda: not found(ledger))
    for name in names:
        faults.switch(name, True)

    def both():
        return [one.finding for one in found(ledger) if one.finding in expected] == expected

    within(2 * BEGINS_WITHIN, both)
    for name in names:
        faults.switch(name, False)
    within(ENDS_WITHIN + SLACK, lambda: not found(ledger))
