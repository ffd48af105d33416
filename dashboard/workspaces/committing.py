"""How is a commit announced before it is sent, so that a crash leaves nobody in doubt, and kept in the history?"""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any

import sqlalchemy as sa

from ..config import Config
from ..records.models import Database
from ..refusal import Refusal
from ..store import change_sets
from ..store.change_sets import COMMITTED, UNCERTAIN, ChangeSet
from . import tape, under_way
from .live import Live
from .session import Registry

WHY = "history"
IN_DATABASE = "database"
MISSING = (
    "The history is to be kept in this database (DASHBOARD_CHANGE_SETS=database), and its table "
    "poolhouse_change_set is missing: nothing is committed without it."
)


def announce(
    live: Live, config: Config, *, process: str, at: str, author: str, note: str
) -> tuple[Mapping[str, Any], ChangeSet | None]:
    """The intent that the store keeps until the outcome is known, and the change set that goes with it. Where the
    data's own database keeps that, it is written there now, in the transaction that is about to be committed: then the
    intent has its number and token. Raises Refusal where it cannot be kept; nothing is committed then."""
    intent = {"process": process, "at": at, "actor": author, "server": under_way.server_of(live)}
    objects = live.changes.entries(live)
    if not objects:
        return intent, None
    beside = config.change_sets == IN_DATABASE
    made = ChangeSet(
        number=0,
        token=uuid.uuid4().hex,
        database=live.row.database,
        workspace=live.row.name,
        version=live.row.version,
        author=author[:255],
        at=at,
        note=note,
        outcome=COMMITTED if beside else UNCERTAIN,
        how="",
        changes=len(objects),
        models=Counter(each["model"] for each in objects),
        objects=objects,
    )
    if len(made.text) > config.change_set_bytes:
        message = f"What this commit changes takes more than {config.change_set_bytes} bytes in the history."
        raise Refusal("too_large", message, remedy="Commit in smaller parts. Everything is staged as it was.")
    if not beside:
        return intent, made
    return {**intent, "token": made.token, "change_set": _keep_beside(live, made)}, None


def _keep_beside(live: Live, made: ChangeSet) -> int:
    registry = live.registry
    with tape.because(WHY):
        connection = live.session.connection(bind_arguments={"bind": registry.main.engine})
        must_be_there(registry, connection)
        return change_sets.insert(connection, change_sets.data_table, made)


def begin_history(databases: Iterable[Database]) -> None:
    """At the start: a SQLite file gets its table, if it is there and takes it. On a server `store create` makes it;
    what is missing is told when somebody commits."""
    for database in databases:
        if database.engine.dialect.name == "sqlite" and not database.engine.dialect.is_async:
            with suppress(sa.exc.DBAPIError):
                create_in(database.engine)


def create_in(engine: sa.Engine) -> None:
    """Makes the table of change sets where it is missing."""
    change_sets.data_table.create(engine, checkfirst=True)


def must_be_there(registry: Registry, connection: sa.Connection) -> None:
    """Refusal("unavailable") where the data's own database lacks the table. Asked until it is there."""
    if registry.keeps_history:
        return
    if not sa.inspect(connection).has_table(change_sets.data_table.name):
        raise Refusal("unavailable", MISSING, remedy="`flask dashboard store create` makes it.")
    registry.keeps_history = True
