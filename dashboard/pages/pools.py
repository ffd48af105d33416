"""Pools: each pool's slots; of one pool its last minute, who holds its connections, who waits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from flask import Blueprint, Response, request

from ..refusal import Refusal
from ..runtime import Runtime, current
from ..telemetry import digests
from ..telemetry.advice import Advice, advice
from ..telemetry.digests import Distribution, EndpointDigest
from ..telemetry.history import History
from ..telemetry.ledger import Ledger
from ..telemetry.pool_rules import blamed
from ..telemetry.reading import PoolReading, Reading
from ..telemetry.stretches import Stretch, stretches
from . import gate, servers, slots
from .bars import Histogram, histogram
from .charts import OF_ONE_POOL, Chart, charts
from .chosen import Chosen, view_of
from .holding import HeldByLine, by_line
from .holds import Watched, of_pool
from .html import page, plain
from .lane_shapes import Lanes
from .lanes import lanes

FEW = 5
"""Holders that are told one by one; of more, first the lines that hold them."""


@dataclass(frozen=True)
class Pools:
    pools: tuple[PoolReading, ...]
    problem: str | None
    groups = staticmethod(slots.groups)
    unopened = staticmethod(slots.unopened)
    states = slots.STATES


@dataclass(frozen=True)
class OnePool:
    """One pool, by worker. What is costly is made only where it is drawn.

    span: of the history; key: of what was chosen on the lanes. view: where the database lists its connections.
    """

    pool: PoolReading
    span: str
    key: str
    view: str
    _reading: Reading
    _ledger: Ledger
    groups = staticmethod(slots.groups)
    unopened = staticmethod(slots.unopened)
    few = FEW

    @property
    def by_line(self) -> tuple[HeldByLine, ...]:
        return by_line(self.pool.holders)

    @property
    def has_server(self) -> bool:
        """Whether its database can be asked what it sees."""
        return servers.has_one(self.pool)

    @property
    def blamed(self) -> str:
        """Who holds most of the connections, in one sentence."""
        return blamed(self.pool)[0]

    @cached_property
    def waited(self) -> Distribution:
        return digests.distribution(self.pool.numbers, "wait|ok")

    @cached_property
    def held(self) -> Distribution:
        return digests.distribution(self.pool.numbers, "hold")

    @property
    def histograms(self) -> tuple[Histogram, ...]:
        return histogram("Wait for a connection", self.waited), histogram("Held a connection", self.held)

    @cached_property
    def endpoints(self) -> tuple[EndpointDigest, ...]:
        return tuple(digest for digest in digests.endpoints(self._reading) if digest.pool == self.pool.name)

    @cached_property
    def history(self) -> History:
        return self._ledger.history(self.pool.name, span=self.span)

    @property
    def drawn_span(self) -> str:
        """Of the charts: they have more points than the table's minutes."""
        return "24h" if self.span == "24h" else "15m"

    @cached_property
    def _drawn_history(self) -> History:
        return self._ledger.history(self.pool.name, span=self.drawn_span)

    @property
    def charts(self) -> tuple[Chart, ...]:
        return charts(self._drawn_history, OF_ONE_POOL)

    @property
    def stretches(self) -> tuple[Stretch, ...]:
        return stretches(self._drawn_history)

    @cached_property
    def advice(self) -> Advice:
        """Of the last hour."""
        return advice(self.pool, self._ledger.asked(self.pool.name))

    @cached_property
    def _watched(self) -> Watched:
        return of_pool(self.pool, self._reading.at)

    @property
    def lanes(self) -> Lanes:
        names = (one.endpoint for one in self.endpoints)
        minute = self._ledger.history(self.pool.name, span="minute")
        return lanes(self._watched, self.overdue_seconds, names, minute)

    @property
    def overdue_seconds(self) -> float:
        return self._reading.config.overdue_seconds

    @cached_property
    def chosen(self) -> Chosen | None:
        return Chosen(self.key, self.view, self._watched, self.overdue_seconds) if self.key else None

    @property
    def public(self) -> Mapping[str, Any]:
        more = {"waited": self.waited, "held": self.held, "endpoints": self.endpoints, "history": self.history}
        return {**plain(self.pool), **plain(more), "advice": plain(self.advice)}


def blueprint() -> Blueprint:
    pools = Blueprint("pools", __name__, url_prefix="/pools")
    pools.add_url_rule("/", "index", index)
    pools.add_url_rule("/<path:name>", "show", show)
    pools.add_url_rule("/<path:name>/server", "server", servers.show)
    pools.add_url_rule("/<path:name>/refresh", "refresh", servers.refresh, methods=["POST"])
    pools.add_url_rule(
        "/<path:name>/connections/<int:worker>-<int:number>/replace", "replace", servers.replace, methods=["POST"]
    )
    pools.add_url_rule("/<path:name>/sessions/<int:process>/cancel", "cancel", servers.cancel, methods=["POST"])
    pools.add_url_rule("/<path:name>/sessions/<int:process>/end", "end", servers.end, methods=["POST"])
    return pools


@gate.needs(gate.READ)
def index() -> Response:
    return page("pools/index.html", all_shown(current()))


def all_shown(runtime: Runtime, _: str = "") -> Pools:
    reading = runtime.ledger.read()
    return Pools(reading.pools, reading.problem)


@gate.needs(gate.READ)
def show(name: str) -> Response:
    span, key = request.args.get("span", "minutes"), request.args.get("hold", "")
    return page("pools/show.html", shown(current(), name, span, key))


def shown_by_day(runtime: Runtime, name: str) -> OnePool:
    return shown(runtime, name, "24h")


def shown_chosen(runtime: Runtime, place: str) -> OnePool:
    """place: `NAME/KEY`."""
    name, _, key = place.rpartition("/")
    return shown(runtime, name, key=key)


def shown(runtime: Runtime, name: str, span: str = "minutes", key: str = "") -> OnePool:
    """Raises Refusal: not_found, and where its history is asked for not_understood (a span that there is not)."""
    ledger = runtime.ledger
    reading = ledger.read()
    if reading.pool(name) is not None and ledger.look(name):
        reading = ledger.read()  # this process says more of it at once
    pool = reading.pool(name)
    if pool is None:
        raise Refusal("not_found", "No pool of this name is watched.", remedy="The page Pools lists those there are.")
    return OnePool(pool, span, key, view_of(runtime, name), reading, ledger)
