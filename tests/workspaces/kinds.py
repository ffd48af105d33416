"""Mapped classes of all the kinds that neither the demo nor the shop has: inheritance, composite and natural keys,
self-references over a table between, collections of three kinds, server defaults, and columns of every kind."""

from __future__ import annotations

import datetime
import enum
import uuid
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
import sqlalchemy.orm as sa_orm
from sqlalchemy.ext.hybrid import hybrid_property
from sqlalchemy.orm import Mapped, attribute_keyed_dict, mapped_column, relationship

from tests.workspaces.shop import prepare

__all__ = ["CLASSES", "Base", "make", "prepare"]


class Base(sa_orm.DeclarativeBase):
    pass


class Mood(enum.Enum):
    calm = "c"
    wild = "w"


class Metres(sa.TypeDecorator[Decimal]):
    """A host's own type with values that JSON has no word for."""

    impl = sa.String(20)
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: sa.Dialect) -> Any:
        return None if value is None else f"{value.number} m"

    def process_result_value(self, value: Any, dialect: sa.Dialect) -> Any:
        return None if value is None else Length(int(value.split()[0]))


class Length:
    def __init__(self, number: int) -> None:
        self.number = number

    def __str__(self) -> str:
        return f"{self.number} m"


class Everything(Base):
    """A column of every kind."""

    __tablename__ = "everything"
    id: Mapped[int] = mapped_column(primary_key=True)
    whole: Mapped[int | None]
    big: Mapped[int | None] = mapped_column(sa.BigInteger)
    small: Mapped[int | None] = mapped_column(sa.SmallInteger)
    exact: Mapped[Decimal | None] = mapped_column(sa.Numeric(12, 3))
    near: Mapped[float | None]
    yes: Mapped[bool | None]
    words: Mapped[str | None] = mapped_column(sa.String(30))
    text: Mapped[str | None] = mapped_column(sa.Text)
    day: Mapped[datetime.date | None]
    clock: Mapped[datetime.time | None]
    moment: Mapped[datetime.datetime | None]
    span: Mapped[datetime.timedelta | None]
    mood: Mapped[Mood | None]
    letter: Mapped[str | None] = mapped_column(sa.Enum("a", "b", name="letter"))
    number: Mapped[uuid.UUID | None]
    blob: Mapped[bytes | None] = mapped_column(deferred=True)
    document: Mapped[Any | None] = mapped_column(sa.JSON)
    pickled: Mapped[Any | None] = mapped_column(sa.PickleType)
    length: Mapped[Any | None] = mapped_column(Metres)

    @hybrid_property
    def double(self) -> int | None:
        return None if self.whole is None else self.whole * 2


class Country(Base):
    """A natural key, with a default of the server and one that the database computes."""

    __tablename__ = "country"
    code: Mapped[str] = mapped_column(sa.String(8), primary_key=True)
    name: Mapped[str] = mapped_column(sa.String(40), server_default="nowhere")
    people: Mapped[int] = mapped_column(server_default="5")
    cities: Mapped[dict[str, City]] = relationship(
        back_populates="country", collection_class=attribute_keyed_dict("name"), cascade="all, delete-orphan"
    )
    capital: Mapped[Capital | None] = relationship(back_populates="country")


class City(Base):
    __tablename__ = "city"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(sa.String(40))
    country_code: Mapped[str] = mapped_column(sa.ForeignKey("country.code"))
    loud = sa_orm.column_property(sa.func.upper(name.column, type_=sa.String))
    country: Mapped[Country] = relationship(back_populates="cities")


class Capital(Base):
    """One to one."""

    __tablename__ = "capital"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(sa.String(40))
    country_code: Mapped[str | None] = mapped_column(sa.ForeignKey("country.code"))
    country: Mapped[Country | None] = relationship(back_populates="capital")


class Seat(Base):
    """A key of two parts, to which another table points."""

    __tablename__ = "seat"
    row: Mapped[str] = mapped_column(sa.String(8), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    broken: Mapped[bool] = mapped_column(default=False)
    tickets: Mapped[list[Ticket]] = relationship(back_populates="seat")


class Ticket(Base):
    __tablename__ = "ticket"
    __table_args__ = (sa.ForeignKeyConstraint(["seat_row", "seat_number"], ["seat.row", "seat.number"]),)
    id: Mapped[int] = mapped_column(primary_key=True)
    seat_row: Mapped[str | None] = mapped_column(sa.String(8))
    seat_number: Mapped[int | None]
    price: Mapped[int] = mapped_column(default=1)
    seat: Mapped[Seat | None] = relationship(back_populates="tickets")


friendship = sa.Table(
    "friendship",
    Base.metadata,
    sa.Column("one", sa.ForeignKey("person.id"), primary_key=True),
    sa.Column("other", sa.ForeignKey("person.id"), primary_key=True),
)


class Person(Base):
    """Joined inheritance, and a many-to-many set of itself."""

    __tablename__ = "person"
    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(sa.String(10))
    name: Mapped[str] = mapped_column(sa.String(40))
    friends: Mapped[set[Person]] = relationship(
        secondary=friendship,
        primaryjoin=lambda: Person.id == friendship.c.one,
        secondaryjoin=lambda: Person.id == friendship.c.other,
        back_populates="friend_of",
    )
    friend_of: Mapped[set[Person]] = relationship(
        secondary=friendship,
        primaryjoin=lambda: Person.id == friendship.c.other,
        secondaryjoin=lambda: Person.id == friendship.c.one,
        back_populates="friends",
    )
    __mapper_args__ = {"polymorphic_on": "kind", "polymorphic_identity": "person"}


class Manager(Person):
    __tablename__ = "manager"
    id: Mapped[int] = mapped_column(sa.ForeignKey("person.id"), primary_key=True)
    office: Mapped[str | None] = mapped_column(sa.String(20))
    team: Mapped[list[Engineer]] = relationship(back_populates="manager", foreign_keys="Engineer.manager_id")
    __mapper_args__ = {"polymorphic_identity": "manager"}


class Engineer(Person):
    __tablename__ = "engineer"
    id: Mapped[int] = mapped_column(sa.ForeignKey("person.id"), primary_key=True)
    language: Mapped[str | None] = mapped_column(sa.String(20))
    manager_id: Mapped[int | None] = mapped_column(sa.ForeignKey("manager.id"))
    manager: Mapped[Manager | None] = relationship(back_populates="team", foreign_keys=[manager_id])
    __mapper_args__ = {"polymorphic_identity": "engineer", "inherit_condition": id == Person.id}


class Vehicle(Base):
    """Single-table inheritance, with a counted version."""

    __tablename__ = "vehicle"
    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(sa.String(10))
    wheels: Mapped[int] = mapped_column(default=4)
    version: Mapped[int] = mapped_column()
    __mapper_args__ = {"polymorphic_on": "kind", "polymorphic_identity": "vehicle", "version_id_col": version}


class Truck(Vehicle):
    load: Mapped[int | None]
    trailer_id: Mapped[int | None] = mapped_column(sa.ForeignKey("vehicle.id"))
    trailer: Mapped[Vehicle | None] = relationship(remote_side=[Vehicle.id], foreign_keys=[trailer_id])
    __mapper_args__ = {"polymorphic_identity": "truck"}


class Shape(Base):
    """Concrete inheritance: each class has a table of its own."""

    __tablename__ = "shape"
    id: Mapped[int] = mapped_column(primary_key=True)
    colour: Mapped[str] = mapped_column(sa.String(20))


class Circle(Shape):
    __tablename__ = "circle"
    id: Mapped[int] = mapped_column(primary_key=True)
    colour: Mapped[str] = mapped_column(sa.String(20))
    radius: Mapped[int] = mapped_column(default=1)
    __mapper_args__ = {"concrete": True}


CLASSES = {mapper.class_.__name__: mapper.class_ for mapper in Base.registry.mappers}


def make(engine: sa.Engine) -> None:
    Base.metadata.create_all(engine)
    with sa_orm.Session(engine) as session:
        norway, mali = Country(code="no", name="Norway"), Country(code="m/l,i", name="Mali")
        session.add_all([norway, mali, City(name="Oslo", country=norway), City(name="Bergen", country=norway)])
        session.add_all([Capital(name="Oslo", country=norway), Capital(name="Bamako", country=mali)])
        first, second = Seat(row="A", number=1), Seat(row="B", number=2)
        session.add_all([first, second, Ticket(seat=first), Ticket(seat=first), Ticket()])
        boss = Manager(id=2, name="Boss", office="1")
        eve, eli = Engineer(id=3, name="Eve", manager=boss), Engineer(id=4, name="Eli")
        session.add_all([Person(id=1, name="Pat"), boss, eve, eli])
        boss.friends = {Person(id=5, name="Sam")}
        cart = Vehicle(id=1, wheels=2)
        session.add_all([cart, Truck(id=2, load=3, trailer=cart), Truck(id=3, load=1)])
        session.add_all([Shape(colour="red"), Circle(colour="blue"), Circle(colour="green", radius=2)])
        session.add_all([Everything(**FULL), Everything()])
        session.commit()
        if engine.dialect.name == "postgresql":  # whose own keys come after those that were given
            for table in ("person", "vehicle"):
                session.execute(sa.select(sa.func.setval(f"{table}_id_seq", 10)))
            session.commit()


FULL: dict[str, Any] = {
    "whole": 1,
    "big": 2**60,
    "small": -3,
    "exact": Decimal("1.250"),
    "near": 0.1,
    "yes": True,
    "words": "ä\"'\n",
    "text": "",
    "day": datetime.date(2026, 11, 22),
    "clock": datetime.time(1, 2, 3, 4),
    "moment": datetime.datetime(2026, 11, 22, 10, 0, 0, 5),
    "span": datetime.timedelta(days=1, microseconds=1),
    "mood": Mood.wild,
    "letter": "b",
    "number": uuid.UUID(int=7),
    "blob": b"\x00\xff",
    "document": {"a": [1, None, {"b": 1.5}]},
}
STRANGE: dict[str, Any] = {"pickled": {1, 2}, "length": Length(3)}
"""Values of types that no snapshot keeps."""
