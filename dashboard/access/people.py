"""Who is there, also while the store is away? A copy in memory of all that signing in needs."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from ..config import Config
from ..refusal import Refusal
from ..store import accounts as rows
from ..store.engine import Store

REFRESH_PATIENCE_SECONDS = 0.5
FIRST_PATIENCE_SECONDS = 5.0
"""As long as nothing was read yet, there is no copy to go on with."""
RETRY_SECONDS = 1.0
LOOK_UP_SECONDS = 0.1


@dataclass(frozen=True)
class _Copy:
    people: rows.People
    read_at: float


class PeopleCopy:
    """At most `copy_seconds` old while the store answers; trusted for `copy_trusted_seconds` while it does not.

    clock: seconds since 1970; monotonic: seconds, for the copy's age.
    """

    def __init__(
        self,
        store: Store,
        config: Config,
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store, self._config, self._clock, self._monotonic = store, config, clock, monotonic
        self._copy: _Copy | None = None
        self._refreshing = threading.Lock()
        self._tried_at = float("-inf")
        self._store_answers = True
        self._refused: Refusal | None = None

    def now(self, anew: bool = False) -> rows.People:
        """The copy; read again when it is too old, or at once (`anew`) after a change of our own."""
        if anew or self._age() > self._config.copy_seconds:
            self._refresh(must=anew or self._copy is None)
        if self._copy is None and self._refused is not None:
            raise replace(self._refused)
        if self._copy is None or self._age() > self._config.copy_trusted_seconds:
            raise _away("The store cannot be reached, so nobody can be recognised just now.")
        return self._copy.people

    def with_token(self, key: str) -> rows.People:
        """The copy, read again where it lacks this token. Raises Refusal("store_away") where it cannot be: then nobody
        knows that there is no such token, and whoever sends it shall not throw it away."""
        people, asked = self.now(), self._monotonic()
        if key in people.tokens:
            return people
        people = self.looked_up()
        if key not in people.tokens and self._copy is not None and self._copy.read_at < asked:
            raise _away("The store cannot be asked for this token just now.")
        return people

    def looked_up(self) -> rows.People:
        """The copy, read again because it may lack a name or token; throttled, since anybody can make up names."""
        too_soon = LOOK_UP_SECONDS - (self._monotonic() - self._tried_at)
        if too_soon > 0:
            threading.Event().wait(too_soon)
        return self.now(anew=True)

    def since(self, at: float) -> rows.People:
        """The copy, read again where it is older than this moment (seconds since 1970)."""
        return self.now(anew=self._clock() - self._age() <= at)

    def read_now(self) -> rows.People:
        """In this thread, however long it takes: a start may be what another one's reading waits for."""
        at = self._monotonic()
        people = rows.read_people(self._store, self._clock() - self._config.sign_in_most_seconds)
        self._copy, self._store_answers = _Copy(people, at), True
        return people

    def store_answers(self) -> bool:
        """False while the store is away: what the copy says is then good for reading only."""
        self.now()
        if not self._store_answers:
            self.now(anew=True)
        return self._store_answers

    def _age(self) -> float:
        return float("inf") if self._copy is None else self._monotonic() - self._copy.read_at

    def _refresh(self, must: bool) -> None:
        """Reads the copy in a thread of its own, and waits a moment for it: a store that hangs must not hang the page
        that asks who somebody is."""
        if not must and self._monotonic() - self._tried_at < RETRY_SECONDS:
            return
        patience = FIRST_PATIENCE_SECONDS if self._copy is None else REFRESH_PATIENCE_SECONDS
        if not self._refreshing.acquire(timeout=patience if must else 0):
            return
        self._tried_at = self._monotonic()
        read = threading.Event()
        threading.Thread(target=self._read, args=(read,), name="poolhouse-accounts", daemon=True).start()
        if not read.wait(patience):
            self._store_answers = False

    def _read(self, read: threading.Event) -> None:
        try:
            self.read_now()
        except Refusal as refusal:
            self._store_answers, self._refused = False, refusal  # the old copy is still trusted, within its bound
        finally:
            self._refreshing.release()
            read.set()


def _away(message: str) -> Refusal:
    return Refusal("store_away", message, remedy="Try again in a moment.")
