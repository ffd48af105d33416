"""One database, one store, and any number of workers on them; with a workspace that a test acts on."""

from __future__ import annotations

from contextlib import AbstractContextManager

import sqlalchemy as sa
import sqlalchemy.orm as sa_orm

from dashboard.config import Config
from dashboard.records.models import Database, Models
from dashboard.store.engine import Store
from dashboard.workspaces.registry import Workspaces
from tests.workspaces import shop


def as_staged(view):
    """The objects, without what is told of others: a failed action may have learned that."""
    return [{**each, "elsewhere": None} for each in view.objects]


class Desk(AbstractContextManager):
    def __init__(self, database_url, store_url, *, config=None, make=True, world=shop, **engine_options):
        self.config = config or Config()
        self.engine = sa.create_engine(database_url, **engine_options)
        world.prepare(self.engine)
        if make:
            world.make(self.engine)
        self.maker = sa_orm.sessionmaker(self.engine)
        models = Models.of_registry(world.Base, dialect=self.engine.dialect)
        self.databases = {"default": Database("default", self.engine, self.maker, models)}
        self.store = Store(store_url)
        if make:
            self.store.create()
        self.workers = []
        self.workspaces = self.worker()

    def worker(self, **options):
        made = Workspaces(self.databases, self.store, self.config, **options)
        self.workers.append(made)
        return made

    def __exit__(self, *error):
        for worker in self.workers:
            worker.close()
        self.store.engine.dispose()
        self.engine.dispose()

    # a workspace named w, by short words

    def open(self, **options):
        return self.workspaces.open("w", "ada", **options)

    def do(self, verb, ref=None, *, by=None, version=None, sight=None, **arguments):
        if ref is not None:
            arguments["ref"] = ref
        options = {} if sight is None else {"sight": sight}
        return (by or self.workspaces).act("w", verb, arguments, actor="ada", version=version, **options)

    def make(self, model, *, add=True, **values):
        return self.do("objects", model=model, values=values, add=add).ref

    def load(self, model, key):
        return self.do("load", model=model, key=str(key)).ref

    def set(self, ref, **values):
        return self.do("values", ref, values=values)

    def view(self):
        return self.workspaces.view("w")

    def __getitem__(self, ref):
        return self.view().object(ref)

    def badge(self, ref):
        return self[ref]["badge"]

    def last(self):
        return self.view().tape[-1]

    def sql(self):
        """The first words of each statement of the last action, without those that are ours."""
        words = [each["sql"].split() for each in self.last()["statements"]]
        return [" ".join(each[: 3 if each[0] == "INSERT" else 2]).rstrip(",") for each in words]

    def forget(self):
        """As if the worker had been started anew: every live Session goes, what is kept stays."""
        self.workspaces.close()
        self.workers.remove(self.workspaces)
        self.workspaces = self.worker()

    def rows(self, statement, **parameters):
        with self.engine.connect() as connection:
            return connection.execute(sa.text(statement), parameters).all()
