"""Mapped classes whose rows go along with others by ON DELETE: known by a relationship, by none, or in no class."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
import sqlalchemy.orm as sa_orm
from sqlalchemy.orm import Mapped, mapped_column, relationship

from tests.workspaces.shop import prepare

__all__ = ["Base", "make", "prepare"]


class Base(sa_orm.DeclarativeBase):
    pass


def _of(table: str, rule: str, **options: Any) -> Any:
    return mapped_column(sa.ForeignKey(f"{table}.id", ondelete=rule), **options)


class Record(Base):
    __tablename__ = "record"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(sa.String(20))
    discs: Mapped[list[Disc]] = relationship(back_populates="record", cascade="all", passive_deletes=True)


class Disc(Base):
    """Goes with its record."""

    __tablename__ = "disc"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(sa.String(20))
    record_id: Mapped[int] = _of("record", "CASCADE")
    record: Mapped[Record] = relationship(back_populates="discs")
    cuts: Mapped[list[Cut]] = relationship(cascade="all", passive_deletes=True)


class Cut(Base):
    """Goes with its disc, of which it knows nothing."""

    __tablename__ = "cut"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(sa.String(20))
    disc_id: Mapped[int] = _of("disc", "CASCADE")


class Box(Base):
    """Stays without its record."""

    __tablename__ = "box"
    id: Mapped[int] = mapped_column(primary_key=True)
    record_id: Mapped[int | None] = _of("record", "SET NULL")
    record: Mapped[Record | None] = relationship()


class Label(Base):
    """Knows its artists and bills, and none of them knows it."""

    __tablename__ = "label"
    id: Mapped[int] = mapped_column(primary_key=True)
    artists: Mapped[list[Artist]] = relationship()
    bills: Mapped[set[Bill]] = relationship(cascade="all, delete-orphan")


class Artist(Base):
    __tablename__ = "artist"
    id: Mapped[int] = mapped_column(primary_key=True)
    label_id: Mapped[int | None] = mapped_column(sa.ForeignKey("label.id"))


class Bill(Base):
    __tablename__ = "bill"
    id: Mapped[int] = mapped_column(primary_key=True)
    label_id: Mapped[int] = mapped_column(sa.ForeignKey("label.id"))


play = sa.Table(
    "play",
    Base.metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("record_id", sa.ForeignKey("record.id", ondelete="CASCADE")),
)


def make(engine: sa.Engine) -> None:
    Base.metadata.create_all(engine)
    with sa_orm.Session(engine) as session:
        for number in (1, 2):
            record = Record(id=number, name=f"record {number}")
            for each in (1, 2):
                cuts = [Cut(id=number * 10 + each, name="cut")]
                session.add(Disc(id=number * 10 + each, name=f"disc {each}", record=record, cuts=cuts))
            session.add(Box(id=number, record=record))
        session.add_all([Label(id=1, artists=[Artist(id=1)], bills={Bill(id=1)}), Artist(id=2)])
        session.commit()
        if engine.dialect.name == "postgresql":  # whose own keys come after those that were given
            session.execute(sa.select(sa.func.setval("label_id_seq", 10)))
            session.commit()
