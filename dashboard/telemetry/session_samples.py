"""What are the values of the metrics about loads and errors of the ORM?"""

from __future__ import annotations

from collections.abc import Iterator

from .reading import Reading
from .samples import Sample


def loads(reading: Reading) -> Iterator[Sample]:
    """The path is empty where a kind has none."""
    for load in reading.sessions.loads:
        yield (load.kind, load.path or ""), load.count


def n_plus_one(reading: Reading) -> Iterator[Sample]:
    for one in reading.sessions.n_plus_one:
        yield (one.path,), one.count


def orm_errors(reading: Reading) -> Iterator[Sample]:
    for kind, count in reading.sessions.error_counts.items():
        yield (kind,), count
