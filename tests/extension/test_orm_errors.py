"""A guest tells the ORM's errors, the N+1 and the survivors of its host's requests, and leaves the answers alone."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from flask import got_request_exception, jsonify

from dashboard import Dashboard
from dashboard.config import Config
from dashboard.telemetry.merging import alone
from dashboard.telemetry.snapshot import own

FAR = Config(survivor_seconds=0.0)


@pytest.fixture
def told():
    """What this process tells of Sessions, less the counts that other tests left."""
    before = {}

    def now():
        sessions = alone(own(FAR), FAR, 0.0, None).sessions
        new = {kind: count - before.get(kind, 0) for kind, count in sessions.error_counts.items()}
        return sessions, {kind: count for kind, count in new.items() if count}

    before.update(now()[0].error_counts)
    return now


@pytest.fixture
def guest(host, shop):
    app = host(PROPAGATE_EXCEPTIONS=False)
    db = shop(app)
    with app.app_context():
        db.create_all()
        db.session.add(db.Item(name="a cup"))
        db.session.commit()
    kept = []

    @app.get("/detached")
    def detached():
        item = db.session.scalars(sa.select(db.Item)).one()
        db.session.commit()
        db.session.remove()
        return item.name

    @app.get("/handled")
    def handled():
        raise sa.exc.NoSuchTableError("x")

    @app.get("/kept")
    def keep():
        session = db.session.session_factory()
        kept.append((session, session.scalars(sa.select(db.Item)).all()))
        return jsonify(len(kept))

    @app.get("/sound")
    def sound():
        kept.append(db.session.scalars(sa.select(db.Item)).all())
        return jsonify(len(kept))

    Dashboard(app, db, url_prefix="/ops")
    yield app
    for one in kept:
        if isinstance(one, tuple):
            one[0].close()


def test_an_unhandled_error_is_told_with_its_endpoint_and_answered_as_before(guest, told):
    assert guest.test_client().get("/detached").status_code == 500
    sessions, new = told()
    assert new == {"detached": 1}
    one = sessions.errors[0]
    assert (one.endpoint, one.model, one.attribute) == ("detached", "Item", "name")
    assert "in guest.<locals>.detached" in one.line
    assert "in guest.<locals>.detached" in one.detached_at


def test_an_error_that_the_host_handles_is_its_own_affair(guest, told):
    guest.register_error_handler(sa.exc.SQLAlchemyError, lambda error: ("handled", 418))
    answer = guest.test_client().get("/handled")
    assert (answer.status_code, told()[1]) == (418, {})


def test_a_session_that_a_request_leaves_open_survives_and_flask_sqlalchemys_own_does_not(guest, told):
    client = guest.test_client()
    assert client.get("/sound").status_code == 200
    before = len(told()[0].survivors)
    assert client.get("/kept").status_code == 200
    survivors = told()[0].survivors
    assert (len(survivors) - before, survivors[0].endpoint, survivors[0].objects) == (1, "keep", 1)
    assert client.get("/sound").status_code == 200
    assert len(told()[0].survivors) == len(survivors)


def test_one_receiver_is_connected_for_this_app_and_none_where_it_is_switched_off(host, shop):
    app = host(DASHBOARD_ENABLED=False)
    Dashboard(app, shop(app), url_prefix="/ops")
    assert not list(got_request_exception.receivers_for(app))
    other = host()
    db = shop(other)
    Dashboard(other, db, url_prefix="/ops")
    assert len(list(got_request_exception.receivers_for(other))) == 1
    assert not list(got_request_exception.receivers_for(app))
