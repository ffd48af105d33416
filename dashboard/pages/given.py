"""What does a person want in a record, as its form or a script said it: values and base, files read, moments in their
zone?"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any

from flask import request

from ..records.kinds import Binary
from ..records.models import Model
from ..refusal import Refusal
from . import zone
from .arguments import BASE, VALUES, arguments

FIND, MAKE, FILE, SETTLE = "find-in", "make-in", "file", "settle"


def sent(model: Model) -> dict[str, Any]:
    """The arguments with `values` and `base`. Raises Refusal: not_understood, invalid."""
    given = arguments(request)
    given.setdefault(VALUES, {})
    if request.is_json:
        return given
    given.setdefault(BASE, {})
    values, base, problems = dict(given[VALUES]), dict(given[BASE]), {}
    person_zone = zone.name()
    for name in list(values):
        if request.form.get(f"{SETTLE}.{name}") == "theirs":
            del values[name]
            continue
        if not model.has_column(name):
            base_keys = request.form.getlist(f"{BASE}.{name}")
            if base_keys:
                base[name] = base_keys
            continue
        column = model.column(name)
        if isinstance(column.kind, Binary):
            base.update(_binary_base(name))
        elif isinstance(values[name], str):
            try:
                values[name] = zone.meant(column, values[name], base.get(name), person_zone)
            except ValueError as error:
                problems[name] = str(error)
    for name, content in _files(model).items():
        values[name] = content
        base.update(_binary_base(name))
    if problems:
        name, sentence = next(iter(problems.items()))
        raise Refusal("invalid", f"{name}: {sentence}", problems, "Nothing was written.")
    return {**given, VALUES: values, BASE: {name: base[name] for name in base if name in values}}


def _files(model: Model) -> Mapping[str, Any]:
    found = {}
    for key, file in request.files.items():
        kind, _, name = key.partition(".")
        emptied = f"null.{name}" in request.form and f"{BASE}.{name}" in request.form
        if kind == FILE and file.filename and model.has_column(name) and not emptied:
            found[name] = {"base64": base64.b64encode(file.read()).decode("ascii")}
    return found


def _binary_base(name: str) -> dict[str, Any]:
    """Of binary data the form carries the beginning and the size."""
    if f"base-null.{name}" in request.form:
        return {name: None}
    text = request.form.get(f"{BASE}.{name}", "")
    try:
        return {name: json.loads(text)} if text.startswith("{") else {}
    except ValueError:
        return {}
