"""Two hundred pages wait for a slow database: is a live page still answered at once?"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import sqlalchemy as sa

from tests.journeys.waiting import until

SCHEMA = "CREATE TABLE author (id INTEGER PRIMARY KEY, name VARCHAR(80) NOT NULL)"
SLOW_PAGES = 200
WORKSPACES = 10
ROUNDS = 20


def test_slow_database_pages_never_block_a_live_page(poolhouse_server, postgresql_url):
    engine = sa.create_engine(postgresql_url, poolclass=sa.NullPool)
    with engine.begin() as connection:
        connection.exec_driver_sql(SCHEMA)
        connection.exec_driver_sql("INSERT INTO author VALUES (1, 'Jane Austen')")
    settings = {"DATABASE_URL": postgresql_url, "DASHBOARD_WORKSPACE_WAIT_SECONDS": "60"}  # they are slow to the end
    server = poolhouse_server("-w 1", settings=settings)
    token = server.token("editor")
    for number in range(WORKSPACES):
        created = server.request("POST", "/workspaces/", token=token, data={"name": f"slow-{number}"})
        assert created.status == 201

    def load(number):
        path = f"/workspaces/slow-{number % WORKSPACES}/load"
        return server.request("POST", path, token=token, data={"model": "author", "key": "1"}, timeout=120).status

    def waiting():
        ask = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
        with engine.connect() as asking:
            return asking.exec_driver_sql(ask).scalar()

    with engine.connect() as locking, ThreadPoolExecutor(SLOW_PAGES) as visitors:
        locking.exec_driver_sql("LOCK TABLE author IN ACCESS EXCLUSIVE MODE")
        asked = [visitors.submit(load, number) for number in range(SLOW_PAGES)]
        until(
            lambda: any(each.done() for each in asked) and waiting(), what="pages that wait, and one told to come again"
        )
        for _ in range(ROUNDS):
            for path in ("/pools/", "/metrics", "/healthz"):
                assert server.request("GET", path, token=token).status == 200
            assert waiting()  # still: a live page that was blocked would have been answered when they were
        locking.rollback()
        statuses = {each.result(120) for each in asked}
    assert {200, 503} <= statuses
    engine.dispose()
