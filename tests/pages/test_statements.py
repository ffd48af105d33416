"""The page Statements: what takes the database's time, from the same numbers as the metrics."""

import itertools

import pytest
import sqlalchemy as sa
from sqlalchemy import orm as sa_orm

from dashboard.demo.models import Book
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
