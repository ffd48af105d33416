"""Which mappings do admins stumble over? Hybrids, proxies, dynamic and write-only collections, computed properties,
composites, synonyms, a class that derives from another, a self-reference."""

from __future__ import annotations

import dataclasses

import sqlalchemy as sa
import sqlalchemy.orm as sa_orm
from sqlalchemy.ext.associationproxy import association_proxy
from sqlalchemy.ext.hybrid import hybrid_property


class Base(sa_orm.DeclarativeBase):
    pass


@dataclasses.dataclass
class Point:
    x: int | None
    y: int | None


class Label(Base):
    __tablename__ = "label"
    id = sa.Column(sa.Integer, primary_key=True)
    word = sa.Column(sa.String(20), nullable=False)
    plot_id = sa.Column(sa.ForeignKey("plot.id"))

    def __init__(self, word):
        self.word = word


class Plot(Base):
    """All of them at once."""

    __tablename__ = "plot"
    id = sa.Column(sa.Integer, primary_key=True)
    kind = sa.Column(sa.String(10), nullable=False, default="plot")
    first = sa.Column(sa.String(20), nullable=False)
    last = sa.Column(sa.String(20))
    x = sa.Column(sa.Integer)
    y = sa.Column(sa.Integer)
    notes = sa_orm.deferred(sa.Column(sa.Text))
    above_id = sa.Column(sa.ForeignKey("plot.id"))
    title = sa_orm.synonym("first")
    whole = sa_orm.column_property(first + " " + last)
    at = sa_orm.composite(Point, x, y)
    labels = sa_orm.relationship(Label, lazy="selectin")
    words = association_proxy("labels", "word")
    visits = sa_orm.relationship("Visit", lazy="dynamic", back_populates="plot")
    logs: sa_orm.WriteOnlyMapped[Log] = sa_orm.relationship("Log", passive_deletes=True)
    above = sa_orm.relationship("Plot", remote_side=[id], back_populates="below")
    below = sa_orm.relationship("Plot", back_populates="above")
    __mapper_args__ = {"polymorphic_on": kind, "polymorphic_identity": "plot"}

    @hybrid_property
    def size(self):
        return self.x * self.y

    @hybrid_property
    def shout(self):
        return self.first.upper()

    @shout.inplace.expression
    @classmethod
    def _shout(cls):
        return sa.func.upper(cls.first)


class Garden(Plot):
    __tablename__ = "garden"
    id = sa.Column(sa.ForeignKey("plot.id"), primary_key=True)
    flowers = sa.Column(sa.Integer)
    __mapper_args__ = {"polymorphic_identity": "garden"}


class Visit(Base):
    __tablename__ = "visit"
    id = sa.Column(sa.Integer, primary_key=True)
    plot_id = sa.Column(sa.ForeignKey("plot.id"))
    plot = sa_orm.relationship(Plot, back_populates="visits")


class Log(Base):
    __tablename__ = "log"
    id = sa.Column(sa.Integer, primary_key=True)
    plot_id = sa.Column(sa.ForeignKey("plot.id", ondelete="CASCADE"))
