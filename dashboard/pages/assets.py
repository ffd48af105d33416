"""The files that pages are drawn with: each served whole, compressed once, and for good under the URL with its mark."""

from __future__ import annotations

import gzip
import mimetypes
from dataclasses import dataclass
from functools import cache

from flask import Response, request
from werkzeug.exceptions import NotFound

from . import gate
from .addresses import STATIC, mark

FOR_GOOD = "public, max-age=31536000, immutable"
ASKED_AGAIN = "no-cache"
COMPRESSED = frozenset({".css", ".js", ".svg", ".txt"})


@dataclass(frozen=True)
class Asset:
    body: bytes
    compressed: bytes | None
    kind: str


@gate.needs(gate.OPEN)
def send(filename: str) -> Response:
    if filename not in _names():
        raise NotFound
    asset = _asset(filename)
    is_compressed = asset.compressed is not None and request.accept_encodings["gzip"] > 0
    body = asset.compressed if is_compressed and asset.compressed is not None else asset.body
    answer = Response(body, content_type=asset.kind)
    if is_compressed:
        answer.headers["Content-Encoding"] = "gzip"
    answer.vary.add("Accept-Encoding")
    answer.headers["Cache-Control"] = FOR_GOOD if request.args.get("v") == mark(filename) else ASKED_AGAIN
    answer.set_etag(mark(filename) + ("-gzip" if is_compressed else ""))
    answer.make_conditional(request)
    return answer


@cache
def _names() -> frozenset[str]:
    """All there are: nothing else is ever opened, whatever a URL asks for."""
    return frozenset(path.relative_to(STATIC).as_posix() for path in STATIC.rglob("*") if path.is_file())


@cache
def _asset(filename: str) -> Asset:
    path = STATIC / filename
    body = path.read_bytes()
    kind = mimetypes.guess_type(filename)[0] or "application/octet-stream"
    text = kind.startswith("text/") or path.suffix in COMPRESSED
    smaller = gzip.compress(body, 9, mtime=0) if path.suffix in COMPRESSED else None
    return Asset(body, smaller, f"{kind}; charset=utf-8" if text else kind)
