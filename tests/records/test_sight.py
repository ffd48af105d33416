"""Is what a host hides of a subclass hidden in the lists of its base, where its rows stand too?"""

from __future__ import annotations

import sqlalchemy as sa
import sqlalchemy.orm as sa_orm

from dashboard.records.hidden import hidden_with
from dashboard.records.models import Models
from dashboard.records.sight import seen
from dashboard.workspaces.sight import Sight


class Base(sa_orm.DeclarativeBase):
    pass


class Worker(Base):
    __tablename__ = "worker"
    id = sa.Column(sa.Integer, primary_key=True)
    kind = sa.Column(sa.String(20))
    name = sa.Column(sa.String(40))
    salary = sa.Column(sa.String(40))
    wage = sa_orm.column_property(salary + "")
    __mapper_args__ = {"polymorphic_on": kind, "polymorphic_identity": "worker"}


class Chief(Worker):
    wage = sa_orm.column_property(sa.literal("much"))
    __mapper_args__ = {"polymorphic_identity": "chief"}


class Clerk(Worker):
    __mapper_args__ = {"polymorphic_identity": "clerk"}


MODELS = Models.of_registry(Base, dialect=sa.create_mock_engine("sqlite://", print).dialect)


def columns(model, **hidden):
    """What is seen of it. hidden: by a class's name, what is said to be hidden of that class alone."""
    said = {MODELS.find(name).mapper: names for name, names in hidden.items()}
    sight = Sight(hidden=lambda model: hidden_with(model.mapper, lambda mapper: said.get(mapper, ())))
    return {*seen(MODELS.find(model), MODELS, sight).columns}


def test_what_is_hidden_of_a_subclass_is_hidden_of_its_base_and_not_of_its_sister():
    assert columns("Worker", Chief=["name"]) == {"id", "kind", "salary", "wage"}
    assert columns("Clerk", Chief=["name"]) == {"id", "kind", "name", "salary", "wage"}


def test_so_is_what_the_base_alone_computes_of_it():
    assert columns("Chief", Chief=["salary"]) == {"id", "kind", "name", "wage"}
    assert columns("Worker", Chief=["salary"]) == {"id", "kind", "name"}
    assert columns("Worker", Chief=["wage"]) == {"id", "kind", "name", "salary"}


def test_a_subclass_whose_key_is_hidden_keeps_nobody_from_the_rest():
    assert columns("Worker", Chief=["id"]) == {"id", "kind", "name", "salary", "wage"}
