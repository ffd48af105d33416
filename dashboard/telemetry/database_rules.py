"""When is it the database, or what is asked of it? It is away, slow, or kept waiting in a transaction."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from .digests import quantile
from .pool_rules import SHARE
from .reading import Event, Exemplar, PoolReading
from .recorder import STATEMENT_SECONDS
from .rule import Case, Found, lasting, number_of, place, who, whose
from .tables import OPERATIONS

FLAPS = 3
CHURN = 1.0
SHOWN = 80
"""Characters of a statement in a sentence."""


def stuck(case: Case) -> Iterator[Found]:
    for pool in case.pools():
        running = [holder for holder in pool.holders if holder.running_statement_seconds]
        holder = max(running, key=lambda one: one.running_statement_seconds or 0.0, default=None)
        seconds = (holder.running_statement_seconds or 0.0) if holder else 0.0
        limit = case.config.stuck_seconds
        if holder is not None and seconds > limit:
            number = sum((one.running_statement_seconds or 0.0) > limit for one in running)
            more = f"; {number - 1} more for over {limit:g} s" if number > 1 else ""
            yield Found(
                f"Stuck: a statement of pool {pool.name} has been running for {lasting(seconds)}, on the connection "
                f"that was taken in {whose(holder)}: {_short(holder.statement)}{more}.",
                {"running_seconds": seconds, "stuck_seconds": limit, "stuck": number},
                *place(holder),
                about=pool.name,
            )


def slow(case: Case) -> Iterator[Found]:
    for pool in case.pools():
        for operation in OPERATIONS:
            row = case.grown.row("pool", pool.name, f"statement|{operation}")
            p99 = quantile(SHARE, row[:-1], STATEMENT_SECONDS) if row else 0.0
            if p99 > case.config.slow_seconds:
                yield _slow(case, pool, operation, p99, row[:-1])
                break


def _slow(case: Case, pool: PoolReading, operation: str, p99: float, buckets: list[float]) -> Found:
    number, worst = sum(buckets), _slowest(case, pool, operation, buckets)
    its = place(worst)
    which = f", the last one in {who(*its)}: {_short(worst.statement)}" if worst else ""
    return Found(
        f"Slow: one in a hundred of the last {number:g} {operation} statements of pool {pool.name} takes {p99:.1f} s "
        f"or more{which}.",
        {"p99_seconds": p99, "statements": number, "slow_seconds": case.config.slow_seconds},
        *its,
        about=pool.name,
    )


def _slowest(case: Case, pool: PoolReading, operation: str, buckets: list[float]) -> Exemplar | None:
    """Of the slow statements within the time that is judged, the last one of how slow most of them are."""
    known = {
        bucket: one
        for (family, bucket), one in pool.numbers["exemplars"].items()
        if family == f"statement|{operation}" and one.seconds > case.config.slow_seconds and buckets[bucket]
    }
    return known[max(known, key=buckets.__getitem__)] if known else None


def idle_in_transaction(case: Case) -> Iterator[Found]:
    limit = case.config.idle_in_transaction_seconds
    for pool in case.pools(of_workspaces=False):
        holder = max(pool.holders, key=lambda one: one.idle_in_transaction_seconds or 0.0, default=None)
        seconds = (holder.idle_in_transaction_seconds or 0.0) if holder else 0.0
        if holder is not None and seconds > limit:
            yield Found(
                f"Idle in transaction: the transaction of {whose(holder)} in pool {pool.name} has been open without a "
                f"statement for {lasting(seconds)}; its last one: {_short(holder.statement)}.",
                {"idle_seconds": seconds, "limit_seconds": limit},
                *place(holder),
                about=pool.name,
            )


def away(case: Case) -> Iterator[Found]:
    for pool in case.pools():
        kinds = ("connect|true", "connect|false")
        number = sum(case.grown.number("pool", pool.name, f"connection errors|{kind}") for kind in kinds)
        if number:
            event = _most(pool, "not_opened")
            where = f", most of them for {who(event.line, event.endpoint, event.worker)}" if event else ""
            yield Found(
                f"Database away: {number_of(number, 'connection', 'connections')} of pool {pool.name} could not be "
                f"opened in the last {case.grown.seconds:.0f} s{where}.",
                {"connect_errors": number, "seconds": case.grown.seconds},
                *place(event),
                about=pool.name,
            )


def flapping(case: Case) -> Iterator[Found]:
    for pool in case.pools():
        number = case.grown.number("pool", pool.name, "invalidations|hard")
        if number > FLAPS:
            event = _most(pool, "invalidated")
            where = f", most of them under {who(event.line, event.endpoint, event.worker)}" if event else ""
            yield Found(
                f"Database flapping: {number:g} connections of pool {pool.name} broke in the last "
                f"{case.grown.seconds:.0f} s{where}.",
                {"invalidations": number, "seconds": case.grown.seconds},
                *place(event),
                about=pool.name,
            )


def churning(case: Case) -> Iterator[Found]:
    for pool in case.pools():
        rate = case.grown.rate("pool", pool.name, "closed|overflow")
        if rate > CHURN:
            event = _longest_of_any(pool)
            where = f" Connections were last held by {who(event.line, event.endpoint, event.worker)}." if event else ""
            yield Found(
                f"Churning: pool {pool.name} opens and closes {rate:.1f} connections a second beyond its size of "
                f"{pool.limits.size or 0:g}.{where}",
                {"closed_per_second": rate, "size": pool.limits.size or 0.0},
                *place(event),
                about=pool.name,
            )


def two_engines(case: Case) -> Iterator[Found]:
    number = max(case.reading.engines.values(), default=0)
    if number > 1:
        yield Found(f"Two engines: the program has {number} engines on one database.", {"engines": number})


def _most(pool: PoolReading, kind: str) -> Event | None:
    """Of the last events of this kind, the newest of the line that has most of them."""
    events = [event for event in pool.events if event.kind == kind]
    lines = Counter(event.line for event in events if event.line)
    most = lines.most_common(1)[0][0] if lines else None
    return next((event for event in reversed(events) if event.line == most), None)


def _longest_of_any(pool: PoolReading) -> Event | None:
    """The connections beyond the size are closed, and the last closed ones say who had them."""
    closed = [one for one in pool.connections if one.state == "closed"]
    back = [event for one in closed for event in one.events if event.line]
    return max(back, key=lambda event: event.at, default=None)


def _short(statement: str | None) -> str:
    text = " ".join((statement or "unknown").split())
    return text if len(text) <= SHOWN else text[: SHOWN - 1] + "…"
