"""Mapped classes of every kind that a workspace must keep: the demo's, and what the demo does not have."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
import sqlalchemy.orm as sa_orm
from sqlalchemy.ext.mutable import MutableDict
from sqlalchemy.orm import Mapped, mapped_column, relationship


class Base(sa_orm.DeclarativeBase):
    pass


book_tag = sa.Table(
    "book_tag",
    Base.metadata,
    sa.Column("book_id", sa.ForeignKey("book.id"), primary_key=True),
    sa.Column("tag_id", sa.ForeignKey("tag.id"), primary_key=True),
)


class User(Base):
    __tablename__ = "user_account"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(sa.String(80))
    email: Mapped[str] = mapped_column(sa.String(120), unique=True)
    points: Mapped[int] = mapped_column(sa.CheckConstraint("points <> 666"), default=0)
    settings: Mapped[dict[str, Any] | None] = mapped_column(MutableDict.as_mutable(sa.JSON))

    def __str__(self) -> str:
        return self.name


class Author(Base):
    __tablename__ = "author"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(sa.String(80))
    books: Mapped[list[Book]] = relationship(back_populates="author")


class Book(Base):
    __tablename__ = "book"
    __table_args__ = (sa.CheckConstraint("price >= 0", name="price_not_negative"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str] = mapped_column(sa.String(200))
    author_id: Mapped[int] = mapped_column(sa.ForeignKey("author.id"))
    price: Mapped[Any] = mapped_column(sa.Numeric(10, 2), default=0)
    summary: Mapped[str | None] = mapped_column(sa.Text, deferred=True)
    version: Mapped[int]
    author: Mapped[Author] = relationship(back_populates="books")
    tags: Mapped[list[Tag]] = relationship(secondary=book_tag, back_populates="books")
    reviews: Mapped[list[Review]] = relationship(back_populates="book", cascade="all, delete-orphan")

    @sa_orm.declared_attr.directive
    def __mapper_args__(cls):
        return {"version_id_col": cls.__table__.c.version}


class Tag(Base):
    __tablename__ = "tag"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(sa.String(40), unique=True)
    books: Mapped[list[Book]] = relationship(secondary=book_tag, back_populates="tags")


class Review(Base):
    __tablename__ = "review"
    id: Mapped[int] = mapped_column(primary_key=True)
    book_id: Mapped[int] = mapped_column(sa.ForeignKey("book.id"))
    stars: Mapped[int] = mapped_column(default=5)
    book: Mapped[Book] = relationship(back_populates="reviews")


class Node(Base):
    """A tree: the table points to itself."""

    __tablename__ = "node"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(sa.String(40))
    parent_id: Mapped[int | None] = mapped_column(sa.ForeignKey("node.id"))
    parent: Mapped[Node | None] = relationship(back_populates="children", remote_side=[id])
    children: Mapped[set[Node]] = relationship(back_populates="parent")


class Line(Base):
    """A key of two parts, one of them a person's own text."""

    __tablename__ = "line"
    book_id: Mapped[int] = mapped_column(sa.ForeignKey("book.id"), primary_key=True)
    code: Mapped[str] = mapped_column(sa.String(20), primary_key=True)
    amount: Mapped[int] = mapped_column(default=1)
    book: Mapped[Book] = relationship()


CLASSES = {mapper.class_.__name__: mapper.class_ for mapper in Base.registry.mappers}


def prepare(engine: sa.Engine) -> None:
    """Foreign keys hold on SQLite too."""
    if engine.dialect.name == "sqlite":

        @sa.event.listens_for(engine, "connect")
        def connected(connection: Any, record: Any) -> None:
            connection.execute("PRAGMA foreign_keys = ON")


def make(engine: sa.Engine) -> None:
    Base.metadata.create_all(engine)
    with sa_orm.Session(engine) as session:
        ada, jane = Author(name="Ada"), Author(name="Jane")
        old, blue = Tag(name="old"), Tag(name="blue")
        emma = Book(
            title="Emma", author=jane, price=6, summary="Long.", tags=[old], reviews=[Review(stars=4), Review(stars=2)]
        )
        session.add_all([ada, jane, emma, Book(title="Notes", author=ada, price=9, tags=[old, blue])])
        session.add_all([User(name="Bob", email="bob@x", settings={"theme": "dark"}), User(name="Cy", email="cy@x")])
        root = Node(name="root")
        session.add_all([root, Node(name="leaf", parent=root)])
        session.flush()
        session.add(Line(book=emma, code="a,b", amount=2))
        session.commit()
