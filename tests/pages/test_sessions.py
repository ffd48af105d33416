"""The page Sessions: who has one, since when, what went wrong in it, and which outlived their request."""

import pytest
import sqlalchemy as sa
from sqlalchemy import orm as sa_orm

from dashboard.demo.models import Author, Tag
from dashboard.telemetry import scope, watch_sessions
from tests.journeys.waiting import until


@pytest.fixture
def maker(runtime, published):
    made = sa_orm.sessionmaker(runtime.databases["default"].engine)
    watched = watch_sessions(made, registry="shop")
    yield made
    watched.stop()


def told(script, **wanted):
    live = script("viewer").get("/sessions/").get_json()["live"]
    return [one for one in live if wanted.items() <= one.items()]


def test_a_session_is_told_with_its_endpoint_its_line_and_its_transaction(maker, script):
    with scope("shop.page"), maker() as session:
        kept = session.get(Author, 1)
        (one,) = told(script, registry="shop")
        assert kept is not None
        assert (one["endpoint"], one["state"], one["connection"]) == ("shop.page", "in_transaction", True)
        assert one["line"].startswith("tests/pages/test_sessions.py:")
        assert one["identity_map"] == 1


def test_a_session_that_needs_a_rollback_names_its_first_error_and_never_a_value(maker, script, browser_client):
    with maker() as session:
        session.add_all([Tag(name="twice-a-secret"), Tag(name="twice-a-secret")])
        with pytest.raises(sa.exc.IntegrityError):
            session.flush()
        (one,) = told(script, registry="shop", state="needs_rollback")
        assert one["error"]["error"] == "IntegrityError"
        assert one["error"]["line"].startswith("tests/pages/test_sessions.py:")
        text = browser_client.get("/sessions/").text
        assert "needs a rollback" in text
        assert "IntegrityError" in text
        assert "secret" not in text
        session.rollback()


def test_a_session_that_outlives_its_request_is_told(maker, script, browser_client):
    session = maker()
    with scope("shop.leaves"):
        kept = session.get(Author, 1)
    (one,) = until(lambda: told(script, registry="shop", survived=True), what="the survivor")
    assert kept in session
    assert one["endpoint"] == "shop.leaves"
    assert "Sessions that outlived their request" in browser_client.get("/sessions/").text
    session.close()
