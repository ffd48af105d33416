"""Which model is meant by an address, and on which connection are its records read?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import sqlalchemy.orm as sa_orm

from ..records.models import Database, Model, Models
from ..refusal import Refusal
from ..runtime import current


def databases() -> Mapping[str, Database]:
    found = current().databases
    if not found or current().readers is None:
        message = "No database is looked at here, so there are no records."
        raise Refusal("unavailable", message, remedy="Start Poolhouse with a DATABASE_URL.")
    return found


def find(name: str) -> tuple[Model, Models]:
    """The model of this name, with those of its database. Another database that is away does not matter: those whose
    models are known are asked first."""
    refused = None
    for database in sorted(databases().values(), key=lambda each: not each.models.are_known):
        try:
            if name in database.models:
                return database.models.find(name), database.models
        except Refusal as refusal:
            refused = refusal
    remedy = "The page Records lists those there are."
    raise refused or Refusal("not_found", f"There is no model {name[:80]!r}.", remedy=remedy)


@contextmanager
def session(model: Model) -> Iterator[sa_orm.Session]:
    readers = current().readers
    assert readers is not None
    with readers.session(model.database) as found:
        yield found
