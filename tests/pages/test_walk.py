"""Every route, with every method, as everybody: who may is answered, who may not is refused and changes nothing."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing

import pytest

from dashboard.app import DEMO_FILE
from tests.pages.conftest import token_in
from tests.pages.routes import MAY, METRICS, OPEN, OWN, ROWS, THEIRS
from tests.pages.test_account import PASSWORD, SignedIn

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE")
ALWAYS = {"HEAD", "OPTIONS"}
SCOPES = {"metrics": "metrics", "read": "read", "write": "write"}


class Walker:
    """Somebody who asks, as the table calls them."""

    def __init__(self, app, who):
        self.app, self.who, self.role = (
            app,
            who,
            next((r for r in ("viewer", "editor", "admin") if who.startswith(r)), "admin"),
        )
        accounts = app.extensions["poolhouse"].accounts
        self.client, self.headers, self.in_browser = app.test_client(), {"Accept": "application/json"}, "browser" in who
        if self.in_browser:
            accounts.save("walker", self.role, PASSWORD)
            self.client = SignedIn(app, "walker").client
        elif who != "nobody":
            scope = SCOPES.get(who.partition(" ")[0])
            self.headers["Authorization"] = "Bearer " + accounts.new_token("walker", self.role, scope=scope)

    def send(self, method, path, given=None, *, csrf=True):
        """JSON; a browser's carries the token of its page."""
        given = dict(given or {})
        if self.in_browser and csrf:
            given["csrf"] = token_in(self.client.get("/account/").text)
        body = {} if method in ("GET", "HEAD", "OPTIONS", "TRACE") else {"json": given}
        with self.client.open(path, method=method, headers=self.headers, **body) as answer:
            answer.get_data()
            return answer


@pytest.fixture
def app(make_app):
    app = make_app(DASHBOARD_DEMO="on", DASHBOARD_METRICS_PUBLIC="off")
    accounts = app.extensions["poolhouse"].accounts
    for name in ("ada", "spare"):
        accounts.save(name, "editor", PASSWORD)
    owner = Walker(app, "editor")
    owner.headers["Authorization"] = "Bearer " + accounts.new_token("somebody", "editor")
    owner.send("POST", "/workspaces/", {"name": "theirs"})
    owner.send("POST", "/workspaces/theirs/load", {"model": "Book", "key": "1"})
    changed = owner.send("POST", "/records/Author/", {"values": {"name": "Of the walk"}})
    app.author = changed.json["key"]
    ledger = app.extensions["poolhouse"].ledger
    ledger.join()
    yield app
    ledger.leave()


@pytest.fixture
def watched(app):
    """What a refused request must leave as it is: the data, the workspaces, the accounts and the tokens."""
    runtime = app.extensions["poolhouse"]
    with closing(sqlite3.connect(runtime.config.instance / DEMO_FILE, isolation_level=None)) as data:

        def state():
            with runtime.store.reading() as store:
                tables = ("workspace", "account", "token", "change_set", "sign_in")
                kept = [store.exec_driver_sql(f"SELECT * FROM poolhouse_{name}").all() for name in tables]
            for row in kept[2]:
                assert row  # last_used_at is written beside
            return data.execute("PRAGMA data_version").fetchone(), kept[0], kept[1], len(kept[2]), kept[3], len(kept[4])

        yield state


def filled(text, app):
    return text.replace("{w}", "walked").replace("{author}", app.author)


def given_to(row, app):
    return None if row.given is None else json.loads(filled(json.dumps(row.given), app))


def test_the_table_has_each_route_with_each_of_its_methods_and_no_other(app):
    served = {
        (method, rule.rule)
        for rule in app.url_map.iter_rules()
        for method in rule.methods - ALWAYS
        if not (rule.endpoint.endswith(".unknown") and method != "GET")
    }
    assert {(row.method, row.rule) for row in ROWS} == served
    assert len(ROWS) == len(served)


def test_what_reads_is_a_get_and_what_a_get_asks_for_changes_nothing(app, watched):
    admin = Walker(app, "admin")
    admin.send("POST", "/workspaces/", {"name": "walked"})
    before = watched()
    for row in ROWS:
        if row.method == "GET":
            admin.send("GET", filled(row.path, app))
            admin.send("HEAD", filled(row.path, app))
            assert watched() == before, row


@pytest.mark.parametrize("who", MAY)
def test_each_route_answers_who_may_and_refuses_who_may_not(app, watched, who):
    walker = Walker(app, who)
    opener = Walker(app, "editor")
    opener.headers["Authorization"] = walker.headers.get("Authorization") or opener.headers["Authorization"]
    if opener.send("POST", "/workspaces/", {"name": "walked"}).status_code != 201:
        Walker(app, "editor").send("POST", "/workspaces/", {"name": "walked"})
    before, wrong = watched(), []
    for row in ROWS:
        path, given, may = filled(row.path, app), given_to(row, app), row.kind in MAY[who]
        if not may or row.kind == OPEN:
            before = watched()
        answer = walker.send(row.method, path, given)
        allowed = row.status if may else 401 if who == "nobody" else 403
        if who == "nobody" and row.kind == OPEN and row.method == "POST":
            allowed = 403  # no page was loaded, so there is no token of a form
        if answer.status_code != allowed:
            wrong.append((row.method, path, answer.status_code, f"not {allowed}", answer.text[:120]))
        if not may:
            assert watched() == before, row
    assert not wrong, "\n".join(map(str, wrong))


@pytest.mark.parametrize("who", ["admin in a browser"])
def test_no_form_counts_without_its_token(app, watched, who):
    walker, before = Walker(app, who), watched()
    for row in ROWS:
        if row.method == "POST":
            answer = walker.send("POST", filled(row.path, app), given_to(row, app), csrf=False)
            assert (answer.status_code, answer.json["error"]["code"]) == (403, "csrf"), row
    assert watched() == before


@pytest.mark.parametrize("who", ["nobody", "admin", "admin in a browser"])
def test_no_route_takes_another_method_than_the_table_says(app, watched, who):
    walker, before = Walker(app, who), watched()
    taken = {}
    for row in ROWS:
        taken.setdefault(row.rule, set()).add(row.method)
    for row in ROWS:
        for method in set(METHODS) - taken[row.rule] - ALWAYS:
            answer = walker.send(method, filled(row.path, app))
            refused = {404, 405} if who == "admin" else {401, 403, 404, 405}
            assert answer.status_code in refused, (method, row, answer.status_code)
            assert "Traceback" not in answer.text
    assert watched() == before


@pytest.mark.parametrize("method,path,to_readers,to_editors", THEIRS)
def test_somebody_elses_workspace_is_touched_by_editors_alone(app, watched, method, path, to_readers, to_editors):
    for who, status in (("viewer", to_readers), ("read token of an admin", to_readers), ("editor", to_editors)):
        walker, before = Walker(app, who), watched()
        assert walker.send(method, path).status_code == status, who
        if status == 403 or method == "GET":
            assert watched()[:3] == before[:3]


def test_metrics_are_read_by_the_scope_that_is_for_it_and_nothing_else_is(app):
    walker = Walker(app, "metrics token of an admin")
    assert {row.kind for row in ROWS if walker.send(row.method, filled(row.path, app)).status_code < 400} <= {
        OPEN,
        METRICS,
    }
    assert OWN not in MAY["metrics token of an admin"]
