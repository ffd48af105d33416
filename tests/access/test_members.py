"""Members: what changes an account, where it is signed in, and what a token may do."""

from __future__ import annotations

import threading

import pytest
import sqlalchemy as sa

from dashboard.access import Person
from dashboard.access.accounts import Accounts, Asker
from dashboard.access.members import Members
from dashboard.config import Config
from dashboard.refusal import Refusal
from dashboard.store import list_views
from dashboard.store import tokens as token_rows
from dashboard.store.engine import Store
from tests.access.test_accounts import Clock, refusal_of, take_away

HOUR, DAY = 3_600, 86_400
TRIES = 4
CONFIG = Config.read({"DASHBOARD_SIGN_IN_TRIES": str(TRIES)})


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def store(tmp_path):
    store = Store(f"sqlite:///{tmp_path}/store.db")
    store.create()
    yield store
    store.engine.dispose()


def accounts_of(store, clock):
    return Accounts(store, CONFIG, clock=clock)


@pytest.fixture
def accounts(store, clock):
    accounts = accounts_of(store, clock)
    accounts.ensure_admin()
    accounts.save("ada", "editor", "correct horse")
    yield accounts
    accounts.settle()


@pytest.fixture
def members(accounts, store, clock):
    return Members(accounts, store, CONFIG, clock)


def test_a_sign_in_in_use_goes_on_and_an_idle_one_ends_after_eight_hours(accounts, clock):
    used = idle = accounts.sign_in("ada", "correct horse")
    for _ in range(4):
        clock.now += 7 * HOUR
        used = accounts.renewed(used, Asker())
        assert accounts.signed_in(used) == Person("ada", "editor")
    assert accounts.signed_in(idle) is None


def test_a_sign_in_ends_after_a_week_however_much_it_is_used(accounts, clock):
    sign_in = accounts.sign_in("ada", "correct horse")
    for _ in range(7 * 4 - 1):
        clock.now += 6 * HOUR
        sign_in = accounts.renewed(sign_in, Asker())
    assert accounts.signed_in(sign_in)
    clock.now += 6 * HOUR
    assert accounts.signed_in(accounts.renewed(sign_in, Asker())) is None


def test_a_sign_in_that_was_seen_a_moment_ago_is_not_written_again(accounts, clock):
    sign_in = accounts.sign_in("ada", "correct horse")
    clock.now += 60
    assert accounts.renewed(sign_in, Asker()) is None


def test_a_change_of_password_ends_the_other_sign_ins_and_not_the_one_that_changed_it(accounts, members):
    other = accounts.sign_in("ada", "correct horse")
    mine = members.change_password("ada", "correct horse", "battery staple", Asker())
    assert accounts.signed_in(other) is None
    assert accounts.signed_in(mine) == Person("ada", "editor")
    assert [each.id for each in members.sign_ins("ada")] == [mine.id]
    assert refusal_of(lambda: accounts.sign_in("ada", "correct horse")).code == "invalid"


def test_whoever_does_not_know_the_present_password_changes_nothing_and_is_throttled(accounts, members):
    for _ in range(TRIES):
        assert refusal_of(
            lambda: members.change_password("ada", "guess", "battery staple", Asker("x"))
        ).fields.keys() == {"current"}
    assert refusal_of(lambda: members.change_password("ada", "guess", "battery staple", Asker("y"))).code == "throttled"


def test_a_clock_that_is_set_back_lets_nobody_in_who_was_put_out_and_keeps_nobody_out(accounts, members, clock):
    before = accounts.sign_in("ada", "correct horse")
    clock.now -= DAY
    members.set_password("ada", "battery staple")
    assert accounts.signed_in(before) is None
    after = accounts.sign_in("ada", "battery staple")
    assert accounts.signed_in(after) == Person("ada", "editor")
    for _ in range(TRIES - 1):
        refusal_of(lambda: accounts.sign_in("ada", "guess"))
    clock.now -= DAY
    assert accounts.signed_in(accounts.sign_in("ada", "battery staple")) == Person("ada", "editor")


def test_sign_ins_are_listed_with_where_they_come_from_and_each_can_be_ended(accounts, members, clock):
    here = accounts.sign_in("ada", "correct horse", Asker("10.0.0.1", "Firefox"))
    clock.now += 1
    there = accounts.sign_in("ada", "correct horse", Asker("10.0.0.2", "Chromium"))
    listed = members.sign_ins("ada")
    assert [(each.address, each.browser) for each in listed] == [("10.0.0.2", "Chromium"), ("10.0.0.1", "Firefox")]
    members.end_sign_in(there.id, "ada")
    assert accounts.signed_in(there) is None
    assert accounts.signed_in(here)
    assert refusal_of(lambda: members.end_sign_in(here.id, "eve")).code == "not_found"


def test_all_sign_ins_are_ended_also_one_that_could_not_be_written_down(accounts, members):
    unwritten = accounts.begin(accounts.people().accounts["ada"], Asker())
    members.end_sign_ins("ada")
    assert accounts.signed_in(unwritten) is None


def test_a_sign_in_that_was_ended_stays_so_though_one_process_heard_of_it_late(accounts, store, clock):
    late = Accounts(store, CONFIG, clock=clock, monotonic=lambda: 0.0)  # its copy never grows old
    sign_in = accounts.sign_in("ada", "correct horse")
    assert late.signed_in(sign_in)
    clock.now += HOUR
    accounts.sign_out(sign_in)
    clock.now += 3
    copied = late.renewed(sign_in, Asker())
    clock.now += 8 * HOUR - 2
    assert accounts_of(store, clock).signed_in(copied) is None
    accounts.sign_in("ada", "correct horse")
    assert accounts_of(store, clock).signed_in(copied) is None


def test_what_a_sign_in_was_is_forgotten_when_it_is_long_over(accounts, members, clock, store):
    accounts.sign_out(accounts.sign_in("ada", "correct horse"))
    clock.now += 8 * DAY
    accounts.sign_in("ada", "correct horse")
    with store.reading() as connection:
        assert connection.scalar(sa.text("SELECT count(*) FROM poolhouse_sign_in")) == 1


def test_of_many_wrong_tries_at_once_no_more_get_through_than_one_after_the_other(store, accounts, clock):
    """Over two workers: the count is in the store."""
    workers = [accounts, accounts_of(store, clock)]
    ended = []

    def guess(worker):
        try:
            worker._throttle.begin(("name:ada", "address:x"))
            ended.append("tried")
        except Refusal as refusal:
            ended.append(refusal.code)

    threads = [threading.Thread(target=guess, args=(workers[number % 2],)) for number in range(24)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (ended.count("tried"), ended.count("throttled")) == (TRIES, 24 - TRIES)


def test_while_the_store_is_away_each_worker_counts_wrong_tries_itself(accounts, store, clock, tmp_path):
    take_away(store, tmp_path)
    for _ in range(TRIES):
        assert refusal_of(lambda: accounts.sign_in("ada", "guess")).code == "invalid"
        clock.now += 1
    assert refusal_of(lambda: accounts.sign_in("ada", "correct horse")).code == "throttled"


def test_a_role_is_changed_and_an_account_removed_with_all_that_was_its_own(accounts, members, store):
    list_views.keep(store, "ada", "Book", "mine", "q=hers", most=5)
    sign_in, token = accounts.sign_in("ada", "correct horse"), accounts.new_token("mine", "editor", owner="ada")
    members.set_role("ada", "viewer")
    assert accounts.signed_in(sign_in) is None
    assert accounts.bearer(token).person == Person("ada", "viewer")
    assert accounts.sign_in("ada", "correct horse")
    members.remove("ada")
    assert accounts.bearer(token) is None
    assert (members.sign_ins("ada"), members.tokens("ada")) == ([], [])
    assert list_views.views_of(store, "ada", "Book") == {}
    assert refusal_of(lambda: accounts.sign_in("ada", "correct horse")).code == "invalid"


def test_the_account_of_the_link_stays_an_admin(members):
    assert refusal_of(lambda: members.set_role("admin", "viewer")).code == "forbidden"
    assert refusal_of(lambda: members.remove("admin")).code == "forbidden"


@pytest.mark.parametrize("name", ["", " ", "x" * 101, "new\nline", "nul\0", " ada"])
def test_an_account_has_a_name_that_can_be_printed(members, name):
    assert refusal_of(lambda: members.add(name, "viewer", "long enough")).code == "invalid"


@pytest.mark.parametrize("password", ["", "short", "x" * 1_001])
def test_a_password_is_neither_short_nor_endless(members, password):
    assert refusal_of(lambda: members.add("eve", "viewer", password)).fields.keys() == {"password"}
    assert refusal_of(lambda: members.set_password("ada", password)).code == "invalid"


def test_an_account_is_not_made_over_another(members):
    assert refusal_of(lambda: members.add("ada", "admin", "long enough")).code == "taken"


@pytest.mark.parametrize(
    "role,scope,acts_as",
    [
        ("admin", None, "admin"),
        ("admin", "write", "editor"),
        ("admin", "read", "viewer"),
        ("viewer", "write", "viewer"),
        ("editor", "metrics", "viewer"),
    ],
)
def test_a_token_may_no_more_than_its_role_and_its_scope(accounts, role, scope, acts_as):
    bearer = accounts.bearer(accounts.new_token("ci", role, scope=scope))
    assert bearer.person == Person("ci", acts_as)
    assert bearer.token.reads_metrics_only is (scope == "metrics")


def test_a_token_that_acts_for_an_account_may_no_more_than_that(accounts):
    token = accounts.new_token("mine", "admin", owner="ada")
    assert accounts.bearer(token).person == Person("ada", "editor")


def test_a_token_runs_out(accounts, clock):
    token = accounts.new_token("ci", "viewer", seconds=DAY)
    assert accounts.bearer(token)
    clock.now += DAY
    assert accounts.bearer(token) is None


def test_a_token_is_revoked_by_its_owner_or_an_admin(accounts, members):
    token = accounts.new_token("mine", "viewer", owner="ada")
    (found,) = members.tokens("ada")
    assert token not in repr(found)
    assert refusal_of(lambda: members.revoke(found.id, "eve")).code == "not_found"
    members.revoke(found.id, "ada")
    assert accounts.bearer(token) is None


def test_the_last_use_of_a_token_is_written_without_anybody_waiting_and_once_a_minute(
    accounts, store, clock, monkeypatch
):
    written = []
    note = token_rows.note_uses
    monkeypatch.setattr(token_rows, "note_uses", lambda store, uses: (written.append(uses), note(store, uses)))
    token = accounts.new_token("ci", "viewer")
    for _ in range(3):
        accounts.bearer(token)
    accounts.settle()
    clock.now += 61
    accounts.bearer(token)
    accounts.settle()
    assert [list(uses.values()) for uses in written] == [[clock.now - 61], [clock.now]]
    assert next(iter(accounts.people(anew=True).tokens.values())).last_used_at == clock.now


def test_a_store_of_an_older_poolhouse_gets_the_columns_that_it_lacks(tmp_path):
    store = Store(f"sqlite:///{tmp_path}/store.db")
    store.create()
    with store.writing() as connection:
        connection.execute(sa.text("DROP TABLE poolhouse_token"))
        connection.execute(
            sa.text(
                "CREATE TABLE poolhouse_token (hash VARCHAR(64) PRIMARY KEY, name VARCHAR(100) NOT NULL, "
                "role VARCHAR(20) NOT NULL, created_at FLOAT NOT NULL)"
            )
        )
        connection.execute(sa.text("INSERT INTO poolhouse_token VALUES ('h', 'old', 'viewer', 1)"))
    assert {column.name for column in store.missing_columns()} == {"owner", "scope", "expires_at", "last_used_at"}
    store.create()
    assert store.missing_columns() == []
    with store.reading() as connection:
        assert token_rows.Token(
            **connection.execute(sa.select(token_rows.token_table)).one()._mapping
        ) == token_rows.Token("h", "old", "viewer", 1)
    store.engine.dispose()
