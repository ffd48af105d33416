"""Since when, for which endpoint and from which line of the program is a Session in use?"""

from __future__ import annotations

import sys
import time
import weakref
from collections.abc import Iterable
from typing import Any

from . import lines, loads, scopes
from .faults import Listener, fault
from .scopes import Scope, endpoint_of
from .sessions import SessionWatch, by_class

USE = "_poolhouse_use"
"""The attribute of a Session that has its Use."""
SINCE = "_poolhouse_since"
"""The attribute of a root SessionTransaction: when it took its first connection, in seconds since 1970."""
SESSIONS = "sessions"
"""The key of a scope's marks with the Sessions that were used in it, weakly: (reference, SessionWatch)."""
SESSIONS_OF_A_SCOPE = 256


class Use:
    """scope: the last that used the Session. endpoint, place, since (seconds since 1970): of the first use since the
    Session was empty."""

    __slots__ = ("endpoint", "place", "scope", "since")

    def __init__(self, scope: Scope | None, place: Any) -> None:
        self.scope = scope
        self.endpoint = endpoint_of(scope)
        self.place = place
        self.since = time.time()


def listeners(watch: SessionWatch) -> dict[str, Listener]:
    return {"after_transaction_create": _after_transaction_create(watch), "after_begin": _after_begin(watch)}


def _after_transaction_create(watch: SessionWatch) -> Listener:
    """A Session begins its transaction with whatever is done with it first."""
    current = scopes.current

    def after_transaction_create(session: Any, transaction: Any) -> None:
        try:
            if transaction._parent is not None or by_class[session.__class__] is not watch:
                return
            scope = current()
            if scope is None and scopes.reader is not None:
                scope = scopes.reader()
            use = session.__dict__.get(USE)
            if use is None or use.scope is not scope:
                _note(session, watch, use, scope)
        except Exception:
            fault("after_transaction_create")

    return after_transaction_create


def _note(session: Any, watch: SessionWatch, use: Use | None, scope: Scope | None) -> None:
    if use is None or is_empty(session):
        session.__dict__[USE] = Use(scope, _place(sys._getframe(2)))
    else:
        use.scope = scope
    if scope is None:
        return
    remember(scope, [(weakref.ref(session), watch)])


def remember(scope: Scope, sessions: Iterable[tuple[weakref.ref[Any], SessionWatch]]) -> None:
    """These Sessions were used in the scope. A scope may last as long as its process: it remembers few."""
    here = scope.marks.setdefault(SESSIONS, [])
    for one in sessions:
        if len(here) >= SESSIONS_OF_A_SCOPE:
            here[:] = [(reference, its) for reference, its in here if reference() is not None]
        if len(here) < SESSIONS_OF_A_SCOPE:
            here.append(one)


def _place(frame: Any) -> Any:
    """As `lines.acquiring`, without its generators: this is done for each new Session."""
    if lines.keep != "line":
        return lines.acquiring(frame)
    each, inside = frame, lines.inside
    while each is not None and inside[each.f_code.co_filename]:
        each = each.f_back
    return lines.acquiring(frame) if each is None else (each.f_code, each.f_lasti)


def _after_begin(watch: SessionWatch) -> Listener:
    def after_begin(session: Any, transaction: Any, connection: Any) -> None:
        try:
            if transaction._parent is None and by_class[session.__class__] is watch:
                transaction.__dict__.setdefault(SINCE, time.time())
                loads.begun(watch, connection)
        except Exception:
            fault("after_begin")

    return after_begin


def is_empty(session: Any) -> bool:
    """No objects in it."""
    return not (session.identity_map._dict or session._new)


def root_of(session: Any) -> Any:
    """The Session's root transaction where it holds a connection, else None."""
    transaction = session._transaction
    while transaction is not None and transaction._parent is not None:
        transaction = transaction._parent
    return transaction if transaction is not None and transaction._connections else None
