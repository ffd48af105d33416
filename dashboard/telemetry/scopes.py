"""On whose behalf is the database used just now? A context variable,
or what the web extension reads from its request."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_scope: ContextVar[str | None] = ContextVar("poolhouse_scope", default=None)
current = _scope.get
"""The endpoint that `scope` was told in this context, or None. Called on the hot path."""

reader: Callable[[], str | None] | None = None
"""Asked where no scope is set; None while nobody gave one."""


@contextmanager
def scope(endpoint: str) -> Iterator[None]:
    """Whatever the block does with the database is done for `endpoint` (a route, a job, a command; never an id).

    >>> with scope("shop.report"):
    ...     current()
    'shop.report'
    """
    token = _scope.set(endpoint)
    try:
        yield
    finally:
        _scope.reset(token)


def set_scope_reader(read: Callable[[], str | None] | None) -> None:
    """`read` tells the endpoint where no `scope` is set, for example Flask's `url_rule.endpoint`; None takes it away.
    It must be cheap: it runs at each checkout."""
    global reader
    reader = read


def endpoint() -> str | None:
    """The endpoint of the calling context."""
    told = current()
    return told if told is not None or reader is None else reader()
