"""/readyz: ready or not for everybody, and for an admin what is wrong and how to mend it."""

from __future__ import annotations

import sqlalchemy as sa

from tests.pages.conftest import Script


def test_everybody_is_told_ready_and_an_admin_what_could_be_better(app, script, runtime):
    assert app.test_client().get("/readyz").text == "ready\n"
    assert script("admin").get("/readyz").text == "ready\n"
    (runtime.config.instance / "store.db").chmod(0o644)
    assert script("editor").get("/readyz").text == "ready\n"
    told = script("admin").get("/readyz")
    assert told.status_code == 200
    assert "Others may read" in told.text
    assert "chmod go-rwx" in told.text


def test_an_admin_is_told_of_a_door_that_looks_closed_and_is_not(make_app):
    app = make_app(DASHBOARD_METRICS_TOKEN="scrape")
    folder = app.extensions["poolhouse"].config.instance
    folder.chmod(0o777)
    told = Script(app, "admin").get("/readyz").text
    assert "/metrics takes a token (DASHBOARD_METRICS_TOKEN), and is open to everybody without one." in told
    assert f"chmod o-w {folder}" in told
    folder.chmod(0o700)
    for public in ("on", "off"):
        meant = make_app(DASHBOARD_METRICS_TOKEN="scrape", DASHBOARD_METRICS_PUBLIC=public)
        assert Script(meant, "admin").get("/readyz").text == "ready\n"


def test_a_store_that_lacks_something_says_how_to_make_it(script, runtime):
    with runtime.store.writing() as connection:
        connection.execute(sa.text("DROP TABLE poolhouse_change_set"))
        connection.execute(sa.text("ALTER TABLE poolhouse_token DROP COLUMN scope"))
    answer = script(None).get("/readyz")
    assert answer.text == "ready\n"
    from dashboard import diagnosis

    told = [f"{each.what} {each.remedy}" for each in diagnosis.troubles(runtime)]
    expected = (
        "The store lacks poolhouse_change_set, poolhouse_token.scope. `flask dashboard store upgrade` makes that."
    )
    assert expected in told


def test_a_store_that_is_away_is_not_ready_and_nobody_else_is_told_why(app, runtime, monkeypatch):
    from dashboard.refusal import Refusal

    def away():
        raise Refusal("store_away", "The store cannot be reached just now.", remedy="Try again in a moment.")

    monkeypatch.setattr(runtime.store, "schema_version", away)
    answer = app.test_client().get("/readyz")
    assert (answer.status_code, answer.text) == (503, "not ready\n")


def test_an_admin_is_told_that_nothing_can_be_written_though_all_can_be_read(script, runtime):
    admin = script("admin")
    sa.event.listen(runtime.store.engine, "connect", lambda connection, _: connection.execute("PRAGMA query_only = ON"))
    runtime.store.engine.dispose()
    assert "Store: The store can only be read just now" in admin.get("/readyz").text


def test_who_asks_what_is_wrong_takes_no_more_threads_than_any_other_who_uses_a_database(script, runtime):
    admin = script("admin")
    for _ in range(runtime.config.database_pages):
        assert runtime.bulkhead.acquire(blocking=False)
    told = admin.get("/readyz").text
    assert told.startswith("ready\nAs many pages as may use the database at once are in it now.")
    for _ in range(runtime.config.database_pages):
        runtime.bulkhead.release()
    assert admin.get("/readyz").text == "ready\n"
