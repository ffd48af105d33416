"""Where is a page of ours, wherever we are mounted, and where are the files that it is drawn with?"""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path
from typing import Any

from flask import url_for

from ..runtime import current

PACKAGE = Path(__file__).parent.parent
HOUSE = PACKAGE if (PACKAGE / "templates").is_dir() else PACKAGE.parent
"""In a wheel templates/ and static/ lie inside the package; in a checkout beside it."""
STATIC = HOUSE / "static"


def url(endpoint: str, **values: Any) -> str:
    """The URL of a page of ours, wherever we are mounted."""
    return url_for(f"{current().name}.{endpoint}", **values)


def static(path: str) -> str:
    """The URL of a static file, with a mark of its content."""
    return url("static", filename=path, v=mark(path))


@cache
def mark(path: str) -> str:
    """Of the file's content."""
    return hashlib.sha256((STATIC / path).read_bytes()).hexdigest()[:12]
