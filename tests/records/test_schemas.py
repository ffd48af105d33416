"""A reflected database with several schemas: which tables are there, under which names, and what are rows called?"""

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from dashboard.records import schemas
from dashboard.records.models import Models


@pytest.fixture
def of_schemas(postgresql):
    """Models of a PostgreSQL with a schema beside the default one, by the search path that is asked for."""
    url = sa.make_url(postgresql.new_database())
    engine = sa.create_engine(url)
    engines = [engine]
    with engine.begin() as connection:
        for statement in (
            "CREATE TABLE customer (id INTEGER PRIMARY KEY, name TEXT)",
            "CREATE SCHEMA sales",
            "CREATE TABLE sales.order_ (id INTEGER PRIMARY KEY, customer_id INTEGER REFERENCES customer (id))",
            "CREATE TABLE sales.line (id INTEGER PRIMARY KEY, order_id INTEGER REFERENCES sales.order_ (id))",
            "ALTER TABLE customer ADD COLUMN last_order_id INTEGER REFERENCES sales.order_ (id)",
            "CREATE SCHEMA closed",
            "CREATE TABLE closed.secret (id INTEGER PRIMARY KEY)",
        ):
            connection.exec_driver_sql(statement)

    def reflect(options=""):
        engines.append(sa.create_engine(url, connect_args={"options": options}))
        return engines[-1], Models.reflected(engines[-1])

    yield reflect
    for engine in engines:
        engine.dispose()


def test_a_table_outside_the_default_schema_is_called_by_its_schema(of_schemas):
    engine, models = of_schemas()
    assert {model.name for model in models} == {"customer", "sales.order_", "sales.line", "closed.secret"}
    order = models.find("sales.order_")
    assert (order.title, order.class_.__name__) == ("sales.order_", "sales.order_")
    assert {each.target for each in order.relationships} == {"customer", "sales.line"}
    customer = models.find("customer").class_
    with Session(engine) as session:
        made = order.class_(id=1, customer_by_customer_id=customer(id=1, name="Ada"))
        session.add(made)
        session.commit()
        session.get(customer, 1).last_order_id = 1
        session.commit()
        assert session.get(customer, 1).last_order is made
        line = models.find("sales.line").class_(id=1, order=made)
        session.add(line)
        session.commit()
        session.expire_all()
        assert made.line == [line]


@pytest.mark.parametrize(
    "path, names",
    [
        ("sales", {"order_", "line", "public.customer", "closed.secret"}),
        ("sales,public", {"order_", "line", "customer", "closed.secret"}),
    ],
)
def test_a_search_path_says_which_schema_needs_no_name_and_no_table_is_there_twice(of_schemas, path, names):
    _, models = of_schemas(f"-csearch_path={path}")
    assert {model.name for model in models} == names
    assert len(models.find("order_").relationships) == 3


def test_a_schema_that_this_role_may_not_use_is_left_out(of_schemas):
    engine, _ = of_schemas()
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE ROLE a_reader")
        connection.exec_driver_sql("GRANT USAGE ON SCHEMA sales TO a_reader")
    try:
        _, models = of_schemas("-crole=a_reader")
        assert {model.name for model in models} == {"customer", "sales.order_", "sales.line"}
    finally:
        with engine.begin() as connection:
            connection.exec_driver_sql("DROP OWNED BY a_reader")
            connection.exec_driver_sql("DROP ROLE a_reader")


def test_a_database_attached_to_sqlite_is_a_schema_and_its_temporary_tables_are_none(tmp_path):
    engine = sa.create_engine(f"sqlite:///{tmp_path}/main.db")

    @sa.event.listens_for(engine, "connect")
    def attach(connection, record):
        connection.execute(f"ATTACH '{tmp_path}/second.db' AS second")
        connection.execute("CREATE TEMP TABLE scratch (id INTEGER PRIMARY KEY)")

    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE book (id INTEGER PRIMARY KEY)")
        connection.exec_driver_sql("CREATE TABLE second.book (id INTEGER PRIMARY KEY, isbn VARCHAR(20) UNIQUE)")
    models = Models.reflected(engine)
    assert {model.name for model in models} == {"book", "second.book"}
    assert models.find("second.book").column("isbn").unique
    engine.dispose()


def test_a_foreign_key_that_names_the_default_schema_finds_its_table():
    """As MySQL writes them in another database of the same server."""
    metadata = sa.MetaData()
    parent = sa.Table("parent", metadata, sa.Column("id", sa.Integer, primary_key=True))
    child = sa.Table(
        "child",
        metadata,
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("parent_id", sa.Integer, sa.ForeignKey("shop.parent.id")),
        sa.Column("other_id", sa.Integer, sa.ForeignKey("shop.gone.id")),
        schema="archive",
    )
    schemas.point_home(child, "shop")
    assert [key.column for key in child.c.parent_id.foreign_keys] == [parent.c.id]
    assert [key.target_fullname for key in child.c.other_id.foreign_keys] == ["shop.gone.id"]


def test_a_row_is_called_by_its_title_or_name_where_no_text_is_unique_or_indexed():
    engine = sa.create_engine("sqlite://")
    with engine.begin() as connection:
        for statement in (
            "CREATE TABLE book (id INTEGER PRIMARY KEY, name TEXT, Title TEXT, isbn TEXT)",
            "CREATE TABLE coded (id INTEGER PRIMARY KEY, name TEXT, code TEXT UNIQUE)",
            "CREATE TABLE counted (id INTEGER PRIMARY KEY, name INTEGER, words TEXT)",
            "CREATE TABLE pointing (id INTEGER PRIMARY KEY, name TEXT REFERENCES coded (code))",
        ):
            connection.exec_driver_sql(statement)
    models = Models.reflected(engine)
    values = {"id": 1, "name": "Emma", "isbn": "978", "code": "E1", "words": "many"}
    assert models.find("book").label(values | {"Title": "A Novel"}) == "A Novel"
    assert models.find("book").label(values | {"Title": " "}) == "Emma"
    assert models.find("coded").label(values) == "E1"
    assert models.find("counted").label(values | {"name": 7}) == "1"
    assert models.find("pointing").label(values) == "1"
    engine.dispose()
