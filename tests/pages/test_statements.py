"""The page Statements: what takes the database's time, from the same numbers as the metrics."""

import hashlib
import itertools
import re

import pytest
import sqlalchemy as sa
from sqlalchemy import orm as sa_orm

from dashboard.demo.models import Book
from dashboard.pages.sql import laid_out
from dashboard.telemetry import scope, watch_sessions
from dashboard.telemetry.digests import quantile

NUMBERS = itertools.count(1)


@pytest.fixture
def column():
    """A name that no other test has: counts outlive what was watched."""
    return f"column_{next(NUMBERS)}"


@pytest.fixture
def viewer(runtime, published, script, column):
    engine = runtime.databases["default"].engine
    for endpoint, times in ((f"report.{column}", 3), (f"index.{column}", 1)):
        with scope(endpoint), engine.connect() as connection:
            for number in range(times):
                connection.execute(sa.text(f"SELECT name AS {column} FROM author WHERE id = {number}"))
    return script("viewer")


def test_a_statement_is_told_without_its_values_with_calls_times_and_endpoints(viewer, column):
    shown = viewer.get("/statements/").get_json()
    (one,) = (
        each for each in shown["statements"] if each["statement"] == f"SELECT name AS {column} FROM author WHERE id = #"
    )
    assert (one["pool"], one["operation"], one["calls"]) == ("default", "select", 4)
    assert one["endpoints"] == {f"report.{column}": 3, f"index.{column}": 1}
    assert sum(one["workers"].values()) == 4
    assert 0 < one["mean"] == one["seconds"] / 4
    assert one["p95"] > 0
    assert 0 < one["share"] <= 1


def test_statements_are_of_all_pools_or_of_one_and_their_shares_are_of_what_is_shown(viewer, column):
    page = viewer.get("/statements/?pool=default", Accept="text/html").text
    assert f"SELECT name AS {column} FROM author" in page
    assert 'data-live="statements/default"' in page
    shown = viewer.get("/statements/", Accept="text/html").text
    shares = [float(number) for number in re.findall(r'class="share-cell">([\d.]+) %', shown)]
    assert 90 < sum(shares) <= 101
    assert f"SELECT name AS {column} FROM author" not in viewer.get("/statements/?pool=none", Accept="text/html").text
    assert {one["pool"] for one in viewer.get("/statements/?pool=default").get_json()["statements"]} == {"default"}
    assert viewer.get("/statements/?pool=none").get_json()["statements"] == []


def test_an_endpoint_is_told_with_its_requests_and_where_their_time_went(viewer, column):
    shown = viewer.get("/statements/").get_json()
    (one,) = (each for each in shown["endpoints"] if each["endpoint"] == f"report.{column}")
    assert (one["pool"], one["requests"], one["statements"], one["holds"], one["wait_seconds"]) == (
        "default",
        1,
        3,
        1,
        0,
    )
    assert 0 < one["statement_seconds"] < one["hold_seconds"]


def test_the_page_reads_without_javascript_and_refreshes_as_one_part(viewer, browser_client, column):
    whole = browser_client.get("/statements/")
    assert f"SELECT name AS {column} FROM author WHERE id = #" in whole.text
    assert 'aria-current="page">Statements' in whole.text
    headers = {"HX-Request": "true", "HX-Target": "div#statements"}
    part = browser_client.get("/statements/", **headers)
    assert part.text.lstrip().startswith('<div id="statements"')


@pytest.mark.parametrize("share, expected", [(0.0, 0.0), (0.25, 1.0), (0.5, 1.5), (1.0, 2.0)])
def test_a_quantile_lies_within_its_bucket(share, expected):
    assert quantile(share, [1, 2, 1, 0], (1.0, 2.0, 2.0)) == pytest.approx(expected)


def test_a_relationship_that_is_loaded_one_by_one_is_told_with_its_cure(runtime, published, script, browser_client):
    with scope("shop.slow"), sa_orm.Session(runtime.databases["default"].engine) as session:
        watched = watch_sessions(type(session))
        try:
            for book in session.scalars(sa.select(Book).limit(200)):
                assert book.author
            shown = script("viewer").get("/statements/").get_json()
            text = browser_client.get("/statements/").text
        finally:
            watched.stop()
    (found,) = (one for one in shown["n_plus_one"] if one["path"] == "Book.author")
    assert (found["endpoint"], found["cure"]) == ("shop.slow", "joinedload(Book.author)")
    assert found["stack"][0].startswith("tests/pages/test_statements.py:")
    (lazy,) = (one for one in shown["loads"] if one["path"] == "Book.author")
    assert lazy["kind"] == "lazy"
    assert lazy["count"] >= 10
    assert "joinedload(Book.author)" in text


def key_of(script, text):
    told = script("viewer").get("/statements/").get_json()["statements"]
    (one,) = (each for each in told if text in each["statement"])
    return hashlib.sha256(f"{one['pool']}\0{one['statement']}".encode()).hexdigest()[:16]


def test_a_statement_that_is_nested_too_deep_to_be_laid_out_is_shown_as_it_is():
    text = "SELECT " + "(" * 2_000 + "1" + ")" * 2_000
    assert laid_out(text) == text


def test_one_statement_opens_by_its_key_with_where_it_is_called_from(runtime, published, script, browser_client):
    with scope("statements.one"), runtime.databases["default"].engine.connect() as connection:
        connection.execute(sa.text("SELECT title FROM book WHERE id = 41"))
    key = key_of(script, "title FROM book")
    one = script("viewer").get(f"/statements/{key}").get_json()
    assert (one["key"], one["endpoints"], one["calls"]) == (key, {"statements.one": 1}, 1)
    text = browser_client.get(f"/statements/{key}").text
    assert '<span class="c-k">SELECT</span>' in text
    assert "statements.one" in text
    assert "41" not in text.partition('id="sql"')[2].partition("</pre>")[0]
    assert script("viewer").get("/statements/0123456789abcdef").status_code == 404


def test_a_select_is_explained_to_editors_and_never_executed(runtime, published, script, browser_client):
    engine = runtime.databases["default"].engine
    with engine.connect() as connection:
        connection.execute(sa.text("SELECT title FROM book WHERE id = 41"))
        connection.execute(sa.text("UPDATE book SET title = 'Emma' WHERE id = -1"))
        connection.rollback()
    key = key_of(script, "title FROM book")
    before = script("viewer").get("/pools/default").get_json()["totals"]
    plan = script("editor").post(f"/statements/{key}/plan").get_json()["plan"]
    assert plan == ["SEARCH book USING INTEGER PRIMARY KEY (rowid=?)"]
    assert plan[0] in browser_client.post(f"/statements/{key}/plan").text
    after = script("viewer").get("/pools/default").get_json()["totals"]
    assert (after["checkouts"], after["statements"]) == (before["checkouts"], before["statements"])
    assert script("viewer").post(f"/statements/{key}/plan").status_code == 403
    assert "Explain" in browser_client.get(f"/statements/{key}").text
    refused = script("editor").post(f"/statements/{key_of(script, 'UPDATE book')}/plan")
    assert (refused.status_code, refused.get_json()["error"]["code"]) == (409, "wrong_state")


def test_what_the_database_does_not_plan_without_its_values_is_told_so(runtime, published, script):
    with runtime.databases["default"].engine.connect() as connection:
        connection.execute(sa.text("CREATE TEMPORARY TABLE passing (a)"))
        connection.execute(sa.text("SELECT a FROM passing"))
    error = script("editor").post(f"/statements/{key_of(script, 'FROM passing')}/plan").get_json()["error"]
    assert error["code"] == "wrong_state"
    assert "without its values" in error["message"]
