"""How is plain data written into a column of text?"""

from __future__ import annotations

import json
from typing import Any

_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def text_of(value: Any) -> str:
    """JSON, as short as it can be said."""
    return _encode(value)
