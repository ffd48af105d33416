"""Whatever is staged over the demo's models: is what a review tells what the commit then sends?"""

from __future__ import annotations

import uuid
from collections import Counter
from contextlib import suppress
from datetime import UTC, datetime

import pytest
import sqlalchemy as sa
import sqlalchemy.orm as sa_orm
from hypothesis import given, settings
from hypothesis import strategies as st

from dashboard.config import Config
from dashboard.demo import models as demo
from dashboard.records.models import Database, Models
from dashboard.refusal import Refusal
from dashboard.store.engine import Store
from dashboard.workspaces.registry import Workspaces
from tests.workspaces.desk import Desk
from tests.workspaces.shop import prepare
from tests.workspaces.test_review import keys_kept, still, written

NOW = datetime(2026, 1, 1, tzinfo=UTC)
MOMENT = NOW.isoformat()
CLOCKS = {  # what the demo's columns would take from the clock or at random is given, so that nothing else may differ
    "User": {"joined_at": MOMENT, "member": str(uuid.UUID(int=1))},
    "Book": {"added_at": MOMENT, "catalogue": str(uuid.UUID(int=2))},
    "Order": {"placed_at": MOMENT},
    "Review": {"written_at": MOMENT},
}
KEYS = {"User": 2, "Author": 3, "Book": 4, "Tag": 3, "Order": 2, "Review": 3}
CHANGES = {
    "User": [{"name": "Ann"}, {"points": 7}, {"email": "b2@x"}, {"email": "a1@x"}],
    "Author": [{"name": "Nn"}, {"country": "GB"}, {"books": ["1", "3"]}, {"books": []}],
    "Book": [{"title": "T"}, {"price": "1.50"}, {"author": "2"}, {"tags": ["3", "1"]}, {"tags": []}, {"reviews": []}],
    "Tag": [{"name": "t"}, {"books": ["2", "4", "1"]}, {"name": "two"}],
    "Order": [{"gift": True}, {"user": "2"}, {"lines": []}],
    "Review": [{"stars": 1}, {"book": "4"}],
}
MADE = [
    ("User", {"name": "New", "email": "n@x"}),
    ("User", {"name": "Again", "email": "a1@x"}),
    ("Author", {"name": "Fresh"}),
    ("Book", {"title": "B", "author": "1"}),
    ("Book", {"title": "C", "author": "2", "tags": ["2", "1"]}),
    ("Book", {"title": "D", "author_id": 99}),
    ("Tag", {"name": "z", "books": ["4", "1"]}),
    ("Tag", {"name": "y"}),
    ("Order", {"user": "1"}),
    ("OrderLine", {"order": "2", "number": 9, "book": "3"}),
    ("Review", {"book": "2", "user": "1", "stars": 3}),
]
MADE_FROM = 1_000  # where MariaDB's own keys begin
RECORDS = [(model, str(key)) for model, count in KEYS.items() for key in range(1, count + 1)]
STEPS = st.one_of(
    st.tuples(st.just("make"), st.integers(0, len(MADE) - 1)),
    st.sampled_from([(*record, change) for record in RECORDS for change in range(len(CHANGES[record[0]]))]),
    st.sampled_from([("delete", *record) for record in RECORDS]),
    st.just(("flush",)),
)


class Shop(Desk):
    """A desk on the demo's models, with a few rows."""

    def __init__(self, database_url, store_url):
        self.config = Config()
        self.engine = sa.create_engine(database_url)
        prepare(self.engine)
        demo.Base.metadata.create_all(self.engine)
        if self.engine.dialect.name in ("mysql", "mariadb"):
            with self.engine.begin() as connection:
                for name in ("user", "author", "book", "tag", "`order`", "review"):
                    connection.exec_driver_sql(f"ALTER TABLE {name} AUTO_INCREMENT = {MADE_FROM + 1}")
        models = Models.of_registry(demo.Base, dialect=self.engine.dialect)
        self.databases = {"default": Database("default", self.engine, sa_orm.sessionmaker(self.engine), models)}
        self.store = Store(store_url)
        self.store.create()
        self.workers = []
        self.workspaces = Workspaces(self.databases, self.store, self.config)
        self.workers.append(self.workspaces)

    def lay(self):
        """The rows anew, and an empty workspace."""
        with self.engine.begin() as connection:
            for table in reversed(demo.Base.metadata.sorted_tables):
                connection.execute(table.delete())
        with sa_orm.Session(self.engine) as session:
            users = [demo.User(id=n, name=f"U{n}", email=f"a{n}@x") for n in (1, 2)]
            authors = [demo.Author(id=n, name=f"A{n}") for n in (1, 2, 3)]
            tags = [demo.Tag(id=n, name=f"tag{n}") for n in (1, 2, 3)]
            books = [demo.Book(id=n, title=f"B{n}", author=authors[n % 3], tags=tags[: n % 4]) for n in (1, 2, 3, 4)]
            orders = [demo.Order(id=n, user=users[n - 1]) for n in (1, 2)]
            lines = [demo.OrderLine(order=orders[0], number=n, book=books[n]) for n in (1, 2)]
            reviews = [demo.Review(id=n, book=books[n % 2], user=users[0]) for n in (1, 2, 3)]
            session.add_all([*users, *authors, *tags, *books, *orders, *lines, *reviews])
            session.commit()
        with suppress(Refusal):
            self.do("discard")
        self.open()

    def step(self, step):
        with suppress(Refusal):
            if step[0] == "make":
                model, values = MADE[step[1]]
                self.make(model, **CLOCKS.get(model, {}), **values)
            elif step[0] == "delete":
                self.do("delete", self.load(step[1], step[2]))
            elif step[0] == "flush":
                self.do("flush")
            else:
                self.set(self.load(step[0], step[1]), **CHANGES[step[0]][step[2]])


@pytest.fixture
def a_shop(database_url, tmp_path):
    with Shop(database_url, f"sqlite:///{tmp_path / 'store.db'}") as made:
        yield made


def test_the_review_tells_what_the_commit_sends(a_shop):
    ended = Counter()

    @settings(max_examples=20, deadline=None)
    @given(st.lists(STEPS, min_size=1, max_size=9))
    def walk(steps):
        ended[_reviewed_and_committed(a_shop, steps)] += 1

    walk()
    assert ended["committed"] >= 0.25 * ended.total(), ended


def _reviewed(a_shop):
    before = still(a_shop.view())
    with keys_kept(a_shop):
        found = a_shop.workspaces.review("w", actor="ada")
    assert still(a_shop.view()) == before
    return found


def _reviewed_and_committed(a_shop, steps):
    a_shop.lay()
    for step in steps:
        a_shop.step(step)
    while (found := _reviewed(a_shop)).errors:
        with pytest.raises(Refusal):
            a_shop.do("commit")
        a_shop.do("undo")
    a_shop.do("commit")
    assert written(found.statements, a_shop, MADE_FROM) == written(a_shop.last()["statements"], a_shop, MADE_FROM)
    return "committed" if found.statements else "nothing to commit"
