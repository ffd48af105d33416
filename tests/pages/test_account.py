"""One's own account, and the page of all accounts."""

from __future__ import annotations

import re
import time

import pytest

from dashboard.refusal import Refusal
from tests.pages.conftest import Script, token_in

PASSWORD = "correct horse"


class SignedIn:
    """A browser that signed in by name and password."""

    def __init__(self, app, name, password=PASSWORD):
        self.client = app.test_client()
        csrf = token_in(self.client.get("/login").text)
        form = {"csrf": csrf, "username": name, "password": password}
        self.answer = self.client.post("/login", data=form)

    def get(self, path):
        return self.client.get(path)

    def post(self, path, **fields):
        csrf = token_in(self.client.get("/account/").text)
        return self.client.post(path, data={"csrf": csrf, **fields})


@pytest.fixture
def ada(app):
    app.extensions["poolhouse"].accounts.save("ada", "editor", PASSWORD)
    return SignedIn(app, "ada")


def test_a_person_changes_their_password_and_only_this_browser_stays_signed_in(app, ada):
    other = SignedIn(app, "ada")
    answer = ada.post("/account/password", current=PASSWORD, password="battery staple", again="battery staple")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/account/")
    assert ada.get("/account/").status_code == 200
    assert other.get("/account/").status_code == 303
    assert SignedIn(app, "ada", "battery staple").answer.status_code == 303


@pytest.mark.parametrize(
    "form,field",
    [
        ({"current": "guess", "password": "battery staple"}, "current"),
        ({"current": PASSWORD, "password": "short"}, "password"),
        ({"current": PASSWORD, "password": "battery staple", "again": "battery"}, "again"),
    ],
)
def test_a_password_that_cannot_be_changed_says_at_which_field(app, ada, form, field):
    assert ada.post("/account/password", **form).status_code == 422
    csrf = token_in(ada.get("/account/").text)
    as_json = {"Accept": "application/json"}
    answer = ada.client.post("/account/password", data={"csrf": csrf, **form}, headers=as_json)
    assert (answer.status_code, list(answer.json["error"]["fields"])) == (422, [field])
    assert SignedIn(app, "ada").answer.status_code == 303


def test_a_person_sees_where_they_are_signed_in_and_ends_the_others(app, ada):
    other = SignedIn(app, "ada")
    assert ada.get("/account/").text.count("this browser") == 1
    end = re.search(r'action="(/account/sign-ins/[^"]+/end)"', ada.get("/account/").text)[1]
    assert ada.post(end).status_code == 303
    assert other.get("/account/").status_code == 303
    third = SignedIn(app, "ada")
    assert ada.post("/account/sign-ins/end").status_code == 303
    assert third.get("/account/").status_code == 303
    assert ada.get("/account/").status_code == 200


def test_a_browser_is_signed_out_in_any_case_and_told_what_could_not_be_ended(app, ada, monkeypatch):
    from dashboard.store import sign_ins

    def away(*_):
        raise Refusal("store_away", "The store cannot be reached just now.")

    monkeypatch.setattr(sign_ins, "end_sign_in", away)
    answer = ada.post("/logout")
    assert answer.status_code == 503
    assert "This browser is signed out, but a copy of its cookie would be good still." in answer.text
    assert ada.get("/account/").status_code == 303


def test_signing_out_is_not_undone_by_the_same_answer(app, ada, monkeypatch):
    accounts = app.extensions["poolhouse"].accounts
    hour_later = time.time() + 3_600
    monkeypatch.setattr(accounts, "_clock", lambda: hour_later)
    csrf = token_in(ada.client.get("/account/").text)
    monkeypatch.setattr(accounts, "_clock", lambda: hour_later + 3_600)
    answer = ada.client.post("/logout", data={"csrf": csrf})
    assert [cookie.partition(";")[0] for cookie in answer.headers.getlist("Set-Cookie")] == ["poolhouse="]


@pytest.mark.parametrize(
    "headers",
    [
        {"Accept": "text/event-stream"},  # as without TLS: a browser says no Sec-Fetch-Mode there
        {"Accept": "text/html", "HX-Request": "true"},
        {"Accept": "text/html", "Sec-Fetch-Mode": "cors"},
    ],
)
def test_a_page_that_is_only_left_open_does_not_keep_its_sign_in_from_idling_out(app, browser_client, headers):
    accounts = app.extensions["poolhouse"].accounts
    accounts._clock = lambda: time.time() + 7 * 3_600
    assert "Set-Cookie" not in browser_client.get("/stream/now?topics=pools", **headers).headers
    assert "Set-Cookie" in browser_client.get("/pools/", Accept="text/html").headers


def test_a_token_is_shown_once_and_acts_for_its_owner(app, ada):
    answer = ada.post("/account/tokens/", name="laptop", role="admin", scope="write", days="7")
    assert answer.status_code == 201
    token = re.search(r"<code>([\w-]{40,})</code>", answer.text)[1]
    assert token not in ada.get("/account/").text
    headers = {"Authorization": f"Bearer {token}", "Accept": "application/json"}
    made = app.test_client().get("/account/", headers=headers).json
    assert (made["name"], made["role"]) == ("ada", "editor")
    assert [(each["name"], each["role"], each["scope"]) for each in made["tokens"]] == [("laptop", "editor", "write")]
    assert ada.post(f"/account/tokens/{made['tokens'][0]['id']}/revoke").status_code == 303
    assert app.test_client().get("/account/", headers=headers).status_code == 401


@pytest.mark.parametrize("days", ["0", "-1", "3651", "x", "1.5", "٣", "0000000019999999999"])
def test_a_token_lasts_for_whole_days(ada, days):
    answer = ada.post("/account/tokens/", name="laptop", role="viewer", days=days)
    assert answer.status_code == 422
    assert ada.get("/account/").status_code == 200


def test_a_token_cannot_make_itself_another_one(app, ada):
    accounts = app.extensions["poolhouse"].accounts
    for token in (accounts.new_token("mine", "editor", owner="ada"), accounts.new_token("ada", "editor")):
        headers = {"Authorization": f"Bearer {token}", "Accept": "application/json"}
        for path in ("/account/tokens/", "/account/password", "/account/sign-ins/end"):
            assert app.test_client().post(path, json={"name": "more"}, headers=headers).status_code == 403
    assert ada.get("/account/").status_code == 200


def test_a_token_that_is_called_like_an_account_does_not_see_that_account(app, ada):
    token = app.extensions["poolhouse"].accounts.new_token("ada", "viewer")
    headers = {"Authorization": f"Bearer {token}", "Accept": "application/json"}
    seen = app.test_client().get("/account/", headers=headers).json
    assert (seen["has_account"], seen["sign_ins"], seen["tokens"]) == (False, [], [])


def test_a_token_of_the_scope_metrics_reads_nothing_else(make_app):
    app = make_app(DASHBOARD_METRICS_PUBLIC="off")
    token = app.extensions["poolhouse"].accounts.new_token("prometheus", "viewer", scope="metrics")
    headers = {"Authorization": f"Bearer {token}", "Accept": "application/json"}
    assert app.test_client().get("/metrics", headers=headers).status_code == 200
    for path in ("/", "/pools/", "/records/", "/account/"):
        assert app.test_client().get(path, headers=headers).status_code == 403


def test_an_admin_makes_changes_and_removes_accounts(app, script):
    admin = script("admin")
    made = admin.post("/accounts/", {"name": "Zoë/x", "role": "viewer", "password": PASSWORD})
    assert made.status_code == 201
    (zoe,) = [each for each in made.json["accounts"] if each["name"] == "Zoë/x"]
    browser = SignedIn(app, "Zoë/x")
    assert browser.get("/account/").status_code == 200
    assert admin.post(f"/accounts/{zoe['key']}/role", {"role": "editor"}).status_code == 200
    assert browser.get("/account/").status_code == 303
    assert admin.post(f"/accounts/{zoe['key']}/password", {"password": "battery staple"}).status_code == 200
    browser = SignedIn(app, "Zoë/x", "battery staple")
    assert admin.post(f"/accounts/{zoe['key']}/end-sign-ins").status_code == 200
    assert browser.get("/account/").status_code == 303
    left = admin.post(f"/accounts/{zoe['key']}/remove").json["accounts"]
    assert [each["name"] for each in left] == ["admin"]
    assert admin.post(f"/accounts/{zoe['key']}/remove").status_code == 404


def test_the_page_of_accounts_is_drawn_and_is_for_admins(app, browser_client, ada):
    page = browser_client.get("/accounts/").text
    assert 'data-account="ada"' in page
    assert "Remove the account ada?" in page
    assert "1 sign-in and 0 tokens of ada end with it" in page
    made = browser_client.post("/accounts/tokens/", name="ci", role="viewer", scope="metrics", days="")
    assert made.status_code == 201
    assert "shown this once" in made.text
    assert ada.get("/accounts/").status_code == 403
    for role, status in (("viewer", 403), ("editor", 403)):
        assert Script(app, role).post("/accounts/", {"name": "eve"}).status_code == status


@pytest.mark.parametrize(
    "path,given,status",
    [
        ("/accounts/", {"name": "eve", "role": "god", "password": PASSWORD}, 422),
        ("/accounts/", {"name": ["eve"], "role": "viewer", "password": PASSWORD}, 400),
        ("/accounts/", {"name": "admin", "role": "viewer", "password": PASSWORD}, 409),
        ("/accounts/admin/role", {"role": "viewer"}, 403),
        ("/accounts/nobody/role", {"role": "viewer"}, 404),
        ("/accounts/a,b/role", {"role": "viewer"}, 404),
        ("/accounts/~zz/role", {"role": "viewer"}, 404),
        ("/accounts/sign-ins/nothing/end", {}, 404),
        ("/accounts/tokens/nothing/revoke", {}, 404),
        ("/accounts/tokens/", {"name": "x", "role": "viewer", "scope": "everything"}, 422),
        ("/accounts/", {"name": "eve", "role": "viewer", "password": f"\ud800{PASSWORD}"}, 400),
        ("/accounts/admin/password", {"password": f"{PASSWORD}\udfff"}, 400),
    ],
)
def test_what_does_not_fit_an_account_changes_none(script, path, given, status):
    admin = script("admin")
    before = admin.get("/accounts/").json["accounts"]
    assert admin.post(path, given).status_code == status
    assert admin.get("/accounts/").json["accounts"] == before


def test_unknown_names_are_answered_like_known_ones(app, ada):
    wrong, unknown = SignedIn(app, "ada", "guess").answer, SignedIn(app, "nobody", "guess").answer
    plain = [re.sub(r'value="[^"]*"', "", answer.text) for answer in (wrong, unknown)]
    assert plain[0] == plain[1]
    assert wrong.status_code == unknown.status_code == 422
