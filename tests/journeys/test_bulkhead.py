"""Two hundred pages wait for a slow database: is a live page still answered at once?"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import sqlalchemy as sa

from tests.journeys.waiting import until

SCHEMA = "CREATE TABLE author (id INTEGER PRIMARY KEY, name VARCHAR(80) NOT NULL)"
SLOW_PAGES = 200


def test_slow_database_pages_never_block_a_live_page(poolhouse_server, postgresql_url):
    engine = sa.create_engine(postgresql_url, poolclass=sa.NullPool)
    with engine.begin() as connection:
        connection.exec_driver_sql(SCHEMA)
        connection.exec_driver_sql("INSERT INTO author VALUES (1, 'Jane Austen')")
    settings = {"DATABASE_URL": postgresql_url, "DASHBOARD_WORKSPACE_WAIT_SECONDS": "60"}  # they are slow to the end
    server = poolhouse_server("-w 1", settings=settings)
    token = server.token("editor")
    assert server.request("POST", "/workspaces/", token=token, data={"name": "slow"}).status == 201

    def load(_):
        body = {"model": "author", "key": "1"}
        return server.request("POST", "/workspaces/slow/objects/", token=token, data=body, timeout=120).status

    live = 0
    with engine.connect() as locking, ThreadPoolExecutor(SLOW_PAGES) as visitors:
        locking.exec_driver_sql("LOCK TABLE author IN ACCESS EXCLUSIVE MODE")
        asked = [visitors.submit(load, number) for number in range(SLOW_PAGES)]
        until(lambda: any(each.done() for each in asked), what="the first page that is told to come again")
        while not all(each.done() for each in asked) and live < 20:
            for path in ("/pools/", "/metrics", "/healthz"):
                assert server.request("GET", path, token=token).status == 200
            live += not all(each.done() for each in asked)  # a blocked one is answered when they are
        locking.rollback()
        statuses = {each.result(120) for each in asked}
    assert live > 0
    assert 503 in statuses
    engine.dispose()
