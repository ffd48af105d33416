"""The program behind `viewers`: a Flask app with the dashboard as guest; its own route does ten short transactions."""

from __future__ import annotations

import os
from pathlib import Path

import sqlalchemy as sa
from flask import Flask

from dashboard import Dashboard
from dashboard.telemetry import watch

FOLDER = Path(os.environ["DASHBOARD_INSTANCE"])
app = Flask(__name__)
app.config.update(DASHBOARD_INSTANCE=str(FOLDER), DASHBOARD_AUTH="none")
engine = sa.create_engine(f"sqlite:///{FOLDER.parent / 'program.db'}")
marker = sa.create_engine(f"sqlite:///{FOLDER.parent / 'marker.db'}")
watch(marker, name="marker")
Dashboard(app, engine, url_prefix="/ops")
held: list[sa.Connection] = []


@app.get("/work")
def work() -> str:
    for _ in range(10):  # each: checkout, begin, statement, commit, checkin
        with engine.begin() as connection:
            connection.execute(sa.text("SELECT 1"))
    return "done"


@app.get("/mark")
def mark() -> str:
    """A connection is taken, or given back: what the viewers look for."""
    if held:
        held.pop().close()
    else:
        held.append(marker.connect())
    return str(len(held))
