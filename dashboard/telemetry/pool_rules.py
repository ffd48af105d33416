"""When is a pool the trouble? Its connections are not given back, or there are too few of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from .digests import quantile
from .parts import moment
from .reading import Holder, LeakReading, PoolReading
from .recorder import SECONDS
from .rule import Case, Found, lasting, number_of, place, who, whose

HEADROOM = 0.9
BUSY = 0.8
NEAR_TIMEOUT = 0.25
SHARE = 0.99
UNSAID = 2
"""A leak may be told by so many words of its process later than it was."""


def _says_more(holder: Holder, case: Case) -> bool:
    """Who idles in a transaction, or waits for a statement, has a finding of its own, which says more than a leak's."""
    idle, stuck = case.config.idle_in_transaction_seconds, case.config.stuck_seconds
    return (holder.idle_in_transaction_seconds or 0.0) > idle or (holder.running_statement_seconds or 0.0) > stuck


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
    sentence = (
        f" {number} of {pool.counts.used} in use are held by {whose(holder)}, for up to {lasting(holder.seconds)}."
    )
    return sentence, holder


def leaked(case: Case) -> Iterator[Found]:
    for pool in case.pools(of_workspaces=False):
        overdue = case.config.overdue_seconds
        held = [one for one in pool.holders if one.seconds > overdue and not _says_more(one, case)]
        new, leak = _new_leaks(pool, case)
        waiters = pool.counts.waiters or 0
        waiting = f"; {number_of(waiters, 'request waits', 'requests wait')}" if waiters else ""
        if held:
            holder = max(held, key=lambda one: one.seconds)
            more = f", and {len(held) - 1} more for too long" if len(held) > 1 else ""
            yield Found(
                f"Leaking: a connection of pool {pool.name} that was taken in {whose(holder)} has been held "
                f"for {lasting(holder.seconds)}{more}{waiting}.",
                {"held_seconds": holder.seconds, "overdue_seconds": overdue, "overdue": len(held), "leaks": new,
                 "waiters": waiters},
                *place(holder),
                about=pool.name,
            )  # fmt: skip
        elif new and leak is not None:
            were = number_of(new, "connection was", "connections were")
            until = "longer than it should be" if leak.kind == "overdue" else "until the garbage collector took it"
            yield Found(
                f"Leaking: {were} not given back in time to pool {pool.name}, the last one taken in "
                f"{who(leak.line, leak.endpoint, leak.worker)} and held for {lasting(leak.seconds)}, {until}{waiting}.",
                {"leaks": new, "held_seconds": leak.seconds, "waiters": waiters},
                *place(leak),
                about=pool.name,
            )


def _new_leaks(pool: PoolReading, case: Case) -> tuple[float, LeakReading | None]:
    """How many within the time that is judged, and the last one; without those that another finding tells."""
    since = moment(case.reading.at - case.grown.seconds - UNSAID * case.config.publish_seconds)
    told = sum(leak.meanwhile is not None and leak.at >= since for leak in pool.leaks)
    kinds = ("garbage_collected", "overdue")
    new = sum(case.grown.number("pool", pool.name, f"leaks|{kind}") for kind in kinds)
    return max(0.0, new - told), _last((leak for leak in reversed(pool.leaks) if leak.meanwhile is None), kinds)


def fork_shared(case: Case) -> Iterator[Found]:
    for pool in case.pools():
        new = case.grown.number("pool", pool.name, "leaks|foreign_process")
        leak = _last(reversed(pool.leaks), ("foreign_process",))
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
                f"{pool.name}, the longest for {lasting(longest)}.{by_whom}",
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


def _last(newest_first: Iterable[LeakReading], kinds: tuple[str, ...]) -> LeakReading | None:
    return next((leak for leak in newest_first if leak.kind in kinds), None)
