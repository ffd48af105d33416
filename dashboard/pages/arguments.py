"""What was sent, as plain arguments, from JSON and from form fields alike."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from flask import Request
from werkzeug.datastructures import MultiDict

from ..config import SWITCHES
from ..refusal import Refusal

VALUES, NULL, BASE, BASE_NULL, DEFAULT = "values", "null", "base", "base-null", "default"
RESOLVE = "resolve"
UNTOUCHED = object()
LEVELS_MOST = 150
"""Of nesting in a body: more than a JSON column takes, and far less than would exhaust the stack."""


def arguments(request: Request) -> dict[str, Any]:
    """The body as a dict. A form's `values.X` and `base.X` are gathered, `null.X` makes X None, and what equals its
    base is left out:
    a browser sends every field, and what was not touched must not be written. `base-null.X` says that X was NULL when
    it was drawn, `default.X` that an empty field is left to its default. `resolve.REF.COLUMN` is gathered too.

    Raises Refusal("not_understood") for a body that is neither a JSON object nor form fields.
    """
    if request.is_json:
        return _of_json(request)
    if request.content_length and request.mimetype not in ("application/x-www-form-urlencoded", "multipart/form-data"):
        raise Refusal(
            "not_understood", "The body is neither JSON nor form fields.", remedy="Send Content-Type: application/json."
        )
    return _of_form(request.form)


def take_version(given: dict[str, Any]) -> int | None:
    """Takes `version` out: the workspace's version that the request was made against."""
    version = given.pop("version", None)
    given.pop("csrf", None)
    if version is None or version == "":
        return None
    text = str(version) if isinstance(version, (str, int)) and not isinstance(version, bool) else ""
    if not (text.isascii() and text.isdigit() and len(text) <= 18):
        raise Refusal("not_understood", "version is a whole number.", fields={"version": "A whole number."})
    return int(text)


def switch(given: Mapping[str, Any], name: str, default: bool) -> bool:
    """A yes or no, as JSON says it or a form."""
    value = given.get(name)
    if value is None or value == "":
        return default
    if isinstance(value, bool):
        return value
    try:
        return SWITCHES[str(value).lower()]
    except KeyError:
        raise Refusal("not_understood", f"{name} is true or false.", fields={name: "true or false"}) from None


def json_body(request: Request) -> dict[str, Any] | None:
    """The JSON object that was sent, None for anything else: also for one that names a key twice, because two readers
    would take two different values, and for one that is nested too deep to be meant."""
    try:
        body = json.loads(request.get_data(), object_pairs_hook=_without_doubles)
    except (ValueError, RecursionError):
        return None
    return body if isinstance(body, dict) and not _is_deep(body) else None


def _without_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key stands twice")
    return found


def _is_deep(body: dict[str, Any]) -> bool:
    level: list[Any] = [body]
    for _ in range(LEVELS_MOST):
        level = [
            part
            for whole in level
            for part in (whole.values() if isinstance(whole, dict) else whole)
            if isinstance(part, (dict, list))
        ]
        if not level:
            return False
    return True


def _of_json(request: Request) -> dict[str, Any]:
    body = json_body(request)
    if body is None:
        raise Refusal(
            "not_understood",
            "The body is not a JSON object.",
            remedy=f'Send one like {{"name": "value"}}: no key twice, at most {LEVELS_MOST} levels.',
        )
    return body


def _of_form(form: MultiDict[str, str]) -> dict[str, Any]:
    """One browser sends line ends as CR LF, the next as LF: a text that was not touched must be equal to its base in
    both. A value that is sent several times is a list: a set of related objects."""
    given: dict[str, Any] = {}
    chosen: dict[str, dict[str, str]] = {}
    parts: dict[str, dict[str, Any]] = {kind: {} for kind in (VALUES, NULL, BASE, BASE_NULL, DEFAULT)}
    for key, texts in form.lists():
        kind, dot, name = key.partition(".")
        if dot and kind in parts:
            plain = [text.replace("\r\n", "\n") for text in texts]
            parts[kind][name] = plain if len(plain) > 1 else plain[0]
        elif dot and kind == RESOLVE:  # no name of an attribute has a dot in it; a ref may
            ref, _, column = name.rpartition(".")
            chosen.setdefault(ref, {})[column] = texts[0]
        else:
            given[key] = texts[0]
    if chosen:
        given[RESOLVE] = chosen
    named = (key.partition(".") for key in form)
    names = dict.fromkeys(name for kind, _, name in named if kind in (VALUES, NULL) and name in parts[kind])
    if names:
        given[VALUES] = {name: value for name in names if (value := _value(parts, name)) is not UNTOUCHED}
        given[BASE] = {name: base for name in given[VALUES] if (base := _base(parts, name)) is not UNTOUCHED}
    return given


def _value(parts: Mapping[str, Mapping[str, Any]], name: str) -> Any:
    """What the person wants in this column; UNTOUCHED where they left it as it was drawn."""
    text, null, base = parts[VALUES].get(name, ""), bool(parts[NULL].get(name)), _base(parts, name)
    if parts[DEFAULT].get(name) and not text and not null:
        return UNTOUCHED
    if base is None:
        return text if text else UNTOUCHED if null else ""
    if null:
        return None
    return UNTOUCHED if text == base else text


def _base(parts: Mapping[str, Mapping[str, Any]], name: str) -> Any:
    return None if parts[BASE_NULL].get(name) else parts[BASE].get(name, UNTOUCHED)
