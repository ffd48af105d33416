"""Mapped classes for what a database refuses: two foreign keys, narrow columns, keys that nobody makes."""

from __future__ import annotations

import datetime
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
import sqlalchemy.orm as sa_orm
from sqlalchemy.orm import Mapped, mapped_column, relationship

from dashboard.config import Config
from dashboard.records.models import Database, Models
from dashboard.store.engine import Store
from tests.workspaces.desk import Desk
from tests.workspaces.shop import prepare


class Base(sa_orm.DeclarativeBase):
    pass


class Even(sa.TypeDecorator[int]):
    """A host's own type, which takes even numbers."""

    impl = sa.Integer
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: sa.Dialect) -> Any:
        if value is not None and value % 2:
            raise ValueError(f"{value} is odd")
        return value


class Reader(Base):
    __tablename__ = "reader"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(sa.String(40))


class Shelf(Base):
    __tablename__ = "shelf"
    id: Mapped[int] = mapped_column(primary_key=True)
    places: Mapped[list[Place]] = relationship(back_populates="shelf")


class Place(Base):
    __tablename__ = "place"
    shelf_id: Mapped[int] = mapped_column(sa.ForeignKey("shelf.id"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    shelf: Mapped[Shelf] = relationship(back_populates="places")


class Loan(Base):
    __tablename__ = "loan"
    id: Mapped[int] = mapped_column(primary_key=True)
    reader_id: Mapped[int] = mapped_column(sa.ForeignKey("reader.id"))
    shelf_id: Mapped[int] = mapped_column(sa.ForeignKey("shelf.id"))
    reader: Mapped[Reader] = relationship()


class Measure(Base):
    """The database's own columns are narrower than these: `narrow` makes them so."""

    __tablename__ = "measure"
    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str | None] = mapped_column(sa.String(200))
    words: Mapped[str | None] = mapped_column(sa.String(200))
    count: Mapped[int | None]
    large: Mapped[int | None]
    price: Mapped[Decimal | None] = mapped_column(sa.Numeric(12, 2))
    weight: Mapped[float | None]
    even: Mapped[int | None] = mapped_column(Even)
    day: Mapped[datetime.date | None]
    at: Mapped[datetime.datetime | None]


class Keyless(Base):
    """Nobody makes its key."""

    __tablename__ = "keyless"
    code: Mapped[str] = mapped_column(sa.String(20), primary_key=True)
    name: Mapped[str] = mapped_column(sa.String(20))


NARROW = """alter table measure alter column title type varchar(10), alter column words type varchar(20),
alter column count type smallint, alter column price type numeric(6, 2), alter column weight type real"""


class Library(Desk):
    """A desk on these classes."""

    def __init__(self, database_url: str, store_url: str) -> None:
        self.config = Config()
        self.engine = sa.create_engine(database_url)
        prepare(self.engine)
        Base.metadata.create_all(self.engine)
        with sa_orm.Session(self.engine) as session:
            session.add_all([Reader(name="Ada"), Shelf(places=[Place(number=1)]), Measure(title="One"), Measure()])
            session.commit()
        models = Models.of_registry(Base, dialect=self.engine.dialect)
        self.maker = sa_orm.sessionmaker(self.engine)
        self.databases = {"default": Database("default", self.engine, self.maker, models)}
        self.store = Store(store_url)
        self.store.create()
        self.workers = []
        self.workspaces = self.worker()
