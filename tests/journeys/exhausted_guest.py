"""A host whose pool of two connections is exhausted while it answers: `gunicorn tests.journeys.exhausted_guest:app`."""

from __future__ import annotations

import os
import threading

import sqlalchemy as sa
from flask import Flask

from dashboard import create_app
from dashboard.telemetry import watch

over = threading.Event()


def shop() -> Flask:
    app = create_app()
    engine = sa.create_engine(
        "sqlite:///" + os.environ["EXHAUSTED"], pool_size=2, max_overflow=0, pool_timeout=30, pool_logging_name="guest"
    )
    watch(engine)

    def work() -> str:
        with engine.connect() as connection:  # holder and waiter
            connection.execute(sa.text("SELECT 1"))
            over.wait(60)
        return "done"

    def end() -> str:
        over.set()
        return "over"

    app.add_url_rule("/work", "work", work)
    app.add_url_rule("/end", "end", end)
    return app


app = shop()
