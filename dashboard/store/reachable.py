"""Which versions of a workspace may somebody still ask for, and which images does none of them need?"""

from __future__ import annotations

import bisect
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

RECENT = 16
"""Versions that are kept in any case; and as often it is looked which can be forgotten."""


def reachable(header: Mapping[str, Any], version: int) -> list[int]:
    """The versions that somebody may still ask for: those that an undo or a redo goes to, and the last few,
    because who looks may have read an earlier one's row just now."""
    steps = (*header.get("undo", ()), *header.get("redo", ()))
    return sorted({*(step[0] for step in steps), *range(version - RECENT, version + 1)})


def unused(rows: Sequence[Any], kept: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Images that hold in no version that is kept. rows: number, version, whether the object left, in that order."""
    stays: int | None = None  # the object of which an image stays
    for index, (number, version, left) in enumerate(rows):
        following = rows[index + 1] if index + 1 < len(rows) else None
        until = following[1] if following is not None and following[0] == number else kept[-1] + 1
        first = bisect.bisect_left(kept, version)
        if (first < len(kept) and kept[first] < until) and not (left and stays != number):
            stays = number
        else:
            yield number, version
