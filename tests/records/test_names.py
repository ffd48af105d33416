"""A model is called so that it is told from another database's, whichever of them is away."""

import threading
import time

import pytest
import sqlalchemy as sa
from sqlalchemy import orm as sa_orm

from dashboard.records.models import Database, Models
from dashboard.records.names import LOOK_AGAIN_SECONDS, named_apart
from dashboard.refusal import Refusal
from tests.telemetry.waiting import until


class Base(sa_orm.DeclarativeBase):
    pass


class Writer(Base):
    __tablename__ = "writer"
    id = sa_orm.mapped_column(sa.Integer, primary_key=True)
    books = sa_orm.relationship("Book", back_populates="writer")


class Book(Base):
    __tablename__ = "book"
    id = sa_orm.mapped_column(sa.Integer, primary_key=True)
    writer_id = sa_orm.mapped_column(sa.ForeignKey("writer.id"))
    writer = sa_orm.relationship(Writer, back_populates="books")


class Shelf(Base):
    __tablename__ = "shelf"
    id = sa_orm.mapped_column(sa.Integer, primary_key=True)


@pytest.fixture
def database():
    """`database(name, models)`: without models, all of them."""
    engine = sa.create_engine("sqlite://")

    def make(name, models=None):
        all_of_them = Models.of_registry(Base, dialect=engine.dialect, database=name)
        return Database(name, engine, sa_orm.sessionmaker(engine), all_of_them if models is None else models)

    yield make
    engine.dispose()


def test_a_name_that_two_databases_share_has_the_databases_in_front(database):
    other = database("my shop").models
    alone = Models([model for model in other if model.name in ("Book", "Writer")])
    apart = named_apart({"default": database("default"), "my shop": database("my shop", alone)}, seconds=10)
    assert [model.name for model in apart["my shop"].models] == ["my~20shop.Book", "my~20shop.Writer"]
    assert [model.name for model in apart["default"].models] == ["Shelf", "default.Book", "default.Writer"]
    assert apart["my shop"].models.find("my~20shop.Writer").relationship("books").target == "my~20shop.Book"
    assert apart["default"].models.of_class(Book).name == "default.Book"


def test_a_database_that_is_away_hurts_only_itself_and_its_names_count_when_it_is_back(database):
    answers, now = [Refusal("database_away", "away"), database("second").models], [0.0]

    def find():
        answer = answers.pop(0)
        if isinstance(answer, Refusal):
            raise answer
        return answer

    databases = {"default": database("default"), "second": database("second", Models(find))}
    first = named_apart(databases, seconds=10, clock=lambda: now[0])["default"].models
    book = first.find("Book")
    assert first.of_class(Book) is book
    now[0] = LOOK_AGAIN_SECONDS
    until(lambda: "default.Book" in first)
    assert "Book" not in first
    assert first.of_class(Book).name == "default.Book"


def test_a_database_that_says_nothing_is_waited_for_once(database):
    answer = threading.Event()

    def find():
        answer.wait(60)
        return ()

    databases = {"default": database("default"), "second": database("second", Models(find))}
    apart = named_apart(databases, seconds=0.05)
    began = time.monotonic()
    assert [apart["default"].models.find("Book").name for _ in range(100)] == ["Book"] * 100
    assert time.monotonic() - began < 4
    answer.set()
