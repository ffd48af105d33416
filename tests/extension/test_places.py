"""Wherever it is mounted, and how often: do its addresses and its cookie stay below its own prefix?"""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from flask import Flask
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.test import Client

from dashboard import Dashboard
from tests.guests import JSON, runtime_of, script, signed_in, token_in


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
