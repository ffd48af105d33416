"""Which records do the tests of lists read? Small models with ties, NULLs, composite keys, inheritance, odd names."""

from __future__ import annotations

import sqlalchemy as sa
import sqlalchemy.orm as sa_orm

from dashboard.config import Config
from dashboard.records.listing import Asked, listing
from dashboard.records.models import Models
from dashboard.workspaces.sight import Sight

SECRET = "of the tests"
EVERYTHING = Sight()


class Base(sa_orm.DeclarativeBase):
    pass


class Shelf(Base):
    __tablename__ = "shelf"
    id = sa.Column(sa.Integer, primary_key=True)
    name = sa.Column(sa.String(40), unique=True)
    items = sa_orm.relationship("Item", back_populates="shelf")


class Item(Base):
    """Every sortable kind, each of which may be NULL, with few distinct values."""

    __tablename__ = "an item"
    part = sa.Column(sa.Integer, primary_key=True)
    code = sa.Column("co,de", sa.String(10), primary_key=True)
    number = sa.Column("order", sa.Integer, index=True)
    ratio = sa.Column(sa.Double)
    single = sa.Column(sa.REAL)
    price = sa.Column(sa.Numeric(12, 4))
    day = sa.Column(sa.DateTime)
    text = sa.Column(sa.Text)
    flag = sa.Column(sa.Boolean)
    secret = sa.Column(sa.String(20))
    data = sa.Column(sa.LargeBinary)
    heavy = sa_orm.deferred(sa.Column("heavy", sa.Text))
    shelf_id = sa.Column(sa.ForeignKey("shelf.id"), index=True)
    shelf = sa_orm.relationship(Shelf, back_populates="items")


class Animal(Base):
    __tablename__ = "animal"
    id = sa.Column(sa.Integer, primary_key=True)
    kind = sa.Column(sa.String(10))
    name = sa.Column(sa.String(20))
    __mapper_args__ = {"polymorphic_on": "kind", "polymorphic_identity": "animal"}


class Dog(Animal):
    __tablename__ = "dog"
    id = sa.Column(sa.ForeignKey("animal.id"), primary_key=True)
    trick = sa.Column(sa.String(20))
    __mapper_args__ = {"polymorphic_identity": "dog"}


class Cat(Animal):
    lives = sa.Column(sa.Integer)
    __mapper_args__ = {"polymorphic_identity": "cat"}


class Library:
    """The models on an engine, and the pages of their lists."""

    def __init__(self, engine, models=None, **settings):
        self.engine, self.config = engine, Config(**settings)
        self.models = models or Models.of_registry(Base, dialect=engine.dialect)

    def page(self, model, sight=EVERYTHING, **asked):
        with sa_orm.Session(self.engine) as session:
            found = self.models.find(model)
            return listing(session, found, self.models, sight, Asked(**asked), self.config, SECRET)

    def walk(self, model, between=lambda: None, **asked):
        """The rows of every page, forwards to the end, and then of every page backwards to the beginning."""
        page = self.page(model, **asked)
        forwards = list(page.rows)
        while page.after:
            between()
            page = self.page(model, after=page.after, **asked)
            forwards += page.rows
        backwards = list(page.rows)
        while page.before:
            page = self.page(model, before=page.before, **asked)
            backwards[:0] = page.rows
        return forwards, backwards

    def add(self, class_, *rows):
        """Rows of a table as they are, past the ORM."""
        with self.engine.begin() as connection:
            for row in rows:
                connection.execute(class_.__table__.insert(), row)
