"""Pools: each pool's slots, who holds its connections, who waits."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from flask import Blueprint, Response, request

from ..refusal import Refusal
from ..runtime import current
from ..telemetry import digests
from ..telemetry.advice import Advice, advice
from ..telemetry.demand import Asked
from ..telemetry.digests import Distribution, EndpointDigest
from ..telemetry.history import History
from ..telemetry.reading import PoolReading
from ..telemetry.stretches import Stretch, stretches
from . import gate, servers
from .html import page, plain


@dataclass(frozen=True)
class Pools:
    pools: tuple[PoolReading, ...]
    problem: str | None


@dataclass(frozen=True)
class OnePool:
    """One pool, by worker, and how long its connections were waited for and held since ever."""

    pool: PoolReading
    waited: Distribution
    held: Distribution
    endpoints: tuple[EndpointDigest, ...]
    history: History
    _asked: Callable[[], tuple[Asked, ...]]
    _has_server: bool
    _may_act: bool

    @cached_property
    def advice(self) -> Advice:
        """Of the last hour; made only where it is shown, for it costs more than all else here."""
        return advice(self.pool, self._asked())

    @property
    def stretches(self) -> tuple[Stretch, ...]:
        return stretches(self.history)

    @property
    def public(self) -> Mapping[str, Any]:
        more = {"waited": self.waited, "held": self.held, "endpoints": self.endpoints, "history": self.history}
        more["advice"] = self.advice
        return {**plain(self.pool), **plain(more)}


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
    reading = current().ledger.read()
    return page("pools/index.html", Pools(reading.pools, reading.problem))


@gate.needs(gate.READ)
def show(name: str) -> Response:
    ledger = current().ledger
    reading = ledger.read()
    if reading.pool(name) is not None and ledger.look(name):
        reading = ledger.read()  # this process says more of it at once
    pool = reading.pool(name)
    if pool is None:
        raise Refusal("not_found", "No pool of this name is watched.", remedy="The page Pools lists those there are.")
    waited, held = (digests.distribution(pool.numbers, family) for family in ("wait|ok", "hold"))
    endpoints = tuple(digest for digest in digests.endpoints(reading) if digest.pool == name)
    history = ledger.history(name, span=request.args.get("span", "minutes"))
    context = OnePool(
        pool=pool,
        waited=waited,
        held=held,
        endpoints=endpoints,
        history=history,
        _asked=lambda: ledger.asked(name),
        _has_server=servers.has_one(pool),
        _may_act=gate.may(gate.ADMINISTER, None),
    )
    return page("pools/show.html", context)
