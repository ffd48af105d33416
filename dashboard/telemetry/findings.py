"""What is wrong now, by which rule, and in which sentence? The worst finding is the verdict."""

from __future__ import annotations

from dataclasses import dataclass

from .ours import is_ours
from .reading import PoolReading, Reading
from .recent import Increase
from .rule import LEVELS as LEVELS
from .rule import Case, number_of
from .rule import Finding as Finding
from .rules import RULES


@dataclass(frozen=True)
class Verdict:
    level: str
    sentence: str
    remedy: str = ""
    finding: str | None = None
    rule: str = ""
    since: str | None = None


def findings(reading: Reading) -> tuple[Finding, ...]:
    """The findings that hold now, the worst first; what can be the cause of an exhausted pool before that pool."""
    case = Case(reading, reading.config, Increase.of(reading))
    found = [(rank, finding) for rank, rule in enumerate(RULES) for finding in rule.findings(case)]
    exhausted = max(
        (LEVELS.index(one.level) for rank, one in found if RULES[rank].consequence and _counts(one)), default=0
    )

    def place(item: tuple[int, Finding]) -> tuple[int, int]:
        rank, finding = item
        level = LEVELS.index(finding.level)
        return -(max(level, exhausted) if RULES[rank].cause else level), rank

    return tuple(finding for _, finding in sorted(found, key=place))


def _counts(finding: Finding) -> bool:
    return finding.level != "notice"


def verdict(reading: Reading, found: tuple[Finding, ...]) -> Verdict:
    """One sentence for the person on call: the worst finding, or how much of the pools is in use.

    Its level is the worst of all: a cause that stands before its consequence may be the milder of the two.
    """
    if found:
        first = found[0]
        level = max((one.level for one in found), key=LEVELS.index)
        return Verdict(level, first.sentence, first.remedy, first.finding, first.rule, first.since)
    if not reading.pools:
        return Verdict("notice", "Nothing is watched yet: no program has reported a pool.")
    programs = tuple(pool for pool in reading.pools if not is_ours(pool.name))
    return Verdict("healthy", f"Healthy: {_in_use(programs or reading.pools)} in use, nobody waits.")


def _in_use(pools: tuple[PoolReading, ...]) -> str:
    """Of all of them together; how many there may be where each has a limit."""
    used = sum(pool.counts.used or 0 for pool in pools)
    limits = [pool.limits.most for pool in pools if pool.limits.most is not None]
    if len(limits) < len(pools):
        return number_of(used, "connection", "connections")
    return f"{used} of {sum(limits)} connections"
