"""A record's key in an address comes back exactly as it went, whatever it holds; nothing else is a key."""

import re
import uuid
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from dashboard.records import keys
from dashboard.records.models import Models
from dashboard.refusal import Refusal

texts = st.text(st.characters(exclude_categories=("Cs",)))


class Base(DeclarativeBase):
    pass


class Line(Base):
    __tablename__ = "line"
    number: Mapped[int] = mapped_column(primary_key=True)
    order: Mapped[str] = mapped_column(primary_key=True)


class Odd(Base):
    __tablename__ = "odd"
    day: Mapped[date] = mapped_column(primary_key=True)
    moment: Mapped[datetime] = mapped_column(sa.DateTime, primary_key=True)
    token: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    data: Mapped[bytes] = mapped_column(primary_key=True)
    flag: Mapped[bool] = mapped_column(primary_key=True)
    price: Mapped[Decimal] = mapped_column(sa.Numeric(10, 2), primary_key=True)
    length: Mapped[timedelta] = mapped_column(primary_key=True)
    ratio: Mapped[float] = mapped_column(primary_key=True)


sqlite = sa.create_engine("sqlite://")
models = Models.of_registry(Base, dialect=sqlite.dialect)
line, odd = models.find("Line"), models.find("Odd")


@given(st.lists(texts, min_size=1))
def test_any_text_round_trips(parts):
    key = keys.encode(parts)
    assert re.fullmatch(r"[A-Za-z0-9_~,-]+", key)
    assert list(keys.decode(key)) == parts


@given(st.lists(texts, min_size=1), st.lists(texts, min_size=1))
def test_two_keys_are_equal_only_when_their_parts_are(one, other):
    assert (keys.encode(one) == keys.encode(other)) == (one == other)


@pytest.mark.parametrize(
    "key",
    [
        "",
        "~",
        "~4",
        "~2c",
        "~41",
        "~0~0",
        "a~0",
        "a,",
        ",a",
        "a b",
        "ä",
        "~FF",
        "~C3",
        "a~",
        "a/b",
        "~5F",
        "\0",
        "a\n",
        "~00~",
        "~2D",
    ],
)
def test_a_key_that_was_never_written_is_not_found(key):
    with pytest.raises(Refusal) as refusal:
        keys.decode(key)
    assert refusal.value.code == "not_found"


@given(st.text(max_size=12))
def test_whatever_is_decoded_is_encoded_the_same(text):
    try:
        parts = keys.decode(text)
    except Refusal:
        return
    assert keys.encode(parts) == text


def test_a_comma_in_a_part_is_no_border():
    assert keys.encode(["a,b"]) != keys.encode(["a", "b"])
    assert keys.decode(keys.encode(["a,b"])) == ("a,b",)


def test_an_identity_stands_in_the_order_of_the_mapper():
    identity = keys.identity_of(line, "3,a~2Cb")
    assert identity == (3, "a,b")
    assert keys.key_of(line, identity) == "3,a~2Cb"


@pytest.mark.parametrize(
    "key", ["3", "3,a,b", "x,a", "03,a", "+3,a", "3.0,a", "true,a", "99999999999999999999,a", "~0,a", " 3,a"]
)
def test_a_key_that_no_record_of_the_model_can_have_is_not_found(key):
    with pytest.raises(Refusal) as refusal:
        keys.identity_of(line, key)
    assert refusal.value.code == "not_found"


def test_a_part_without_a_text_is_a_value_error():
    with pytest.raises(ValueError):
        keys.key_of(line, (None, "a"))
    with pytest.raises(ValueError):
        keys.key_of(line, (1, "\ud800"))
    with pytest.raises(ValueError):
        keys.key_of(line, (1,))


@given(
    st.tuples(
        st.dates(),
        st.datetimes(),
        st.uuids(),
        st.binary(),
        st.booleans(),
        st.decimals(-99999999, 99999999, places=2, allow_nan=False),
        st.timedeltas(timedelta(-700_000), timedelta(700_000)),
        st.floats(allow_nan=False, allow_infinity=False),
    )
)
def test_an_identity_of_every_kind_round_trips(identity):
    assert keys.identity_of(odd, keys.key_of(odd, identity)) == identity


def test_one_value_has_one_key():
    identity = (date(2026, 1, 1), datetime(2026, 1, 1), uuid.UUID(int=1), b"", True, Decimal("1.5"), timedelta(1), 1.0)
    other = (*identity[:5], Decimal("1.50"), timedelta(hours=24), 1.0)
    assert keys.key_of(odd, identity) == keys.key_of(odd, other)


def test_an_aware_moment_has_one_key_whatever_its_offset():
    table = sa.Table("log", sa.MetaData(), sa.Column("at", sa.DateTime(timezone=True), primary_key=True))
    from sqlalchemy.orm import registry

    class Log:
        pass

    mapping = registry()
    mapping.map_imperatively(Log, table)
    log = Models.of_registry(mapping, dialect=sa.create_mock_engine("postgresql+psycopg://", print).dialect).find("Log")
    here, there = datetime(2026, 1, 1, 12, tzinfo=UTC), datetime(2026, 1, 1, 14, tzinfo=timezone(timedelta(hours=2)))
    assert keys.key_of(log, (here,)) == keys.key_of(log, (there,))
    assert keys.identity_of(log, keys.key_of(log, (there,))) == (there,)


def test_text_with_nul_is_a_key_on_sqlite_alone():
    assert keys.identity_of(line, "1,a~00") == (1, "a\0")
    postgresql = sa.create_mock_engine("postgresql+psycopg://", print).dialect
    with pytest.raises(Refusal):
        keys.identity_of(Models.of_registry(Base, dialect=postgresql).find("Line"), "1,a~00")
