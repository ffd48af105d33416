"""On whose behalf is the database used just now, and what has been done for it so far? A context variable, or what the
web extension keeps with its request."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from .faults import fault

NONE = "__none__"
"""The endpoint of what is done outside of every scope."""


class Scope:
    """One request, job or command. endpoint: its route or name, never an id.

    uses: by watched pool, what it did there: statements, their seconds, seconds waited for a connection.
    marks: what other subjects count within one scope, by their own keys. outer: the scope that this one lies in.
    """

    __slots__ = ("endpoint", "marks", "outer", "uses")

    def __init__(self, endpoint: str, outer: Scope | None = None) -> None:
        self.endpoint = endpoint
        self.outer = outer
        self.uses: dict[Any, list[Any]] = {}
        self.marks: dict[Any, Any] = {}

    def use_of(self, watch: Any) -> list[Any]:
        return self.uses.setdefault(watch, [0, 0.0, 0.0])


_scope: ContextVar[Scope | None] = ContextVar("poolhouse_scope", default=None)
current = _scope.get
"""The Scope of this context, or None. Called on the hot path."""

reader: Callable[[], Scope | None] | None = None
"""Asked where no scope is set; None while nobody gave one."""

at_end: list[Callable[[Scope], None]] = []
"""Told when a scope has ended, in its own context."""

at_error: list[Callable[[BaseException, str], None]] = []
"""Told of an exception that leaves a scope, with the scope's endpoint."""


@contextmanager
def scope(endpoint: str) -> Iterator[None]:
    """Whatever the block does with the database is done for `endpoint` (a route, a job, a command; never an id).

    >>> with scope("shop.report"):
    ...     here().endpoint
    'shop.report'
    """
    one = Scope(endpoint, here())
    token = _scope.set(one)
    try:
        yield
    except Exception as error:
        failed(error, endpoint)
        raise
    finally:
        end(one)
        _scope.reset(token)


def end(one: Scope) -> None:
    """For who keeps a Scope with its own request: the request is over. Never raises."""
    for tell in at_end:
        try:
            tell(one)
        except Exception:
            fault("scope")


def failed(error: BaseException, endpoint: str) -> None:
    """For who keeps a Scope with its own request: it has failed with this exception. Never raises."""
    for tell in at_error:
        try:
            tell(error, endpoint)
        except Exception:
            fault("scope error")


def set_scope_reader(read: Callable[[], Scope | None] | None) -> None:
    """`read` gives the Scope where no `scope` is set, the same one for all of a request; None takes it away.
    It must be cheap: it runs at each checkout. Who gives one calls `end` when the request is over."""
    global reader
    reader = read


def here() -> Scope | None:
    """The Scope of the calling context."""
    told = current()
    return told if told is not None or reader is None else reader()


def endpoint_of(one: Scope | str | None) -> str | None:
    """Of a hold that is over only the endpoint is kept, so that its request can go."""
    return one.endpoint if isinstance(one, Scope) else one
