"""The demo's data is the same on every machine, is laid once, and has every common kind of column."""

import hashlib
import logging
import time

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from dashboard.demo.models import Author, Base, Book, Order, OrderLine, Tag, User
from dashboard.demo.seed import seed, tables
from dashboard.records.models import Models

DIGEST = "b1030769526a47fbd1e9228a2ba09728656b2413120ea74abe469927f4b3a69d"
"""Of all rows as SQLite keeps them. It changes only when somebody means to change the demo's data."""


def dump(engine: sa.Engine) -> str:
    with engine.connect() as connection:
        rows = [
            tuple(row)
            for table in Base.metadata.sorted_tables
            for row in connection.execute(sa.text(f'SELECT * FROM "{table.name}" ORDER BY 1, 2'))
        ]
    return hashlib.sha256(repr(rows).encode()).hexdigest()


@pytest.fixture(scope="module")
def engine(tmp_path_factory):
    engine = sa.create_engine(f"sqlite:///{tmp_path_factory.mktemp('demo')}/demo.db")
    began = time.perf_counter()
    assert seed(engine)
    logging.getLogger(__name__).warning("seeded in %.2f s", time.perf_counter() - began)
    yield engine
    engine.dispose()


def test_two_seeds_are_equal_on_every_machine(engine):
    other = sa.create_engine("sqlite://")
    seed(other)
    assert dump(other) == dump(engine) == DIGEST
    other.dispose()


def test_a_second_seed_leaves_everything_as_it_is(engine):
    before = dump(engine)
    assert not seed(engine)
    assert dump(engine) == before


def test_there_are_ten_thousand_rows_and_more():
    assert sum(len(rows) for rows in tables().values()) >= 10_000


def test_integer_keys_count_from_one(engine):
    with Session(engine) as session:
        for model in (User, Author, Book, Tag, Order):
            count = session.scalar(sa.select(sa.func.count()).select_from(model))
            assert session.execute(sa.select(sa.func.min(model.id), sa.func.max(model.id))).one() == (1, count)


def test_a_new_record_needs_no_more_than_the_contract_says(engine):
    models = Models.of_registry(Base, dialect=engine.dialect)
    assert [column.name for column in models.find("User").columns if column.required] == ["name", "email"]
    assert [column.name for column in models.find("Author").columns if column.required] == ["name"]
    assert [column.name for column in models.find("Book").columns if column.required] == ["title", "author_id"]
    with Session(engine) as session:
        book = Book(title="New", author=Author(name="Somebody"))
        session.add_all([book, User(name="Ada", email="ada@example.com")])
        session.flush()
        session.refresh(book)
        assert (book.id, book.version) == (10_001, 1)
        session.rollback()


def test_every_kind_of_column_is_there(engine):
    models = Models.of_registry(Base, dialect=engine.dialect)
    kinds = {column.kind.name for model in models for column in model.columns}
    assert kinds == {
        "text", "long text", "integer", "big integer", "numeric", "float", "boolean", "date", "time", "interval",
        "datetime with timezone", "enum", "uuid", "json", "binary",
    }  # fmt: skip
    assert any(column.nullable for column in models.find("Book").columns)
    assert models.find("Book").column("version").version
    assert [column.name for column in models.find("OrderLine").key_columns] == ["order_id", "number"]


def test_every_value_that_is_shown_may_be_sent_back(engine):
    models = Models.of_registry(Base, dialect=engine.dialect)
    with Session(engine) as session:
        for model in models:
            for obj in session.scalars(sa.select(model.class_).limit(150)):
                for column in model.columns:
                    value = getattr(obj, column.name)
                    if column.editable and not (value is None and column.kind.name == "json"):
                        assert column.parse(column.format(value)) == value


def test_the_records_have_names(engine):
    models = Models.of_registry(Base, dialect=engine.dialect)
    with Session(engine) as session:
        assert models.find("Book").label(session.get(Book, 3)) == "Emma"
        assert models.find("Author").label(session.get(Author, 1)) == "Jane Austen"
        assert models.find("OrderLine").label(session.get(OrderLine, (1, 1))) == "1,1"


def test_on_postgresql_new_keys_come_after_the_seeds(postgresql_url):
    engine = sa.create_engine(postgresql_url)
    assert seed(engine)
    assert not seed(engine)
    with Session(engine) as session:
        book = Book(title="New", author_id=1)
        session.add(book)
        session.flush()
        assert book.id == 10_001
    engine.dispose()
