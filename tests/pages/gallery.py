"""What do the tests of forms write? A piece of every kind of column, and keys of every kind."""

from __future__ import annotations

import enum

import sqlalchemy as sa
import sqlalchemy.orm as sa_orm
from sqlalchemy.dialects import mysql

MYSQL = ("mysql", "mariadb")


class Colour(enum.Enum):
    red = 1
    dark_green = 2


class Base(sa_orm.DeclarativeBase):
    pass


def exact(length):
    """Text whose equal is the same text: MySQL's usual collations look past case, accents and trailing spaces."""
    return sa.String(length).with_variant(mysql.VARCHAR(length, collation="utf8mb4_nopad_bin"), *MYSQL)


class Piece(Base):
    __tablename__ = "piece"
    id = sa.Column(sa.Integer, primary_key=True)
    name = sa.Column(sa.String(30), nullable=False, server_default="nameless")
    text = sa.Column(sa.Text)
    small = sa.Column(sa.SmallInteger)
    number = sa.Column(sa.Integer)
    big = sa.Column(sa.BigInteger)
    price = sa.Column(sa.Numeric(12, 4))
    ratio = sa.Column(sa.Float(53))
    flag = sa.Column(sa.Boolean)
    colour = sa.Column(sa.Enum(Colour))
    day = sa.Column(sa.Date)
    clock = sa.Column(sa.Time().with_variant(mysql.TIME(fsp=6), *MYSQL))
    moment = sa.Column(sa.DateTime().with_variant(mysql.DATETIME(fsp=6), *MYSQL))
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
    word = sa.Column(exact(60), primary_key=True)
    meaning = sa.Column(sa.String(20))


class Place(Base):
    """Parts of several kinds."""

    __tablename__ = "place"
    shelf = sa.Column(exact(30), primary_key=True)
    day = sa.Column(sa.Date, primary_key=True)
    token = sa.Column(sa.Uuid, primary_key=True)
    meaning = sa.Column(sa.String(20))


class Blob(Base):
    __tablename__ = "blob"
    data = sa.Column(sa.LargeBinary(40).with_variant(mysql.VARBINARY(40), *MYSQL), primary_key=True)
    meaning = sa.Column(sa.String(20))
