"""How often may somebody try to sign in? Counted by name and by address in the store, so over all workers."""

from __future__ import annotations

import ipaddress
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from ..refusal import Refusal
from ..store import sign_ins as rows
from ..store.engine import Store

WITHIN_SECONDS = 300.0
HASHES_AT_ONCE = 2
"""Of passwords that one worker checks: each takes 32 MiB and a tenth of a second, and anybody may ask for one."""
HASH_PATIENCE_SECONDS = 1.0
_hashing = threading.BoundedSemaphore(HASHES_AT_ONCE)


class Throttle:
    """tries: that may fail for one subject within five minutes. While the store is away, each worker counts its own."""

    def __init__(self, store: Store, tries: int, clock: Callable[[], float] = time.time) -> None:
        self._store, self._tries, self._clock = store, tries, clock
        self._here: list[tuple[str, float, tuple[str, ...]]] = []
        self._guard = threading.Lock()

    def begin(self, subjects: tuple[str, ...]) -> str:
        """Counts a try as one that fails, before it is known: of a hundred at once no more than `tries` get through.
        Raises Refusal("throttled"). Answers what `succeeded` takes."""
        trial, now = secrets.token_hex(16), self._clock()
        subjects = tuple(each.replace("\0", "\ufffd") for each in subjects)  # PostgreSQL keeps no NUL
        try:
            count = rows.add_trial(self._store, trial, subjects, now, now - WITHIN_SECONDS)
        except Refusal:
            count = self._count_here(trial, subjects, now)
        if count > self._tries:
            self.succeeded(trial)  # what is not let through is no try: it does not make the wait longer
            raise Refusal(
                "throttled", "Too many wrong tries for this name or from this address.", remedy="Wait five minutes."
            )
        return trial

    def succeeded(self, trial: str) -> None:
        """Takes the try back."""
        with self._guard:
            self._here = [each for each in self._here if each[0] != trial]
        with suppress(Refusal):
            rows.forget_trial(self._store, trial)

    def _count_here(self, trial: str, subjects: tuple[str, ...], now: float) -> int:
        with self._guard:
            self._here = [each for each in self._here if abs(now - each[1]) < WITHIN_SECONDS]
            self._here.append((trial, now, subjects))
            return max(sum(subject in each[2] for each in self._here) for subject in subjects)


def neighbours(address: str) -> str:
    """The addresses whose tries count as those of one: who has an IPv6 address has all of its network.

    >>> neighbours("192.0.2.7"), neighbours("2001:db8::7"), neighbours("::ffff:192.0.2.7"), neighbours("")
    ('192.0.2.7', '2001:db8::/64', '192.0.2.7', '')
    """
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address[:100]
    if isinstance(found, ipaddress.IPv4Address):
        return str(found)
    return str(found.ipv4_mapped or ipaddress.ip_network((int(found) >> 64 << 64, 64)))


@contextmanager
def hashing() -> Iterator[None]:
    """Around each check of a password."""
    if not _hashing.acquire(timeout=HASH_PATIENCE_SECONDS):
        raise Refusal("overloaded", "Many people are signing in just now.", remedy="Try again in a moment.")
    try:
        yield
    finally:
        _hashing.release()
