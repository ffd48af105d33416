"""A desk with its history: what was committed there, and its undoing."""

from __future__ import annotations

import sqlalchemy as sa

from dashboard.workspaces.history import History
from dashboard.workspaces.reading import Readers
from dashboard.workspaces.registry import EVERYTHING
from tests.workspaces import shop
from tests.workspaces.desk import Desk


def rows_of(engine, metadata):
    """All rows of all tables, without the counters of versions."""
    with engine.connect() as connection:
        return {
            table.name: sorted(
                str(tuple(row)) for row in connection.execute(sa.select(*(c for c in table.c if c.name != "version")))
            )
            for table in metadata.sorted_tables
        }


class Archive(Desk):
    """A desk with its history."""

    def __init__(self, *urls, world=shop, **options):
        super().__init__(*urls, world=world, **options)
        self.world = world
        self.readers = Readers(self.databases, self.workspaces, self.config)
        self.history = History(self.databases, self.store, self.workspaces, self.readers, self.config)

    def __exit__(self, *error):
        self.readers.close()
        super().__exit__(*error)

    def lines(self, sight=EVERYTHING, actor="ada", **options):
        return self.history.lines(sight, actor, **options)[0]

    def show(self, number, sight=EVERYTHING, actor="ada"):
        return self.history.show(number, sight, actor)

    def undo(self, number, sight=EVERYTHING, actor="ada"):
        return self.history.undo(number, sight, actor)

    def commit(self, name="w", **arguments):
        return self.workspaces.act(name, "commit", arguments, actor="ada").view.change_set

    def table(self):
        return rows_of(self.engine, self.world.Base.metadata)
