"""Statements: what takes the database's time, by statement and by endpoint, and why the ORM asked."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from flask import Blueprint, Response, request
from markupsafe import Markup

from ..refusal import Refusal
from ..runtime import Runtime, current
from ..servers.explaining import explain
from ..telemetry import digests
from ..telemetry.digests import EndpointDigest, StatementDigest
from ..telemetry.reading import Exemplar, PoolReading, Reading
from ..telemetry.sessions_reading import Example, Load, NPlusOne
from ..telemetry.tables import fingerprint_of
from . import gate, servers, sql
from .html import page, plain


def key_of(digest: StatementDigest) -> str:
    """By which it is found again: the same in every process, for as long as its text is the same."""
    return hashlib.sha256(f"{digest.pool}\0{digest.statement}".encode()).hexdigest()[:16]


@dataclass(frozen=True)
class Statements:
    """_pool: whose statements alone are shown; None: of all. _pools: of all that there are. _cached: by pool, of the
    lookups in SQLAlchemy's cache of compiled statements those that found one, and all."""

    statements: tuple[StatementDigest, ...]
    endpoints: tuple[EndpointDigest, ...]
    loads: tuple[Load, ...]
    n_plus_one: tuple[NPlusOne, ...]
    problem: str | None
    _refreshes: tuple[Example, ...] = ()
    _pool: str | None = None
    _pools: tuple[str, ...] = ()
    _cached: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    key_of = staticmethod(key_of)

    @property
    def cached(self) -> float | None:
        """The share of the lookups that found one; None where none was made."""
        rows = [row for pool, row in self._cached.items() if self._pool in (None, pool)]
        made = sum(each for _, each in rows)
        return sum(found for found, _ in rows) / made if made else None

    @property
    def pool(self) -> str | None:
        return self._pool

    @property
    def pools(self) -> tuple[str, ...]:
        return self._pools

    @cached_property
    def _whole(self) -> float:
        return sum(one.seconds for one in self.statements)

    def share(self, one: StatementDigest) -> float:
        """Of the time of all that are shown."""
        return one.seconds / self._whole if self._whole else 0.0

    @property
    def refreshes(self) -> tuple[Example, ...]:
        return self._refreshes


@dataclass(frozen=True)
class OneStatement:
    """slow: its slowest executions that are remembered, with the lines that took their connections."""

    statement: StatementDigest
    slow: tuple[Exemplar, ...]
    problem: str | None

    @property
    def key(self) -> str:
        return key_of(self.statement)

    @property
    def sql(self) -> Markup:
        return sql.shown(self.statement.statement)

    @property
    def public(self) -> Mapping[str, Any]:
        return {**plain(self.statement), "key": self.key, "slow": plain(self.slow)}


@dataclass(frozen=True)
class Plan:
    """one: whose it is. lines: as the database tells them."""

    one: OneStatement
    lines: tuple[str, ...]

    @property
    def public(self) -> Mapping[str, Any]:
        return {"key": self.one.key, "plan": self.lines}


def blueprint() -> Blueprint:
    statements = Blueprint("statements", __name__, url_prefix="/statements")
    statements.add_url_rule("/", "index", index)
    statements.add_url_rule("/<key>", "show", show)
    statements.add_url_rule("/<key>/plan", "plan", plan, methods=["POST"])
    return statements


@gate.needs(gate.READ)
def index() -> Response:
    return page("statements/index.html", shown(current(), request.args.get("pool", "")))


def shown(runtime: Runtime, pool: str = "") -> Statements:
    reading = runtime.ledger.read()
    sessions, every = reading.sessions, digests.statements(reading)
    return Statements(
        statements=tuple(one for one in every if pool in ("", one.pool)),
        endpoints=digests.endpoints(reading),
        loads=sessions.loads,
        n_plus_one=sessions.n_plus_one,
        problem=reading.problem,
        _refreshes=sessions.refreshes,
        _pool=pool or None,
        _pools=tuple(sorted({one.pool for one in every})),
        _cached={one.name: _lookups(one) for one in reading.pools},
    )


def _lookups(pool: PoolReading) -> tuple[float, float]:
    found, *others = (pool.numbers.get(f"cache|{result}", 0) for result in ("hit", "miss", "no_key"))
    return found, found + sum(others)


@gate.needs(gate.READ)
def show(key: str) -> Response:
    return page("statements/show.html", one_shown(current(), key))


def one_shown(runtime: Runtime, key: str) -> OneStatement:
    """Raises Refusal: not_found."""
    reading = runtime.ledger.read()
    found = next((one for one in digests.statements(reading) if key_of(one) == key), None)
    if found is None:
        remedy = "The page Statements lists those that take the most time; they are counted since the workers began."
        raise Refusal("not_found", "This statement is not among those that are known.", remedy=remedy)
    return OneStatement(found, tuple(slow_ones(reading, found)), reading.problem)


@gate.needs(gate.EDIT, database=True)
def plan(key: str) -> Response:
    """How its database goes about it. Nothing is executed; whoever asks waits behind the bulkhead."""
    runtime = current()
    one = one_shown(runtime, key)
    lines = explain(servers.engine_of(one.statement.pool), one.statement.statement, runtime.config.server_seconds)
    return page("statements/plan.html", Plan(one, lines))


def slow_ones(reading: Reading, digest: StatementDigest) -> list[Exemplar]:
    """The slowest first."""
    pool = reading.pool(digest.pool)
    known: Mapping[Any, Exemplar] = pool.numbers["exemplars"] if pool else {}
    mine = [one for one in known.values() if one.statement and fingerprint_of(one.statement) == digest.statement]
    return sorted(mine, key=lambda one: -one.seconds)
