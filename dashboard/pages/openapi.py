"""What can a script ask? Every route that is registered, with its permission and its JSON, as OpenAPI 3.1."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from flask import Blueprint, Response, current_app, jsonify
from werkzeug.routing import Rule

from ..records.models import Model
from ..records.sight import may_see, seen
from ..refusal import STATUS_OF_CODE, Refusal
from ..runtime import current
from . import actor, addresses, gate
from .described import DESCRIBED, Described
from .json_schemas import Schema, of_model

PARTS = {
    "model": "A model's name; see components/schemas",
    "key": "KEY: each part's UTF-8 bytes outside [A-Za-z0-9_-] as ~HH, an empty part as ~0, joined by commas",
    "column": "An attribute's name",
    "name": "A name",
    "ref": "An object of the workspace",
    "verb": "What is done",
    "number": "A number",
}
ERROR: Schema = {
    "type": "object",
    "properties": {
        "error": {
            "type": "object",
            "properties": {
                "code": {"enum": sorted(STATUS_OF_CODE)},
                "message": {"type": "string"},
                "fields": {"type": "object", "additionalProperties": {"type": "string"}},
                "remedy": {"type": "string"},
            },
            "required": ["code", "message", "fields", "remedy"],
        }
    },
    "required": ["error"],
}
BINARY: Schema = {
    "type": "object",
    "properties": {"base64": {"type": "string"}, "size": {"type": "integer", "description": "Where it is cut"}},
    "required": ["base64"],
}
DOCUMENT: Schema = {"type": "object", "properties": {"json": {}}, "required": ["json"]}


def blueprint() -> Blueprint:
    openapi = Blueprint("openapi", __name__)
    openapi.add_url_rule("/openapi.json", "show", show)
    return openapi


@gate.needs(gate.READ, database=True)
def show() -> Response:
    return jsonify(document())


def document() -> dict[str, Any]:
    """For this person: models and columns that they may not see are left out."""
    paths: dict[str, Any] = {}
    for rule in _rules():
        path = re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", str(rule)).removeprefix(addresses.root().rstrip("/"))
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
            paths.setdefault(path, {})[method.lower()] = _operation(rule, method)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Poolhouse", "version": "0.1.0", "description": "Asked with `Accept: application/json`."},
        "servers": [{"url": addresses.root().rstrip("/") or "/"}],
        "security": [{"token": []}],
        "paths": paths,
        "components": {
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
            "schemas": {"Error": ERROR, "Binary": BINARY, "Document": DOCUMENT, **dict(_models())},
            "responses": {
                "Refused": {"description": "Refused", "content": _json({"$ref": "#/components/schemas/Error"})}
            },
        },
    }


def _rules() -> Iterator[Rule]:
    ours = f"{current().name}."
    for rule in sorted(current_app.url_map.iter_rules(), key=str):
        if rule.endpoint.startswith(ours) and rule.endpoint.removeprefix(ours) not in ("static", "unknown"):
            yield rule


def _operation(rule: Rule, method: str) -> dict[str, Any]:
    name = rule.endpoint.partition(".")[2]
    view = current_app.view_functions[rule.endpoint]
    described = DESCRIBED.get(name, Described())
    made: dict[str, Any] = {
        "operationId": _identifier(rule, method, name),
        "tags": [name.partition(".")[0]],
        "summary": _words(view, name),
        "x-permission": getattr(view, "needs", gate.OPEN),
        "parameters": [*_path_parameters(rule), *(_query_parameters(described) if method == "GET" else ())],
        "responses": _responses(described),
    }
    if getattr(view, "needs", gate.OPEN) == gate.OPEN:
        made["security"] = []
    if method == "POST" and described.body:
        made["requestBody"] = {"content": _body(described)}
    return made


def _identifier(rule: Rule, method: str, name: str) -> str:
    """Its endpoint's name; where several addresses share one, with the end of the address."""
    shared = len(list(current_app.url_map.iter_rules(rule.endpoint))) > 1
    last = re.sub(r"\W", "_", str(rule).rstrip("/").rpartition("/")[2])
    several = len((rule.methods or set()) - {"HEAD", "OPTIONS"}) > 1
    return ".".join((name, *([last] if shared else []), *([method.lower()] if several else [])))


def _words(view: Any, name: str) -> str:
    text = (view.__doc__ or "").strip().split("\n\n")[0]
    return " ".join(text.split()) or name.rpartition(".")[2].replace("_", " ")


def _path_parameters(rule: Rule) -> Iterator[dict[str, Any]]:
    for name in re.findall(r"<(?:\w+:)?(\w+)>", str(rule)):
        words = {"description": PARTS[name]} if name in PARTS else {}
        yield {"name": name, "in": "path", "required": True, "schema": {"type": "string"}, **words}


def _query_parameters(described: Described) -> Iterator[dict[str, Any]]:
    for name, schema in described.query.items():
        yield {"name": name, "in": "query", "schema": schema}


def _responses(described: Described) -> dict[str, Any]:
    content: dict[str, Any] = {media: {"schema": {}} for media in described.media}
    if not described.media:
        content = _json(described.answer or {"type": "object"})
    return {"200": {"description": "Done", "content": content}, "default": {"$ref": "#/components/responses/Refused"}}


def _body(described: Described) -> dict[str, Any]:
    schema: Schema = {"type": "object", "properties": dict(described.body), "required": list(described.needed)}
    if described.upload:
        return {"multipart/form-data": {"schema": schema}}
    return _json(schema)


def _json(schema: Schema) -> dict[str, Any]:
    return {"application/json": {"schema": schema}}


def _models() -> Iterator[tuple[str, Schema]]:
    """By name, as a reference can name it."""
    sight = actor.sight()
    for database in current().databases.values():
        try:
            models: list[Model] = list(database.models)
        except Refusal:  # it is away
            continue
        for model in (each for each in models if may_see(each, sight)):
            try:
                view = seen(model, database.models, sight)
            except Refusal:  # its key is hidden
                continue
            yield f"record.{re.sub(r'[^A-Za-z0-9._-]', '_', model.name)}", of_model(view, sight.hidden(model))
