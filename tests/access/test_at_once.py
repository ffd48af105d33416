"""What becomes of an account that two change at once?"""

from __future__ import annotations

import pytest

from dashboard.access import Person
from dashboard.access.accounts import Accounts, Asker
from dashboard.access.members import Members
from dashboard.config import Config
from dashboard.store.engine import Store
from tests.access.test_accounts import refusal_of


@pytest.fixture
def accounts(tmp_path):
    store = Store(f"sqlite:///{tmp_path}/store.db")
    store.create()
    accounts = Accounts(store, Config())
    accounts.ensure_admin()
    accounts.save("ada", "editor", "correct horse")
    yield accounts
    store.engine.dispose()


@pytest.fixture
def members(accounts):
    return Members(accounts, accounts._store, Config())


def while_hashing(monkeypatch, act):
    """Does `act` while the next password is hashed, which takes a tenth of a second."""
    hash_of = Members._hash

    def slowly(self, password):
        monkeypatch.setattr(Members, "_hash", hash_of)
        act()
        return hash_of(self, password)

    monkeypatch.setattr(Members, "_hash", slowly)


@pytest.mark.parametrize("meanwhile", ["remove", "set_role", "set_password"])
def test_who_changes_their_own_password_does_not_undo_what_an_admin_does_meanwhile(
    accounts, members, monkeypatch, meanwhile
):
    """Who asks for one change after the other would outlive their removal."""
    acts = {
        "remove": lambda: members.remove("ada"),
        "set_role": lambda: members.set_role("ada", "viewer"),
        "set_password": lambda: members.set_password("ada", "what the admin says"),
    }
    while_hashing(monkeypatch, acts[meanwhile])
    change = refusal_of(lambda: members.change_password("ada", "correct horse", "battery staple", Asker()))
    assert change.code == ("not_found" if meanwhile == "remove" else "conflict")
    there = {account.name: account.role for account in members.all()}
    expected = {"remove": {}, "set_role": {"ada": "viewer"}, "set_password": {"ada": "editor"}}[meanwhile]
    assert there == {"admin": "admin", **expected}
    assert refusal_of(lambda: accounts.sign_in("ada", "battery staple")).code == "invalid"


def test_of_two_who_add_the_same_account_at_once_one_is_told_that_it_is_taken(accounts, members, monkeypatch):
    while_hashing(monkeypatch, lambda: members.add("eve", "viewer", "the first one's"))
    assert refusal_of(lambda: members.add("eve", "admin", "the second one's")).code == "taken"
    assert accounts.signed_in(accounts.sign_in("eve", "the first one's")) == Person("eve", "viewer")


def test_a_token_that_was_made_while_its_owner_was_removed_acts_for_nobody_of_that_name(accounts, members):
    members.remove("ada")
    token = accounts.new_token("mine", "editor", owner="ada")
    members.add("ada", "editor", "another person's")
    assert accounts.bearer(token) is None
