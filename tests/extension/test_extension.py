"""Is Poolhouse a good guest? It takes nothing away from its host."""

from __future__ import annotations

import sys
import threading
from pathlib import Path

from flask import request

import dashboard
from dashboard import Dashboard
from dashboard.runtime import Runtime
from dashboard.telemetry.watches import MARK
from tests.guests import runtime_of, script, signed_in

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


def test_a_request_of_the_hosts_own_runs_nothing_of_ours_but_the_teardown(host, engine):
    app = host()
    Dashboard(app, engine, url_prefix="/ops")
    client = app.test_client()
    client.get("/")
    ran = []
    sys.setprofile(lambda frame, event, _: ran.append(frame.f_code) if event == "call" else None)
    try:
        client.post("/", data={"a": "1"})
    finally:
        sys.setprofile(None)
    house = str(Path(dashboard.__file__).parent)
    assert [code.co_qualname.rpartition(".")[2] for code in ran if code.co_filename.startswith(house)] == [
        "serve",
        "end_scope_of_request",
        "_begin",
        "start",
        "start",
    ]


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
