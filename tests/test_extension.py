"""Is Poolhouse a good guest? It works in the host's app, takes nothing away from it, and fails alone."""

from __future__ import annotations

import logging
import threading

import pytest
import sqlalchemy as sa
from flask import Blueprint, Flask, abort, jsonify, request
from flask_sqlalchemy import SQLAlchemy
from flask_wtf import CSRFProtect
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.test import Client

from dashboard import Access, Dashboard, Person
from dashboard.config import Config
from dashboard.first_start import STORE_FILE, open_store
from dashboard.runtime import NotStarted, Runtime, Service
from dashboard.store.engine import SCHEMA_VERSION, schema_table
from dashboard.telemetry.watches import MARK
from tests.guests import JSON, runtime_of, script, signed_in, token_in

HOOKS = (
    "before_request_funcs",
    "after_request_funcs",
    "teardown_request_funcs",
    "teardown_appcontext_funcs",
    "error_handler_spec",
    "template_context_processors",
    "url_value_preprocessors",
    "url_default_functions",
    "shell_context_processors",
    "url_build_error_handlers",
)


@pytest.fixture
def host(tmp_path):
    """`host(**config)`: a Flask app with a route, whose Poolhouse keeps its things in the test's folder."""
    apps = []

    def make(**config):
        app = Flask("shop", instance_path=str(tmp_path))
        app.config.update({"DASHBOARD_INSTANCE": str(tmp_path / "poolhouse"), "SECRET_KEY": "host's", **config})

        @app.route("/", methods=["GET", "POST"])
        def home():
            return jsonify(request.form)

        apps.append(app)
        return app

    yield make
    for app in apps:
        for entry in app.extensions.values():
            if isinstance(entry, Runtime):
                entry.close()


@pytest.fixture
def engine(tmp_path):
    engine = sa.create_engine(f"sqlite:///{tmp_path / 'shop.db'}")
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE item (id INTEGER PRIMARY KEY, name VARCHAR(50) NOT NULL)")
        connection.exec_driver_sql("INSERT INTO item VALUES (1, 'a cup')")
    yield engine
    engine.dispose()


@pytest.fixture
def shop(host):
    """`shop(app)`: a Flask-SQLAlchemy of this app with one model."""
    made = []

    def make(app, uri="sqlite:///shop.db", **options):
        app.config.setdefault("SQLALCHEMY_DATABASE_URI", uri)
        db = SQLAlchemy(**options)

        class Item(db.Model):
            id = sa.Column(sa.Integer, primary_key=True)
            name = sa.Column(sa.String(50), nullable=False)

        db.Item = Item
        db.init_app(app)
        made.append((app, db))
        return db

    yield make
    for app, db in made:
        with app.app_context():
            for engine in db.engines.values():
                engine.dispose()


def ours(app):
    return [rule for rule in app.url_map.iter_rules() if rule.rule.startswith("/ops")]


def is_watched(engine):
    return MARK in engine.pool.__dict__ or bool(engine.pool.dispatch.checkout)


def hooks_of_the_host(app):
    """Everything that Flask keeps for the app itself, and for blueprints that are not ours."""

    def plain(value):
        return {k: plain(v) for k, v in value.items()} if isinstance(value, dict) else value

    def of(hooks):
        if not isinstance(hooks, dict):
            return list(hooks)
        return {name: plain(hook) for name, hook in hooks.items() if not str(name).startswith("poolhouse") and hook}

    return {name: of(getattr(app, name)) for name in HOOKS}


# what it leaves alone


def test_switched_off_it_leaves_no_route_listener_thread_or_file(host, engine, tmp_path):
    app = host(DASHBOARD_ENABLED="off")
    rules, threads = list(app.url_map.iter_rules()), threading.enumerate()
    Dashboard(app, engine, url_prefix="/ops")
    assert app.test_client().get("/").status_code == 200
    assert list(app.url_map.iter_rules()) == rules
    assert (app.blueprints, app.extensions, dict(app.cli.commands)) == ({}, {}, {})
    assert not is_watched(engine)
    assert threading.enumerate() == threads
    assert not (tmp_path / "poolhouse").exists()


def test_all_that_it_registers_is_a_blueprint_a_teardown_a_group_of_commands_and_an_entry(host, engine):
    app = host()
    before, config = hooks_of_the_host(app), dict(app.config)
    Dashboard(app, engine, url_prefix="/ops")
    after = hooks_of_the_host(app)
    teardowns = after["teardown_request_funcs"].pop(None)
    assert len(teardowns) == 1
    assert after == before
    assert dict(app.config) == config
    assert {name.partition(".")[0] for name in app.blueprints} == {"poolhouse"}
    assert set(app.extensions) == {"poolhouse"}
    assert set(app.cli.commands) == {"dashboard"}
    assert "jinja_env" not in vars(app)  # not even made
    assert "logger" not in vars(app)


def test_a_request_of_the_hosts_own_meets_the_teardown_alone_and_gets_no_cookie(host, engine, monkeypatch):
    app = host()
    Dashboard(app, engine, url_prefix="/ops")
    begun = []
    monkeypatch.setattr(Runtime, "start", lambda runtime: begun.append(request.path))
    answer = app.test_client().post("/", data={"a": "1"})
    assert answer.json == {"a": "1"}
    assert {name for name, _ in answer.headers} == {"Content-Type", "Content-Length"}
    assert begun == ["/"]


def test_a_host_in_its_tests_joins_no_ledger_also_when_it_says_so_after_it_was_made(host, engine):
    app = host()
    Dashboard(app, engine, url_prefix="/ops")
    app.testing = True
    client, _ = signed_in(app)
    assert client.get("/").status_code == client.get("/ops/").status_code == 200
    assert not runtime_of(app).ledger.joined()


def test_the_first_request_of_a_serving_host_joins_the_ledger(host, engine):
    app = host()
    Dashboard(app, engine, url_prefix="/ops")
    assert not runtime_of(app).ledger.joined()
    app.test_client().get("/")
    assert runtime_of(app).ledger.joined()


def test_the_hosts_own_command_named_dashboard_stays(host, engine):
    app = host()
    theirs = app.cli.command("dashboard")(lambda: None)
    Dashboard(app, engine, url_prefix="/ops")
    assert app.cli.commands["dashboard"] is theirs
    assert "token" in app.cli.commands["poolhouse"].commands


def test_what_the_host_watches_itself_stays_its_own(host, engine):
    from dashboard.telemetry import watch

    theirs = watch(engine, name="shop")
    app = host()
    Dashboard(app, engine, url_prefix="/ops")
    pools = app.test_client().get("/ops/pools/", headers=script(app)).json["pools"]
    assert "shop" in [pool["name"] for pool in pools]
    runtime_of(app).close()
    assert is_watched(engine)
    theirs.stop()
    assert not is_watched(engine)


def test_settings_that_are_the_hosts_own_affair_are_not_read(host, engine, monkeypatch):
    monkeypatch.setenv("PORT", "unix:/run/shop.sock")
    monkeypatch.setenv("DATABASE_URL", "postgres://elsewhere")
    app = host(HOST=None, PORT="none of yours")
    Dashboard(app, engine, url_prefix="/ops")
    assert runtime_of(app).config.port == 8000


# what goes wrong in it


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
    elif name == "a store that is away":
        app.config["DASHBOARD_STORE_URL"] = "postgresql+psycopg://poolhouse:geheim@127.0.0.1:1/store"
        says = "cannot be reached"
    elif name == "a store that is no database":
        (make(folder) / STORE_FILE).write_text("not SQLite, and long enough to be taken for a header of something else")
        says = "DatabaseError"
    elif name == "a store of an unknown kind":
        app.config["DASHBOARD_STORE_URL"] = "nosuchdatabase://geheim"
        says = "NoSuchModuleError"
    elif name == "a store in the hosts own file":
        app.config["DASHBOARD_STORE_URL"] = str(engine.url)
        says = "is a database of the application"
    elif name == "a key that cannot be read":
        (make(folder) / "poolhouse_secret_key").mkdir()
        says = "IsADirectoryError"
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
        "a store that is away",
        "a store that is no database",
        "a store of an unknown kind",
        "a store in the hosts own file",
        "a key that cannot be read",
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


@pytest.mark.parametrize("prefix", ["/", "", "/<lang>/ops", None, 5])
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

    app, dashboard = host(), Dashboard(url_prefix="/ops")
    config = Config(instance=tmp_path / "poolhouse")
    runtime = dashboard.wire(app, engine, config, alone=False, beside=(Service(fail, lambda: None),))
    dashboard.mount(app, runtime)
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


def test_models_that_cannot_be_read_are_no_mistake_of_ours(host, engine):
    app = host(DASHBOARD_MODELS="no.such.module")
    Dashboard(app, engine, url_prefix="/ops")
    client, editor = app.test_client(), script(app)
    assert client.post("/ops/workspaces/", json={"name": "w"}, headers=editor).status_code == 201
    answer = client.post("/ops/workspaces/w/load", json={"model": "item", "key": "1"}, headers=editor)
    assert (answer.status_code, answer.json["error"]["code"]) == (503, "unavailable")
    assert "ModuleNotFoundError" in answer.json["error"]["message"]
    assert client.get("/ops/", headers=editor).status_code == 200


# its neighbours


@pytest.mark.parametrize("order", ["before", "after"])
def test_flask_wtf_asks_the_hosts_forms_for_its_token_and_leaves_ours_alone(order, host, engine):
    app = host()
    if order == "before":
        CSRFProtect(app)
    Dashboard(app, engine, url_prefix="/ops")
    if order == "after":
        CSRFProtect(app)
    client, csrf = signed_in(app)
    assert client.post("/", data={"a": "1"}).status_code == 400
    assert client.post("/ops/workspaces/", data={"name": "w", "csrf": csrf}).status_code == 303
    assert client.post("/ops/workspaces/", data={"name": "v"}).status_code == 403  # ours is asked for all the same
    assert client.post("/", data={"a": "1"}).status_code == 400
    editor = script(app)
    assert app.test_client().post("/ops/workspaces/", json={"name": "v"}, headers=editor).status_code == 201


def test_an_apology_too_comes_in_front_of_flask_wtf(host):
    app = host()
    CSRFProtect(app)
    Dashboard(app, "nothing", url_prefix="/ops")
    assert app.test_client().post("/ops/workspaces/").status_code == 503


def test_the_hosts_error_pages_are_for_its_own_routes_and_ours_for_ours(host, engine):
    app = host()
    for code in (400, 404, 405, 413, 500):
        app.register_error_handler(code, lambda error: (f"the host's {error.code}", error.code))
    app.register_error_handler(Exception, lambda error: ("the host's", 500))
    app.add_url_rule("/fails", "fails", lambda: 1 // 0)
    Dashboard(app, engine, url_prefix="/ops")
    client, editor = app.test_client(), script(app)
    assert client.get("/nowhere").text == "the host's 404"
    assert client.delete("/").text == "the host's 405"
    assert client.get("/fails").status_code == 500
    assert client.get("/fails").text.startswith("the host's")
    for path in ("/ops/nowhere", "/ops/static/nothing.css", "/ops/pools/none"):
        answer = client.get(path, headers=editor)
        assert (answer.status_code, answer.json["error"]["code"]) == (404, "not_found"), path
    assert client.delete("/ops/pools/", headers=editor).json["error"]["code"] == "method_not_allowed"
    answer = client.post("/ops/workspaces/", data=b"x" * 2_000_000, content_type="application/json", headers=editor)
    assert (answer.status_code, answer.json["error"]["code"]) == (413, "too_large")


def test_what_the_host_does_around_every_request_holds_around_ours(host, engine):
    app = host()
    seen = []
    app.before_request(lambda: abort(403) if request.args.get("no") else seen.append(request.endpoint))
    app.after_request(lambda answer: answer.headers.add("X-Shop", "yes") or answer)
    app.teardown_request(lambda error: seen.append("torn down"))
    Dashboard(app, engine, url_prefix="/ops")
    client = app.test_client()
    answer = client.get("/ops/pools/", headers=script(app))
    assert (answer.status_code, answer.headers["X-Shop"]) == (200, "yes")
    assert seen == ["poolhouse.pools.index", "torn down"]
    assert client.get("/ops/pools/?no=1", headers=script(app)).status_code == 403
    assert client.get("/?no=1").status_code == 403


@pytest.mark.parametrize("question", ["who", "sign_in_url", "may", "rows", "hidden_columns"])
def test_an_exception_in_the_hosts_access_is_a_refusal(question, host, engine, caplog):
    class Theirs(Access):
        def who(self, request):
            return None if question == "sign_in_url" else Person("ada", "editor")

        def sign_in_url(self, next):
            return "/sign-in"

    def fail(*arguments):
        raise LookupError("of the host")

    theirs = Theirs()
    setattr(theirs, question, fail)
    app = host()
    Dashboard(app, engine, access=theirs, url_prefix="/ops")
    client = app.test_client()
    if question in ("rows", "hidden_columns"):
        csrf = token_in(client.get("/ops/workspaces/").text)
        client.post("/ops/workspaces/", data={"name": "w", "csrf": csrf})
        fields = {"model": "item", "key": "1", "csrf": csrf}
        assert client.post("/ops/workspaces/w/load", data=fields).status_code == 403
    else:
        assert client.get("/ops/pools/").status_code == 403
        assert client.get("/ops/pools/", headers=JSON).status_code == (401 if question == "sign_in_url" else 403)
    assert "of the host" not in client.get("/ops/pools/").text
    assert client.get("/").status_code == 200


def test_prometheus_passes_a_hosts_access_with_its_token_at_metrics_alone(host, engine):
    class Nobody(Access):
        def who(self, request):
            return None

        def sign_in_url(self, next):
            return "/sign-in"

    app = host(DASHBOARD_METRICS_TOKEN="scraper's")
    Dashboard(app, engine, access=Nobody(), url_prefix="/ops")
    client, headers = app.test_client(), {"Authorization": "Bearer scraper's"}
    assert client.get("/ops/metrics").status_code in (303, 401)
    assert client.get("/ops/metrics", headers=headers).status_code == 200
    assert client.get("/ops/pools/", headers={**headers, **JSON}).status_code == 401


# where it is mounted


def test_below_a_script_root_urls_and_the_cookie_stay_below_it(host, engine):
    app = host(APPLICATION_ROOT="/elsewhere")
    Dashboard(app, engine, url_prefix="/ops")
    outer = Client(DispatcherMiddleware(Flask("outer"), {"/app": app}))
    answer = outer.get("/app/ops/pools/")
    assert answer.headers["Location"] == "/app/ops/login?next=/app/ops/pools/"
    link = f"/app/ops/link/{runtime_of(app).accounts.new_link()}"
    page = outer.get(link)
    assert "Path=/app/ops;" in page.headers["Set-Cookie"]
    answer = outer.post(link, data={"csrf": token_in(page.text)})
    assert answer.headers["Location"] == "/app/ops/"
    assert "Path=/app/ops;" in answer.headers["Set-Cookie"]
    page = outer.get("/app/ops/workspaces/")
    assert page.status_code == 200
    assert 'action="/app/ops/workspaces/"' in page.text
    assert 'href="/app/ops/static/base.css' in page.text
    answer = outer.post("/app/ops/workspaces/", data={"csrf": token_in(page.text), "name": "w"})
    assert answer.headers["Location"] == "/app/ops/workspaces/w/"
    answer = outer.post("/app/ops/logout", data={"csrf": token_in(page.text)})
    assert answer.headers["Location"] == "/app/ops/login"


def test_signing_in_leads_back_below_the_script_root(host, engine):
    app = host()
    Dashboard(app, engine, url_prefix="/ops")
    runtime_of(app).accounts.save("ada", "viewer", "correct horse")
    outer = Client(DispatcherMiddleware(Flask("outer"), {"/app": app}))
    form = outer.get(outer.get("/app/ops/pools/").headers["Location"]).text
    fields = {"csrf": token_in(form), "username": "ada", "password": "correct horse", "next": "/app/ops/pools/"}
    assert outer.post("/app/ops/login", data=fields).headers["Location"] == "/app/ops/pools/"


@pytest.mark.parametrize("given", ["/ops", "/ops/", "ops"])
def test_a_prefix_is_taken_with_and_without_its_slashes(given, host, engine):
    app = host()
    Dashboard(app, engine, url_prefix=given)
    client, _ = signed_in(app)
    cookie = client.get_cookie("poolhouse", path="/ops")
    assert cookie is not None
    assert (cookie.http_only, cookie.same_site) == (True, "Lax")


def test_two_dashboards_of_two_databases_stand_side_by_side(host, shop, engine):
    app = host()
    db = shop(app, f"sqlite:///{engine.url.database}.other")
    Dashboard(app, db, url_prefix="/ops")
    Dashboard(app, engine, url_prefix="/archive", name="archive")
    first, csrf = signed_in(app)
    assert first.get("/archive/").status_code == 303  # its cookie is another one, for another path
    second, other = signed_in(app, "/archive", "archive")
    assert first.post("/ops/workspaces/", data={"csrf": csrf, "name": "a"}).status_code == 303
    assert second.post("/archive/workspaces/", data={"csrf": other, "name": "b"}).status_code == 303
    names = [pool["name"] for pool in second.get("/archive/pools/", headers=JSON).json["pools"]]
    assert {"default", "archive"} <= set(names)
    assert len(app.teardown_request_funcs[None]) == 2
    assert set(app.cli.commands) == {"dashboard"}


def test_two_dashboards_of_one_database_watch_its_pool_once(host, engine):
    app = host()
    Dashboard(app, engine, url_prefix="/ops")
    Dashboard(app, engine, url_prefix="/more", name="more")
    client = app.test_client()

    def checkouts():
        pools = client.get("/more/pools/", headers=script(app, name="more")).json["pools"]
        assert "more" not in [pool["name"] for pool in pools]
        return next(pool["totals"]["checkouts"] for pool in pools if pool["name"] == "default")

    before = checkouts()
    with engine.connect() as connection:
        connection.execute(sa.select(1))
    assert checkouts() == before + 1
