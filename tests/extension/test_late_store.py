"""The store's server is away when the host starts: does Poolhouse begin by itself when it is back?"""

from __future__ import annotations

import logging
import threading

import pytest

from dashboard import Dashboard
from dashboard.store.engine import Store, metadata
from tests.guests import JSON, runtime_of, script, token_in
from tests.journeys.postgresql import PostgreSQL


@pytest.fixture(scope="module")
def server():
    """A server of this module's own, which is stopped and started again."""
    with PostgreSQL() as server:
        yield server


@pytest.fixture
def url(server):
    server.start()
    url = server.new_database()
    store = Store(url)
    store.create()
    store.engine.dispose()
    yield url
    server.start()


def refused(client, path, **how):
    answer = client.get(path, headers={**JSON, **how})
    assert answer.status_code == 503, answer.text
    return answer.json["error"]


def test_a_store_that_is_away_at_the_start_is_begun_by_the_next_request_when_it_is_back(
    host, engine, server, url, caplog
):
    server.stop()
    app = host(DASHBOARD_STORE_URL=url, DASHBOARD_ADMIN_PASSWORD="swordfish")
    Dashboard(app, engine, url_prefix="/ops")
    assert [record.levelname for record in caplog.records] == ["ERROR"]
    assert "starts without its store" in caplog.text
    client = app.test_client()
    assert client.get("/").status_code == 200
    assert client.get("/ops/healthz").status_code == 200
    assert client.get("/ops/readyz").status_code == 503
    error = refused(client, "/ops/", Authorization="Bearer nobody")
    assert (error["code"], bool(error["remedy"])) == ("store_away", True)
    csrf = token_in(client.get("/ops/login").text)
    answer = client.post("/ops/login", data={"csrf": csrf, "username": "admin", "password": "swordfish"})
    assert answer.status_code == 503
    assert "cannot be reached" in answer.text

    server.start()
    answer = client.post("/ops/login", data={"csrf": csrf, "username": "admin", "password": "swordfish"})
    assert answer.status_code == 303, answer.text
    assert client.get("/ops/workspaces/").status_code == 200
    assert client.get("/ops/readyz").status_code == 200
    assert client.post("/ops/workspaces/", json={"name": "w"}, headers=script(app)).status_code == 201


def test_a_store_that_comes_back_without_its_tables_says_how_to_make_them(host, engine, server, url):
    store = Store(url)
    with store.engine.begin() as connection:
        metadata.drop_all(connection)
    store.engine.dispose()
    server.stop()
    app = host(DASHBOARD_STORE_URL=url)
    Dashboard(app, engine, url_prefix="/ops")
    client = app.test_client()
    server.start()
    assert "store create" in refused(client, "/ops/", Authorization="Bearer nobody")["remedy"]
    done = app.test_cli_runner().invoke(args=["dashboard", "store", "create"])
    assert done.exit_code == 0, done.output
    assert client.get("/ops/", headers=script(app)).status_code == 200


def test_many_requests_at_once_begin_it_once(host, engine, server, url, caplog):
    caplog.set_level(logging.WARNING, "poolhouse")
    server.stop()
    app = host(DASHBOARD_STORE_URL=url)
    Dashboard(app, engine, url_prefix="/ops")
    server.start()
    store, met = runtime_of(app).store, threading.Barrier(8)
    versions = []

    def use():
        met.wait()
        versions.append(store.schema_version())

    threads = [threading.Thread(target=use) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert versions == [1] * 8
    assert caplog.text.count("the store is back") == 1


def test_what_is_said_of_a_store_that_is_away_holds_no_address_and_no_password(host, engine, caplog):
    app = host(DASHBOARD_STORE_URL="postgresql+psycopg://poolhouse:geheim@127.0.0.1:1/store")
    Dashboard(app, engine, url_prefix="/ops")
    answer = app.test_client().get("/ops/", headers={"Authorization": "Bearer nobody"})
    assert (answer.status_code, answer.mimetype) == (503, "text/html")
    assert "cannot be reached" in answer.text
    for words in ("geheim", "127.0.0.1:1"):
        assert words not in answer.text + caplog.text
