"""What does a reader get of Sessions and of what the ORM does? Plain frozen data, over all processes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class RegistryReading:
    """The Sessions of one registry: how many are alive in which state, and what all of them ever did."""

    name: str
    idle: int = 0
    in_transaction: int = 0
    needs_rollback: int = 0
    identity_map_objects: int = 0
    totals: Mapping[str, float] = field(default_factory=dict)
    _numbers: Mapping[str, Any] = field(default_factory=dict)

    @property
    def numbers(self) -> Mapping[str, Any]:
        return self._numbers


@dataclass(frozen=True)
class SessionError:
    """The first error after which a Session wants a rollback. error: its class. statement: without values, where one
    failed. endpoint: of the Session's first use. line: where the program's call failed."""

    error: str
    statement: str | None = None
    endpoint: str | None = None
    line: str | None = None


@dataclass(frozen=True)
class LiveSession:
    """A Session that is alive. age: seconds since it was first used or seen. modified: objects touched since the last
    flush.

    endpoint, line: of the first use since it was empty. connection: whether it holds one; transaction_seconds: since
    when, None without one. survived: it was open after the end of a request that used it. error: where a rollback is
    needed, why.
    """

    registry: str
    worker: int
    age: float
    state: str
    new: int
    modified: int
    deleted: int
    identity_map: int
    endpoint: str | None = None
    line: str | None = None
    connection: bool = False
    transaction_seconds: float | None = None
    survived: bool = False
    error: SessionError | None = None


@dataclass(frozen=True)
class Transition:
    """How often objects went from one state to another. `database` is where a loaded object comes from."""

    registry: str
    from_: str
    to: str
    count: int


@dataclass(frozen=True)
class Survivor:
    """A Session that its request left open. at: ISO 8601, the request's end. endpoint: of the request. line: where the
    Session was first used. alive, objects, connection: what is left of it now."""

    registry: str
    worker: int
    endpoint: str
    line: str | None
    at: str
    alive: bool
    objects: int
    connection: bool


@dataclass(frozen=True)
class Load:
    """SELECTs of the ORM. kind: query, lazy, eager, refresh or deferred. path: `Author.books`, for lazy and eager."""

    kind: str
    path: str | None
    count: int


@dataclass(frozen=True)
class Example:
    """Where something happened that loads too often, and for which endpoint. at: ISO 8601, the last time; stack: of
    that time, innermost line first. count: how often it happened there. worker: which had it last."""

    endpoint: str
    stack: tuple[str, ...]
    at: str
    count: int
    worker: int
    cure: str = ""

    @property
    def line(self) -> str | None:
        return self.stack[0] if self.stack else None


@dataclass(frozen=True)
class NPlusOne:
    """A relationship that was loaded lazily ten times or more in one request. count: such requests. endpoint, stack
    (innermost line first), cure (the loader option, as one writes it), at (ISO 8601): of the last one. examples: the
    last one of each endpoint that is known, the newest first."""

    path: str
    count: int
    endpoint: str | None = None
    stack: tuple[str, ...] = ()
    cure: str | None = None
    at: str | None = None
    examples: tuple[Example, ...] = ()


@dataclass(frozen=True)
class OrmError:
    """A request that ended with an error of SQLAlchemy's. kind: detached, pending_rollback, stale_data, pool_timeout or
    other. error: its class. at: ISO 8601. line: where the program's call failed.

    model, attribute, detached_at (a line): for `detached`; None where the object never left a watched Session, or its
    Session was dropped without being closed. first: for `pending_rollback`.
    """

    worker: int
    kind: str
    error: str
    endpoint: str
    at: str
    line: str | None = None
    model: str | None = None
    attribute: str | None = None
    detached_at: str | None = None
    first: SessionError | None = None


@dataclass(frozen=True)
class SessionsReading:
    """survivors, errors: the last ones of each worker, newest first. error_counts: since ever, by kind, zeros too.
    refreshes: the requests that read again ten expired objects one by one, by endpoint, newest first."""

    registries: tuple[RegistryReading, ...] = ()
    live: tuple[LiveSession, ...] = ()
    transitions: tuple[Transition, ...] = ()
    survivors: tuple[Survivor, ...] = ()
    loads: tuple[Load, ...] = ()
    n_plus_one: tuple[NPlusOne, ...] = ()
    refreshes: tuple[Example, ...] = ()
    errors: tuple[OrmError, ...] = ()
    error_counts: Mapping[str, int] = field(default_factory=dict)
