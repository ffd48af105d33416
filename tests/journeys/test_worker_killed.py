"""Does every workspace open again with every acknowledged action in it, whichever worker is killed at any moment?"""

from __future__ import annotations

import os

import pytest
import sqlalchemy as sa

from dashboard.demo.models import Base
from dashboard.demo.seed import seed
from dashboard.store.engine import Store
from dashboard.workspaces.states import BADGES
from tests.journeys.clerk import Clerk

KILLS = 200 if os.environ.get("SOAK") else 4
ACTIONS = 4
VERBS = 9
LOADABLE = 300


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request, tmp_path):
    """The database that is looked at, with users that a clerk may load."""
    url = f"sqlite:///{tmp_path / 'data.db'}"
    if request.param == "postgresql":
        url = request.getfixturevalue("postgresql_url")
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    seed(engine)
    users = Base.metadata.tables["user"]
    rows = [
        {"id": 100_000 + n, "name": f"clerk-seed-{n}", "email": f"clerk-seed-{n}@example.com"} for n in range(LOADABLE)
    ]
    with engine.begin() as connection:
        connection.execute(users.insert(), rows)
    return engine


@pytest.fixture
def store_url(engine, request):
    """Where the workspaces are kept: on the same kind of database, but apart from the data; "" for the file."""
    if engine.dialect.name == "sqlite":
        return ""
    store = Store(request.getfixturevalue("postgresql").new_database())
    store.create()
    store.engine.dispose()
    return store.engine.url.render_as_string(hide_password=False)


@pytest.mark.soak
def test_a_worker_killed_at_any_moment_loses_nothing_that_was_acknowledged(engine, store_url, poolhouse_server):
    settings = {
        "DATABASE_URL": engine.url.render_as_string(hide_password=False),
        "DASHBOARD_MODELS": "dashboard.demo.models",
        "DASHBOARD_STORE_URL": store_url,
        "DASHBOARD_DEMO": "off",
        "DASHBOARD_SQLITE_TRANSACTION_SECONDS": "600",
        "DASHBOARD_TRANSACTION_SECONDS": "600",
    }
    server = poolhouse_server(settings=settings, app="tests.journeys.marked:app")
    seeds = {str(100_000 + n): f"clerk-seed-{n}" for n in range(LOADABLE)}
    with Clerk(server, server.token(), dict(seeds), seed=4, one_writer=engine.dialect.name == "sqlite") as clerk:
        for number in range(KILLS):
            for _ in range(ACTIONS):
                clerk.act(clerk.chance.choice(sorted(clerk.intended)))
            _kill_one(engine, clerk)
            assert _rows(engine) == _expected(clerk, seeds), number
        _commit_all(clerk)
        assert _rows(engine) == _expected(clerk, seeds)
    assert len(clerk.counts) == VERBS or KILLS < 100, clerk.counts
    assert clerk.badges == {*BADGES} or KILLS < 100, clerk.badges
    assert "Traceback" not in server.output()


def _kill_one(engine, clerk):
    name = clerk.chance.choice(sorted(clerk.intended))
    does, by, acknowledged = clerk.act(name, kill=True)
    for other in clerk.intended:
        unknown = (does, by) if other == name and not acknowledged else None
        clerk.intended[other] = _as_written(engine, clerk.check(other, unknown))


def _commit_all(clerk):
    """What is open first: on SQLite nobody else can write meanwhile."""
    for name in sorted(clerk.intended, key=lambda each: clerk.intended[each].holder is None):
        status, page, _ = clerk.ask("POST", f"/workspaces/{name}/commit", {})
        assert status == 200, page
        clerk.intended[name].commit(0)


def _as_written(engine, fitting):
    """Of two that look alike, the one whose rows are there: a commit that nobody acknowledged."""
    if len(fitting) == 1:
        return fitting[0]
    there = set(_rows(engine))
    return next((each for each in reversed(fitting) if set(each.rows()) <= there), fitting[0])


def _rows(engine):
    query = sa.text("select name from \"user\" where name like 'clerk-%'")
    with engine.connect() as connection:
        return sorted(connection.scalars(query))


def _expected(clerk, seeds):
    taken = {ref.partition(":")[2] for each in clerk.intended.values() for ref in each.things}
    rows = [name for key, name in seeds.items() if key not in taken]
    return sorted([*rows, *(row for each in clerk.intended.values() for row in each.rows())])
