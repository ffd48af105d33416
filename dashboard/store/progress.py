"""How far is a long action, for whoever asks another worker meanwhile?"""

from __future__ import annotations

import time
from dataclasses import dataclass

import sqlalchemy as sa

from .engine import Store, metadata

JOB_LENGTH = 64
KEPT_SECONDS = 3_600.0

progress_table = sa.Table(
    "poolhouse_progress",
    metadata,
    sa.Column("owner", sa.String(255), primary_key=True),
    sa.Column("job", sa.String(JOB_LENGTH), primary_key=True),
    sa.Column("at", sa.Double, nullable=False),
    sa.Column("done", sa.Integer, nullable=False),
    sa.Column("total", sa.Integer),
    sa.Column("words", sa.String(255), nullable=False),
)


@dataclass(frozen=True)
class Kept:
    """done, total: rows; total is None where nobody knows. words: what is being done. at: seconds since 1970."""

    at: float
    done: int
    total: int | None
    words: str


def keep(store: Store, owner: str, job: str, done: int, total: int | None, words: str) -> None:
    """In the place of what was said before; what is old is forgotten."""
    columns, now = progress_table.c, time.time()
    with store.writing() as connection:
        same = sa.and_(columns.owner == owner, columns.job == job)
        connection.execute(progress_table.delete().where(sa.or_(same, columns.at < now - KEPT_SECONDS)))
        row = {"owner": owner, "job": job, "at": now, "done": done, "total": total, "words": words[:255]}
        connection.execute(progress_table.insert().values(row))


def find(store: Store, owner: str, job: str) -> Kept | None:
    columns = progress_table.c
    wanted = sa.select(columns.at, columns.done, columns.total, columns.words)
    with store.reading() as connection:
        found = connection.execute(wanted.where(columns.owner == owner, columns.job == job)).first()
    return None if found is None else Kept(*found)
