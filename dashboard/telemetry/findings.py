"""What is wrong now, by which rule, and in which sentence? The worst finding is the verdict."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .reading import PoolReading, Reading, SwitchedOff

LEVELS = ("healthy", "notice", "warning", "critical")


@dataclass(frozen=True)
class Finding:
    """Something that is wrong now. numbers: what the rule compared; line, worker, since: who does it, where that is
    known."""

    finding: str
    level: str
    sentence: str
    numbers: Mapping[str, float] = field(default_factory=dict)
    line: str | None = None
    worker: int | None = None
    since: str | None = None
    remedy: str = ""


@dataclass(frozen=True)
class Verdict:
    level: str
    sentence: str
    remedy: str = ""
    finding: str | None = None


def findings(reading: Reading) -> tuple[Finding, ...]:
    """The findings that hold now, the worst first."""
    found = [finding for pool in reading.pools for finding in _saturated(pool)]
    found += [_listener_off(one) for one in reading.switched_off]
    return tuple(sorted(found, key=lambda finding: -LEVELS.index(finding.level)))


def _listener_off(one: SwitchedOff) -> Finding:
    """ListenerOff: a listener of ours failed more than 100 times in a minute, and does nothing any more."""
    return Finding(
        finding="ListenerOff",
        level="warning",
        sentence=f"Partly blind: Poolhouse's listener {one.listener} failed {one.faults} times in worker {one.worker} "
        "and is switched off there; the program is not affected, what that listener counts stands still.",
        numbers={"faults": one.faults},
        worker=one.worker,
        remedy="See the traceback in the log of `poolhouse` and report it; a restart of that worker switches the "
        "listener on again.",
    )


def verdict(reading: Reading, found: tuple[Finding, ...]) -> Verdict:
    """One sentence for the person on call: the worst finding, or how much of the pools is in use."""
    if found:
        worst = found[0]
        return Verdict(worst.level, worst.sentence, worst.remedy, worst.finding)
    if not reading.pools:
        return Verdict("notice", "Nothing is watched yet: no program has reported a pool.")
    return Verdict("healthy", "Healthy: " + "; ".join(_in_use(pool) for pool in reading.pools) + ", nobody waits.")


def _in_use(pool: PoolReading) -> str:
    used, total = pool.counts.used, pool.limits.total
    of = "" if total is None else f" of {total:g}"
    return f"{used or 0}{of} connections of pool {pool.name} in use"


def _saturated(pool: PoolReading) -> tuple[Finding, ...]:
    """PoolSaturated: somebody waits for a connection, present value."""
    waiters = len(pool.waiters)
    if not waiters:
        return ()
    longest = max(waiter.seconds for waiter in pool.waiters)
    oldest = max(pool.holders, key=lambda holder: holder.seconds, default=None)
    whose = (
        f" The oldest holder is {oldest.line or oldest.endpoint or 'unknown'}, for {oldest.seconds:.1f} s."
        if oldest
        else ""
    )
    wait = "request waits" if waiters == 1 else "requests wait"
    return (
        Finding(
            finding="PoolSaturated",
            level="critical",
            sentence=f"Saturated: {waiters} {wait} for a connection of pool {pool.name}, "
            f"the longest for {longest:.1f} s.{whose}",
            numbers={"waiters": waiters, "longest_wait_seconds": longest},
            line=oldest.line if oldest else None,
            worker=oldest.worker if oldest else None,
            remedy=f"See who holds the connections on the page of pool {pool.name}; give them back sooner, "
            "or raise pool_size.",
        ),
    )
