"""Who holds the connections of a pool, line by line? Of many holders one reads the lines, and each of them below."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ..telemetry.reading import Holder


@dataclass(frozen=True)
class HeldByLine:
    """The connections that one line of the program holds for one endpoint, the longest first."""

    holders: tuple[Holder, ...]

    @property
    def longest(self) -> Holder:
        return self.holders[0]

    @property
    def in_transaction(self) -> int:
        return sum(holder.in_transaction for holder in self.holders)

    @property
    def idle(self) -> int:
        """In transaction, and nothing is asked."""
        return sum(holder.idle_in_transaction_seconds is not None for holder in self.holders)

    @property
    def running(self) -> int:
        return sum(holder.running_statement_seconds is not None for holder in self.holders)

    @property
    def workers(self) -> tuple[int, ...]:
        return tuple(sorted({holder.worker for holder in self.holders}))


def by_line(holders: Iterable[Holder]) -> tuple[HeldByLine, ...]:
    """The line with the most first; of as many, the one that holds for longest."""
    lines: dict[tuple[str | None, str | None], list[Holder]] = {}
    for holder in sorted(holders, key=lambda one: -one.seconds):
        lines.setdefault((holder.line, holder.endpoint), []).append(holder)
    found = (HeldByLine(tuple(each)) for each in lines.values())
    return tuple(sorted(found, key=lambda one: (-len(one.holders), -one.longest.seconds)))
