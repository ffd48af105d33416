"""What is shown may be sent back: for every kind of column, on real databases, a value comes back as itself."""

import enum
import json
import math
import struct
import uuid
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.dialects import mysql
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from dashboard.records.columns import Column
from dashboard.records.models import Model, Models
from dashboard.records.types import MYSQL, kind_of
from dashboard.refusal import Refusal


class Colour(enum.Enum):
    red = 1
    dark_green = "dark green"


class Base(DeclarativeBase):
    pass


class Thing(Base):
    __tablename__ = "thing"
    id: Mapped[int] = mapped_column(primary_key=True)
    text: Mapped[str | None] = mapped_column(sa.String(40))
    long_text: Mapped[str | None] = mapped_column(sa.Text)
    small: Mapped[int | None] = mapped_column(sa.SmallInteger)
    integer: Mapped[int | None]
    big: Mapped[int | None] = mapped_column(sa.BigInteger)
    price: Mapped[Decimal | None] = mapped_column(sa.Numeric(10, 2))
    free: Mapped[Decimal | None] = mapped_column(sa.Numeric)
    wide: Mapped[Decimal | None] = mapped_column(sa.Numeric(30, 6))
    number: Mapped[float | None] = mapped_column(sa.Double)
    single: Mapped[float | None] = mapped_column(sa.REAL)
    flag: Mapped[bool | None]
    day: Mapped[date | None]
    clock: Mapped[time | None]
    moment: Mapped[datetime | None] = mapped_column(sa.DateTime)
    zoned: Mapped[datetime | None] = mapped_column(sa.DateTime(timezone=True))
    length: Mapped[timedelta | None]
    colour: Mapped[Colour | None]
    word: Mapped[str | None] = mapped_column(sa.Enum("a", "b c", "é", name="word"))
    token: Mapped[uuid.UUID | None]
    token_text: Mapped[str | None] = mapped_column(sa.Uuid(as_uuid=False))
    document: Mapped[dict | None] = mapped_column(sa.JSON)
    data: Mapped[bytes | None]


characters = st.characters(exclude_categories=("Cs",), exclude_characters="\0")
finite = st.floats(-1e9, 1e9).filter(lambda value: value == 0 or abs(value) > 1e-9)
documents = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | finite | st.text(characters),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(characters), inner, max_size=4),
    max_leaves=12,
)
zones = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
near = {"min_value": datetime(2, 1, 1), "max_value": datetime(9998, 12, 31)}

VALUES = {
    "text": st.text(characters, max_size=40),
    "long_text": st.text(characters),
    "small": st.integers(-(2**15), 2**15 - 1),
    "integer": st.integers(-(2**31), 2**31 - 1),
    "big": st.integers(-(2**63), 2**63 - 1),
    "price": st.decimals(Decimal("-99999999.99"), Decimal("99999999.99"), places=2),
    "free": st.decimals(-(10**6), 10**6, places=4),
    "wide": st.decimals(-(10**8), 10**8, places=6),
    "number": st.floats(allow_nan=False),
    "single": st.floats(width=32, allow_nan=False, allow_subnormal=False),
    "flag": st.booleans(),
    "day": st.dates(),
    "clock": st.times(),
    "moment": st.datetimes(),
    "length": st.timedeltas(timedelta(-700_000), timedelta(2_900_000)),
    "colour": st.sampled_from(Colour),
    "word": st.sampled_from(["a", "b c", "é"]),
    "token": st.uuids(),
    "token_text": st.uuids().map(str),
    "document": documents.filter(lambda value: value is not None),
    "data": st.binary(),
}


@pytest.fixture(scope="module", params=["sqlite", "postgresql", "mariadb"])
def engine(request: pytest.FixtureRequest) -> Iterator[sa.Engine]:
    if request.param == "sqlite":
        engine = sa.create_engine("sqlite://")
    else:
        engine = sa.create_engine(request.getfixturevalue(request.param).new_database())
    Base.metadata.create_all(engine)
    yield engine
    engine.dispose()


@pytest.fixture(scope="module")
def thing(engine: sa.Engine) -> Model:
    return Models.of_registry(Base, dialect=engine.dialect).find("Thing")


ON_MARIADB = {
    **VALUES,
    "free": st.decimals(-(10**6), 10**6, places=0),
    "number": st.floats(allow_nan=False, allow_infinity=False, allow_subnormal=False),
    "single": st.floats(width=32, allow_nan=False, allow_infinity=False, allow_subnormal=False),
    "clock": st.times().map(lambda value: value.replace(microsecond=0)),
    "moment": st.datetimes().map(lambda value: value.replace(microsecond=0)),
    "length": st.integers(-700_000 * 86_400, 2_900_000 * 86_400).map(lambda seconds: timedelta(seconds=seconds)),
    "token": st.uuids(version=4),
    "token_text": st.uuids(version=4).map(str),
}


def written(engine: sa.Engine, name: str, value: object) -> object:
    """What the database gives back."""
    with Session(engine) as session:
        obj = Thing(**{name: value})
        session.add(obj)
        session.flush()
        session.expire(obj)
        return getattr(obj, name)


def sent_back(column: Column, value: object) -> object:
    """What becomes of a value that goes out as JSON text and comes in again; and the same by a form's text."""
    shown = json.loads(json.dumps(column.format(value), allow_nan=False))
    by_form = column.parse(column.text(shown))
    assert column.format(by_form) == shown
    assert column.format(column.restore(shown)) == shown
    assert column.format(column.read(shown)) == shown
    assert column.keeps(value)
    return column.parse(shown)


def values_of(name: str, dialect: str) -> st.SearchStrategy:
    if name == "wide" and dialect != "sqlite":  # all its digits; SQLite keeps a float
        return st.decimals(-(10**23), 10**23, places=6)
    return (ON_MARIADB if dialect in MYSQL else VALUES)[name]


def same(name: str, kept: object, value: object) -> bool:
    """A single-precision column gives the shortest number that is the same to it; a float in a Numeric is rounded."""
    if name == "single":
        return struct.pack("f", kept + 0.0) == struct.pack("f", value + 0.0)
    return kept == value or (name == "free" and float(kept) == float(value))


@pytest.mark.parametrize("name", VALUES)
def test_what_is_shown_may_be_sent_back(name, engine, thing):
    column = thing.column(name)

    @settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
    @given(values_of(name, engine.dialect.name))
    def round_trip(value):
        parsed = sent_back(column, value)
        assert parsed == value
        assert type(parsed) is type(value) or isinstance(value, (dict, list))
        kept = written(engine, name, parsed)
        assert sent_back(column, kept) == kept
        assert same(name, kept, value)

    round_trip()


@given(st.datetimes(**near, timezones=zones))
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
def test_a_moment_with_an_offset_stays_that_moment(engine, thing, value):
    column = thing.column("zoned")
    if engine.dialect.name in MYSQL:
        value = value.replace(microsecond=0)
    parsed = column.parse(column.format(value))
    assert parsed == value
    kept = written(engine, "zoned", parsed)
    moment = kept if kept.tzinfo is not None else kept.replace(tzinfo=UTC)
    assert moment == value
    assert column.parse(column.format(kept)) == kept


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_numbers_without_end_travel_as_text(engine, thing, value):
    column = thing.column("number")
    shown = column.format(value)
    assert shown in ("NaN", "Infinity", "-Infinity")
    if engine.dialect.name in MYSQL or (math.isnan(value) and engine.dialect.name == "sqlite"):  # kept as NULL there
        with pytest.raises(Refusal):
            column.parse(shown)
        return
    kept = written(engine, "number", column.parse(shown))
    assert column.format(kept) == shown


TAKEN = {
    "sqlite": {"0.00000001": ["free"]},
    "postgresql": {
        "NaN": ["free", "wide", "price"],
        "Infinity": ["free"],
        "-Infinity": ["free"],
        "99999999999999999999.5": ["free", "wide"],
        "1e300": ["free"],
        "0.00000001": ["free"],
    },
    "mariadb": {"99999999999999999999.5": ["wide"]},
}
"""By database, which of the columns take a decimal; the others refuse it."""


@pytest.mark.parametrize("text", TAKEN["postgresql"])
def test_a_decimal_that_is_taken_is_kept_to_the_last_digit(engine, thing, text):
    taken = []
    for name in ("free", "wide", "price"):
        try:
            parsed = thing.column(name).parse(text)
        except Refusal:
            continue
        kept = written(engine, name, parsed)
        assert str(kept) == str(parsed) or kept == parsed
        taken.append(name)
    assert taken == TAKEN[engine.dialect.name].get(text, [])


@pytest.mark.parametrize(
    "name, text", [("clock", "10:00:00.5"), ("moment", "2026-11-22T10:00:00.000001"), ("length", "PT0.5S")]
)
def test_a_fraction_of_a_second_is_kept_or_refused_and_never_rounded(engine, thing, name, text):
    column = thing.column(name)
    if engine.dialect.name not in MYSQL:
        parsed = column.parse(text)
        assert written(engine, name, parsed) == parsed
        return
    with pytest.raises(Refusal, match="This column keeps whole seconds"):
        column.parse(text)
    exact = kind_of(mysql.DATETIME(fsp=6), engine.dialect)
    assert exact.check(datetime(2026, 1, 1, 0, 0, 0, 1)).microsecond == 1
    with pytest.raises(ValueError, match="keeps 3 digits"):
        kind_of(mysql.TIME(fsp=3), engine.dialect).check(time(10, 0, 0, 1))


def test_null_and_jsons_null_differ(engine, thing):
    column = thing.column("document")
    assert column.format(None) is None
    assert column.format(sa.JSON.NULL) == {"json": None}
    with Session(engine) as session:
        for number, given_value in enumerate([None, {"json": None}], 1):
            session.add(Thing(id=1000 + number, document=column.parse(given_value)))
        session.flush()
        nulls = session.scalars(sa.text("SELECT document IS NULL FROM thing WHERE id > 1000 ORDER BY id")).all()
    assert [bool(null) for null in nulls] == [True, False]
