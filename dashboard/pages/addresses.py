"""Where is a page of ours, wherever we are mounted, and where are the files that it is drawn with?"""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote
from weakref import WeakKeyDictionary

from flask import Flask, current_app, request, url_for

from ..runtime import current

PACKAGE = Path(__file__).parent.parent
HOUSE = PACKAGE if (PACKAGE / "templates").is_dir() else PACKAGE.parent
"""In a wheel templates/ and static/ lie inside the package; in a checkout beside it."""
STATIC = HOUSE / "static"


_known: WeakKeyDictionary[Flask, dict[tuple[str, str, str, str], str]] = WeakKeyDictionary()
"""By app the URLs of pages that take no values, and of files: each page has some forty. They depend on where we are
mounted, and on nothing else unless the host has a say in its URLs."""


def root() -> str:
    """The path below which all our pages are: `/`, or where a host has mounted us."""
    prefix: str = current_app.blueprints[current().name].url_prefix or "/"
    return (request.root_path.rstrip("/") + prefix) or "/"


def as_sent() -> str:
    """The address of the present request, in which a new line is no new line: a host may join it to its own."""
    query = request.query_string.decode("latin-1")
    return quote(request.root_path + request.path) + (f"?{query}" if query else "")


def url(endpoint: str, **values: Any) -> str:
    """The URL of a page of ours, wherever we are mounted."""
    return _built(endpoint, values) if values else _remembered(endpoint, "", values)


def static(path: str) -> str:
    """The URL of a static file, with a mark of its content."""
    return _remembered("static", path, {"filename": path, "v": mark(path)})


def _built(endpoint: str, values: dict[str, Any]) -> str:
    return url_for(f"{current().name}.{endpoint}", **values)


def _remembered(endpoint: str, path: str, values: dict[str, Any]) -> str:
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
    if app.url_default_functions or app.url_map.host_matching or app.subdomain_matching:
        return _built(endpoint, values)
    known, place = _known.setdefault(app, {}), (current().name, request.root_path, endpoint, path)
    if place not in known:
        known[place] = _built(endpoint, values)
    return known[place]


@cache
def mark(path: str) -> str:
    """Of the file's content."""
    return hashlib.sha256((STATIC / path).read_bytes()).hexdigest()[:12]
