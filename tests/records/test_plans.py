"""What does a list on an indexed sort read? An index, and about as many rows as it shows, however many there are."""

from __future__ import annotations

import json

import pytest
import sqlalchemy as sa
import sqlalchemy.orm as sa_orm

from dashboard.config import Config
from dashboard.records.editing import editable
from dashboard.records.models import Models
from tests.records.library import EVERYTHING, Library

ROWS, MAKERS, SIZE = 20_000, 5_000, 25
EQUAL = ROWS // 10
"""Rows that are the same to a sort (NULL): PostgreSQL's index has no key behind the column, so that it reads those, and
sorts them by it."""


class Base(sa_orm.DeclarativeBase):
    pass


class Maker(Base):
    __tablename__ = "maker"
    id = sa.Column(sa.Integer, primary_key=True)
    name = sa.Column(sa.String(40), unique=True)


class Part(Base):
    """Its indexes are those that a program would have: of one column, of two, of one that may be NULL."""

    __tablename__ = "part"
    id = sa.Column(sa.Integer, primary_key=True)
    name = sa.Column(sa.String(40), nullable=False, index=True)
    weight = sa.Column(sa.Integer, index=True)
    shelf = sa.Column(sa.Integer, nullable=False)
    row = sa.Column(sa.Integer, nullable=False)
    maker_id = sa.Column(sa.ForeignKey("maker.id"), nullable=False, index=True)
    __table_args__ = (sa.Index("ix_part_place", "shelf", "row"),)


SORTS = ((), ("-id",), ("name",), ("-name",), ("weight",), ("-weight",), ("shelf", "row"), ("-shelf", "-row"))


@pytest.fixture(scope="module", params=["sqlite", "postgresql", "mariadb"])
def library(request, tmp_path_factory):
    kind = request.param
    file = tmp_path_factory.mktemp("plans") / "parts.db"
    engine = sa.create_engine(f"sqlite:///{file}" if kind == "sqlite" else request.getfixturevalue(kind).new_database())
    Base.metadata.create_all(engine)
    made = [
        {"name": f"part {n * 7919 % ROWS // 3}", "weight": None if n % 10 == 0 else n % 1000, "shelf": n % 40, "row": n}
        for n in range(ROWS)
    ]
    with engine.begin() as connection:
        connection.execute(Maker.__table__.insert(), [{"id": n, "name": f"maker {n}"} for n in range(1, MAKERS + 1)])
        connection.execute(Part.__table__.insert(), [{**row, "maker_id": n % MAKERS + 1} for n, row in enumerate(made)])
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        for table in ("part", "maker"):
            connection.exec_driver_sql(f"ANALYZE TABLE {table}" if kind == "mariadb" else f"ANALYZE {table}")
    yield Library(engine, Models.of_registry(Base, dialect=engine.dialect))
    engine.dispose()


class Sent:
    """The SELECTs that went to the database meanwhile."""

    def __init__(self, engine):
        self.engine, self.statements = engine, []

    def _hear(self, connection, cursor, statement, parameters, context, executemany):
        if statement.lstrip().upper().startswith("SELECT"):
            self.statements.append((statement, parameters))

    def __enter__(self):
        sa.event.listen(self.engine, "before_cursor_execute", self._hear)
        return self

    def __exit__(self, *_):
        sa.event.remove(self.engine, "before_cursor_execute", self._hear)


def sqlites(connection, statement, parameters):
    """Its plan has no number of rows: what grows is a scan without an index, and a sort."""
    rows = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
    plan = [row.detail for row in rows]
    in_order = "WHERE" not in statement and "LIMIT" in statement  # by its key, as long as nothing is sorted
    grows = [
        each for each in plan if "TEMP B-TREE" in each or ("SCAN" in each and "USING" not in each and not in_order)
    ]
    return grows, 0


def postgresqls(connection, statement, parameters):
    (plan,) = connection.exec_driver_sql(f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}", parameters).scalar_one()
    nodes = list(_nodes(plan["Plan"]))
    grows = [each["Node Type"] for each in nodes if each["Node Type"] in ("Seq Scan", "Sort")]
    read = sum(
        (each["Actual Rows"] + each.get("Rows Removed by Filter", 0)) * each["Actual Loops"]
        for each in nodes
        if "Scan" in each["Node Type"]
    )
    return grows, read


def _nodes(node):
    yield node
    for each in node.get("Plans", ()):
        yield from _nodes(each)


def mariadbs(connection, statement, parameters):
    plan = json.loads(connection.exec_driver_sql(f"ANALYZE FORMAT=JSON {statement}", parameters).scalar_one())
    tables = list(_found(plan, "table"))
    grows = [each["access_type"] for each in tables if each["access_type"] == "ALL"]
    grows += ["filesort" for _ in _found(plan, "filesort")]
    return grows, sum((each["r_rows"] or 1) * each["r_loops"] for each in tables)  # none is counted of a constant's


def _found(value, name):
    if isinstance(value, dict):
        yield from ([value[name]] if name in value else [])
    for each in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _found(each, name)


READERS = {"sqlite": sqlites, "postgresql": postgresqls, "mariadb": mariadbs}


def pages(library, sort):
    """The first page, the next, one in the middle, and the one before that."""
    first = library.page("Part", sort=sort, size=SIZE)
    deep = first
    for _ in range(ROWS // 500 // 2):
        deep = library.page("Part", sort=sort, size=500, after=deep.after)
    yield lambda: library.page("Part", sort=sort, size=SIZE)
    yield lambda: library.page("Part", sort=sort, size=SIZE, after=first.after)
    yield lambda: library.page("Part", sort=sort, size=SIZE, after=deep.after)
    yield lambda: library.page("Part", sort=sort, size=SIZE, before=deep.before)


def check(library, statements, most):
    kind = library.engine.dialect.name
    assert statements
    with library.engine.connect() as connection:
        for statement, parameters in statements:
            grows, read = READERS[kind](connection, statement, parameters)
            assert not grows, (grows, statement)
            assert read <= most, (read, statement)


@pytest.mark.parametrize("sort", SORTS, ids=lambda sort: ",".join(sort) or "key")
def test_a_page_of_an_indexed_sort_reads_about_what_it_shows(library, sort):
    equal = EQUAL if library.engine.dialect.name == "postgresql" else 0
    for page in pages(library, sort):
        with Sent(library.engine) as sent:
            page()
        check(library, [each for each in sent.statements if "count(" not in each[0]], 2 * (SIZE + 1) + equal)


def test_a_form_reads_its_record_and_what_that_points_to(library):
    part = library.models.find("Part")
    with Sent(library.engine) as sent, sa_orm.Session(library.engine) as session:
        form = editable(session, part, library.models, EVERYTHING, str(ROWS // 2), Config())
    assert form.values["row"] == ROWS // 2 - 1
    assert form.references["maker_id"]
    check(library, sent.statements, 1)
