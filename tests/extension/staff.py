"""Of whom is more hidden than is said? A class with a subclass, a column under two names, and a foreign key."""

from __future__ import annotations

import sqlalchemy as sa
import sqlalchemy.orm as sa_orm


class Base(sa_orm.DeclarativeBase):
    pass


class Office(Base):
    __tablename__ = "office"
    id = sa.Column(sa.Integer, primary_key=True)
    town = sa.Column(sa.String(40))
    people = sa_orm.relationship("Worker", back_populates="office")


class Worker(Base):
    __tablename__ = "worker"
    id = sa.Column(sa.Integer, primary_key=True)
    kind = sa.Column(sa.String(20))
    name = sa.Column(sa.String(40))
    salary = sa.Column(sa.String(40))
    pay = sa_orm.synonym("salary")
    wage = sa_orm.column_property(sa.literal_column("''").op("||")(salary))
    office_id = sa.Column(sa.ForeignKey("office.id"))
    office = sa_orm.relationship(Office, back_populates="people")
    __mapper_args__ = {"polymorphic_on": kind, "polymorphic_identity": "worker"}


class Chief(Worker):
    __tablename__ = "chief"
    id = sa.Column(sa.ForeignKey("worker.id"), primary_key=True)
    bonus = sa.Column(sa.String(40))
    __mapper_args__ = {"polymorphic_identity": "chief"}


class Spy(Worker):
    __tablename__ = "spy"
    id = sa.Column(sa.ForeignKey("worker.id"), primary_key=True)
    cover = sa.Column(sa.String(40))
    __mapper_args__ = {"polymorphic_identity": "spy"}


class Note(Base):
    __tablename__ = "note"
    id = sa.Column(sa.Integer, primary_key=True)
    text = sa.Column(sa.String(40))
    worker_id = sa.Column(sa.ForeignKey("worker.id"))
    worker = sa_orm.relationship(Worker)

    def __str__(self):
        return f"{self.text}, who earns {self.worker.salary}"
