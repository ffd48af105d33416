"""Does /openapi.json describe every route, and is what the routes answer as it says?"""

from __future__ import annotations

import re

import jsonschema
import pytest
from jsonschema import Draft202012Validator

from dashboard.pages.described import DESCRIBED


@pytest.fixture
def document(script):
    answer = script("viewer").get("/openapi.json")
    assert answer.status_code == 200, answer.text
    return answer.json


def routes(app):
    for rule in app.url_map.iter_rules():
        name = rule.endpoint.partition(".")[2]
        if rule.endpoint.startswith("poolhouse.") and name not in ("static", "unknown"):
            path = re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", str(rule))
            yield from ((path, method, rule.endpoint) for method in rule.methods & {"GET", "POST"})


def test_every_route_is_described_with_its_permission(app, document):
    found = {(path, method.upper()) for path, methods in document["paths"].items() for method in methods}
    assert found == {(path, method) for path, method, _ in routes(app)}
    for path, method, endpoint in routes(app):
        operation = document["paths"][path][method.lower()]
        assert operation["x-permission"] == app.view_functions[endpoint].needs
        assert operation["summary"]
        named = {each["name"] for each in operation["parameters"] if each["in"] == "path"}
        assert named == set(re.findall(r"{(\w+)}", path))
    names = [each["operationId"] for methods in document["paths"].values() for each in methods.values()]
    assert len(names) == len(set(names))


def test_what_is_described_is_there_and_all_of_records_and_workspaces_is(app):
    there = {endpoint.partition(".")[2] for _, _, endpoint in routes(app)}
    assert set(DESCRIBED) <= there
    copies = {"workspaces.copy"}
    wanted = {each for each in there if each.partition(".")[0] in ("records", "workspaces", "history")}
    assert wanted - copies <= set(DESCRIBED)


def test_its_schemas_are_json_schema(document):
    for schema in document["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)
    for methods in document["paths"].values():
        for operation in methods.values():
            for content in operation["responses"]["200"]["content"].values():
                Draft202012Validator.check_schema(content["schema"])


def check(document, schema, value):
    Draft202012Validator({**schema, "components": document["components"]}).validate(value)


GETS = (
    ("/records/", "/records/"),
    ("/records/{model}/", "/records/Book/?size=3&sort=-price"),
    ("/records/{model}/{key}", "/records/Book/1"),
    ("/records/{model}/{key}/delete", "/records/Author/1/delete"),
    ("/records/{model}/{key}/related/{name}", "/records/Author/1/related/books"),
    ("/records/{model}/{key}/history", "/records/Book/1/history"),
    ("/records/{model}/~/lookup", "/records/Author/~/lookup?q=a"),
    ("/records/{model}/~/views", "/records/Book/~/views"),
    ("/workspaces/", "/workspaces/"),
    ("/workspaces/{name}/", "/workspaces/w/"),
)
POSTS = (
    ("/records/{model}/{key}", "/records/Book/1", {"values": {"title": "New", "tags": ["1"]}, "base": {}}),
    ("/records/{model}/", "/records/Tag/", {"values": {"name": "made by a script"}}),
    ("/records/{model}/~/bulk", "/records/Book/~/bulk", {"action": "edit", "keys": ["2"], "values": {"stock": 3}}),
    ("/records/{model}/~/columns", "/records/Book/~/columns", {"columns": ["title"]}),
    ("/workspaces/{name}/{verb}", "/workspaces/w/load", {"model": "Book", "key": "2"}),
    ("/workspaces/{name}/objects/{ref}/{verb}", "/workspaces/w/objects/Book:1/values", {"values": {"stock": 5}}),
)


def test_answers_are_as_described(script, document):
    editor = script("editor")
    editor.post("/workspaces/", {"name": "w"})
    editor.post("/workspaces/w/load", {"model": "Book", "key": "1"})
    for path, method, address, body in (
        *((p, "get", a, None) for p, a in GETS),
        *((p, "post", a, b) for p, a, b in POSTS),
    ):
        answer = editor.get(address) if method == "get" else editor.post(address, body)
        assert answer.status_code in (200, 201), (address, answer.text)
        operation = document["paths"][path][method]
        if body is not None:
            check(document, operation["requestBody"]["content"]["application/json"]["schema"], body)
        check(document, operation["responses"]["200"]["content"]["application/json"]["schema"], answer.json)
    check(document, document["components"]["schemas"]["Error"], editor.get("/records/Nothing/").json)


def test_the_values_of_every_model_are_as_described(script, document):
    viewer = script("viewer")
    for model in viewer.get("/records/").json["models"]:
        schema = document["components"]["schemas"][f"record.{model['name']}"]
        rows = viewer.get(f"/records/{model['name']}/?size=5").json["rows"]
        for row in rows:
            check(document, schema, row["values"])
            check(document, schema, viewer.get(f"/records/{model['name']}/{row['key']}").json["values"])
        if rows:
            with pytest.raises(jsonschema.ValidationError):
                check(document, schema, {**rows[0]["values"], "nobody": 1})


def test_only_who_may_read_reads_it(script):
    assert script(None).get("/openapi.json").status_code == 401
