"""What goes wrong in Poolhouse: does it stop neither the host's start nor a request of its own?"""

from __future__ import annotations

import io
import logging

import pytest
import sqlalchemy as sa
from flask import Blueprint
from flask_sqlalchemy import SQLAlchemy

from dashboard import Access, Dashboard, Person
from dashboard.config import Config
from dashboard.first_start import STORE_FILE, open_store
from dashboard.runtime import NotStarted, Service
from dashboard.store.engine import SCHEMA_VERSION, schema_table
from dashboard.telemetry.watches import MARK
from tests.guests import JSON, script


def is_watched(engine):
    return MARK in engine.pool.__dict__ or bool(engine.pool.dispatch.checkout)


def broken(name, app, engine, tmp_path):
    """Mounts a dashboard that cannot start; what its answer says."""
    folder = tmp_path / "poolhouse"
    db, how = engine, {"url_prefix": "/ops"}
    if name == "a wrong setting":
        app.config["DASHBOARD_OVERDUE_SECONDS"] = "soon"
        says = "DASHBOARD_OVERDUE_SECONDS is 'soon'; allowed:"
    elif name == "a folder that is none":
        folder.write_text("a file")
        says = "DASHBOARD_INSTANCE"
    elif name == "a store that is newer":
        store = open_store(Config(instance=make(folder)))
        with store.writing() as connection:
            connection.execute(schema_table.update().values(version=SCHEMA_VERSION + 1))
        store.engine.dispose()
        says = "newer Poolhouse"
    elif name == "a store that is no database":
        (make(folder) / STORE_FILE).write_text("not SQLite, and long enough to be taken for a header of something else")
        says = "is no database, or a broken one"
    elif name == "a store of an unknown kind":
        app.config["DASHBOARD_STORE_URL"] = "nosuchdatabase://geheim"
        says = "NoSuchModuleError"
    elif name == "a store in the hosts own file":
        app.config["DASHBOARD_STORE_URL"] = str(engine.url)
        says = "is a database of the application"
    elif name == "a key that cannot be read":
        (make(folder) / "poolhouse_secret_key").mkdir()
        says = "IsADirectoryError"
    elif name == "a key that is empty":
        (make(folder) / "poolhouse_secret_key").touch()
        says = "The secret key in"
    elif name == "a db that is none":
        db, says = "sqlite:///shop.db", "type str"
    elif name == "a sessionmaker without an engine":
        db, says = sa.orm.sessionmaker(), "sessionmaker(bind=engine)"
    elif name == "a db before its init_app":
        db, says = SQLAlchemy(), "db.init_app(app) before Dashboard"
    elif name == "a name that is none":
        how["name"], says = "a.b", "'a.b' is no name"
    elif name == "a name that another extension has":
        app.extensions["cache"] = object()
        how["name"], says = "cache", "'cache' is taken"
    elif name == "a name that a blueprint has":
        app.register_blueprint(Blueprint("poolhouse", "shop"))
        says = "'poolhouse' is taken"
    Dashboard(app, db, **how)
    return says


def make(folder):
    folder.mkdir()
    return folder


@pytest.mark.parametrize(
    "name",
    [
        "a wrong setting",
        "a folder that is none",
        "a store that is newer",
        "a store that is no database",
        "a store of an unknown kind",
        "a store in the hosts own file",
        "a key that cannot be read",
        "a key that is empty",
        "a db that is none",
        "a sessionmaker without an engine",
        "a db before its init_app",
        "a name that is none",
        "a name that another extension has",
        "a name that a blueprint has",
    ],
)
def test_what_goes_wrong_is_one_line_and_503_with_the_reason_and_the_host_serves(name, host, engine, tmp_path, caplog):
    app = host()
    extensions = dict(app.extensions)
    says = broken(name, app, engine, tmp_path)
    client = app.test_client()
    lines = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert [record.name for record in lines] == ["poolhouse"]
    assert "\n" not in lines[0].getMessage()
    assert says in lines[0].getMessage()
    assert client.post("/", data={"a": "1"}).json == {"a": "1"}
    for answer in (
        client.get("/ops/"),
        client.get("/ops/pools/x"),
        client.post("/ops/workspaces/"),
        client.put("/ops/"),
    ):
        assert (answer.status_code, answer.mimetype) == (503, "text/plain")
        assert says in answer.text
        assert "geheim" not in answer.text
        assert not answer.headers.getlist("Set-Cookie")
    error = client.get("/ops/", headers=JSON).json["error"]
    assert says in error["message"] + error["remedy"]
    assert client.get("/nowhere").status_code == 404
    assert not is_watched(engine)
    assert {key: app.extensions[key] for key in extensions} == extensions
    assert any(isinstance(entry, NotStarted) for entry in app.extensions.values())
    assert len(caplog.records) == len(lines)


@pytest.mark.parametrize("prefix", ["/", "", "/<lang>/ops", None])
def test_without_a_place_of_its_own_it_only_says_so_in_the_log(prefix, host, engine, caplog):
    app = host()
    Dashboard(app, engine, url_prefix=prefix)
    assert len([r for r in caplog.records if r.levelno >= logging.ERROR]) == 1
    client = app.test_client()
    assert (client.get("/").status_code, client.get("/pools/").status_code) == (200, 404)
    assert not is_watched(engine)


def test_a_host_that_serves_already_goes_on_without_it(host, engine, caplog):
    app = host()
    client = app.test_client()
    assert client.get("/").status_code == 200
    Dashboard(app, engine, url_prefix="/ops")
    assert len([r for r in caplog.records if r.levelno >= logging.ERROR]) == 1
    assert (client.get("/").status_code, client.get("/ops/").status_code) == (200, 404)
    assert not is_watched(engine)


def test_what_cannot_be_begun_is_said_once_and_no_request_of_the_host_fails(host, engine, tmp_path, caplog):
    def fail():
        raise RuntimeError("can't start new thread")

    app, guest = host(), Dashboard(url_prefix="/ops")
    config = Config(instance=tmp_path / "poolhouse")
    runtime = guest.wire(app, engine, config, alone=False, beside=(Service(fail, lambda: None),))
    guest.mount(app, runtime)
    client = app.test_client()
    assert [client.get("/").status_code for _ in range(3)] == [200, 200, 200]
    said = [r.getMessage() for r in caplog.records if r.levelno >= logging.ERROR]
    assert said == ["poolhouse does not publish this process: RuntimeError: can't start new thread"]


def test_a_database_that_is_away_at_the_start_stops_nothing_but_what_needs_it(host, shop):
    app = host()
    db = shop(app, "postgresql+psycopg://127.0.0.1:1/shop")
    Dashboard(app, db, url_prefix="/ops")
    client, editor = app.test_client(), script(app)
    assert client.get("/").status_code == 200
    for page in ("/ops/", "/ops/pools/", "/ops/sessions/", "/ops/metrics", "/ops/workspaces/"):
        assert client.get(page, headers=editor).status_code == 200, page
    assert client.post("/ops/workspaces/", json={"name": "w"}, headers=editor).status_code == 201
    answer = client.post("/ops/workspaces/w/load", json={"model": "Item", "key": "1"}, headers=editor)
    assert (answer.status_code, answer.json["error"]["code"]) == (503, "database_away")


def test_a_second_database_that_is_away_hurts_only_itself(host, shop):
    app = host(SQLALCHEMY_BINDS={"second": "postgresql+psycopg://127.0.0.1:1/shop"})
    db = shop(app)
    with app.app_context():
        db.create_all(bind_key=None)
        db.session.add(db.Item(name="a cup"))
        db.session.commit()
    Dashboard(app, db, url_prefix="/ops")
    client, editor = app.test_client(), script(app)
    for page in ("records/", "records/Item/", "records/Item/1", "records/Item/1/edit", "search?q=item", "openapi.json"):
        assert client.get(f"/ops/{page}", headers=editor).status_code == 200, page
    for database, status in (("default", 200), ("second", 503)):
        opened = client.post("/ops/workspaces/", json={"name": database, "database": database}, headers=editor)
        assert opened.status_code == 201
        loaded = client.post(f"/ops/workspaces/{database}/load", json={"model": "Item", "key": "1"}, headers=editor)
        assert loaded.status_code == status, loaded.text
    for verb in ("objects/Item:1/expire", "commit", "load-many"):
        done = client.post(f"/ops/workspaces/default/{verb}", json={"model": "Item"}, headers=editor)
        assert done.status_code in (200, 201), done.text


def test_a_store_on_a_server_is_made_by_the_command_that_the_apology_names(host, engine, postgresql_url):
    app = host(DASHBOARD_STORE_URL=postgresql_url)
    Dashboard(app, engine, url_prefix="/ops")
    assert "store create" in app.test_client().get("/ops/").text
    done = app.test_cli_runner().invoke(args=["dashboard", "store", "create"])
    assert done.exit_code == 0, done.output
    again = host(DASHBOARD_STORE_URL=postgresql_url)
    Dashboard(again, engine, url_prefix="/ops")
    assert again.test_client().get("/ops/", headers=script(again)).status_code == 200


def test_models_that_cannot_be_read_are_no_mistake_of_ours(host, engine):
    app = host(DASHBOARD_MODELS="no.such.module")
    Dashboard(app, engine, url_prefix="/ops")
    client, editor = app.test_client(), script(app)
    assert client.post("/ops/workspaces/", json={"name": "w"}, headers=editor).status_code == 201
    answer = client.post("/ops/workspaces/w/load", json={"model": "item", "key": "1"}, headers=editor)
    assert (answer.status_code, answer.json["error"]["code"]) == (503, "unavailable")
    assert "ModuleNotFoundError" in answer.json["error"]["message"]
    assert client.get("/ops/", headers=editor).status_code == 200


class NobodyKnows(Access):
    """Its own database is away."""

    def who(self, request):
        raise ConnectionError("no database")

    def sign_in_url(self, next):
        return "/"


def test_whether_it_answers_is_told_also_where_the_hosts_access_does_not(host, engine):
    app = host(TESTING=True)
    Dashboard(app, engine, access=NobodyKnows(), url_prefix="/ops")
    client = app.test_client()
    paths = ("/ops/healthz", "/ops/readyz", "/ops/static/base.css", "/ops/", "/ops/records/", "/ops/metrics")
    assert [client.get(path, headers=JSON).status_code for path in paths] == [200, 200, 200, 403, 403, 401]


class Nobody(NobodyKnows):
    def who(self, request):
        return None


class Viewer(NobodyKnows):
    def who(self, request):
        return Person("guest", "viewer")


@pytest.mark.parametrize("access,status", [(Nobody, 401), (Viewer, 403)])
def test_of_whoever_may_not_do_it_no_body_is_read(host, engine, access, status):
    class Body(io.BytesIO):
        def read(self, *size):
            raise AssertionError("it was read")

        readline = readinto = read

    app = host(TESTING=True)
    Dashboard(app, engine, access=access(), url_prefix="/ops")
    sent = {"input_stream": Body(), "content_length": 1_000_000, "content_type": "multipart/form-data; boundary=x"}
    answer = app.test_client().post("/ops/records/item/~/import", headers=JSON, **sent)
    assert answer.status_code == status


class NobodyEdits(Access):
    def who(self, request):
        return Person("guest", "viewer")

    def may(self, person, verb, model):
        if verb == "edit":
            raise ConnectionError("no database")
        return True


def test_a_stream_that_is_refused_by_the_hosts_access_takes_no_place(host, engine):
    app = host(TESTING=True)
    Dashboard(app, engine, access=NobodyEdits(), url_prefix="/ops")
    streams = app.extensions["poolhouse"].streams
    streams.serve(30, lambda: False)
    asked = {"headers": JSON, "environ_overrides": {"wsgi.multithread": True}}
    assert app.test_client().get("/ops/stream?topics=overview", **asked).status_code == 403
    assert streams.open == 0


def test_a_password_among_the_options_of_the_stores_url_is_not_told(host, engine, tmp_path):
    url = f"sqlite:///file:{tmp_path / 'kept.db'}?uri=true&mode=rwc&password=hunter2"
    app = host(TESTING=True, DASHBOARD_STORE_URL=url)
    Dashboard(app, engine, url_prefix="/ops")
    told = app.test_cli_runner().invoke(args=["dashboard", "store", "status"]).output
    assert "kept.db" in told
    assert "hunter2" not in told
