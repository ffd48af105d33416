"""How does less of an answer travel? Pages are words that repeat: a tenth of them is enough."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from contextlib import closing
from typing import TYPE_CHECKING

from flask import Response, request

if TYPE_CHECKING:
    from collections.abc import Generator

KINDS = frozenset({"text/html", "application/json", "text/event-stream"})
LEAST_BYTES = 1_000
LEVEL = 5


def is_wanted() -> bool:
    return request.accept_encodings["gzip"] > 0


def compress(response: Response) -> Response:
    """A whole answer of ours. What streams, and what somebody compressed already, is left alone."""
    if response.mimetype not in KINDS or response.is_streamed or "Content-Encoding" in response.headers:
        return response
    response.vary.add("Accept-Encoding")
    body = response.get_data()
    if len(body) >= LEAST_BYTES and is_wanted():
        response.set_data(gzip.compress(body, LEVEL, mtime=0))
        response.headers["Content-Encoding"] = "gzip"
    return response


def compressed(events: Generator[str]) -> Iterator[bytes]:
    """Each event by itself, so that none waits for the next one; one window for all of them, so that an event that is
    much like the last one is hardly anything."""
    squeeze = zlib.compressobj(LEVEL, wbits=31)
    with closing(events):
        for each in events:
            yield squeeze.compress(each.encode()) + squeeze.flush(zlib.Z_SYNC_FLUSH)
