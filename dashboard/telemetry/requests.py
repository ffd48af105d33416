"""What did one request ask of the database in all? Added up when its scope ends."""

from __future__ import annotations

from bisect import bisect_left

from . import scopes
from .recorder import COUNTS, SECONDS
from .tables import REQUESTS
from .watches import REQUEST_SECONDS, REQUEST_STATEMENTS, SLOW


def add_up(scope: scopes.Scope) -> None:
    """Counts what the scope did in each pool, as one request. What comes after its end is counted by endpoint only."""
    for watch, (statements, seconds, _) in scope.uses.items():
        local = watch.local
        cells = local.cells
        cells[REQUEST_STATEMENTS + bisect_left(COUNTS, statements)] += 1
        cells[REQUEST_STATEMENTS + len(COUNTS) + 1] += statements
        bucket = bisect_left(SECONDS, seconds)
        cells[REQUEST_SECONDS + bucket] += 1
        cells[REQUEST_SECONDS + len(SECONDS) + 1] += seconds
        if seconds >= SLOW:
            watch.note_slow("request seconds", bucket, seconds, scope.endpoint)
        local.endpoints[scope.endpoint][REQUESTS] += 1
