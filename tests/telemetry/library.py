"""Which mapped classes have relationships of every kind? Authors, poets (a subclass), books, pages, and a tree."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy import orm as sa_orm
from sqlalchemy.orm import Mapped, mapped_column, relationship


class Library(sa_orm.DeclarativeBase):
    pass


class Author(Library):
    __tablename__ = "author"
    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(default="author")
    name: Mapped[str] = mapped_column(default="")
    biography: Mapped[str] = mapped_column(default="", deferred=True)
    books: Mapped[list[Book]] = relationship(back_populates="author")
    __mapper_args__ = {"polymorphic_on": "kind", "polymorphic_identity": "author"}


class Poet(Author):
    __tablename__ = "poet"
    id: Mapped[int] = mapped_column(sa.ForeignKey("author.id"), primary_key=True)
    verse: Mapped[str] = mapped_column(default="")
    __mapper_args__ = {"polymorphic_identity": "poet"}


class Book(Library):
    __tablename__ = "book"
    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str] = mapped_column(default="")
    author_id: Mapped[int | None] = mapped_column(sa.ForeignKey("author.id"))
    author: Mapped[Author | None] = relationship(back_populates="books")
    pages: Mapped[list[Page]] = relationship()


class Page(Library):
    __tablename__ = "page"
    id: Mapped[int] = mapped_column(primary_key=True)
    book_id: Mapped[int] = mapped_column(sa.ForeignKey("book.id"))


class Node(Library):
    __tablename__ = "node"
    id: Mapped[int] = mapped_column(primary_key=True)
    parent_id: Mapped[int | None] = mapped_column(sa.ForeignKey("node.id"))
    children: Mapped[list[Node]] = relationship()


def shelf(session: sa_orm.Session, authors: int = 12) -> None:
    """So many authors with a book of two pages each, every second one a poet; committed, and nothing of it is kept."""
    for number in range(authors):
        class_ = Poet if number % 2 else Author
        session.add(class_(name=f"author {number}", books=[Book(title=f"book {number}", pages=[Page(), Page()])]))
    session.commit()
    session.expunge_all()
