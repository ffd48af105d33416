"""Pools: each pool's slots, who holds its connections, who waits."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from flask import Blueprint, Response, request

from ..refusal import Refusal
from ..runtime import Runtime, current
from ..telemetry import digests
from ..telemetry.advice import Advice, advice
from ..telemetry.demand import Asked
from ..telemetry.digests import Distribution, EndpointDigest
from ..telemetry.history import History
from ..telemetry.reading import PoolReading
from ..telemetry.stretches import Stretch, stretches
from . import gate
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
    return pools


@gate.needs(gate.READ)
def index() -> Response:
    return page("pools/index.html", all_shown(current()))


def all_shown(runtime: Runtime, _: str = "") -> Pools:
    reading = runtime.ledger.read()
    return Pools(reading.pools, reading.problem)


@gate.needs(gate.READ)
def show(name: str) -> Response:
    return page("pools/show.html", shown(current(), name, request.args.get("span", "minutes")))


def shown_by_day(runtime: Runtime, name: str) -> OnePool:
    return shown(runtime, name, "24h")


def shown(runtime: Runtime, name: str, span: str = "minutes") -> OnePool:
    """Raises Refusal: not_found, not_understood (a span that there is not)."""
    ledger = runtime.ledger
    reading = ledger.read()
    if reading.pool(name) is not None and ledger.look(name):
        reading = ledger.read()  # this process says more of it at once
    pool = reading.pool(name)
    if pool is None:
        raise Refusal("not_found", "No pool of this name is watched.", remedy="The page Pools lists those there are.")
    waited, held = (digests.distribution(pool.numbers, family) for family in ("wait|ok", "hold"))
    endpoints = tuple(digest for digest in digests.endpoints(reading) if digest.pool == name)
    return OnePool(pool, waited, held, endpoints, ledger.history(name, span=span), lambda: ledger.asked(name))
