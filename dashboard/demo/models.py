"""What does the example shop keep? Plain SQLAlchemy models, with columns of every common kind."""

from __future__ import annotations

import enum
import uuid
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy import orm as sa_orm
from sqlalchemy.orm import Mapped, mapped_column, relationship


class UtcDateTime(sa.types.TypeDecorator[datetime]):
    """A moment with its time zone, always UTC; SQLite and MySQL keep no zone, so it is taken off and put on again."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a moment needs its time zone")
        moment = value.astimezone(UTC)
        return moment if dialect.name == "postgresql" else moment.replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Role(enum.Enum):
    reader = "reader"
    clerk = "clerk"
    manager = "manager"


class Binding(enum.Enum):
    hardback = "hardback"
    paperback = "paperback"
    ebook = "e-book"


class Status(enum.Enum):
    placed = "placed"
    packed = "packed"
    sent = "sent"
    cancelled = "cancelled"


def now() -> datetime:
    return datetime.now(UTC)


class Base(sa_orm.DeclarativeBase):
    """The base of the shop's models."""


book_tag = sa.Table(
    "book_tag",
    Base.metadata,
    sa.Column("book_id", sa.ForeignKey("book.id"), primary_key=True),
    sa.Column("tag_id", sa.ForeignKey("tag.id"), primary_key=True, index=True),
)


class User(Base):
    __tablename__ = "user"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(sa.String(80), index=True)
    email: Mapped[str] = mapped_column(sa.String(120), unique=True)
    role: Mapped[Role] = mapped_column(default=Role.reader)
    newsletter: Mapped[bool] = mapped_column(default=False)
    points: Mapped[int] = mapped_column(sa.BigInteger, default=0)
    born: Mapped[date | None]
    call_after: Mapped[time | None]
    joined_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    member: Mapped[uuid.UUID] = mapped_column(default=uuid.uuid4)
    settings: Mapped[Any | None] = mapped_column(sa.JSON)

    orders: Mapped[list[Order]] = relationship(back_populates="user")
    reviews: Mapped[list[Review]] = relationship(back_populates="user")

    def __str__(self) -> str:
        return self.name


class Author(Base):
    __tablename__ = "author"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(sa.String(80), index=True)
    country: Mapped[str | None] = mapped_column(sa.String(2))
    born: Mapped[date | None]
    biography: Mapped[str | None] = mapped_column(sa.Text)

    books: Mapped[list[Book]] = relationship(back_populates="author")

    def __str__(self) -> str:
        return self.name


class Book(Base):
    __tablename__ = "book"

    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str] = mapped_column(sa.String(200), index=True)
    author_id: Mapped[int] = mapped_column(sa.ForeignKey("author.id"), index=True)
    isbn: Mapped[str | None] = mapped_column(sa.String(13), unique=True)
    price: Mapped[Decimal] = mapped_column(sa.Numeric(10, 2), default=Decimal("0.00"))
    stock: Mapped[int] = mapped_column(default=0)
    pages: Mapped[int | None] = mapped_column(sa.SmallInteger)
    weight: Mapped[float | None]
    binding: Mapped[Binding] = mapped_column(default=Binding.paperback)
    in_print: Mapped[bool] = mapped_column(default=True)
    published: Mapped[date | None]
    reading_time: Mapped[timedelta | None]
    catalogue: Mapped[uuid.UUID] = mapped_column(default=uuid.uuid4)
    details: Mapped[Any | None] = mapped_column(sa.JSON)
    summary: Mapped[str | None] = mapped_column(sa.Text, deferred=True)
    cover: Mapped[bytes | None] = mapped_column(deferred=True)
    added_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    version: Mapped[int]

    author: Mapped[Author] = relationship(back_populates="books")
    tags: Mapped[list[Tag]] = relationship(secondary=book_tag, back_populates="books")
    reviews: Mapped[list[Review]] = relationship(back_populates="book", cascade="all, delete-orphan")

    @sa_orm.declared_attr.directive
    def __mapper_args__(cls) -> dict[str, Any]:
        return {"version_id_col": cls.__table__.c.version}

    def __str__(self) -> str:
        return self.title


class Tag(Base):
    __tablename__ = "tag"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(sa.String(40), unique=True)

    books: Mapped[list[Book]] = relationship(secondary=book_tag, back_populates="tags")

    def __str__(self) -> str:
        return self.name


class Order(Base):
    __tablename__ = "order"

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(sa.ForeignKey("user.id"), index=True)
    status: Mapped[Status] = mapped_column(default=Status.placed)
    placed_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    deliver_on: Mapped[date | None]
    deliver_after: Mapped[time | None]
    gift: Mapped[bool] = mapped_column(default=False)
    note: Mapped[str | None] = mapped_column(sa.Text)

    user: Mapped[User] = relationship(back_populates="orders")
    lines: Mapped[list[OrderLine]] = relationship(
        back_populates="order", cascade="all, delete-orphan", order_by="OrderLine.number"
    )


class OrderLine(Base):
    __tablename__ = "order_line"

    order_id: Mapped[int] = mapped_column(sa.ForeignKey("order.id"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    book_id: Mapped[int] = mapped_column(sa.ForeignKey("book.id"), index=True)
    quantity: Mapped[int] = mapped_column(default=1)
    price: Mapped[Decimal] = mapped_column(sa.Numeric(10, 2), default=Decimal("0.00"))
    discount: Mapped[float] = mapped_column(default=0.0)

    order: Mapped[Order] = relationship(back_populates="lines")
    book: Mapped[Book] = relationship()


class Review(Base):
    __tablename__ = "review"

    id: Mapped[int] = mapped_column(primary_key=True)
    book_id: Mapped[int] = mapped_column(sa.ForeignKey("book.id"), index=True)
    user_id: Mapped[int] = mapped_column(sa.ForeignKey("user.id"), index=True)
    stars: Mapped[int] = mapped_column(sa.SmallInteger, default=5)
    words: Mapped[str | None] = mapped_column(sa.Text)
    written_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)

    book: Mapped[Book] = relationship(back_populates="reviews")
    user: Mapped[User] = relationship(back_populates="reviews")
