"""When is it the way in which the ORM is used? And when does Poolhouse itself not see?"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from .ours import is_ours
from .reading import Event, PoolReading
from .rule import Case, Found, number_of, place, who
from .sessions_reading import Example

N_PLUS_ONE_RATE = 0.1
REFRESHES = 5.0
REFRESH_RATE = 5.0
ROLLBACKS = 0.2
ROLLBACKS_LEAST = 5


def survived(case: Case) -> Iterator[Found]:
    for registry in case.reading.sessions.registries:
        number = case.grown.number("registry", registry.name, "survivors")
        if number:
            last = next((one for one in case.reading.sessions.survivors if one.registry == registry.name), None)
            its = place(last)
            yield Found(
                f"Sessions left open: {number_of(number, 'Session', 'Sessions')} of registry {registry.name} outlived "
                f"the request, the last one first used in {who(*its)}.",
                {"survivors": number, "seconds": case.grown.seconds},
                *its,
                about=registry.name,
            )


def n_plus_one(case: Case) -> Iterator[Found]:
    for one in case.reading.sessions.n_plus_one:
        rate = case.grown.rate("n_plus_one", one.path)
        if rate > N_PLUS_ONE_RATE:
            worst = _worst(case, one.examples, "n_plus_one in", one.path)
            its = place(worst)
            cure = f"Load it with the rest: add `.options({worst.cure})` to the query." if worst else ""
            yield Found(
                f"N+1: {one.path} is loaded lazily, ten times or more in one request, in {rate:.1f} requests a second, "
                f"at {who(*its)}.",
                {"requests_per_second": rate},
                *its,
                about=one.path,
                remedy=cure,
            )


def _worst(case: Case, examples: Iterable[Example], *key: str) -> Example | None:
    """Of the endpoint where it happened most within the time that is judged; the newest of several."""
    return max(examples, key=lambda one: case.grown.number(*key, one.endpoint), default=None)


def refresh_storm(case: Case) -> Iterator[Found]:
    names = [registry.name for registry in case.reading.sessions.registries]
    refreshes = sum(case.grown.rate("registry", name, "loads|refresh") for name in names)
    commits = sum(case.grown.rate("registry", name, "session transactions|commit") for name in names)
    if refreshes > REFRESHES * commits and refreshes > REFRESH_RATE:
        worst = _worst(case, case.reading.sessions.refreshes, "refreshes in")
        its = place(worst)
        mostly = f", mostly in {who(*its)}" if worst else ""
        yield Found(
            f"Refresh storm: {refreshes:.1f} expired objects a second are read again, one by one, for {commits:.1f} "
            f"commits a second{mostly}.",
            {"refreshes_per_second": refreshes, "commits_per_second": commits},
            *its,
        )


def rollbacks(case: Case) -> Iterator[Found]:
    for registry in case.reading.sessions.registries:
        if is_ours(registry.name):  # pages of records only read, and take it back
            continue
        ends = {
            outcome: case.grown.number("registry", registry.name, f"session transactions|{outcome}")
            for outcome in ("commit", "rollback")
        }
        back, all_ = ends["rollback"], sum(ends.values())
        if back >= ROLLBACKS_LEAST and back > ROLLBACKS * all_:
            event = _rolled_back(case)
            its = place(event)
            yield Found(
                f"Rolling back: {back:g} of the last {all_:g} transactions of registry {registry.name} were rolled "
                f"back, the last that is known in {who(*its)}.",
                {"rollbacks": back, "transactions": all_, "ratio": back / all_},
                *its,
                about=registry.name,
            )


def detached_errors(case: Case) -> Iterator[Found]:
    number = case.grown.number("orm errors", "detached")
    if number:
        last = next((one for one in case.reading.sessions.errors if one.kind == "detached"), None)
        its = place(last)
        what = f" reading {last.model}.{last.attribute}" if last and last.model and last.attribute else ""
        left = f"; it left its Session in {last.detached_at}" if last and last.detached_at else ""
        yield Found(
            f"Detached: {number_of(number, 'request', 'requests')} ended with DetachedInstanceError,{what} in "
            f"{who(*its)}{left}.",
            {"errors": number, "seconds": case.grown.seconds},
            *its,
        )


def blind(case: Case) -> Iterator[Found]:
    if case.reading.problem is not None:
        yield Found(f"Blind: {case.reading.problem}", {})
    failed = {name: number for name in case.grown.names("faults") if (number := case.grown.number("faults", name))}
    if failed:
        number = sum(failed.values())
        yield Found(
            f"Partly blind: {number_of(number, 'fault', 'faults')} inside Poolhouse's telemetry in the last "
            f"{case.grown.seconds:.0f} s ({', '.join(sorted(failed))}); the program is not affected.",
            {"faults": number},
        )


def listener_off(case: Case) -> Iterator[Found]:
    """A listener of ours failed more than 100 times in a minute, and does nothing any more."""
    for one in case.reading.switched_off:
        yield Found(
            f"Partly blind: Poolhouse's listener {one.listener} failed {one.faults} times in worker {one.worker} "
            "and is switched off there; the program is not affected, what that listener counts stands still.",
            {"faults": one.faults},
            worker=one.worker,
            about=one.listener,
        )


def _events(pool: PoolReading) -> Iterator[Event]:
    for holder in pool.holders:
        yield Event("~", "held", holder.line, holder.endpoint, holder.seconds, None, holder.worker)
    for one in pool.connections:
        yield from (event for event in one.events if event.line)


def _rolled_back(case: Case) -> Event | None:
    ended = (
        event
        for pool in case.pools()
        if not is_ours(pool.name)
        for event in _events(pool)
        if event.kind == "transaction_ended" and event.detail == "rollback"
    )
    return max(ended, key=lambda event: event.at, default=None)
