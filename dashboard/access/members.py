"""Who may sign in, with which role, and where are they signed in? What an admin changes, and what a person changes of
their own account."""

from __future__ import annotations

import time
from collections.abc import Callable

from ..config import Config
from ..refusal import Refusal
from ..store import accounts as rows
from ..store import sign_ins
from ..store import tokens as token_rows
from ..store.engine import Store
from .access import Role
from .accounts import Accounts, Asker, SignIn, password_hash
from .throttle import hashing

LINKED = "admin"
"""The account that the sign-in link is for: it stays an admin, so that somebody can always get in."""
LONGEST_PASSWORD = 1_000
LONGEST_NAME = 100


class Members:
    """The accounts of a store with their sign-ins and tokens, as they are changed. Every change raises
    Refusal("store_away") while the store is."""

    def __init__(
        self, accounts: Accounts, store: Store, config: Config, clock: Callable[[], float] = time.time
    ) -> None:
        self._accounts, self._store, self._config, self._clock = accounts, store, config, clock

    # accounts

    def all(self) -> list[rows.Account]:
        return sorted(self._accounts.people(anew=True).accounts.values(), key=lambda account: account.name)

    def add(self, name: str, role: Role, password: str) -> None:
        must_be_a_name(name)
        self._must_be_a_password(password)
        message, remedy = f"There is an account {name!r} already.", "Change that one, or take another name."
        taken = Refusal("taken", message, fields={"name": "Taken."}, remedy=remedy)
        if name in self._accounts.people(anew=True).accounts:
            raise taken
        must_have_room("accounts", len(self._accounts.people().accounts), self._config.accounts_most)
        added = rows.add_account(self._store, rows.Account(name, role, self._hash(password), self._clock()))
        self._accounts.people(anew=True)
        if not added:
            raise taken

    def set_role(self, name: str, role: Role) -> None:
        """Its sign-ins end; its password stays."""
        must_stay_linked(name, role)
        self._change(name, role=role)

    def set_password(self, name: str, password: str) -> None:
        """Its sign-ins end."""
        self._found(name)
        self._must_be_a_password(password)
        self._change(name, password_hash=self._hash(password))

    def remove(self, name: str) -> None:
        """With its tokens and sign-ins. What it wrote stays, under its name."""
        self._found(name)
        if name == LINKED:
            raise Refusal("forbidden", f"{LINKED} stays: the sign-in link is for it.")
        rows.remove_account(self._store, name)
        self._accounts.people(anew=True)

    # one's own

    def change_password(self, name: str, current: str, new: str, asker: Asker) -> SignIn:
        """By whoever knows the present one, if there is one. All sign-ins end; the one that is answered is for this
        browser. Raises Refusal("conflict") where the account was changed or removed meanwhile."""
        self._must_be_a_password(new)
        account = self._found(name)
        if account.password_hash is not None:
            self._prove(name, current, asker)
        changed = self._change(name, as_of=account.changed_at, password_hash=self._hash(new))
        return self._accounts.begin(changed, asker)

    def _prove(self, name: str, current: str, asker: Asker) -> None:
        try:
            self._accounts.checked(name, current, asker)
        except Refusal as refusal:
            if refusal.code != "invalid":
                raise
            message = "The present password is another one."
            raise Refusal("invalid", message, fields={"current": "Not right."}) from None

    # sign-ins

    def sign_ins(self, name: str | None) -> list[sign_ins.Begun]:
        """Those of one account that have not idled out, or everybody's."""
        return sign_ins.live_sign_ins(self._store, name, self._clock() - self._config.sign_in_seconds)

    def end_sign_in(self, id: str, name: str | None) -> str:
        """name: whose it must be; None for anybody's. Answers whose it was. Raises Refusal("not_found") where there is
        none."""
        found = next((each for each in self.sign_ins(name) if each.id == id), None)
        if found is None:
            raise Refusal("not_found", "There is no such sign-in, or it has ended.")
        sign_ins.end_sign_in(self._store, id, found.account, self._clock())
        self._accounts.people(anew=True)
        return found.account

    def end_sign_ins(self, name: str) -> rows.Account:
        """All of an account, those that could not be written down too. Answers the account as it is then."""
        return self._change(name)

    # tokens

    def tokens(self, owner: str | None) -> list[token_rows.Token]:
        """Those that act for one account, or all."""
        known = self._accounts.people(anew=True).tokens.values()
        mine = (token for token in known if owner is None or token.owner == owner)
        return sorted(mine, key=lambda token: (-token.created_at, token.hash))

    def must_have_room_for_a_token(self, owner: str | None) -> None:
        """owner: None for one that acts for itself."""
        there = sum(token.owner == owner for token in self.tokens(None))
        must_have_room("tokens", there, self._config.tokens_most)

    def revoke(self, id: str, owner: str | None) -> token_rows.Token:
        """owner: for whom it must act; None for anybody's. Answers what it was."""
        found = next((token for token in self.tokens(owner) if token.id == id), None)
        if found is None:
            raise Refusal("not_found", "There is no such token, or it was revoked.")
        token_rows.revoke_token(self._store, found.hash)
        self._accounts.people(anew=True)
        return found

    # inside

    def _change(self, name: str, *, as_of: float | None = None, **values: str | None) -> rows.Account:
        changed = rows.change_account(self._store, name, self._clock(), as_of=as_of, **values)
        self._accounts.people(anew=True)
        if changed is not None:
            return changed
        self._found(name)
        message = "This account was changed by somebody else just now; nothing was changed."
        raise Refusal("conflict", message, remedy="Sign in again, and repeat it.")

    def _found(self, name: str) -> rows.Account:
        found = self._accounts.people(anew=True).accounts.get(name)
        if found is None:
            raise Refusal("not_found", f"There is no account {name[:LONGEST_NAME]!r}.")
        return found

    def _hash(self, password: str) -> str | None:
        with hashing():
            return password_hash(password)

    def _must_be_a_password(self, password: str) -> None:
        least = self._config.password_characters
        if not least <= len(password) <= LONGEST_PASSWORD:
            message = f"A password has {least} to {LONGEST_PASSWORD} characters."
            raise Refusal("invalid", message, fields={"password": message})


def must_be_a_name(name: str) -> None:
    """Of an account or a token. Raises Refusal("invalid")."""
    if not 0 < len(name) <= LONGEST_NAME or not name.isprintable() or name != name.strip():
        message = f"A name has 1 to {LONGEST_NAME} printable characters."
        raise Refusal("invalid", message, fields={"name": message})


def must_stay_linked(name: str, role: str) -> None:
    """Raises Refusal("forbidden")."""
    if name == LINKED and role != "admin":
        raise Refusal("forbidden", f"{LINKED} stays an admin: the sign-in link is for it.")


def must_have_room(what: str, there: int, most: int) -> None:
    """Raises Refusal("too_large")."""
    if there >= most:
        message = f"There are {there} {what} already, as many as may be."
        raise Refusal("too_large", message, remedy=f"Remove {what} that nobody uses.")
