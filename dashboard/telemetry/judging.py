"""What do the rules remember between two readings? The counts of the last seconds, and since when a finding holds."""

from __future__ import annotations

from ..config import Config
from .findings import findings
from .points import Points
from .reading import Reading
from .recent import Memory, counts
from .rows import dump

EVERY_SECONDS = 1.0


def memory(points: Points, config: Config, now: float) -> Memory:
    """What a reading of now is judged by."""
    at, sums = points.recent(now, config.judged_seconds) or (0.0, "{}")
    return Memory(at, sums, points.findings_since())


def note(points: Points, reading: Reading) -> None:
    """Done by one process, each second, whether anybody looks or not."""
    points.note_recent(reading.at, dump(counts(reading)), 2 * reading.config.judged_seconds)
    points.note_findings({finding.key for finding in findings(reading)}, reading.at)
