"""What telemetry says of the workspaces' Sessions is what somebody asked for: nothing of restoring, parking and setting
back."""

from __future__ import annotations

import gc

import pytest

from dashboard.config import Config
from dashboard.refusal import Refusal
from dashboard.telemetry.merging import alone
from dashboard.telemetry.snapshot import own

WALK = (
    ("objects", None, {"model": "User", "values": {"name": "Ann", "email": "ann@x"}, "add": False}),
    ("add", "User:new-1", {}),
    ("commit", None, {}),
    ("read", "User:new-1", {"attribute": "name"}),
    ("expire", "User:new-1", {}),
    ("expire-all", None, {}),
    ("values", "User:new-1", {"values": {"points": 3}}),
    ("refresh", "User:new-1", {}),
    ("load", None, {"model": "Book", "key": "1"}),
    ("load", None, {"model": "Author", "key": "1"}),
    ("read", "Book:1", {"attribute": "tags"}),
    ("values", "Book:1", {"values": {"title": "Other"}}),
    ("expunge", "Book:1", {}),
    ("add", "Book:1", {}),
    ("objects", None, {"model": "Tag", "values": {"name": "red"}, "add": True}),
    ("rollback", None, {}),
    ("add", "Tag:new-1", {}),
    ("expunge", "Tag:new-1", {}),
    ("merge", "Tag:new-1", {}),
    ("delete", "User:new-1", {}),
    ("flush", None, {}),
    ("rollback", None, {}),
    ("read", "User:new-1", {"attribute": "points"}),
    ("objects", None, {"model": "User", "values": {"name": "Twin", "email": "bob@x"}, "add": True}),
    ("commit", None, {}),  # fails: somebody has that address
    ("values", "User:new-2", {"values": {"email": "twin@x"}}),
    ("read", "User:new-1", {"attribute": "no such attribute"}),
    ("delete", "User:new-1", {}),
    ("commit", None, {}),
    ("expire", "Author:1", {}),
    ("expunge", "Author:1", {}),
    ("add", "Author:1", {}),
    ("read", "Author:1", {"attribute": "name"}),
    ("close", None, {}),
)


def numbers():
    return own(Config())["registries"].get("workspaces", {"numbers": {}})["numbers"]


def counted(work, what="transitions|"):
    """What was counted while the work was done, zeros left out."""
    before = numbers()
    work()
    now = {name: count - before.get(name, 0) for name, count in numbers().items() if name.startswith(what)}
    return {name.removeprefix(what).replace("|", " "): count for name, count in now.items() if count}


def sessions():
    """The states of the workspaces' Sessions, as the page and the metrics say."""
    read = alone(own(Config()), Config(), 0.0, None).sessions
    (registry,) = (one for one in read.registries if one.name == "workspaces")
    live = [one.state for one in read.live if one.registry == "workspaces"]
    assert registry.idle + registry.in_transaction + registry.needs_rollback == len(live)
    return live


def act(desk, verb, ref, arguments):
    try:
        desk.do(verb, ref, **arguments)
    except Refusal as refusal:
        return refusal.code
    return "ok"


def walk(desk, *, park):
    outcomes = []
    for verb, ref, arguments in WALK:
        kept = desk.workspaces._lives.get("w")
        if park and kept is not None and not kept.wrote:
            kept.park()
        outcomes.append(act(desk, verb, ref, arguments))
    return outcomes


def test_restoring_before_each_action_counts_no_transition_and_no_transaction(desk):
    found = {}
    for park in (False, True):
        desk.open()
        outcomes = []
        transitions = counted(lambda park=park, told=outcomes: told.extend(walk(desk, park=park)))
        found[park] = (transitions, outcomes)
        assert (outcomes.count("invalid"), outcomes.count("ok")) == (2, len(WALK) - 2)
        desk.do("discard")
        desk.engine.dispose()
        with desk.engine.begin() as connection:
            connection.exec_driver_sql("DELETE FROM user_account WHERE email IN ('ann@x', 'twin@x')")
            connection.exec_driver_sql("DELETE FROM tag WHERE name = 'red'")
    assert found[True] == found[False]


def test_ending_an_open_transaction_for_somebody_moves_nothing(desk):
    desk.open()
    desk.load("Author", 1)
    desk.make("Tag", name="late")
    desk.do("flush")
    live = desk.workspaces._lives.get("w")
    assert live.wrote
    assert counted(live.park) == {}


def test_how_a_parked_transaction_ended_is_counted_where_the_database_knew_of_it(desk):
    desk.open()
    desk.make("Tag", name="late")
    live = desk.workspaces._lives.get("w")
    assert counted(live.park, "session transactions|") == {}
    desk.do("flush")
    assert live.wrote
    assert counted(live.park, "session transactions|") == {"rollback": 1}


def test_a_failed_flush_counts_what_it_did_to_the_session_and_not_that_it_was_set_back(desk):
    desk.open()
    user = desk.make("User", name="Twin", email="bob@x")
    desk.load("Author", 1)
    assert counted(lambda: act(desk, "flush", None, {})) == {"pending transient": 1, "persistent expired": 1}
    assert [desk.badge(ref) for ref in (user, "Author:1")] == ["pending", "persistent"]
    assert counted(lambda: desk.set(user, email="other@x")) == {}
    assert counted(lambda: desk.do("flush")) == {"pending persistent": 1}


def test_what_is_set_back_within_an_open_transaction_stays_expired_or_not_as_it_was_counted(desk):
    desk.open()
    desk.load("Author", 1)
    desk.load("Author", 2)
    desk.do("expire", "Author:1")
    desk.make("Tag", name="new")
    desk.do("flush")
    live = desk.workspaces._lives.get("w")
    assert live.wrote
    assert counted(live.rewind) == {}
    assert counted(lambda: desk.do("expire-all")) == {"persistent expired": 2}
    assert counted(lambda: desk.do("refresh", "Author:1")) == {"expired persistent": 1}


def test_a_workspace_is_in_a_transaction_only_while_it_holds_a_connection(desk):
    desk.open()
    desk.load("Author", 1)
    desk.make("Tag", name="new")
    assert sessions() == ["idle"]
    desk.do("flush")
    assert sessions() == ["in_transaction"]
    desk.do("commit")
    assert sessions() == ["idle"]


@pytest.fixture
def uncollected():
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def test_a_parked_session_is_gone_at_once(desk, uncollected):
    before = len(sessions()) if numbers() else 0
    desk.open()
    desk.load("Author", 1)
    desk.make("User", name="Twin", email="bob@x")
    assert len(sessions()) == before + 1
    desk.workspaces._lives.get("w").park()
    assert len(sessions()) == before
    with pytest.raises(Refusal) as refused:
        desk.do("flush")
    assert refused.value.__traceback__ is not None  # it holds the frames, and they the Session
    assert len(sessions()) == before
    desk.do("drop", desk.do("expunge", "User:new-1").ref or "User:new-1")
    assert len(sessions()) == before + 1
    desk.do("discard")
    assert len(sessions()) == before
