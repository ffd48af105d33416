"""What do our pages answer where Poolhouse could not start? 503 with the reason; the host goes on as if we were not
there."""

from __future__ import annotations

from dataclasses import replace

from flask import Blueprint, Response, current_app, jsonify, request

from ..refusal import Refusal
from ..runtime import NotStarted
from .html import plain_error, wants_json
from .neighbours import spare

AGAIN = "Then start the program again: a start that failed is not tried a second time."
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")


def blueprint(name: str) -> Blueprint:
    sorry = Blueprint(name, __name__)
    sorry.url_value_preprocessor(spare)
    for rule in ("/", "/<path:path>"):
        sorry.add_url_rule(rule, "apologise", apologise, methods=METHODS)
    return sorry


def apologise(path: str = "") -> Response:
    found = current_app.extensions[request.blueprint or ""]
    assert isinstance(found, NotStarted)
    answer = (
        jsonify(plain_error(replace(found.reason, remedy=f"{found.reason.remedy} {AGAIN}")))
        if wants_json()
        else _text(found.reason)
    )
    answer.status_code = 503
    answer.headers["Cache-Control"] = "no-store"
    answer.headers["X-Content-Type-Options"] = "nosniff"
    return answer


def _text(reason: Refusal) -> Response:
    return Response(f"Poolhouse could not start. {reason} {reason.remedy} {AGAIN}\n", mimetype="text/plain")
