"""Pools: each pool's slots, who holds its connections, who waits."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Blueprint, Response

from ..refusal import Refusal
from ..runtime import current
from ..telemetry.reading import PoolReading
from . import gate
from .html import page


@dataclass(frozen=True)
class Pools:
    pools: tuple[PoolReading, ...]
    problem: str | None


def blueprint() -> Blueprint:
    pools = Blueprint("pools", __name__, url_prefix="/pools")
    pools.add_url_rule("/", "index", index)
    pools.add_url_rule("/<path:name>", "show", show)
    return pools


@gate.needs(gate.READ)
def index() -> Response:
    reading = current().ledger.read()
    return page("pools/index.html", Pools(reading.pools, reading.problem))


@gate.needs(gate.READ)
def show(name: str) -> Response:
    pool = current().ledger.read().pool(name)
    if pool is None:
        raise Refusal("not_found", "No pool of this name is watched.", remedy="The page Pools lists those there are.")
    return page("pools/show.html", pool)
