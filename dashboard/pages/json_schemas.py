"""Which JSON does a value have? Of each kind of column, and of each frozen context, as JSON Schema says it."""

from __future__ import annotations

import dataclasses
import types
from collections.abc import Mapping, Sequence
from typing import Any, Union, get_args, get_origin, get_type_hints

from ..records.columns import Column
from ..records.sight import Seen

Schema = dict[str, Any]
ANY: Schema = {}
OF_KIND: Mapping[str, Schema] = {
    "text": {"type": "string"},
    "long text": {"type": "string"},
    "boolean": {"type": "boolean"},
    "enum": {"type": "string"},
    "uuid": {"type": "string", "format": "uuid"},
    "binary": {"$ref": "#/components/schemas/Binary"},
    "integer": {"type": ["integer", "string"], "description": "Text beyond 2^53."},
    "big integer": {"type": ["integer", "string"], "description": "Text beyond 2^53."},
    "float": {"type": ["number", "string"], "description": "Text for NaN and infinities."},
    "numeric": {"type": "string"},
    "date": {"type": "string"},
    "time": {"type": "string"},
    "datetime": {"type": "string", "description": "ISO 8601"},
    "datetime with timezone": {"type": "string", "description": "ISO 8601, with its offset"},
    "interval": {"type": "string", "description": "An ISO 8601 duration"},
    "json": {"$ref": "#/components/schemas/Document"},
    "array": {"type": "array"},
}
"""By the name of a column's kind what JSON shows of it, beside null. What the database holds against its type is shown
as it was found."""


def of_column(column: Column) -> Schema:
    found = dict(OF_KIND.get(column.kind.name, ANY))
    choices = getattr(column.kind, "choices", ())
    if choices:
        found["enum"] = list(choices)
    length = getattr(column.kind, "length", None)
    if length is not None and found.get("type") == "string":
        found["maxLength"] = length
    schema: Schema = {"anyOf": [found, {"type": "null"}]} if found and column.nullable else found
    schema = {**schema, "title": column.type_name}
    if not column.editable:
        schema["readOnly"] = True
    return schema


def of_model(view: Seen, hidden: frozenset[str]) -> Schema:
    """The values of a record: columns as they are shown, and relationships as they may be set."""
    model = view.model
    properties = {column.name: of_column(column) for column in view.columns.values()}
    for each in model.relationships:
        if each.name in hidden or each.viewonly:
            continue
        key: Schema = {"type": "string", "description": f"A key of {each.target}; in a workspace also a ref"}
        many: Schema = {"type": "array", "items": key, "description": "The whole set", "writeOnly": True}
        one: Schema = {"anyOf": [key, {"type": "null"}], "writeOnly": True}
        properties[each.name] = many if each.uselist else one
    return {"type": "object", "title": model.title, "properties": properties, "additionalProperties": False}


def of_type(hint: Any) -> Schema:
    """Of an annotation, as `html.plain` writes its values.

    >>> of_type(tuple[int, ...])
    {'type': 'array', 'items': {'type': 'integer'}}
    """
    simple = {str: "string", bool: "boolean", int: "integer", type(None): "null"}
    if hint in simple:
        return {"type": simple[hint]}
    if hint is float:
        return {"type": ["number", "string"]}
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        return {"anyOf": [of_type(each) for each in arguments]}
    if isinstance(hint, type) and dataclasses.is_dataclass(hint):
        return of_dataclass(hint)
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return {"type": "object", "additionalProperties": of_type(arguments[1])}
    if isinstance(origin, type) and issubclass(origin, (Sequence, set, frozenset)):
        return {"type": "array", "items": of_type(arguments[0])}
    return dict(ANY)


def of_dataclass(class_: type) -> Schema:
    """Of one that says its own `public` nothing more is known than that it is an object."""
    if isinstance(getattr(class_, "public", None), property):
        return {"type": "object"}
    try:
        hints = get_type_hints(class_)
    except NameError:  # a name that is imported for type checkers only
        return {"type": "object"}
    names = [field.name for field in dataclasses.fields(class_) if not field.name.startswith("_")]
    properties = {name.rstrip("_"): of_type(hints[name]) for name in names}
    return {"type": "object", "properties": properties, "required": list(properties)}
