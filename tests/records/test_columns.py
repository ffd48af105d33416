"""What a column takes, its driver takes; what it does not take is refused in words, at the field."""

import enum
import pickle
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.dialects import mysql, postgresql
from sqlalchemy.ext.mutable import MutableDict
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, column_property, mapped_column

from dashboard.records.columns import Column
from dashboard.records.kinds import Opaque
from dashboard.records.models import Models
from dashboard.records.types import kind_of
from dashboard.refusal import Refusal

SQLITE = sa.create_engine("sqlite://").dialect
POSTGRESQL = sa.create_mock_engine("postgresql+psycopg://", print).dialect
MYSQL = mysql.dialect()


class Colour(enum.Enum):
    red = 1
    green = 2


class Base(DeclarativeBase):
    pass


class Point(sa.types.TypeDecorator):
    impl = sa.String(20)
    cache_ok = True

    def process_bind_param(self, value, dialect):
        return value and f"{value.x},{value.y}"

    def process_result_value(self, value, dialect):
        return value


class Utc(sa.types.TypeDecorator):
    impl = sa.DateTime
    cache_ok = True

    def process_bind_param(self, value, dialect):
        return value and value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value, dialect):
        return value and value.replace(tzinfo=UTC)


class Shouted(sa.types.TypeDecorator):
    impl = sa.String(5)
    cache_ok = True

    def process_bind_param(self, value, dialect):
        return value and value.upper()


class ColourNumber(sa.types.TypeDecorator):
    impl = sa.Integer
    cache_ok = True

    @property
    def python_type(self):
        return Colour

    def process_bind_param(self, value, dialect):
        return value and value.value

    def process_result_value(self, value, dialect):
        return value and Colour(value)


class Thing(Base):
    __tablename__ = "thing"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(sa.String(5))
    note: Mapped[str | None] = mapped_column(sa.Text, deferred=True)
    small: Mapped[int | None] = mapped_column(sa.SmallInteger)
    count: Mapped[int] = mapped_column(default=7)
    stamp: Mapped[datetime] = mapped_column(Utc, server_default=sa.func.now())
    price: Mapped[Decimal | None] = mapped_column(sa.Numeric(6, 2))
    ratio: Mapped[float | None]
    flag: Mapped[bool | None]
    colour: Mapped[Colour | None]
    painted: Mapped[Colour | None] = mapped_column(ColourNumber)
    length: Mapped[timedelta | None]
    token: Mapped[str | None] = mapped_column(sa.Uuid(as_uuid=False))
    document: Mapped[dict | None] = mapped_column(MutableDict.as_mutable(sa.JSON))
    data: Mapped[bytes | None] = mapped_column(sa.LargeBinary(4))
    point: Mapped[str | None] = mapped_column(Point)
    pickled: Mapped[object | None] = mapped_column(sa.PickleType)
    twice: Mapped[int] = mapped_column(sa.BigInteger, sa.Computed("count * 2.0"))
    version: Mapped[int] = mapped_column()
    parent_id: Mapped[int | None] = mapped_column(sa.ForeignKey("thing.id"))
    shout: Mapped[str | None] = mapped_column(Shouted)
    when: Mapped[datetime | None] = mapped_column(sa.DateTime(timezone=True))
    plain_when: Mapped[datetime | None] = mapped_column(sa.DateTime)

    __mapper_args__ = {"version_id_col": version}


Thing.half = column_property(Thing.count / 2)
thing = Models.of_registry(Base, dialect=SQLITE).find("Thing")


def refused(column: Column, value: object) -> str:
    with pytest.raises(Refusal) as refusal:
        column.parse(value)
    assert refusal.value.code == "invalid"
    assert list(refusal.value.fields) == [column.name]
    return refusal.value.fields[column.name]


@pytest.mark.parametrize(
    "name, value, words",
    [
        ("name", None, "may not be NULL"),
        ("name", 5, "Text is expected"),
        ("name", "abcdef", "At most 5 characters; these are 6"),
        ("name", "a\0", "NUL"),
        ("name", "a\ud800", "half of a surrogate pair"),
        ("name", ["a"], "Text is expected"),
        ("small", "", "leave it out, or choose NULL"),
        ("small", " ", "leave it out, or choose NULL"),
        ("count", "", "may not be left empty"),
        ("small", 2**63, "A whole number from"),
        ("small", -(2**63) - 1, "A whole number from"),
        ("small", 1.0, "A whole number is expected"),
        ("small", True, "A whole number is expected"),
        ("small", "1_000", "A whole number is expected"),
        ("small", "٣", "A whole number is expected"),
        ("small", "9" * 500, "A whole number is expected"),
        ("price", "12.345", "At most 2 digits after the point"),
        ("price", "12345.6", "At most 4 digits before the point"),
        ("price", "1e9999", "digits"),
        ("price", "1e-999999", "digits"),
        ("price", "NaN", "NaN"),
        ("price", "Infinity", "finite"),
        ("price", "a", "A decimal number is expected"),
        ("price", True, "A decimal number is expected"),
        ("ratio", "1e400", "too large"),
        ("ratio", 10**400, "too large"),
        ("ratio", "NaN", "NaN"),
        ("ratio", "0x10", "A number is expected"),
        ("flag", 1, "true or false"),
        ("flag", "maybe", "true or false"),
        ("colour", "blue", "One of these is expected: red, green"),
        ("colour", 1, "One of these"),
        ("painted", "blue", "One of these is expected: red, green"),
        ("length", "P1M", "An interval is expected"),
        ("length", "P", "An interval is expected"),
        ("length", "PT", "An interval is expected"),
        ("length", "P999999999D", "too long"),
        ("length", "P9999999D", "too long"),
        ("length", 5, "An interval is expected"),
        ("token", "0x" + "1" * 30, "A UUID is expected"),
        ("document", "{", "This is not JSON (line 1, column 2)"),
        ("document", {"a": 1}, "A JSON document is expected"),
        ("document", {"json": float("nan")}, "no NaN"),
        ("document", {"json": {"a\0": 1}}, "NUL"),
        ("document", {"json": ["\udc00"]}, "surrogate"),
        ("document", "[" * 5000, "levels"),
        ("data", "a", "Binary data is expected"),
        ("data", {"base64": 5}, "Binary data is expected"),
        ("data", {"base64": "YWJjZGU="}, "At most 4 bytes; these are 5"),
        ("point", "1,2", "cannot be written"),
        ("pickled", "1", "cannot be written"),
        ("twice", 4, "The database computes it"),
        ("version", 4, "counts the versions"),
        ("half", 4, "SQL expression"),
        ("stamp", "2026-01-01T00:00:00", "The offset is missing"),
        ("stamp", "2026-01-01T00:00:00.1234567Z", "A date and time is expected"),
        ("stamp", "0001-01-01T00:00:00+14:00", "The years 1 to 9999"),
        ("when", "0001-01-01T00:00:00+14:00", "The years 1 to 9999"),
        ("plain_when", "2026-01-01T00:00:00Z", "leave the offset out"),
        ("plain_when", "tomorrow", "A date and time is expected: 2026-11-22T10:30:00"),
        ("plain_when", 5, "A date and time is expected"),
    ],
)
def test_a_value_that_does_not_fit_is_refused_at_its_field(name, value, words):
    assert words in refused(thing.column(name), value)


@pytest.mark.parametrize(
    "name, value, expected",
    [
        ("name", "", ""),
        ("name", " a ", " a "),
        ("note", None, None),
        ("small", "12", 12),
        ("small", "+12 ", 12),
        ("price", 7.5, Decimal("7.50")),
        ("price", "7.500", Decimal("7.50")),
        ("price", 7, Decimal("7.00")),
        ("ratio", "0.5", 0.5),
        ("ratio", 2, 2.0),
        ("flag", "on", True),
        ("flag", "0", False),
        ("colour", "green", Colour.green),
        ("painted", "green", Colour.green),
        ("length", "-PT1.5S", timedelta(seconds=-1.5)),
        ("length", "P2W", timedelta(14)),
        ("token", "00000000000000000000000000000001", "00000000-0000-0000-0000-000000000001"),
        ("document", {"json": [1]}, [1]),
        ("document", "[1]", [1]),
        ("document", '{"json": {"json": 1}}', {"json": 1}),
        ("data", "YWI=", b"ab"),
        ("data", {"base64": ""}, b""),
        ("when", "2026-01-01T02:00:00+02:00", datetime(2026, 1, 1, tzinfo=UTC)),
        ("when", "2026-01-01", datetime(2026, 1, 1)),
        ("stamp", "2026-01-01T00:00Z", datetime(2026, 1, 1, tzinfo=UTC)),
    ],
)
def test_what_a_person_may_write_is_read(name, value, expected):
    parsed = thing.column(name).parse(value)
    assert parsed == expected
    assert str(parsed) == str(expected)


def test_a_column_says_what_it_is():
    assert thing.column("id").primary_key
    assert not thing.column("id").required
    assert thing.column("name").required
    assert thing.column("note").deferred
    assert (thing.column("count").default, thing.column("count").required) == ("7", False)
    assert thing.column("stamp").default
    assert thing.column("version").version
    assert not thing.column("version").required
    assert thing.column("twice").generated
    assert thing.column("parent_id").foreign_key == "thing.id"
    assert thing.column("colour").kind.choices == ("red", "green")
    assert thing.column("name").kind.length == 5
    assert [column.name for column in thing.columns if not column.editable] == [
        "point",
        "pickled",
        "twice",
        "version",
        "half",
    ]


def test_an_unknown_column_is_not_found():
    with pytest.raises(Refusal) as refusal:
        thing.column("x" * 10_000)
    assert refusal.value.code == "not_found"
    assert len(refusal.value.message) < 200


def test_a_mutable_document_is_copied():
    column, given_value = thing.column("document"), {"json": {"a": [1]}}
    parsed = column.parse(given_value)
    given_value["json"]["a"].append(2)
    assert parsed == {"a": [1]}
    obj = Thing(document=parsed)
    shown = column.format(obj.document)
    obj.document["a"].append(3)
    assert shown == {"json": {"a": [1]}}
    assert type(shown["json"]) is dict


@pytest.mark.parametrize("found", ["abc", 5, 1.5, b"\xff", float("inf"), 2**60, True, object(), pickle])
@pytest.mark.parametrize("column", thing.columns, ids=lambda column: column.name)
def test_a_value_that_does_not_belong_is_shown_as_what_it_is(column, found):
    """SQLite keeps any value in any column; a snapshot must give it back."""
    shown = column.format(found)
    if column.keeps(found):
        assert column.restore(shown) == found


class Unprintable:
    def __str__(self):
        raise RuntimeError

    __repr__ = __str__

    def __eq__(self, other):
        raise RuntimeError

    __hash__ = object.__hash__


@pytest.mark.parametrize("column", thing.columns, ids=lambda column: column.name)
def test_showing_never_raises(column):
    assert column.format(Unprintable()) == "(Unprintable)"
    assert not column.keeps(Unprintable())
    assert column.format(sa.func.now()) == "now()"
    assert not column.keeps(sa.func.now())


@pytest.mark.parametrize("column", [column for column in thing.columns if column.name not in ("name", "note", "shout")])
def test_an_empty_base_value_of_a_form_means_null(column):
    assert column.read("") is None


likely = st.sampled_from(
    [
        *("", "a", "1", "12.5", "on", "red", "2026-01-01", "2026-01-01T10:00:00Z", "P1D", "AAAA", "{}", '{"a": 1}'),
        *("0" * 32, "\0", "\ud800", "NaN", "-Infinity", "1e308", "1e-320", "9" * 30, "P9999999D"),
        "9999-12-31T23:59:59-14:00",
    ]
)
scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(exclude_categories=()))
anything = st.recursive(
    scalars | likely,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["json", "base64", "a", "\0"]), inner, max_size=2)
    ),
    max_leaves=6,
)
documents = st.fixed_dictionaries({"json": st.dictionaries(st.text(), anything, max_size=3)})


@pytest.fixture(scope="module", params=["sqlite", "postgresql", "mariadb"])
def engine(request):
    url = "sqlite://" if request.param == "sqlite" else request.getfixturevalue(request.param).new_database()
    engine = sa.create_engine(url)
    Base.metadata.create_all(engine)
    yield engine
    engine.dispose()


def test_what_parse_takes_the_driver_takes(engine):
    model = Models.of_registry(Base, dialect=engine.dialect).find("Thing")
    names = [column.name for column in model.columns if column.editable and column.name not in ("id", "parent_id")]
    taken = []

    @settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.sampled_from(names), likely | scalars | documents | anything)
    def attempt(name, value):
        column = model.column(name)
        try:
            parsed = column.parse(value)
        except Refusal:
            return
        if name == "document" and not isinstance(parsed, dict):
            return  # MutableDict's own rule
        with Session(engine) as session:
            obj = Thing(name="a")
            setattr(obj, name, parsed)
            session.add(obj)
            session.flush()
            session.expire(obj)
            shown = column.format(getattr(obj, name))
            assert column.format(column.read(shown)) == shown
        taken.append(name)

    attempt()
    assert len(taken) > 20


@pytest.mark.parametrize(
    "type_",
    [
        postgresql.INET(),
        postgresql.HSTORE(),
        postgresql.TSVECTOR(),
        postgresql.INT4RANGE(),
        postgresql.MONEY(),
        sa.types.NullType(),
        mysql.SET("a"),
        mysql.YEAR(),
        sa.ARRAY(sa.JSON),
        sa.PickleType(),
    ],
)
def test_a_type_that_is_not_known_is_shown_and_not_edited(type_):
    assert isinstance(kind_of(type_, POSTGRESQL), Opaque)
    assert kind_of(type_, POSTGRESQL).format([1]) == "[1]"


@pytest.mark.parametrize(
    "type_, dialect, name",
    [
        (sa.BigInteger().with_variant(sa.String(3), "sqlite"), SQLITE, "text"),
        (sa.BigInteger().with_variant(sa.String(3), "sqlite"), POSTGRESQL, "big integer"),
        (postgresql.DOMAIN("d", sa.Integer()), POSTGRESQL, "integer"),
        (postgresql.CITEXT(), POSTGRESQL, "long text"),
        (postgresql.INTERVAL(), POSTGRESQL, "interval"),
        (postgresql.JSONB(), POSTGRESQL, "json"),
        (postgresql.ENUM("a", name="e"), POSTGRESQL, "enum"),
        (postgresql.ARRAY(sa.Integer), POSTGRESQL, "array"),
        (postgresql.TIMESTAMP(timezone=True), POSTGRESQL, "datetime with timezone"),
        (mysql.TINYINT(), MYSQL, "integer"),
        (mysql.MEDIUMBLOB(), MYSQL, "binary"),
        (mysql.LONGTEXT(), MYSQL, "long text"),
        (sa.Float(asdecimal=True), SQLITE, "numeric"),
        (sa.Numeric(10, 2, asdecimal=False), SQLITE, "float"),
        (Utc(), SQLITE, "datetime with timezone"),
        (Shouted(), SQLITE, "text"),
        (ColourNumber(), SQLITE, "enum"),
    ],
)
def test_a_types_kind(type_, dialect, name):
    assert kind_of(type_, dialect).name == name


@pytest.mark.parametrize(
    "type_, dialect, least, most",
    [
        (sa.SmallInteger(), POSTGRESQL, -(2**15), 2**15 - 1),
        (sa.Integer(), POSTGRESQL, -(2**31), 2**31 - 1),
        (sa.BigInteger(), POSTGRESQL, -(2**63), 2**63 - 1),
        (sa.SmallInteger(), SQLITE, -(2**63), 2**63 - 1),
        (mysql.TINYINT(), MYSQL, -128, 127),
        (mysql.INTEGER(unsigned=True), MYSQL, 0, 2**32 - 1),
        (mysql.MEDIUMINT(), MYSQL, -(2**23), 2**23 - 1),
    ],
)
def test_an_integers_bounds_are_those_of_its_database(type_, dialect, least, most):
    kind = kind_of(type_, dialect)
    assert kind.check(least) == least
    assert kind.check(most) == most
    for value in (least - 1, most + 1):
        with pytest.raises(ValueError):
            kind.check(value)


@pytest.mark.parametrize("value", [[1, 2], [None], [], [[1], [2]]])
def test_an_array_travels_as_a_list(value):
    kind = kind_of(postgresql.ARRAY(sa.Integer), POSTGRESQL)
    assert kind.check(kind.read(kind.format(value))) == value
    assert kind.check(kind.read(kind.text(kind.format(value)))) == value


@pytest.mark.parametrize("value", [[[1], [2, 3]], [[]], ["a"], [2**40], {"a": 1}, "[", [[[[[[[1]]]]]]], [1, [2]]])
def test_an_array_that_the_database_does_not_take_is_refused(value):
    kind = kind_of(postgresql.ARRAY(sa.Integer), POSTGRESQL)
    with pytest.raises(ValueError):
        kind.check(kind.read(value))
