"""Whose guest is Poolhouse in these tests? Flask apps made anew, with a database each."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from flask import Flask, jsonify, request
from flask_sqlalchemy import SQLAlchemy

from dashboard.runtime import Runtime


@pytest.fixture
def host(tmp_path):
    """`host(**config)`: a Flask app with a route, whose Poolhouse keeps its things in the test's folder."""
    apps = []

    def make(**config):
        app = Flask("shop", instance_path=str(tmp_path))
        app.config.update({"DASHBOARD_INSTANCE": str(tmp_path / "poolhouse"), "SECRET_KEY": "host's", **config})

        @app.route("/", methods=["GET", "POST"])
        def home():
            return jsonify(request.form)

        apps.append(app)
        return app

    yield make
    for app in apps:
        for entry in app.extensions.values():
            if isinstance(entry, Runtime):
                entry.close()


@pytest.fixture
def engine(tmp_path):
    engine = sa.create_engine(f"sqlite:///{tmp_path / 'shop.db'}")
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE item (id INTEGER PRIMARY KEY, name VARCHAR(50) NOT NULL)")
        connection.exec_driver_sql("INSERT INTO item VALUES (1, 'a cup')")
    yield engine
    engine.dispose()


@pytest.fixture
def shop(host):
    """`shop(app)`: a Flask-SQLAlchemy of this app with one model."""
    made = []

    def make(app, uri="sqlite:///shop.db", **options):
        app.config.setdefault("SQLALCHEMY_DATABASE_URI", uri)
        db = SQLAlchemy(**options)

        class Item(db.Model):
            id = sa.Column(sa.Integer, primary_key=True)
            name = sa.Column(sa.String(50), nullable=False)

        db.Item = Item
        db.init_app(app)
        made.append((app, db))
        return db

    yield make
    for app, db in made:
        with app.app_context():
            for engine in db.engines.values():
                engine.dispose()
