"""A host around the standalone Poolhouse: `gunicorn tests.journeys.counted_shop:app`. Its own route reads and writes,
by an ORM and by hand, and fails now and then; the driver below it counts."""

from __future__ import annotations

import os

import sqlalchemy as sa
import sqlalchemy.orm as sa_orm
from flask import Flask

import tests.journeys.counting  # noqa: F401 - registers the plugin that DATABASE_URL names
from dashboard import create_app

Base = sa_orm.declarative_base()


class Note(Base):
    __tablename__ = "note"
    id = sa.Column(sa.Integer, primary_key=True)
    text = sa.Column(sa.Text, nullable=False)


def shop() -> Flask:
    app = create_app()
    session = app.extensions["sqlalchemy"].session

    def visit(number: int) -> tuple[str, int, dict[str, str]]:
        worker = {"X-Worker": str(os.getpid())}
        try:
            VISITS[number % len(VISITS)](session, number)
        except sa.exc.OperationalError as error:  # four workers write one SQLite file: now and then it is locked
            session.rollback()
            return type(error).__name__, 503, worker
        return "done", 200, worker

    app.add_url_rule("/shop/<int:number>", "visit", visit)
    return app


def look(session, number):
    session.scalars(sa.select(Note).order_by(Note.id.desc()).limit(5)).all()
    session.scalar(sa.select(sa.func.count()).select_from(Note))


def write(session, number):
    session.add(Note(text=f"note {number}"))
    session.commit()


def change(session, number):
    session.execute(sa.update(Note).where(Note.id == number % 50).values(text=f"changed {number}"))
    session.commit()


def think_better_of_it(session, number):
    session.add(Note(text="never"))
    session.flush()
    session.rollback()


def delete(session, number):
    session.execute(sa.delete(Note).where(Note.id == number))
    session.commit()


def go_without_saying(session, number):
    """Many rows in one call, and no commit: the end of the request rolls back."""
    session.execute(sa.insert(Note), [{"text": "a"}, {"text": "b"}])


def by_hand(session, number):
    with session.get_bind().begin() as connection:
        connection.execute(sa.text("WITH one AS (SELECT 7 AS seven) SELECT seven FROM one"))
        connection.execute(sa.text("REPLACE INTO note (id, text) VALUES (:id, 'x')"), {"id": number})


def stumble(session, number):
    session.execute(sa.text("SELECT nothing FROM nowhere"))


VISITS = (look, write, look, change, think_better_of_it, delete, go_without_saying, by_hand, stumble)
app = shop()
