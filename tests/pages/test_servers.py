"""What an admin may do to connections, who may not, and what is said of it; the audit has each act."""

import pytest
import sqlalchemy as sa

from tests.pages.conftest import Script
from tests.telemetry.waiting import until


@pytest.fixture
def engine(runtime):
    return runtime.databases["default"].engine


@pytest.fixture
def admin(script):
    return script("admin")


def connections(client, name="default"):
    return {one["number"]: one["state"] for one in client.get(f"/pools/{name}").get_json()["connections"]}


@pytest.mark.usefixtures("published")
def test_an_admin_has_a_connection_replaced_and_the_audit_says_so(admin, engine, runtime):
    engine.connect().close()
    ((number, state),) = connections(admin).items()
    assert state == "idle"
    worker = runtime.ledger.worker()
    answer = admin.post(f"/pools/default/connections/{worker}-{number}/replace")
    assert answer.get_json() == {"pool": "default", "workers": 1, "connections": 1}
    engine.connect().close()
    assert connections(admin) == {number: "closed", number + 1: "idle"}
    (deed,) = runtime.audit.newest(most=9, act="connection.")
    assert (deed.act, deed.subject, deed.who) == ("connection.replace", "default", "test-admin")
    assert (deed.details["worker"], deed.details["connection"]) == (worker, number)
    assert admin.post(f"/pools/default/connections/{worker}-{number}/replace").status_code == 404


@pytest.mark.usefixtures("published")
def test_an_admin_refreshes_a_pool(admin, engine, runtime):
    with engine.connect(), engine.connect():
        pass
    until(lambda: len(connections(admin)) == 2)
    assert admin.post("/pools/default/refresh").get_json() == {"pool": "default", "workers": 1, "connections": 2}
    assert [deed.act for deed in runtime.audit.newest(most=9)] == ["pool.refresh"]
    page = admin.get("/pools/default", Accept="text/html").text
    assert "Refresh the pool" in page
    assert "Replace after check-in" in page


@pytest.mark.usefixtures("published")
def test_nobody_else_may(script, engine, runtime):
    engine.connect().close()
    for role, status in (("viewer", 403), ("editor", 403), (None, 401)):
        client = script(role)
        for act in ("refresh", "connections/1-1/replace", "sessions/1/cancel", "sessions/1/end"):
            assert client.post(f"/pools/default/{act}").status_code == status
    assert [deed for deed in runtime.audit.newest(most=20) if deed.outcome == "done"] == []
    page = script("viewer").get("/pools/default", Accept="text/html").text
    assert "Refresh the pool" not in page
    assert "Replace after check-in" not in page


@pytest.mark.usefixtures("published")
def test_what_is_not_there_is_said_and_nothing_is_done(admin, engine, runtime):
    engine.connect().close()
    assert admin.get("/pools/nobodys/server").status_code == 404
    for act in ("refresh", "connections/1-1/replace", "sessions/1/end"):
        assert admin.post(f"/pools/nobodys/{act}").status_code == 404
    assert admin.post("/pools/default/connections/9-9/replace").status_code == 404
    refused = admin.get("/pools/default/server")
    assert refused.status_code == 503
    assert "sqlite has no sessions" in refused.get_json()["error"]["message"]
    assert admin.post("/pools/default/sessions/1/end", {"started": 5}).status_code == 400
    assert [deed for deed in runtime.audit.newest(most=20) if deed.outcome == "done"] == []
    assert 'id="server"' not in admin.get("/pools/default", Accept="text/html").text


def test_only_who_is_in_the_way_may_be_ended_and_a_database_that_is_away_is_said(make_app, new_database, postgresql):
    url = new_database("postgresql")
    app = make_app(DATABASE_URL=url)
    runtime = app.extensions["poolhouse"]
    runtime.ledger.join()
    admin = Script(app, "admin")
    runtime.databases["default"].engine.connect().close()
    shown = admin.get("/pools/default/server").get_json()
    assert (shown["problem"], len(shown["sessions"])) == (None, 1)
    assert 0 < shown["connections"] < shown["limit"]
    other = sa.create_engine(url, poolclass=sa.NullPool)
    with other.connect() as connection:
        process = connection.exec_driver_sql("SELECT pg_backend_pid()").scalar()
        refused = admin.post(f"/pools/default/sessions/{process}/end", {"started": "1"})
        assert (refused.status_code, connection.exec_driver_sql("SELECT 1").scalar()) == (404, 1)
    postgresql.stop()
    try:
        until(lambda: admin.get("/pools/default/server").get_json()["problem"])
        page = admin.get("/pools/default/server", Accept="text/html")
        assert (page.status_code, "could not be asked" in page.text) == (200, True)
    finally:
        postgresql.start()
        runtime.ledger.leave()
