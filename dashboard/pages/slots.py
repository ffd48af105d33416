"""How do the places of a pool look, worker by worker? Each used one as its holder is, and who waits behind them."""

from __future__ import annotations

from collections.abc import Iterable, Sized
from dataclasses import dataclass

from ..telemetry.reading import Holder, Limits, Slot, Waiter

STATES = ("used", "idle", "free", "overflow", "idle_in_transaction", "overdue", "dead_slot")
"""As a place looks."""


@dataclass(frozen=True)
class Group:
    """The places of one worker. waiters: how many of it wait."""

    worker: int
    slots: tuple[Slot, ...]
    waiters: int


def groups(slots: Iterable[Slot], holders: Iterable[Holder], waiters: Iterable[Waiter], overdue: float) -> list[Group]:
    """overdue: seconds after which a holder's place is shown as such."""
    places: dict[int, list[Slot]] = {}
    for slot in slots:
        places.setdefault(slot.worker, []).append(slot)
    states: dict[int, list[str]] = {}
    for holder in sorted(holders, key=lambda one: -one.seconds):
        states.setdefault(holder.worker, []).append(_state(holder, overdue))
    waiting = [waiter.worker for waiter in waiters]
    return [
        Group(worker, tuple(_as_held(each, states.get(worker, []))), waiting.count(worker))
        for worker, each in sorted(places.items())
    ]


def unopened(limits: Limits, slots: Sized) -> int:
    """How many more connections may be opened beyond the places that are drawn; 0 where there is no such limit.

    >>> unopened(Limits(size=5, max_overflow=10, total=15), [Slot(1, "idle")] * 5)
    10
    """
    return 0 if limits.most is None else max(0, limits.most - len(slots))


def _state(holder: Holder, overdue: float) -> str:
    if holder.seconds > overdue:
        return "overdue"
    return "idle_in_transaction" if (holder.idle_in_transaction_seconds or 0.0) >= 1.0 else ""


def _as_held(slots: Iterable[Slot], states: list[str]) -> Iterable[Slot]:
    """The holders' states, the oldest first, in place of plain `used`; no overflow is hidden by them."""
    left = iter(states)
    for slot in slots:
        state = next(left, "") if slot.state in ("used", "overflow") else ""
        yield Slot(slot.worker, state) if state else slot
