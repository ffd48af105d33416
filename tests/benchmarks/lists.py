"""How fast is a page of a list of a million rows in SQLite? The first, one deep inside by cursor, and a search.

usage: python -m tests.benchmarks.lists    ROWS of the table (1000000), N times each (21)
"""

from __future__ import annotations

import os
import statistics
import tempfile
import time
from pathlib import Path

import sqlalchemy as sa
import sqlalchemy.orm as sa_orm

from dashboard.config import Config
from dashboard.records.listing import Asked, listing
from dashboard.records.models import Models
from dashboard.records.search import Filter
from dashboard.workspaces.sight import Sight
from tests.benchmarks import machine

BATCH = 50_000


class Base(sa_orm.DeclarativeBase):
    pass


class Purchase(Base):
    __tablename__ = "purchase"
    id = sa.Column(sa.Integer, primary_key=True)
    buyer = sa.Column(sa.String(40), index=True)
    amount = sa.Column(sa.Numeric(10, 2))
    note = sa.Column(sa.Text)


def fill(engine: sa.Engine, rows: int) -> None:
    Base.metadata.create_all(engine)
    for first in range(0, rows, BATCH):
        made = [
            {"buyer": f"buyer {n * 7919 % rows // 10}", "amount": n % 1000, "note": f"note {n}"}
            for n in range(first, min(first + BATCH, rows))
        ]
        with engine.begin() as connection:
            connection.execute(Purchase.__table__.insert(), made)


class Lists:
    def __init__(self, engine: sa.Engine) -> None:
        self.engine, self.models = engine, Models.of_registry(Base, dialect=engine.dialect)
        self.model = self.models.find("Purchase")

    def page(self, **asked):
        with sa_orm.Session(self.engine) as session:
            config = Config(records_seconds=60.0)
            return listing(session, self.model, self.models, Sight(), Asked(**asked), config, "of the benchmark")

    def deep(self, sort: tuple[str, ...]) -> str:
        """A cursor behind which few rows are left: the page before the end, found from the other side."""
        turned = tuple(name.removeprefix("-") if name.startswith("-") else f"-{name}" for name in sort)
        last = self.page(sort=turned or ("-id",), size=500).rows[-1]
        before = ("buyer", "ge", (last.values["buyer"],)) if sort else ("id", "ge", (last.values["id"],))
        return self.page(sort=sort, filters=(Filter(*before),), size=50).after or ""


def scan(engine: sa.Engine, pattern: str) -> None:
    """What the search cannot do without: the floor."""
    with engine.connect() as connection:
        sql = "SELECT id FROM purchase WHERE buyer LIKE ? ESCAPE '/' OR note LIKE ? ESCAPE '/' ORDER BY id LIMIT 10001"
        connection.exec_driver_sql(sql, (pattern, pattern)).all()


def milliseconds(times: int, page) -> str:
    took = []
    for _ in range(times + 2):
        begun = time.perf_counter()
        page()
        took.append((time.perf_counter() - begun) * 1e3)
    return f"{statistics.median(took[2:]):.1f} ({max(took[2:]):.1f})"


def main() -> None:
    rows, times = int(os.environ.get("ROWS") or 1_000_000), int(os.environ.get("N") or 21)
    with tempfile.TemporaryDirectory() as folder:
        engine = sa.create_engine(f"sqlite:///{Path(folder) / 'lists.db'}")
        fill(engine, rows)
        lists = Lists(engine)
        print(f"{rows:,} rows, milliseconds, median of {times} (slowest); {machine.line()}\n")
        for words, sort in (("by key", ()), ("by an indexed column", ("buyer",))):
            deep = lists.deep(sort)
            print(f"first page {words}: {milliseconds(times, lambda sort=sort: lists.page(sort=sort))}")
            print(
                f"page deep inside {words}: "
                f"{milliseconds(times, lambda sort=sort, deep=deep: lists.page(sort=sort, after=deep))}"
            )
        print(f"search that finds one row: {milliseconds(5, lambda: lists.page(q=f'note {rows - 1}'))}")
        print(f"the same scan by the driver alone: {milliseconds(5, lambda: scan(engine, f'%note {rows - 1}%'))}")
        print(f"sort without an index: {milliseconds(3, lambda: lists.page(sort=('amount',)))}")
        engine.dispose()


if __name__ == "__main__":
    main()
