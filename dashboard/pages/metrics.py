"""/metrics for Prometheus, and the two questions of a load balancer."""

from __future__ import annotations

from flask import Blueprint, Response, request

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
    if not _is_public(runtime):
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
    """This worker can do its work; the reasons why not are for `flask dashboard doctor`."""
    ready = _is_ready(current())
    return Response("ready\n" if ready else "not ready\n", status=200 if ready else 503, mimetype="text/plain")


def _is_public(runtime: Runtime) -> bool:
    public = runtime.config.metrics_public
    return runtime.alone if public is None else public


def _is_ready(runtime: Runtime) -> bool:
    try:
        return runtime.store.schema_version() is not None
    except Refusal:
        return False
