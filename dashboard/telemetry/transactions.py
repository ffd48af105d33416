"""How long do transactions take, and how do they end? Listeners on an Engine's connections."""

from __future__ import annotations

from threading import get_ident
from time import perf_counter as pc
from typing import Any
from weakref import ref

from . import lives, scopes
from .commits import end_transaction, note_loose, settle_commit
from .faults import Listener, fault
from .scopes import NONE
from .watches import (
    COMMIT,
    ENDS,
    FAIRY,
    MARK,
    SCOPE,
    TEXTS,
    TRANSACTION,
    TRANSACTION_SINCE,
    USE,
    PoolWatch,
    new_holder,
)  # fmt: skip

RELEASING = "poolhouse_releasing"
"""A key of `connection.info`: while it is there, a rollback only ends a transaction after mere reading: `released`."""
_COMMIT, _ROLLBACK, _RELEASED = (TRANSACTION[outcome] for outcome in ("commit", "rollback", "released"))


def listeners(root: Any) -> dict[str, Listener]:
    """Listeners for an Engine; `begin` finds the holder once and leaves it on the Connection for the others."""
    return {
        "begin": _begin(root),
        "begin_twophase": _begin(root),
        "commit": _commit(),
        "rollback": _rollback(),
        "commit_twophase": _commit(),
        "rollback_twophase": _rollback(),
    }


def _begin(root: Any) -> Listener:
    def begin(connection: Any, xid: Any = None) -> None:
        try:
            watch = connection.engine.pool._poolhouse
            if watch.root is not root:
                return
            proxy = connection._dbapi_connection
            record = None if proxy is None else proxy._connection_record
            holder = watch.held.get(record)
            if holder is None:
                holder = _loose_holder(watch, connection)
            scope = holder[SCOPE]
            if scope is None:
                holder[TEXTS] = watch.local.statements[NONE]
            else:
                holder[TEXTS] = watch.local.statements[scope.endpoint]
                holder[USE] = scope.uses.get(watch) or scope.use_of(watch)
            if holder[ENDS] is not None:
                if holder[COMMIT] is not None:
                    settle_commit(holder)
                lives.keep_transaction(watch, record, holder)
            connection._poolhouse = holder
            if (connection._execution_options or watch.autocommits) and connection._is_autocommit_isolation():
                return  # SQLAlchemy begins one in name only: the database is in none, and nothing idles in it
            holder[TRANSACTION_SINCE] = pc()
        except Exception:
            if MARK in connection.engine.pool.__dict__:
                fault("begin")

    return begin


def _loose_holder(watch: PoolWatch, connection: Any) -> list[Any]:
    """For a Connection that is nobody's hold: detached, out since before the watch began, or it has lost its driver's
    connection and will take another one for this transaction. It has transactions all the same."""
    before = connection.__dict__.get("_poolhouse")
    if before is not None and before[COMMIT] is not None:
        settle_commit(before)
    return new_holder(watch, get_ident(), None, scopes.here(), None)


def _commit() -> Listener:
    def commit(connection: Any, xid: Any = None, prepared: bool = False) -> None:
        try:
            holder = connection._poolhouse
            since = holder[TRANSACTION_SINCE]
            if not since:
                return
            holder[TRANSACTION_SINCE] = 0.0
            holder[ENDS] = (since, pc() - since, _COMMIT)
            holder[COMMIT] = ref(connection)  # a transaction has its Connection, which would never be garbage
            if holder[FAIRY] is None:
                note_loose(holder)
        except AttributeError:  # the watch began within this transaction
            pass
        except Exception:
            fault("commit")

    return commit


def _rollback() -> Listener:
    def rollback(connection: Any, xid: Any = None, prepared: bool = False) -> None:
        try:
            holder = connection._poolhouse
            since = holder[TRANSACTION_SINCE]
            if not since:
                return
            holder[TRANSACTION_SINCE] = 0.0
            seconds = pc() - since
            end_transaction(holder, (since, seconds, _RELEASED if _is_released(connection) else _ROLLBACK))
        except AttributeError:  # the watch began within this transaction
            pass
        except Exception:
            fault("rollback")

    return rollback


def _is_released(connection: Any) -> bool:
    proxy = getattr(connection, "_dbapi_connection", None)  # an invalidated Connection has none
    record = None if proxy is None else proxy._connection_record
    return record is not None and RELEASING in record.__dict__.get("info", ())  # which is made when it is asked for
