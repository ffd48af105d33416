"""Do actions count by verb and outcome, and does the tally of workspaces never wait for the store?"""

from __future__ import annotations

import pytest

from dashboard.refusal import Refusal
from dashboard.store.engine import Store
from dashboard.store.workspaces import KeptWorkspaces
from dashboard.telemetry import own_acts
from dashboard.workspaces import tally
from tests.telemetry.waiting import until


@pytest.fixture
def database_url(tmp_path):
    return f"sqlite:///{tmp_path / 'shop.db'}"


@pytest.fixture
def since():
    """`since()`: what has been counted since the test began; of commits only how many."""
    before = own_acts.numbers()

    def now():
        counted = {}
        for name, value in own_acts.numbers().items():
            number = sum(value[:-1]) if isinstance(value, list) else value
            former = before.get(name, 0)
            number -= sum(former[:-1]) if isinstance(former, list) else former
            if number and not name.startswith(("listener", "dropped")):
                counted[name] = number
        return counted

    return now


def test_actions_count_by_verb_and_outcome(desk, since):
    desk.open()
    ref = desk.make("Author", name="Ada")
    desk.do("commit")
    with pytest.raises(Refusal):
        desk.do("make-transient", ref)  # it is persistent
    with pytest.raises(Refusal):
        desk.do("no-such-verb")
    with pytest.raises(Refusal):
        desk.do("flush", version=1)
    assert since() == {
        "action|objects|ok": 1,
        "action|commit|ok": 1,
        "workspace commit|ok": 1,
        "action|make-transient|refused": 1,
        "action|unknown|refused": 1,
        "action|flush|refused": 1,
    }


def test_a_commit_that_lost_its_race_is_a_conflict_and_one_that_broke_has_failed(desk, since):
    desk.open()
    desk.make("Author", name="Ada")
    with pytest.raises(Refusal):
        desk.do("commit", version=1)
    desk.engine.dispose()
    with desk.engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE author RENAME TO writer")
    with pytest.raises(Refusal) as failed:
        desk.do("commit")
    counted = since()
    assert (counted["workspace commit|conflict"], counted["workspace commit|failed"]) == (1, 1), failed.value.code
    assert (counted["action|commit|refused"], counted["action|commit|failed"]) == (1, 1)


def test_a_tally_has_the_workspaces_those_with_a_transaction_and_their_objects_by_badge(desk):
    desk.open()
    desk.make("Author", name="Ada")
    desk.workspaces.open("other", "ada")
    found = until_counted(desk.workspaces.tally)
    assert (found.workspaces, found.pinned, found.objects["pending"]) == (2, 0, 1)
    assert set(found.objects) == {"transient", "pending", "persistent", "modified", "expired", "deleted", "detached"}
    desk.do("flush")
    until(lambda: anew(desk.workspaces.tally).pinned == 1)
    desk.do("rollback")
    desk.do("discard")
    until(lambda: anew(desk.workspaces.tally).workspaces == 1)
    assert anew(desk.workspaces.tally).objects["pending"] == 0


def test_more_changed_workspaces_than_are_read_at_once_are_read_by_the_next_counts(desk, monkeypatch):
    monkeypatch.setattr(tally, "COUNTED_AT_ONCE", 2)
    for number in range(5):
        desk.workspaces.open(f"w{number}", "ada")
        desk.workspaces.act(f"w{number}", "objects", {"model": "Author", "values": {"name": "Ada"}}, actor="ada")
    until(lambda: sum(anew(desk.workspaces.tally).objects.values()) == 5)


def test_without_a_store_there_is_no_tally_and_nobody_waits(tmp_path):
    (tmp_path / "store.db").write_bytes(b"this is no database" * 100)
    store = Store(f"sqlite:///{tmp_path / 'store.db'}")
    counting = tally.Tally(KeptWorkspaces(store, tape=1))
    assert counting.now() is None
    until(lambda: not counting._counting.locked())
    assert counting.now() is None
    until(lambda: not counting._counting.locked())
    store.engine.dispose()


def until_counted(counting):
    until(lambda: counting.now() is not None)
    return counting.now()


def anew(counting):
    """A count that was begun after this call."""
    until(lambda: not counting._counting.locked())
    counting._counted_at -= tally.FRESH_SECONDS
    found = counting.now()
    until(lambda: not counting._counting.locked())
    return counting._counts or found
