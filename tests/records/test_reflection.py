"""A database that nobody has mapped: every table has a class, and the unit of work knows the order."""

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session, configure_mappers

from dashboard.records import keys
from dashboard.records.models import Models
from dashboard.refusal import Refusal

AWKWARD = """
CREATE TABLE author (id INTEGER PRIMARY KEY, name VARCHAR(20) NOT NULL);
CREATE TABLE book (
    id INTEGER PRIMARY KEY, author_id INTEGER NOT NULL REFERENCES author (id), author TEXT, metadata TEXT
);
CREATE TABLE "order" ("select" VARCHAR(9) NOT NULL, "größe" INTEGER, "__class__" TEXT, PRIMARY KEY ("select", "größe"));
CREATE TABLE "order line, --" (
    id INTEGER PRIMARY KEY, o VARCHAR(9), g INTEGER, FOREIGN KEY (o, g) REFERENCES "order" ("select", "größe")
);
CREATE TABLE employee (
    id INTEGER PRIMARY KEY, boss_id INTEGER REFERENCES employee (id), employee TEXT, employee_by_boss_id TEXT
);
CREATE TABLE airport (id INTEGER PRIMARY KEY, name TEXT UNIQUE);
CREATE TABLE flight (
    id INTEGER PRIMARY KEY, "from" INTEGER REFERENCES airport (id), "to" INTEGER REFERENCES airport (id)
);
CREATE TABLE hen (id INTEGER PRIMARY KEY, egg_id INTEGER);
CREATE TABLE egg (id INTEGER PRIMARY KEY, hen_id INTEGER REFERENCES hen (id));
CREATE TABLE log (at TEXT, words TEXT);
CREATE TABLE setting (name VARCHAR(20) NOT NULL UNIQUE, value TEXT);
CREATE TABLE note (id INTEGER PRIMARY KEY, name VARCHAR(20) REFERENCES setting (name));
CREATE TABLE poolhouse_account (name VARCHAR(20) PRIMARY KEY)
"""
SQLITE_ONLY = """
CREATE TABLE orphan (id INTEGER PRIMARY KEY, gone_id INTEGER REFERENCES gone (id), strange FOO, typeless);
CREATE TABLE loose (id INTEGER PRIMARY KEY, author_id INTEGER REFERENCES author)
"""
POSTGRESQL_ONLY = """
ALTER TABLE hen ADD FOREIGN KEY (egg_id) REFERENCES egg (id);
CREATE SCHEMA other;
CREATE TABLE other.thing (id INTEGER PRIMARY KEY, book_id INTEGER REFERENCES book (id));
CREATE TABLE other.book (id INTEGER PRIMARY KEY, thing_id INTEGER REFERENCES other.thing (id), title TEXT);
CREATE TABLE "other.shelf" (id INTEGER PRIMARY KEY);
CREATE TABLE other.poolhouse_token (id INTEGER PRIMARY KEY);
CREATE TABLE addressed (at TSVECTOR PRIMARY KEY);
CREATE TABLE pointer (id INTEGER PRIMARY KEY, thing_id INTEGER REFERENCES other.thing (id), at INET)
"""
MARIADB_ONLY = "ALTER TABLE hen ADD FOREIGN KEY (egg_id) REFERENCES egg (id)"
IN_SCHEMAS = {"pointer", "addressed", "other.thing", "other.book", "other~2Eshelf"}


ONLY_IN = {"sqlite": SQLITE_ONLY, "postgresql": POSTGRESQL_ONLY, "mariadb": MARIADB_ONLY}
THERE = {"sqlite": {"orphan", "loose"}, "postgresql": IN_SCHEMAS, "mariadb": set()}


@pytest.fixture(scope="module", params=["sqlite", "postgresql", "mariadb"])
def engine(request):
    kind = request.param
    engine = sa.create_engine("sqlite://" if kind == "sqlite" else request.getfixturevalue(kind).new_database())
    tables = f"{AWKWARD};{ONLY_IN[kind]}"
    with engine.begin() as connection:
        if kind == "mariadb":
            connection.exec_driver_sql("SET SESSION sql_mode = 'ANSI_QUOTES'")
            connection.detach()
        for table in tables.split(";"):
            connection.exec_driver_sql(table)
    yield engine
    engine.dispose()


@pytest.fixture(scope="module")
def models(engine):
    return Models.reflected(engine)


def test_every_table_is_there_but_ours(engine, models):
    expected = {"author", "book", "order", "order~20line~2C~20--", "employee", "flight", "airport", "hen", "egg", "log"}
    expected |= {"setting", "note"} | THERE[engine.dialect.name]
    names = {model.name for model in models}
    assert {name for name in names if not name.startswith("test_")} == expected  # MariaDB shows its other databases
    assert models.find("order~20line~2C~20--").title == "order line, --"
    configure_mappers()


def test_relationships_never_take_the_name_of_a_column(models):
    for model in models:
        columns = {column.name for column in model.columns}
        names = [relationship.name for relationship in model.relationships]
        assert len(names) == len(set(names))
        assert not columns & set(names)


def test_relationships_are_named_after_the_column_and_the_table(models):
    assert {each.name: each.target for each in models.find("flight").relationships} == {
        "airport": "airport",
        "airport_by_to": "airport",
    }
    assert {each.name for each in models.find("airport").relationships} == {"flight", "flight_by_to"}
    assert {each.name for each in models.find("employee").relationships} == {"boss", "employee_by_boss_id_2"}
    assert {each.name for each in models.find("author").relationships} >= {"book"}
    assert models.find("book").relationship("author_by_author_id").back_populates == "book"


def test_a_column_whose_name_python_needs_is_called_otherwise(models):
    assert [column.name for column in models.find("order").columns] == ["select", "größe", "column___class__"]
    assert models.find("book").has_column("metadata")


def test_a_table_without_a_primary_key_is_read_only_and_says_why(models):
    assert "no primary key" in models.find("log").read_only
    assert models.find("setting").read_only is None  # its unique column tells its records apart
    assert [column.name for column in models.find("setting").key_columns] == ["name"]


def test_the_unit_of_work_sends_inserts_and_deletes_in_their_order(engine, models):
    author, book = models.find("author").class_, models.find("book").class_
    with Session(engine) as session:
        a_book, an_author = book(), author()
        a_book.id, an_author.id, an_author.name = 1, 1, "Jane"
        a_book.author_by_author_id = an_author
        session.add(a_book)
        session.flush()
        assert a_book.author_id == 1
        session.expire(an_author)
        assert an_author.book == [a_book]
        session.delete(an_author)
        session.delete(a_book)
        session.flush()
        session.rollback()


def test_deleting_a_parent_changes_no_child(engine, models):
    """The database's own rule decides: SQLAlchemy would set the children's columns NULL."""
    boss = models.find("employee").class_
    with Session(engine) as session:
        above, below = boss(), boss()
        above.id, below.id, below.boss_id = 1, 2, 1
        session.add_all([above, below])
        session.flush()
        sent = []
        sa.event.listen(engine, "before_cursor_execute", lambda *arguments: sent.append(arguments[2]))
        session.delete(above)
        try:
            session.flush()
        except sa.exc.IntegrityError:
            assert engine.dialect.name != "sqlite"
        assert not [statement for statement in sent if statement.startswith("UPDATE")]
        session.rollback()


def test_a_composite_key_with_odd_names_is_written_and_found(engine, models):
    order, line = models.find("order"), models.find("order~20line~2C~20--")
    with Session(engine) as session:
        made, its = order.class_(), line.class_()
        made.select = "a,b"
        made.größe = 3
        its.id = 1
        its.order = made
        session.add(its)
        session.flush()
        key = keys.key_of(order, sa.inspect(made).identity)
        assert key == "a~2Cb,3"
        session.expire_all()
        assert session.get(order.class_, keys.identity_of(order, key)) is made
        assert (its.o, its.g) == ("a,b", 3)
        session.rollback()


def test_reflecting_twice_gives_models_of_their_own(engine, models):
    other = Models.reflected(engine)
    assert other.find("book").class_ is not models.find("book").class_
    with pytest.raises(Refusal):
        other.of_class(models.find("book").class_)


@pytest.mark.parametrize(
    "url", ["postgresql+psycopg://nobody@127.0.0.1:1/none?connect_timeout=1", "sqlite:////no/such/folder/file.db"]
)
def test_a_database_that_is_away_is_a_refusal_without_the_drivers_words(url):
    engine = sa.create_engine(url)
    with pytest.raises(Refusal) as refusal:
        Models.reflected(engine)
    assert refusal.value.code == "database_away"
    assert refusal.value.remedy
    assert "127.0.0.1" not in refusal.value.message
    assert "folder" not in refusal.value.message


def test_a_file_that_is_no_database_is_a_refusal(tmp_path):
    (tmp_path / "text.db").write_text("no database " * 100)
    with pytest.raises(Refusal):
        Models.reflected(sa.create_engine(f"sqlite:///{tmp_path}/text.db"))


def test_an_empty_database_has_no_models(tmp_path):
    engine = sa.create_engine(f"sqlite:///{tmp_path}/empty.db")
    assert list(Models.reflected(engine)) == []
    engine.dispose()


def test_a_value_that_sqlite_keeps_in_a_column_of_another_type_is_read_as_it_is(tmp_path):
    engine = sa.create_engine(f"sqlite:///{tmp_path}/loose.db")
    with engine.begin() as connection:
        connection.exec_driver_sql(
            "CREATE TABLE loose (id INTEGER PRIMARY KEY, d DATE, t TIME, m DATETIME, n NUMERIC(10, 2), b BOOLEAN,"
            " j JSON, f FLOAT, i INTEGER, x TEXT, k BLOB)"
        )
        for row in (
            "'x', 'x', 'x', 'x', 'x', 'x', 'x', 'x', x'FF', 'x'",
            "5, 5, 5, 5, 5, '5', 5, 5, 5, 5",
            "1.5, 1.5, 1.5, 1.5, 1, '{', 1e99, 1.5, 1.5, 1.5",
        ):
            connection.exec_driver_sql(f"INSERT INTO loose (d, t, m, n, b, j, f, i, x, k) VALUES ({row})")
        connection.exec_driver_sql(
            "INSERT INTO loose (d, t, m, n, j) VALUES ('2026-01-02', '10:00:00', '2026-01-02 10:00:00', 7.5, '[1]')"
        )
    model = Models.reflected(engine).find("loose")
    with Session(engine) as session:
        for number in (1, 2, 3, 4):
            obj = session.get(model.class_, number)
            for column in model.columns:
                value = getattr(obj, column.name)
                assert column.keeps(value) or column.kind.name == "json", (column.name, value)
                assert column.format(column.read(column.format(value))) == column.format(value)
        assert session.get(model.class_, 1).m == "x"
        good = session.get(model.class_, 4)
        shown = {column.name: column.format(getattr(good, column.name)) for column in model.columns}
        assert (shown["d"], shown["t"], shown["m"]) == ("2026-01-02", "10:00:00", "2026-01-02T10:00:00")
        assert (shown["n"], shown["j"]) == ("7.50", {"json": [1]})
        good.m = model.column("m").parse("2026-01-03T10:00")
        good.n = model.column("n").parse("8.25")
        session.commit()
        assert (good.m.day, str(good.n)) == (3, "8.25")
    engine.dispose()


def test_a_table_none_of_whose_records_can_be_told_from_another_says_so(engine, models):
    assert "no primary key" in models.find("log").keyless
    assert models.find("book").keyless is None
    if engine.dialect.name == "postgresql":
        assert "address" in models.find("addressed").keyless
