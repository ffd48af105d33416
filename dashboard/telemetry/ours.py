"""Which pools and registries are Poolhouse's own? What they do is no doing of the program."""

from __future__ import annotations

import re

PATTERN = r"(workspaces|records)([.].+)?(-[0-9]+)?"
"""Of the workspaces and of the pages of records: of another database "records.NAME", of a further engine "records-2".
PromQL understands it too."""
_NAME = re.compile(PATTERN)


def is_ours(name: str) -> bool:
    """By its name, which is how a pool or a registry is known in every process.

    >>> [is_ours(name) for name in ("records", "records.other-2", "workspaces", "default", "records_of_sales")]
    [True, True, True, False, False]
    """
    return _NAME.fullmatch(name) is not None
