"""What do the tests of forms write? A piece of every kind of column, and keys of every kind."""

from __future__ import annotations

import enum

import sqlalchemy as sa
import sqlalchemy.orm as sa_orm


class Colour(enum.Enum):
    red = 1
    dark_green = 2


class Base(sa_orm.DeclarativeBase):
    pass


class Piece(Base):
    __tablename__ = "piece"
    id = sa.Column(sa.Integer, primary_key=True)
    name = sa.Column(sa.String(30), nullable=False, server_default="nameless")
    text = sa.Column(sa.Text)
    small = sa.Column(sa.SmallInteger)
    number = sa.Column(sa.Integer)
    big = sa.Column(sa.BigInteger)
    price = sa.Column(sa.Numeric(12, 4))
    ratio = sa.Column(sa.Float)
    flag = sa.Column(sa.Boolean)
    colour = sa.Column(sa.Enum(Colour))
    day = sa.Column(sa.Date)
    clock = sa.Column(sa.Time)
    moment = sa.Column(sa.DateTime)
    span = sa.Column(sa.Interval)
    token = sa.Column(sa.Uuid)
    data = sa.Column(sa.LargeBinary)
    document = sa.Column(sa.JSON)
    doubled = sa.Column(sa.Integer, sa.Computed("small + 1", persisted=True))


class Counter(Base):
    __tablename__ = "counter"
    id = sa.Column(sa.Integer, primary_key=True)
    count = sa.Column(sa.Integer, nullable=False)


class Word(Base):
    __tablename__ = "word"
    word = sa.Column(sa.String(60), primary_key=True)
    meaning = sa.Column(sa.String(20))


class Place(Base):
    """Parts of several kinds."""

    __tablename__ = "place"
    shelf = sa.Column(sa.String(30), primary_key=True)
    day = sa.Column(sa.Date, primary_key=True)
    token = sa.Column(sa.Uuid, primary_key=True)
    meaning = sa.Column(sa.String(20))


class Blob(Base):
    __tablename__ = "blob"
    data = sa.Column(sa.LargeBinary(40), primary_key=True)
    meaning = sa.Column(sa.String(20))
