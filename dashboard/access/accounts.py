"""Poolhouse's own accounts: who signs in by password, link or token. Held in memory, so that signing in outlives an
outage of the store."""

from __future__ import annotations

import hashlib
import secrets
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cache

from werkzeug.security import check_password_hash, generate_password_hash

from ..config import Config
from ..refusal import Refusal
from ..store import accounts as rows
from ..store import sign_ins, tokens
from ..store.engine import Store
from .access import Person, Role
from .noting import Noting
from .people import PeopleCopy
from .throttle import Throttle, hashing, neighbours
from .tokens import Bearer, narrowed

NOTED_EVERY_SECONDS = 60.0
RENEWALS = 32
"""A sign-in in use is renewed so often while it could idle out once."""


@cache
def _nobody_hash() -> str:
    """Checked for unknown names, so that they take as long as known ones. Made at the first sign-in: 0.1 s."""
    return generate_password_hash(secrets.token_hex())


@dataclass(frozen=True)
class SignIn:
    """One sign-in of one person, as the cookie keeps it. at, seen: when it began and was last renewed, seconds since
    1970. stamp: of the account as it was then; a change of the account voids it, whatever the clock says."""

    id: str
    name: str
    at: float
    seen: float
    stamp: float


@dataclass(frozen=True)
class Asker:
    """Where a request comes from. browser: what it calls itself."""

    address: str = ""
    browser: str = ""


NOWHERE = Asker()


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
        self._store, self._config, self._clock = store, config, clock
        self._people = PeopleCopy(store, config, clock, monotonic)
        self._throttle = Throttle(store, config.sign_in_tries, clock)
        self._uses = Noting(lambda uses: tokens.note_uses(store, uses), NOTED_EVERY_SECONDS)

    # who is this

    def signed_in(self, sign_in: SignIn) -> Person | None:
        """The person of a sign-in that is neither ended, nor idle for too long, nor from before a change of its
        account."""
        people = self._people.now()
        if not _is_known(sign_in, people):
            people = self._people.since(sign_in.at)  # another worker has made or changed the account just now
        if not _is_known(sign_in, people) or sign_in.id in people.ended_sign_ins:
            return None
        account = people.accounts[sign_in.name]
        if self._clock() - sign_in.seen >= self._config.sign_in_seconds:
            return None
        if self._clock() - sign_in.at >= self._config.sign_in_most_seconds:
            return None
        return Person(account.name, account.role)

    def bearer(self, token: str) -> Bearer | None:
        """Whoever holds a bearer token. One that the copy lacks is looked up in the store at once. Raises
        Refusal("store_away") where that cannot be done."""
        key = hashed(token)
        people = self._people.with_token(key)
        found = people.tokens.get(key)
        if found is None or (found.expires_at is not None and self._clock() >= found.expires_at):
            return None
        owner = None if found.owner is None else people.accounts.get(found.owner)
        if found.owner is not None and owner is None:
            return None
        self._uses.note(key, self._clock())
        name, also = (found.name, ()) if owner is None else (owner.name, (owner.role,))
        return Bearer(Person(name, narrowed(found, *also)), found)

    def known(self, name: str) -> Person | None:
        """The person of an account, whoever vouches for them (a proxy)."""
        account = self._people.now().accounts.get(name)
        return Person(account.name, account.role) if account else None

    def trusted_to_write(self) -> bool:
        """False while the store is away: what the copy says is then good for reading only."""
        return self._people.store_answers()

    # signing in and out

    def sign_in(self, name: str, password: str, asker: Asker = NOWHERE) -> SignIn:
        """By name and password; takes as long for unknown names as for known ones. Raises Refusal: throttled, or
        invalid."""
        account = self.checked(name, password, asker)
        return self.begin(account, asker)

    def checked(self, name: str, password: str, asker: Asker = NOWHERE) -> rows.Account:
        """The account, as it is in the store now, when its password is this one."""
        trial = self._throttle.begin((f"name:{name[:100]}", f"address:{neighbours(asker.address)}"))
        account = self._people.looked_up().accounts.get(name)
        with hashing():
            nobody_hash = _nobody_hash()  # also for a known name: the first one to sign in tells nothing by its time
            known_hash = account.password_hash if account and account.password_hash else nobody_hash
            good = check_password_hash(known_hash, password)
        if account is None or account.password_hash is None or not good:
            raise Refusal("invalid", "This name and password do not go together.", fields={"password": "Not right."})
        self._throttle.succeeded(trial)
        return account

    def link_is_good(self, token: str) -> bool:
        return sign_ins.link_is_good(self._store, hashed(token), self._clock())

    def sign_in_by_link(self, token: str, asker: Asker = NOWHERE) -> SignIn:
        """Once for each link. Raises Refusal("not_found") when it was used, has run out, or never was."""
        name = sign_ins.use_link(self._store, hashed(token), self._clock())
        account = None if name is None else self._people.now(anew=True).accounts.get(name)
        if account is None:
            raise Refusal(
                "not_found",
                "This link was used already, or has run out.",
                remedy="`flask dashboard link` prints a new one.",
            )
        return self.begin(account, asker)

    def begin(self, account: rows.Account, asker: Asker) -> SignIn:
        """Signs in whoever has proven to be this."""
        account, now = self._without_a_crowd(account), self._clock()
        sign_in = SignIn(secrets.token_urlsafe(18), account.name, now, now, account.changed_at)
        with suppress(Refusal):  # the store is away: the signed cookie alone carries the sign-in, and reads
            sign_ins.add_sign_in(
                self._store,
                _begun(sign_in, asker),
                idle_before=now - self._config.sign_in_seconds,
                ended_before=now - self._config.sign_in_most_seconds,
            )
        return sign_in

    def _without_a_crowd(self, account: rows.Account) -> rows.Account:
        """Who signs in and out without end would fill the store, and the copy of every process: past the bound all
        sign-ins of this account end. The account as it is then."""
        with suppress(Refusal):
            if sign_ins.count_sign_ins(self._store, account.name) >= self._config.sign_ins_most:
                rows.save_account(self._store, replace(account, changed_at=self._clock()))
                sign_ins.forget_sign_ins(self._store, account.name)
                return self._people.read_now().accounts.get(account.name, account)
        return account

    def renewed(self, sign_in: SignIn, asker: Asker) -> SignIn | None:
        """The sign-in as one that was seen now; None where it was seen a moment ago."""
        now = self._clock()
        if 0 <= now - sign_in.seen < self._config.sign_in_seconds / RENEWALS:
            return None
        seen = replace(sign_in, seen=now)
        with suppress(Refusal):
            sign_ins.see_sign_in(self._store, _begun(seen, asker))
        return seen

    def sign_out(self, sign_in: SignIn) -> None:
        sign_ins.end_sign_in(self._store, sign_in.id, sign_in.name, self._clock())
        self._people.now(anew=True)

    # who there is

    def save(self, name: str, role: Role, password: str | None) -> None:
        """Makes the account or changes it; its older sign-ins end. password None: it cannot sign in by password."""
        self._save(name, role, password)
        self._people.now(anew=True)

    def set_admin_password(self, password: str) -> None:
        """Sets it at start, without ending sign-ins when it is the same as before."""
        account = self._people.read_now().accounts.get("admin")
        if account is None or account.password_hash is None or not check_password_hash(account.password_hash, password):
            self._save("admin", "admin", password)
            self._people.read_now()

    def ensure_admin(self) -> None:
        """The account that the sign-in link is for. It has no password until one is given."""
        rows.add_account(self._store, rows.Account("admin", "admin", None, self._clock()))

    def new_token(
        self,
        name: str,
        role: Role,
        *,
        owner: str | None = None,
        scope: str | None = None,
        seconds: float | None = None,
    ) -> str:
        """A bearer token; shown this once, kept as a hash. owner: the account that it acts for. seconds: that it is
        good for; None: until it is revoked."""
        secret, now = secrets.token_urlsafe(32), self._clock()
        until = None if seconds is None else now + seconds
        tokens.add_token(self._store, tokens.Token(hashed(secret), name, role, now, owner, scope, until))
        with suppress(Refusal):  # known here at once, as any change of our own; it is kept in any case
            self._people.read_now()
        return secret

    def new_link(self) -> str:
        """The secret part of a link that signs in as `admin` once, within `link_seconds`."""
        token = secrets.token_urlsafe(24)
        sign_ins.add_link(self._store, hashed(token), "admin", self._clock() + self._config.link_seconds)
        return token

    def people(self, anew: bool = False) -> rows.People:
        """All that is known of people. anew: as the store has it now."""
        return self._people.now(anew)

    def settle(self) -> None:
        """Waits until it is written which tokens were used."""
        self._uses.settle()

    def _save(self, name: str, role: Role, password: str | None) -> None:
        rows.save_account(self._store, rows.Account(name, role, password_hash(password), self._clock()))


def _is_known(sign_in: SignIn, people: rows.People) -> bool:
    account = people.accounts.get(sign_in.name)
    return account is not None and sign_in.stamp == account.changed_at


def password_hash(password: str | None) -> str | None:
    return None if password is None else generate_password_hash(password)


def hashed(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()


def _begun(sign_in: SignIn, asker: Asker) -> sign_ins.Begun:
    return sign_ins.Begun(
        sign_in.id, sign_in.name, sign_in.at, sign_in.seen, asker.address[:100], asker.browser[:200] or None
    )
