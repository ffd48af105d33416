"""Does Poolhouse get on with what else is in the app? CSRFProtect, hooks, error pages, the host's own sign-in."""

from __future__ import annotations

import pytest
from flask import abort, request
from flask_wtf import CSRFProtect

from dashboard import Access, Dashboard, Person
from tests.guests import JSON, script, signed_in, token_in


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
    assert client.get("/ops/metrics").status_code == 303
    assert client.get("/ops/metrics", headers=headers).status_code == 200
    assert client.get("/ops/pools/", headers={**headers, **JSON}).status_code == 401
