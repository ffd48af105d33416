"""Poolhouse's own accounts: who signs in by password, link or token. Held in memory, so that signing in outlives an
outage of the store."""

from __future__ import annotations

import hashlib
import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from werkzeug.security import check_password_hash, generate_password_hash

from ..config import Config
from ..refusal import Refusal
from ..store import accounts as rows
from ..store.engine import Store
from .access import Person, Role

THROTTLE_SECONDS = 300.0
REFRESH_PATIENCE_SECONDS = 0.5
FIRST_PATIENCE_SECONDS = 5.0
"""As long as nothing was read yet, there is no copy to go on with."""
RETRY_SECONDS = 1.0
LOOK_UP_SECONDS = 0.1
_NOBODY_HASH = generate_password_hash(
    secrets.token_hex()
)  # checked for unknown names, so that they take as long as known ones


@dataclass(frozen=True)
class SignIn:
    """One sign-in of one person: its id and the moment (seconds since 1970) go into the cookie."""

    id: str
    name: str
    at: float


@dataclass(frozen=True)
class _Copy:
    people: rows.People
    read_at: float


class Accounts:
    """The people of a store, through a copy in memory that is at most `copy_seconds` old while the store answers.

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

    # who is this

    def signed_in(self, sign_in: SignIn) -> Person | None:
        """The person of a sign-in that was neither ended nor outdated by a change of its account."""
        people = self._people()
        account = people.accounts.get(sign_in.name)
        if account is None or sign_in.id in people.ended_sign_ins or sign_in.at < account.changed_at:
            return None
        return Person(account.name, account.role)

    def bearer(self, token: str) -> Person | None:
        """The person of a bearer token. One that the copy lacks is looked up in the store at once."""
        key = _hash(token)
        found = self._people().tokens.get(key) or self._looked_up().tokens.get(key)
        return Person(found.name, found.role) if found else None

    def known(self, name: str) -> Person | None:
        """The person of an account, whoever vouches for them (a proxy)."""
        account = self._people().accounts.get(name)
        return Person(account.name, account.role) if account else None

    def trusted_to_write(self) -> bool:
        """False while the store is away: what the copy says is then good for reading only."""
        self._people()
        if not self._store_answers:
            self._people(anew=True)
        return self._store_answers

    # signing in and out

    def sign_in(self, name: str, password: str, address: str) -> SignIn:
        """By name and password; takes as long for unknown names as for known ones. Raises Refusal: throttled, or
        invalid."""
        subjects = (f"name:{name[:100]}", f"address:{address[:100]}")
        self._throttle(subjects)
        people = self._people()
        account = people.accounts.get(name) or self._looked_up().accounts.get(name)
        known_hash = account.password_hash if account and account.password_hash else _NOBODY_HASH
        good = check_password_hash(known_hash, password)
        if account is None or account.password_hash is None or not good:
            self._note_failure(subjects)
            raise Refusal("invalid", "This name and password do not go together.", fields={"password": "Not right."})
        return self._begin(account.name)

    def link_is_good(self, token: str) -> bool:
        return rows.link_is_good(self._store, _hash(token), self._clock())

    def sign_in_by_link(self, token: str) -> SignIn:
        """Once for each link. Raises Refusal("not_found") when it was used, has run out, or never was."""
        name = rows.use_link(self._store, _hash(token), self._clock())
        if name is None:
            raise Refusal(
                "not_found",
                "This link was used already, or has run out.",
                remedy="`flask dashboard link` prints a new one.",
            )
        return self._begin(name)

    def sign_out(self, sign_in: SignIn) -> None:
        rows.end_sign_in(self._store, sign_in.id, sign_in.name, self._clock())
        self._people(anew=True)

    # who there is

    def save(self, name: str, role: Role, password: str | None) -> None:
        """Makes the account or changes it; its older sign-ins end. password None: it cannot sign in by password."""
        self._save(name, role, password)
        self._people(anew=True)

    def set_admin_password(self, password: str) -> None:
        """Sets it at start, without ending sign-ins when it is the same as before."""
        people = self._read_now()
        account = people.accounts.get("admin")
        if account is None or account.password_hash is None or not check_password_hash(account.password_hash, password):
            self._save("admin", "admin", password)
            self._read_now()

    def ensure_admin(self) -> None:
        """The account that the sign-in link is for. It has no password until one is given."""
        rows.add_account_if_missing(self._store, rows.Account("admin", "admin", None, self._clock()))

    def new_token(self, name: str, role: Role) -> str:
        """A bearer token; shown this once, kept as a hash."""
        token = secrets.token_urlsafe(32)
        rows.add_token(self._store, rows.Token(_hash(token), name, role), self._clock())
        return token

    def new_link(self) -> str:
        """The secret part of a link that signs in as `admin` once, within `link_seconds`."""
        token = secrets.token_urlsafe(24)
        rows.add_link(self._store, _hash(token), "admin", self._clock() + self._config.link_seconds)
        return token

    # inside

    def _save(self, name: str, role: Role, password: str | None) -> None:
        hashed = None if password is None else generate_password_hash(password)
        rows.save_account(self._store, rows.Account(name, role, hashed, self._clock()))

    def _read_now(self) -> rows.People:
        """In this thread, however long it takes: a start may be what another one's reading waits for."""
        at = self._monotonic()
        people = rows.read_people(self._store, self._clock() - self._config.sign_in_seconds)
        self._copy, self._store_answers = _Copy(people, at), True
        return people

    def _begin(self, name: str) -> SignIn:
        sign_in = SignIn(secrets.token_urlsafe(18), name, self._clock())
        try:
            rows.add_sign_in(self._store, sign_in.id, name, sign_in.at)
        except Refusal:
            pass  # the store is away: the signed cookie alone carries the sign-in, and reads
        return sign_in

    def _throttle(self, subjects: tuple[str, ...]) -> None:
        try:
            failures = rows.count_failed_sign_ins(self._store, subjects, self._clock() - THROTTLE_SECONDS)
        except Refusal:
            failures = 0
        if failures >= self._config.sign_in_tries:
            raise Refusal(
                "throttled", "Too many wrong tries for this name or from this address.", remedy="Wait five minutes."
            )

    def _note_failure(self, subjects: tuple[str, ...]) -> None:
        now = self._clock()
        try:
            rows.add_failed_sign_in(self._store, subjects, now, now - THROTTLE_SECONDS)
        except Refusal:
            pass  # nothing to count in while the store is away

    def _age(self) -> float:
        return float("inf") if self._copy is None else self._monotonic() - self._copy.read_at

    def _people(self, anew: bool = False) -> rows.People:
        """The copy; read again when it is too old, or at once (`anew`) after a change of our own."""
        if anew or self._age() > self._config.copy_seconds:
            self._refresh(must=anew or self._copy is None)
        if self._copy is None and self._refused is not None:
            raise replace(self._refused)
        if self._copy is None or self._age() > self._config.copy_trusted_seconds:
            raise Refusal(
                "store_away",
                "The store cannot be reached, so nobody can be recognised just now.",
                remedy="Try again in a moment.",
            )
        return self._copy.people

    def _looked_up(self) -> rows.People:
        """The copy, read again because it lacks a name or token; throttled, since anybody can make up names."""
        too_soon = LOOK_UP_SECONDS - (self._monotonic() - self._tried_at)
        if too_soon > 0:
            threading.Event().wait(too_soon)
        return self._people(anew=True)

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
            self._read_now()
        except Refusal as refusal:
            self._store_answers, self._refused = False, refusal  # the old copy is still trusted, within its bound
        finally:
            self._refreshing.release()
            read.set()


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
