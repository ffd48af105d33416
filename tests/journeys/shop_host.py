"""Somebody's Flask app with Poolhouse as its guest, for the faults: its own route reads its own database."""

from __future__ import annotations

import logging
import os

from flask import Flask, jsonify, request
from flask_sqlalchemy import SQLAlchemy

from dashboard import Dashboard

db = SQLAlchemy()


class Item(db.Model):
    id = db.Column(db.Integer, primary_key=True)
    name = db.Column(db.String(50), nullable=False)


def create_app() -> Flask:
    app = Flask("shop")
    logging.getLogger("shop").disabled = True  # what fails of its own is its own affair
    app.config["SQLALCHEMY_DATABASE_URI"] = os.environ["SHOP_URL"]
    db.init_app(app)

    @app.route("/")
    def items():
        return jsonify(items=[item.name for item in db.session.scalars(db.select(Item))])

    @app.route("/", methods=["POST"])
    def add():
        db.session.add(Item(name=request.get_json()["name"]))
        db.session.commit()
        return jsonify(added=True), 201

    @app.route("/healthz")
    def healthz():
        return "ok\n"

    if os.environ.get("SHOP_WITHOUT_GUEST") != "1":
        Dashboard(app, db, url_prefix="/ops")
    return app
