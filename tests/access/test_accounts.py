"""Accounts: who signs in how, and what holds while the store is away."""

from __future__ import annotations

import pytest

from dashboard.access import Person, permissions_of
from dashboard.access.accounts import Accounts, Asker
from dashboard.config import Config
from dashboard.refusal import Refusal
from dashboard.store import sign_ins
from dashboard.store.engine import Store


class Clock:
    """Seconds that pass only when a test says so."""

    def __init__(self):
        self.now = 1_000_000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def store(tmp_path):
    store = Store(f"sqlite:///{tmp_path}/store.db")
    store.create()
    yield store
    store.engine.dispose()


@pytest.fixture
def accounts(store, clock):
    accounts = Accounts(store, Config.read({}), clock=clock, monotonic=clock)
    accounts.ensure_admin()
    return accounts


def refusal_of(action):
    with pytest.raises(Refusal) as caught:
        action()
    return caught.value


def take_away(store, tmp_path):
    """Makes the store unreachable, as a full or unmounted disk would."""
    store.engine.dispose()
    for file in tmp_path.glob("store.db*"):
        file.unlink()
    (tmp_path / "store.db").mkdir()


def test_a_link_signs_in_as_admin_exactly_once(accounts):
    token = accounts.new_link()
    assert accounts.link_is_good(token)
    sign_in = accounts.sign_in_by_link(token)
    assert accounts.signed_in(sign_in) == Person("admin", "admin")
    assert not accounts.link_is_good(token)
    assert refusal_of(lambda: accounts.sign_in_by_link(token)).code == "not_found"


def test_a_link_runs_out_after_ten_minutes(accounts, clock):
    token = accounts.new_link()
    clock.now += 601
    assert not accounts.link_is_good(token)
    assert refusal_of(lambda: accounts.sign_in_by_link(token)).code == "not_found"


def test_a_password_signs_in_and_a_wrong_one_does_not(accounts):
    accounts.save("ada", "editor", "correct horse")
    assert accounts.signed_in(accounts.sign_in("ada", "correct horse", Asker("127.0.0.1"))) == Person("ada", "editor")
    assert refusal_of(lambda: accounts.sign_in("ada", "battery", Asker("127.0.0.1"))).code == "invalid"


def test_a_name_that_nobody_has_is_worked_at_as_hard_as_one_that_somebody_has(accounts, monkeypatch):
    """Of the answer's time the hash is nearly all: one of the same cost is checked in any case."""
    costs = []

    def check(known_hash, password):
        costs.append(known_hash.partition("$")[0])
        return False

    monkeypatch.setattr("dashboard.access.accounts.check_password_hash", check)
    accounts.save("ada", "editor", "correct horse")
    for name in ("ada", "nobody", "admin"):  # whose password is wrong, whom there is not, who has none
        assert refusal_of(lambda name=name: accounts.sign_in(name, "guess")).code == "invalid"
    assert len(costs) == 3
    assert len(set(costs)) == 1
    assert costs[0].startswith("scrypt:")


def test_who_was_given_an_account_by_one_worker_is_known_to_the_others_at_once(store, clock, accounts):
    other = Accounts(store, Config.read({}), clock=clock, monotonic=clock)
    assert "ada" not in other.people().accounts
    accounts.save("ada", "viewer", "correct horse")
    assert other.signed_in(accounts.sign_in("ada", "correct horse")) == Person("ada", "viewer")
    clock.now += 1
    earlier = accounts.sign_in("ada", "correct horse")
    accounts.save("ada", "editor", "battery staple")  # of a worker that answers meanwhile the copy is older
    assert other.signed_in(accounts.sign_in("ada", "battery staple")) == Person("ada", "editor")
    assert other.signed_in(earlier) is None


def test_an_account_without_a_password_cannot_sign_in_by_password(accounts):
    assert refusal_of(lambda: accounts.sign_in("admin", "", Asker("127.0.0.1"))).code == "invalid"


def test_wrong_tries_are_throttled_by_name_from_whatever_address_and_forgotten_after_five_minutes(accounts, clock):
    accounts.save("ada", "editor", "correct horse")
    for number in range(10):
        assert refusal_of(lambda at=number: accounts.sign_in("ada", "guess", Asker(f"10.0.0.{at}"))).code == "invalid"
    assert refusal_of(lambda: accounts.sign_in("ada", "correct horse", Asker("10.0.0.99"))).code == "throttled"
    clock.now += 301
    assert accounts.sign_in("ada", "correct horse", Asker("10.0.0.99")).name == "ada"


def test_who_has_a_network_of_ipv6_has_no_more_tries_than_who_has_one_address(accounts):
    for number in range(10):
        there = Asker(f"2001:db8::{number:x}")
        assert refusal_of(lambda who=f"nobody{number}", at=there: accounts.sign_in(who, "guess", at)).code == "invalid"
    assert refusal_of(lambda: accounts.sign_in("ada", "x", Asker("2001:db8::99"))).code == "throttled"
    assert refusal_of(lambda: accounts.sign_in("ada", "x", Asker("2001:db8:0:1::1"))).code == "invalid"


def test_signing_out_ends_this_sign_in_and_no_other(accounts):
    accounts.save("ada", "editor", "pw")
    here, there = accounts.sign_in("ada", "pw", Asker("a")), accounts.sign_in("ada", "pw", Asker("b"))
    accounts.sign_out(here)
    assert accounts.signed_in(here) is None
    assert accounts.signed_in(there) == Person("ada", "editor")


def test_who_signs_in_and_out_without_end_fills_no_store_and_no_sign_in_that_was_ended_comes_back(store, clock):
    accounts = Accounts(store, Config.read({"DASHBOARD_SIGN_INS": "5"}), clock=clock, monotonic=clock)
    other = Accounts(store, Config.read({}), clock=clock, monotonic=clock)
    accounts.save("ada", "editor", "pw")
    ada = accounts.people().accounts["ada"]
    begun = []
    for number in range(12):
        begun.append(accounts.begin(accounts.people().accounts["ada"], Asker("a")))
        if number % 2:
            accounts.sign_out(begun[-1])
        assert sign_ins.count_sign_ins(store, "ada") <= 5
    alive = [accounts.signed_in(each) is not None for each in begun]
    assert alive == [False] * 10 + [True, False]
    assert [other.signed_in(each) is not None for each in begun] == alive
    assert accounts.people().accounts["ada"].password_hash == ada.password_hash


def test_a_changed_password_ends_the_sign_ins_from_before(accounts, clock):
    accounts.save("ada", "editor", "old")
    before = accounts.sign_in("ada", "old", Asker("a"))
    clock.now += 1
    accounts.save("ada", "editor", "new")
    assert accounts.signed_in(before) is None


def test_the_admin_password_of_the_settings_does_not_sign_anybody_out_when_it_stays_the_same(accounts, clock):
    accounts.set_admin_password("pw")
    sign_in = accounts.sign_in("admin", "pw", Asker("a"))
    clock.now += 1
    accounts.set_admin_password("pw")
    assert accounts.signed_in(sign_in) == Person("admin", "admin")


def test_a_token_made_by_another_process_is_known_at_once(accounts, store, clock):
    accounts.bearer("unknown")
    elsewhere = Accounts(store, Config.read({}), clock=clock, monotonic=clock)
    token = elsewhere.new_token("ci", "viewer")
    clock.now += 1
    assert accounts.bearer(token).person == Person("ci", "viewer")
    assert accounts.bearer(token + "x") is None


def test_while_the_store_is_away_no_token_is_called_unknown_that_another_process_may_have_made(
    accounts, store, clock, tmp_path
):
    known = accounts.new_token("ci", "viewer")
    take_away(store, tmp_path)
    clock.now += 1
    assert refusal_of(lambda: accounts.bearer("made elsewhere")).code == "store_away"
    assert accounts.bearer(known).person == Person("ci", "viewer")


def test_a_token_is_known_where_it_was_made_without_a_look_at_the_store(accounts, store, tmp_path):
    token = accounts.new_token("ci", "viewer")
    take_away(store, tmp_path)
    assert accounts.bearer(token).person == Person("ci", "viewer")


def test_the_store_keeps_no_secret_in_the_clear(accounts, store, tmp_path):
    accounts.save("ada", "editor", "correct horse")
    secrets = ["correct horse", accounts.new_token("ci", "viewer"), accounts.new_link()]
    store.engine.dispose()
    kept = b"".join(file.read_bytes() for file in tmp_path.iterdir())
    assert not [secret for secret in secrets if secret.encode() in kept]


def test_while_the_store_is_away_people_are_recognised_for_fifteen_minutes_to_read_only(
    accounts, store, clock, tmp_path
):
    accounts.save("ada", "editor", "pw")
    sign_in = accounts.sign_in("ada", "pw", Asker("a"))
    assert accounts.trusted_to_write()
    take_away(store, tmp_path)
    clock.now += 6
    assert accounts.signed_in(sign_in) == Person("ada", "editor")
    assert not accounts.trusted_to_write()
    clock.now += 900
    assert refusal_of(lambda: accounts.signed_in(sign_in)).code == "store_away"


def test_while_one_thread_reads_the_copy_again_nobody_else_is_told_that_the_store_is_away(accounts, clock):
    accounts.save("ada", "editor", "pw")
    clock.now += 6
    with accounts._people._refreshing:
        assert accounts.known("ada") == Person("ada", "editor")
        assert accounts.trusted_to_write()


def test_while_the_store_is_away_a_fresh_sign_in_by_password_still_works(accounts, store, clock, tmp_path):
    accounts.save("ada", "editor", "pw")
    take_away(store, tmp_path)
    clock.now += 6
    assert accounts.signed_in(accounts.sign_in("ada", "pw", Asker("a"))) == Person("ada", "editor")


@pytest.mark.parametrize(
    "role,may",
    [("viewer", {"read"}), ("editor", {"read", "edit"}), ("admin", {"read", "edit", "administer"}), ("nobody", set())],
)
def test_each_role_has_its_permissions(role, may):
    assert permissions_of(role) == may
