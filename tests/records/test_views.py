"""Views of a database that nobody has mapped: every row is there to be read, and none to be written."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from dashboard.records.models import Models
from tests.records.library import Library

TABLES = """
CREATE TABLE book (id INTEGER PRIMARY KEY, title VARCHAR(20), price NUMERIC(6, 2));
INSERT INTO book VALUES (1, 'Emma', 7.5), (2, 'Persuasion', 8), (3, 'Emma', 7.5), (4, NULL, 3);
CREATE VIEW title AS SELECT title, price FROM book;
CREATE VIEW total AS SELECT title, count(*) AS copies, sum(price) AS worth FROM book GROUP BY title
"""


@pytest.fixture(params=["sqlite", "postgresql", "mariadb"])
def engine(request, new_database):
    engine = sa.create_engine(new_database(request.param))
    with engine.begin() as connection:
        for statement in TABLES.split(";"):
            connection.exec_driver_sql(statement)
    yield engine
    engine.dispose()


def test_a_view_pages_to_its_end_and_back_and_equal_rows_are_each_shown(engine):
    library = Library(engine, Models.reflected(engine))
    forwards, backwards = library.walk("title", sort=("title",), size=1)
    titles = [row.values["title"] for row in forwards]
    assert sorted(titles, key=str) == ["Emma", "Emma", None, "Persuasion"]
    assert [row.values["title"] for row in backwards] == titles
    assert {row.key for row in forwards} == {None}


def test_what_a_view_computes_is_shown(engine):
    library = Library(engine, Models.reflected(engine))
    rows = library.page("total", sort=("title",)).rows
    (emma,) = (row for row in rows if row.values["title"] == "Emma")
    assert (emma.values["copies"], float(emma.values["worth"])) == (2, 15.0)


def test_a_view_is_read_only_and_says_that_it_is_one(engine):
    models = Models.reflected(engine)
    assert "It is a view" in models.find("title").read_only
    assert models.find("book").read_only is None


def test_a_materialized_view_is_a_view(postgresql_url):
    engine = sa.create_engine(postgresql_url)
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE MATERIALIZED VIEW kept AS SELECT 1 AS one")
    assert "It is a view" in Models.reflected(engine).find("kept").read_only
    engine.dispose()


@pytest.mark.parametrize("kind", ["sqlite", "mariadb"])
def test_a_view_whose_table_is_gone_hides_no_other_table(kind, new_database):
    engine = sa.create_engine(new_database(kind))
    with engine.begin() as connection:
        for statement in (*TABLES.split(";"), "CREATE TABLE other (id INTEGER PRIMARY KEY)", "DROP TABLE book"):
            connection.exec_driver_sql(statement)
    names = {model.name for model in Models.reflected(engine)}
    assert {name for name in names if not name.startswith("test_")} == {"other"}  # MariaDB shows its other databases
    engine.dispose()
