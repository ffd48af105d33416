"""When is a pool the trouble? Its connections are not given back, or there are too few of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from .digests import quantile
from .reading import Holder, LeakReading, PoolReading
from .recorder import SECONDS
from .rule import Case, Found, number_of, place, who, whose

HEADROOM = 0.9
BUSY = 0.8
NEAR_TIMEOUT = 0.25
SHARE = 0.99


def _oldest_that_does_nothing(pool: PoolReading, case: Case) -> Holder | None:
    """Who idles in a transaction, or waits for a statement, has a finding of its own, which says more."""
    idle, stuck = case.config.idle_in_transaction_seconds, case.config.stuck_seconds
    holders = (
        holder
        for holder in pool.holders
        if (holder.idle_in_transaction_seconds or 0.0) <= idle and (holder.running_statement_seconds or 0.0) <= stuck
    )
    return max(holders, key=lambda holder: holder.seconds, default=None)


def most_held_by(pool: PoolReading) -> tuple[Holder, int] | None:
    """The oldest holder of the line that holds the most connections, and how many it holds."""
    if not pool.holders:
        return None
    lines = Counter((holder.line, holder.endpoint) for holder in pool.holders)
    (line, endpoint), number = lines.most_common(1)[0]
    held = (holder for holder in pool.holders if (holder.line, holder.endpoint) == (line, endpoint))
    return max(held, key=lambda holder: holder.seconds), number


def blamed(pool: PoolReading) -> tuple[str, Holder | None]:
    """Who holds the connections: a sentence, and whom it names."""
    most = most_held_by(pool)
    if most is None:
        return "", None
    holder, number = most
    return f" {number} of {pool.counts.used} in use are held by {whose(holder)}, for up to {holder.seconds:.1f} s.", (
        holder
    )


def leaked(case: Case) -> Iterator[Found]:
    for pool in case.pools(of_workspaces=False):
        holder = _oldest_that_does_nothing(pool, case)
        overdue = case.config.overdue_seconds
        kinds = ("garbage_collected", "overdue")
        new = sum(case.grown.number("pool", pool.name, f"leaks|{kind}") for kind in kinds)
        waiters = pool.counts.waiters or 0
        waiting = f"; {number_of(waiters, 'request waits', 'requests wait')}" if waiters else ""
        if holder is not None and holder.seconds > overdue:
            yield Found(
                f"Leaking: a connection of pool {pool.name} that was taken in {whose(holder)} has been held "
                f"for {holder.seconds:.1f} s{waiting}.",
                {"held_seconds": holder.seconds, "overdue_seconds": overdue, "leaks": new, "waiters": waiters},
                *place(holder),
                about=pool.name,
            )
        elif new and (leak := _last(pool, kinds)) is not None:
            yield Found(
                f"Leaking: {number_of(new, 'connection', 'connections')} of pool {pool.name} not given back as it "
                f"should be, the last one taken in {who(leak.line, leak.endpoint, leak.worker)} and held "
                f"for {leak.seconds:.1f} s ({leak.kind.replace('_', ' ')}){waiting}.",
                {"leaks": new, "held_seconds": leak.seconds, "waiters": waiters},
                *place(leak),
                about=pool.name,
            )


def fork_shared(case: Case) -> Iterator[Found]:
    for pool in case.pools():
        new = case.grown.number("pool", pool.name, "leaks|foreign_process")
        leak = _last(pool, ("foreign_process",))
        if new and leak is not None:
            yield Found(
                f"Shared over a fork: {number_of(new, 'use', 'uses')} of a connection of pool {pool.name} that another "
                f"process opened, the last in {who(leak.line, leak.endpoint, leak.worker)}.",
                {"leaks": new},
                *place(leak),
                about=pool.name,
            )


def saturated(case: Case) -> Iterator[Found]:
    for pool in case.pools():
        waiters = pool.counts.waiters or 0
        if waiters:
            longest = max((waiter.seconds for waiter in pool.waiters), default=0.0)
            by_whom, holder = blamed(pool)
            yield Found(
                f"Saturated: {number_of(waiters, 'request waits', 'requests wait')} for a connection of pool "
                f"{pool.name}, the longest for {longest:.1f} s.{by_whom}",
                {"waiters": waiters, "longest_wait_seconds": longest, "used": pool.counts.used},
                *place(holder),
                about=pool.name,
            )


def timed_out(case: Case) -> Iterator[Found]:
    for pool in case.pools():
        row = case.grown.row("pool", pool.name, "wait|timeout")
        number = sum(row[:-1])
        if number:
            event = next((event for event in reversed(pool.events) if event.kind == "timed_out"), None)
            in_vain = f" The last one asked in {who(event.line, event.endpoint, event.worker)}." if event else ""
            by_whom, holder = blamed(pool)
            yield Found(
                f"Timed out: {number_of(number, 'request', 'requests')} got no connection of pool {pool.name} within "
                f"{pool.limits.timeout_seconds or 0:g} s.{in_vain}{by_whom}",
                {"timeouts": number, "seconds": case.grown.seconds},
                *place(holder or event),
                about=pool.name,
            )


def waits_near_timeout(case: Case) -> Iterator[Found]:
    for pool in case.pools():
        limit = pool.limits.timeout_seconds
        rows = [case.grown.row("pool", pool.name, f"wait|{outcome}") for outcome in ("ok", "timeout")]
        buckets = [sum(column) for column in zip(*(row for row in rows if row), strict=True)][:-1]
        p99 = quantile(SHARE, buckets, SECONDS) if buckets else 0.0
        if limit and p99 > NEAR_TIMEOUT * limit:
            by_whom, holder = blamed(pool)
            yield Found(
                f"Long waits: of the last requests, one in a hundred waits {p99:.1f} s or more for a connection of "
                f"pool {pool.name}, which gives up after {limit:g} s.{by_whom}",
                {"p99_seconds": p99, "timeout_seconds": limit},
                *place(holder),
                about=pool.name,
            )


def undersized(case: Case) -> Iterator[Found]:
    """Little's law: the seconds held in a second are the connections that are busy on average."""
    for pool in case.pools(of_workspaces=False):
        row, limit = case.grown.row("pool", pool.name, "hold"), pool.limits.total
        busy = row[-1] / case.grown.seconds if row else 0.0
        if limit and busy > BUSY * limit:
            by_whom, holder = blamed(pool)
            yield Found(
                f"Undersized: {min(busy, limit):.1f} of the {limit:g} connections of pool {pool.name} are busy on "
                f"average.{by_whom}",
                {"busy": busy, "limit": limit},
                *place(holder),
                about=pool.name,
            )


def without_headroom(case: Case) -> Iterator[Found]:
    for pool in case.pools(of_workspaces=False):
        full = (part for part in pool.workers if part.limits.total)
        worst = max(full, key=lambda part: part.counts.used / (part.limits.total or 1), default=None)
        if worst is not None and worst.counts.used > HEADROOM * (worst.limits.total or 0):
            by_whom, holder = blamed(worst)
            yield Found(
                f"Nearly full: worker {worst.worker} of {len(pool.workers)} has {worst.counts.used} of "
                f"{worst.limits.total:g} connections of pool {pool.name} in use.{by_whom}",
                {"used": worst.counts.used, "limit": worst.limits.total or 0.0},
                *place(holder),
                about=pool.name,
            )


def _last(pool: PoolReading, kinds: tuple[str, ...]) -> LeakReading | None:
    return next((leak for leak in reversed(pool.leaks) if leak.kind in kinds), None)
