"""/metrics for Prometheus, and the two questions of a load balancer."""

from __future__ import annotations

from flask import Blueprint, Response, request

from .. import diagnosis
from ..refusal import Refusal
from ..runtime import Runtime, current
from ..telemetry.metrics import render
from . import gate


def blueprint() -> Blueprint:
    metrics = Blueprint("metrics", __name__)
    metrics.add_url_rule("/metrics", "index", index)
    metrics.add_url_rule("/healthz", "healthz", healthz)
    metrics.add_url_rule("/readyz", "readyz", readyz)
    return metrics


@gate.needs(gate.OPEN)
def index() -> Response:
    runtime = current()
    if not runtime.metrics_are_public:
        gate.require(gate.READ)
    reading = runtime.ledger.read()
    if runtime.workspaces is not None:
        reading = reading.with_kept(runtime.workspaces.tally.now())
    body, content_type = render(request.headers.get("Accept", ""), reading, runtime.config.metric_names)
    return Response(body, content_type=content_type)


@gate.needs(gate.OPEN)
def healthz() -> Response:
    """This worker answers."""
    return Response("ok\n", mimetype="text/plain")


@gate.needs(gate.OPEN)
def readyz() -> Response:
    """This worker can do its work. What is wrong, and the remedy, is for an admin; for everybody else there is
    `flask dashboard doctor`."""
    runtime = current()
    ready = _is_ready(runtime)
    lines = ["ready" if ready else "not ready"]
    if gate.may(gate.ADMINISTER, None):
        lines += _reasons(runtime)
    return Response("\n".join(lines) + "\n", status=200 if ready else 503, mimetype="text/plain")


def _reasons(runtime: Runtime) -> list[str]:
    """Behind the bulkhead: a database that hangs must not take every thread by those who ask what is wrong."""
    try:
        gate.enter_database()
    except Refusal as full:
        return [f"{full} {full.remedy}"]
    return [f"{each.what} {each.remedy}".rstrip() for each in diagnosis.troubles(runtime)]


def _is_ready(runtime: Runtime) -> bool:
    try:
        return runtime.store.schema_version() is not None
    except Refusal:
        return False
