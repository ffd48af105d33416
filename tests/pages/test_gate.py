"""The one gate: who may pass it, and that nobody gets round it."""

from __future__ import annotations

import pytest

from dashboard.pages.gate import ADMINISTER, EDIT, OPEN, READ
from tests.pages.conftest import token_in

LOCAL = {"REMOTE_ADDR": "127.0.0.1"}


def routes(app):
    return list(app.url_map.iter_rules())


def test_every_route_names_the_permission_it_needs(app):
    unnamed = [
        r.rule
        for r in routes(app)
        if getattr(app.view_functions[r.endpoint], "needs", None) not in (OPEN, READ, EDIT, ADMINISTER)
    ]
    assert unnamed == []


def test_only_these_routes_are_open(app):
    needs = {rule.endpoint: app.view_functions[rule.endpoint].needs for rule in routes(app)}
    assert {endpoint.partition(".")[2] for endpoint, needed in needs.items() if needed == OPEN} == {
        "account.login",
        "account.sign_in",
        "account.link",
        "account.follow_link",
        "metrics.index",
        "metrics.healthz",
        "metrics.readyz",
        "static",
        "unknown",
    }


def test_no_route_that_reads_takes_a_post_and_none_that_writes_takes_a_get(app):
    for rule in routes(app):
        needed = app.view_functions[rule.endpoint].needs
        if needed == EDIT:
            assert "GET" not in rule.methods, rule.rule


def test_a_page_sends_who_is_signed_out_to_the_sign_in_and_json_gets_401(script):
    nobody = script(None)
    answer = nobody.get("/pools/", Accept="text/html")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/login?next=/pools/")
    answer = nobody.get("/pools/")
    assert (answer.status_code, answer.json["error"]["code"]) == (401, "signed_out")


@pytest.mark.parametrize("role,status", [("viewer", 403), ("editor", 201), ("admin", 201)])
def test_a_viewer_reads_and_only_an_editor_works(script, role, status):
    somebody = script(role)
    assert somebody.get("/workspaces/").status_code == 200
    answer = somebody.post("/workspaces/", {"name": "w"})
    assert answer.status_code == status
    assert [w["name"] for w in somebody.get("/workspaces/").json["workspaces"]] == (["w"] if status == 201 else [])


def test_an_unknown_token_is_told_so(script):
    nobody = script(None)
    answer = nobody.get("/", Authorization="Bearer nonsense")
    assert (answer.status_code, answer.json["error"]["code"]) == (401, "signed_out")


def test_a_form_without_its_token_changes_nothing(browser_client):
    answer = browser_client.post("/workspaces/", csrf="", name="w")
    assert answer.status_code == 403
    answer = browser_client.post("/workspaces/", csrf="x" * 64, name="w")
    assert answer.status_code == 403
    assert "No workspace yet" in browser_client.get("/workspaces/").text


def test_a_form_of_another_browser_does_not_count(app, browser_client):
    from tests.pages.conftest import Browser

    other = Browser(app)
    assert browser_client.post("/workspaces/", csrf=other.csrf, name="w").status_code == 403


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "null"},
    ],
)
def test_a_request_from_another_site_is_refused_even_with_the_token(browser_client, headers):
    assert browser_client.post("/workspaces/", headers=headers, name="w").status_code == 403


def test_a_form_with_its_token_is_taken_and_answers_303(browser_client):
    answer = browser_client.post(
        "/workspaces/", name="w", headers={"Origin": "http://localhost", "Sec-Fetch-Site": "same-origin"}
    )
    assert (answer.status_code, answer.headers["Location"]) == (303, "/workspaces/w/")


def test_the_cookie_is_ours_alone_and_out_of_reach(app):
    answer = app.test_client().get("/login")
    cookie = answer.headers["Set-Cookie"]
    assert cookie.startswith("poolhouse=")
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert "Path=/" in cookie
    assert len(answer.headers.getlist("Set-Cookie")) == 1


def test_the_cookie_is_secure_behind_tls(app):
    assert "Secure" in app.test_client().get("/login", base_url="https://localhost").headers["Set-Cookie"]


def test_signing_out_ends_the_sign_in_for_a_copied_cookie_too(app, browser_client):
    cookie = browser_client.client.get_cookie("poolhouse").value
    assert browser_client.post("/logout").status_code == 303
    copied = app.test_client()
    copied.set_cookie("poolhouse", cookie)
    assert copied.get("/").status_code == 303


def test_a_forged_cookie_is_nobody(app):
    forger = app.test_client()
    forger.set_cookie("poolhouse", "eyJpZCI6IngiLCJuYW1lIjoiYWRtaW4ifQ.x")
    assert forger.get("/").status_code == 303


@pytest.mark.parametrize(
    "next_",
    ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)", "\thttps://evil.example"],
)
def test_a_sign_in_sends_nobody_to_another_site(make_app, next_):
    client = make_app(DASHBOARD_ADMIN_PASSWORD="correct horse").test_client()
    csrf = token_in(client.get("/login").text)
    form = {"csrf": csrf, "username": "admin", "password": "correct horse", "next": next_}
    assert client.post("/login", data=form).headers["Location"] == "/"


def test_a_sign_in_goes_on_to_where_the_person_wanted_to_go(make_app):
    client = make_app(DASHBOARD_ADMIN_PASSWORD="correct horse").test_client()
    csrf = token_in(client.get("/login?next=/pools/").text)
    form = {"csrf": csrf, "username": "admin", "password": "correct horse", "next": "/pools/"}
    assert client.post("/login", data=form).headers["Location"] == "/pools/"
    wrong = client.post("/login", data={**form, "csrf": token_in(client.get("/login").text), "password": "wrong"})
    assert wrong.status_code == 422
    assert "do not go together" in wrong.text


def test_without_sign_in_only_this_machine_itself_is_answered(make_app):
    client = make_app(DASHBOARD_AUTH="none").test_client()
    assert client.get("/", base_url="http://localhost:8000", environ_base=LOCAL).status_code == 200
    for headers, base, address in [
        ({}, "http://localhost", "10.0.0.7"),
        ({}, "http://dashboard.example", "127.0.0.1"),
        ({"X-Forwarded-For": "10.0.0.7"}, "http://localhost", "127.0.0.1"),
        ({"Forwarded": "for=10.0.0.7"}, "http://localhost", "127.0.0.1"),
        ({"Via": "1.1 proxy"}, "http://localhost", "127.0.0.1"),
        ({"X-Forwarded-Server": "proxy"}, "http://localhost", "127.0.0.1"),
        ({"X-Forwarded-Ssl": "on"}, "http://localhost", "127.0.0.1"),
    ]:
        assert client.get("/", headers=headers, base_url=base, environ_base={"REMOTE_ADDR": address}).status_code == 403


def test_a_proxys_header_is_believed_from_its_address_only(make_app):
    app = make_app(DASHBOARD_AUTH="proxy", DASHBOARD_PROXY_ADDRESSES="10.0.0.1", DASHBOARD_PROXY_HEADER="X-User")
    app.extensions["poolhouse"].accounts.save("ada", "viewer", None)
    client = app.test_client()
    known = {"X-User": "ada", "Accept": "application/json"}
    assert client.get("/", headers=known, environ_base={"REMOTE_ADDR": "10.0.0.1"}).status_code == 200
    assert client.get("/", headers=known, environ_base={"REMOTE_ADDR": "10.0.0.2"}).status_code == 401
    unknown = {"X-User": "eve", "Accept": "application/json"}
    assert client.get("/", headers=unknown, environ_base={"REMOTE_ADDR": "10.0.0.1"}).status_code == 401


def test_metrics_are_public_alone_unless_set_otherwise_and_then_take_the_token(make_app):
    assert make_app().test_client().get("/metrics").status_code == 200
    client = make_app(DASHBOARD_METRICS_PUBLIC="off", DASHBOARD_METRICS_TOKEN="scrape me").test_client()
    assert client.get("/metrics", headers={"Accept": "application/json"}).status_code == 401
    assert client.get("/metrics", headers={"Authorization": "Bearer scrape me"}).status_code == 200
    assert (
        client.get("/pools/", headers={"Authorization": "Bearer scrape me", "Accept": "application/json"}).status_code
        == 401
    )


def test_read_only_lets_nobody_write(make_app):
    from tests.pages.conftest import Script

    admin = Script(make_app(DASHBOARD_READ_ONLY="on"), "admin")
    assert admin.get("/workspaces/").status_code == 200
    assert admin.post("/workspaces/", {"name": "w"}).status_code == 403


def test_a_body_past_the_bound_is_too_large(make_app):
    from tests.pages.conftest import Script

    editor = Script(make_app(DASHBOARD_REQUEST_BYTES="1000"), "editor")
    answer = editor.post("/workspaces/", {"name": "x" * 2000})
    assert (answer.status_code, answer.json["error"]["code"]) == (413, "too_large")


def test_a_forwarded_address_is_believed_by_setting_only(make_app):
    for proxies, address in (("0", "10.9.9.9"), ("1", "10.0.0.2"), ("2", "10.0.0.1")):
        app = make_app(DASHBOARD_PROXIES=proxies)
        client = app.test_client()
        csrf = token_in(client.get("/login").text)
        client.post(
            "/login",
            data={"csrf": csrf, "username": "nobody", "password": "guess"},
            headers={"X-Forwarded-For": "10.0.0.1, 10.0.0.2"},
            environ_base={"REMOTE_ADDR": "10.9.9.9"},
        )
        assert app.extensions["poolhouse"].audit.newest(most=1)[0].address == address


def test_a_proxys_person_is_believed_by_the_address_of_the_proxy_itself(make_app):
    app = make_app(
        DASHBOARD_AUTH="proxy",
        DASHBOARD_PROXY_ADDRESSES="10.0.0.1",
        DASHBOARD_PROXY_HEADER="X-User",
        DASHBOARD_PROXIES="1",
    )
    app.extensions["poolhouse"].accounts.save("ada", "viewer", None)
    sent = {"X-User": "ada", "Accept": "application/json"}
    for peer, forwarded, status in (("10.0.0.1", "10.7.7.7", 200), ("10.7.7.7", "10.0.0.1", 401)):
        headers = {**sent, "X-Forwarded-For": forwarded}
        answer = app.test_client().get("/pools/", headers=headers, environ_base={"REMOTE_ADDR": peer})
        assert answer.status_code == status


@pytest.mark.parametrize("mode", ["no-cors", "cors", "same-origin", "websocket"])
@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_a_page_of_another_site_reads_nothing_but_may_lead_here(browser_client, site, mode):
    sent = {"Sec-Fetch-Site": site, "Sec-Fetch-Mode": mode}
    assert browser_client.get("/records/Book/", **sent).status_code == 403
    assert browser_client.get("/records/Book/", **{**sent, "Sec-Fetch-Mode": "navigate"}).status_code == 200
    assert browser_client.get("/records/Book/", **{**sent, "Sec-Fetch-Site": "same-origin"}).status_code == 200
