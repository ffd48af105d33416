"""Does SQLAlchemy notice that it is watched? A pytest plugin that watches all of a program while a test runs.

`pytest -p tests.compat.watching` with COMPAT_WATCH=on watches sa.Engine, sa.Pool and Session around each test; with off
it only notes the outcomes. COMPAT_REPORT: the file that gets them, as JSON.
Only here are tests named whose outcome may differ, each with its reason.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

_FLAG = "it asserts that nobody listens to a new Engine: its flag `_has_events` is raised where the class is watched"
MAY_DIFFER = {
    "EngineEventsTest::test_add_event_after_connect": _FLAG,
    "EngineEventsTest::test_connection_clslevel_events[not_engine_has_events]": _FLAG,
    "EngineEventsTest::test_force_conn_events_false": _FLAG,
    "ExecuteTest::test_generative_engine_event_dispatch_hasevents": _FLAG,
}
"""By a test's name (without its parameters: all of them): why it must see that somebody listens."""


def reason(test: str) -> str | None:
    """Why the test of this id may differ."""
    name = test.partition("::")[2]
    return MAY_DIFFER.get(name, MAY_DIFFER.get(name.partition("[")[0]))


WATCHING = os.environ.get("COMPAT_WATCH") == "on"
_outcomes: dict[str, str] = {}
_counted: Counter[str] = Counter()


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol() -> Iterator[None]:
    """Around each test anew: several of them clear every listener of the class Pool when they end."""
    if not WATCHING:
        return (yield)
    import sqlalchemy as sa  # here: SQLAlchemy's own plugin has to come first
    from sqlalchemy import orm as sa_orm

    from dashboard.telemetry import unwatch, watch, watch_sessions

    watch(sa.Engine, name="compat")
    watch(sa.Pool, name="compat")
    watch_sessions(sa_orm.Session, registry="compat")
    try:
        return (yield)
    finally:
        for target in (sa.Engine, sa.Pool, sa_orm.Session):
            unwatch(target)


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Setup, call and end of one test together: the worst of them."""
    if report.when == "call" or report.outcome != "passed":
        outcome = report.outcome if report.when == "call" or report.skipped else f"{report.when} {report.outcome}"
        if _outcomes.get(report.nodeid, "passed") == "passed":
            _outcomes[report.nodeid] = outcome


def pytest_sessionfinish(session: pytest.Session) -> None:
    if WATCHING:
        _count()
    report = {"outcomes": _outcomes, "counted": _counted}
    Path(os.environ["COMPAT_REPORT"]).write_text(json.dumps(report))


def _count() -> None:
    """That it was watched is seen in what was counted; that it was watched well, in the faults."""
    from dashboard.config import Config
    from dashboard.telemetry import faults
    from dashboard.telemetry.merging import alone
    from dashboard.telemetry.snapshot import own

    reading = alone(own(Config()), Config(), 0.0, None)
    pool = reading.pool("compat")
    _counted.update({f"fault in {name}": number for name, number in faults.counts().items()})
    _counted.update({name: pool.totals[name] for name in ("checkouts", "opened", "statements", "commits")})
    _counted["flushed_new"] = sum(registry.totals["flushed_new"] for registry in reading.sessions.registries)
