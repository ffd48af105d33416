"""How does one worker's word about a pool become a reading? Its slots, holders, waiters and connections."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from math import inf
from typing import Any

from .reading import ConnectionReading, Counts, Event, Holder, LeakReading, Limits, PoolReading, Slot, Waiter
from .snapshot import Said
from .tables import OPERATIONS
from .watches import TRANSACTION_OUTCOMES


def part_of(name: str, worker: int, item: Said, now: float) -> PoolReading:
    size, overflow, total = item["limits"] or (None, None, None)
    holders = (_holder(worker, holder, now) for holder in item["holders"])
    waiters = (
        Waiter(worker, age_of(w["since"], now) or 0.0, w["endpoint"], w["line"], w["thread"], w.get("now"))
        for w in item["waiting"]
    )
    return PoolReading(
        name=name,
        class_=item["class"],
        limits=Limits(size, overflow, total, item["timeout"]),
        counts=Counts(
            **{field: item[field] for field in ("used", "idle", "dead_slot", "detached", "overflow", "waiters", "peak")}
        ),
        slots=_slots(worker, item, size),
        holders=tuple(holders),
        waiters=tuple(waiters),
        totals=totals_of(item["numbers"]),
        connections=tuple(_connection(worker, one, now) for one in item.get("connections", ())),
        leaks=tuple(leak_of(worker, one) for one in item.get("leaks", ())),
        events=tuple(_event(worker, *one) for one in item.get("tape", ())),
        worker=worker,
        _numbers={
            "idle_in_transaction": item["idle_in_transaction"],
            "statements": item.get("statements", ()),
            "exemplars": item.get("exemplars", ()),
            "endpoints": item.get("endpoints", {}),
            **{f"oldest {what}": age_of(moment, now) for what, moment in item["oldest"].items()},
        },
    )


def _slots(worker: int, item: Said, size: float | None) -> tuple[Slot, ...]:
    """The worker's places, used ones first; bounded like the holders."""
    places = size or inf
    used = item["used"]
    states = ["used"] * int(min(used, places)) + ["overflow"] * int(max(0, used - places))
    states += ["idle"] * (item["idle"] or 0) + ["dead_slot"] * (item["dead_slot"] or 0)
    if size:
        states += ["free"] * int(max(0, size - len(states)))
    return tuple(Slot(worker, state) for state in states[:SLOTS_SHOWN])


SLOTS_SHOWN = 200


def _holder(worker: int, said: Said, now: float) -> Holder:
    return Holder(
        worker=worker,
        seconds=age_of(said["since"], now) or 0.0,
        endpoint=said["endpoint"],
        thread=said["thread"],
        line=said["line"],
        in_transaction=said["in_transaction"],
        idle_in_transaction_seconds=age_of(said["idle_since"], now),
        statement=said["statement"],
        server_process=said["server_process"],
        running_statement_seconds=age_of(said["running_since"], now),
        now=said.get("now"),
        stack=tuple(said.get("stack", ())),
        connection=said.get("connection"),
    )


def _connection(worker: int, said: Said, now: float) -> ConnectionReading:
    number = said["number"]
    return ConnectionReading(
        worker=worker,
        number=number,
        state=said["state"],
        opened_at=moment(said["opened"]),
        age=age_of(said["opened"], now) or 0.0,
        uses=said["uses"],
        server_process=said["server_process"],
        events=tuple(_event(worker, number, *event) for event in said["events"]),
    )


def _event(worker: int, connection: int | None, at: float, *told: Any) -> Event:
    kind, line, endpoint, seconds, detail = told
    return Event(moment(at), kind, line, endpoint, seconds, detail, worker, connection)


def leak_of(worker: int | None, said: Said) -> LeakReading:
    at, meanwhile = moment(said["at"]), said.get("meanwhile")  # a process of an earlier version does not say it
    return LeakReading(worker, said["kind"], at, said["seconds"], said["line"], said["endpoint"], meanwhile)


def moment(at: float) -> str:
    """ISO 8601 in UTC, with milliseconds."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def totals_of(numbers: Mapping[str, Any]) -> dict[str, float]:
    """The counts that people ask for, by plain names."""
    statements = {operation: count_of(numbers.get(f"statement|{operation}")) for operation in OPERATIONS}
    ends = {outcome: count_of(numbers.get(f"transaction|{outcome}")) for outcome in TRANSACTION_OUTCOMES}
    return {
        "checkouts": numbers.get("checkouts", 0),
        "checkins": numbers.get("checkins", 0),
        "timeouts": count_of(numbers.get("wait|timeout")),
        "opened": count_of(numbers.get("create|ok")),
        "closed": sum(count for name, count in numbers.items() if name.startswith("closed|")),
        "commits": ends["commit"],
        "rollbacks": ends["rollback"],
        "released": ends["released"],
        "abandoned": ends["abandoned"],
        "statements": sum(statements.values()),
        **{f"statements_{operation}": count for operation, count in statements.items()},
        "statement_errors": sum(count for name, count in numbers.items() if name.startswith("statement errors|")),
    }


def count_of(histogram: list[float] | None) -> float:
    """How many observations a histogram has: all its buckets, its sum left out."""
    return 0 if histogram is None else sum(histogram[:-1])


def age_of(moment: float | None, now: float) -> float | None:
    return None if moment is None else max(0.0, now - moment)
