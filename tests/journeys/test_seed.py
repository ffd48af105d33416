"""The text that this project began as: each of its claims on the pool and the Session, over HTTP,
by badge and by the exact statements."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from dashboard.demo import models
from tests.journeys.desk import Desk

NOTHING: list[str] = []


@pytest.fixture(scope="module")
def server(poolhouse_server):
    return poolhouse_server(settings={"DASHBOARD_DEMO": "off"})


@pytest.fixture(scope="module")
def token(server):
    return server.token("editor")


@pytest.fixture
def desk(server, token):
    desk = Desk(server, token)
    yield desk
    desk.post("discard")


@pytest.fixture
def another(server, token):
    desk = Desk(server, token)
    yield desk
    desk.post("discard")


def user(desk, **values):
    return desk.new("User", name="Ada", email=f"{desk.name}-{desk.now['version']}@example.com", **values)


def test_connections_are_kept_and_reused(desk):
    numbers = []
    for key in ("1", "2", "3"):
        desk.load("Author", key)
        assert desk.last["connection"]["taken"]
        assert desk.last["connection"]["given_back"]
        numbers.append(desk.last["connection"]["number"])
    assert len(set(numbers)) == 1


def test_their_number_is_limited(poolhouse_server, postgresql_url):
    """On PostgreSQL, where several may write at once: three hold the three connections, the fourth is told so."""
    engine = sa.create_engine(postgresql_url)
    models.Base.metadata.create_all(engine)
    engine.dispose()
    settings = {
        "DATABASE_URL": postgresql_url,
        "DASHBOARD_MODELS": "dashboard.demo.models",
        "DASHBOARD_WORKSPACE_WAIT_SECONDS": "1",
    }
    server = poolhouse_server("-w 1", settings=settings)
    token = server.token("editor")
    desks = [Desk(server, token) for _ in range(4)]
    refs = [user(desk) for desk in desks]
    for desk, ref in zip(desks[:3], refs, strict=False):
        desk.do("flush")
        assert (desk.badge(ref), desk.sent()) == ("persistent", ["INSERT user"])
    assert {desk.last["connection"]["number"] for desk in desks[:3]} == {1, 2, 3}
    refused = desks[3].post("flush")
    assert (refused.status, refused.json["error"]["code"]) == (423, "busy")
    assert [shown["badge"] for shown in desks[3].get()["objects"]] == ["pending"]
    desks[0].do("rollback")
    desks[3].do("flush")
    assert desks[3].last["connection"]["number"] == desks[0].last["connection"]["number"]
    for desk in desks:
        desk.post("discard")


def test_the_identity_map_holds_one_object_per_row(desk):
    first = desk.load("Book", "1")
    assert desk.sent() == ["SELECT book"]
    second = desk.load("Book", "1")
    assert desk.sent() == NOTHING
    assert first == second
    assert [shown["ref"] for shown in desk.now["objects"]].count(first) == 1


def test_the_lifecycle_create_modify_commit_close(desk):
    ref = user(desk)
    assert (desk.badge(ref), desk.sent()) == ("pending", NOTHING)
    desk.do("commit")
    assert desk.sent() == ["INSERT user"]
    desk.do("refresh", ref)
    assert (desk.badge(ref), desk.sent()) == ("persistent", ["SELECT user"])
    desk.do("values", ref, values={"name": "Grace"})
    assert (desk.badge(ref), desk.sent()) == ("modified", NOTHING)
    desk.do("commit")
    assert desk.sent() == ["UPDATE user"]
    desk.do("close")
    assert (desk.badge(ref), desk.sent()) == ("detached", NOTHING)


def test_the_lifecycle_query_modify_rollback_close(desk, another):
    ref = desk.load("User", "1")
    before = desk.object(ref)["values"]["name"]
    desk.do("values", ref, values={"name": "Somebody Else"})
    desk.do("flush")
    assert desk.sent() == ["UPDATE user"]
    desk.do("rollback")
    assert (desk.badge(ref), desk.sent()) == ("expired", NOTHING)
    desk.do("close")
    assert desk.badge(ref) == "detached"
    again = another.load("User", "1")
    assert another.object(again)["values"]["name"] == before


def test_transient_is_in_memory_in_no_session_without_identity(desk):
    ref = desk.new("User", add=False, name="Ada", email="transient@example.com")
    shown = desk.object(ref)
    assert (shown["state"], shown["badge"], shown["key"]) == ("transient", "transient", None)
    assert shown["values"]["name"] == "Ada"
    assert desk.sent() == NOTHING
    desk.do("commit")
    assert (desk.badge(ref), desk.sent()) == ("transient", NOTHING)


def test_pending_is_added_with_no_insert_yet(desk):
    ref = user(desk)
    shown = desk.object(ref)
    assert (shown["state"], shown["badge"], shown["key"]) == ("pending", "pending", None)
    assert desk.sent() == NOTHING
    assert desk.now["transaction"] is None


def test_persistent_after_flush_has_its_key(desk):
    ref = user(desk)
    desk.do("flush")
    shown = desk.object(ref)
    assert (shown["state"], shown["badge"]) == ("persistent", "persistent")
    assert shown["key"] == str(shown["values"]["id"])
    assert desk.sent() == ["INSERT user"]
    assert desk.last["connection"]["taken"]
    assert not desk.last["connection"]["given_back"]
    desk.do("rollback")


def test_persistent_after_commit_has_its_key(desk):
    ref = user(desk)
    desk.do("commit")
    assert desk.object(ref)["state"] == "persistent"
    assert desk.object(ref)["key"]
    assert desk.sent() == ["INSERT user"]
    assert desk.last["connection"]["given_back"]


@pytest.mark.parametrize("verb", ["expunge", "close"])
def test_detached_after_expunge_or_close(desk, verb):
    ref = desk.load("Author", "1")
    desk.do(verb, ref if verb == "expunge" else None)
    assert (desk.object(ref)["state"], desk.badge(ref), desk.sent()) == ("detached", "detached", NOTHING)
    assert desk.object(ref)["key"] == "1"


def test_expired_after_expire_and_the_next_access_sends_a_select(desk):
    ref = desk.load("Author", "1")
    desk.do("expire", ref)
    assert (desk.badge(ref), desk.sent()) == ("expired", NOTHING)
    assert "name" in desk.object(ref)["unloaded"]
    assert "name" not in desk.object(ref)["values"]
    desk.do("read", ref, attribute="name")
    assert (desk.badge(ref), desk.sent()) == ("persistent", ["SELECT author"])
    assert "name" in desk.object(ref)["values"]


def test_expired_after_a_commit_with_expire_on_commit_and_the_next_access_sends_a_select(desk):
    ref = user(desk)
    desk.do("commit")
    assert desk.badge(ref) == "expired"
    desk.do("read", ref, attribute="name")
    assert (desk.badge(ref), desk.sent()) == ("persistent", ["SELECT user"])


def test_with_expire_on_commit_false_the_next_access_sends_nothing(server, token):
    desk = Desk(server, token, expire_on_commit=False)
    ref = user(desk)
    desk.do("commit")
    assert (desk.badge(ref), desk.sent()) == ("persistent", ["INSERT user"])
    desk.do("read", ref, attribute="name")
    assert (desk.badge(ref), desk.sent()) == ("persistent", NOTHING)
    desk.post("discard")


def test_transient_to_pending_by_add(desk):
    ref = desk.new("User", add=False, name="Ada", email=f"{desk.name}@example.com")
    desk.do("add", ref)
    assert (desk.badge(ref), desk.sent()) == ("pending", NOTHING)
    assert desk.last["transitions"] == [[ref, "transient", "pending"]]


@pytest.mark.parametrize("verb", ["flush", "commit"])
def test_pending_to_persistent_by_flush_or_commit(desk, verb):
    ref = user(desk)
    desk.do(verb)
    assert desk.object(ref)["state"] == "persistent"
    assert [ref, "pending", "persistent"] in desk.last["transitions"]
    assert desk.sent() == ["INSERT user"]
    desk.do("rollback")


@pytest.mark.parametrize("verb", ["expunge", "close"])
def test_persistent_to_detached_by_expunge_or_close(desk, verb):
    ref = desk.load("Tag", "1")
    desk.do(verb, ref if verb == "expunge" else None)
    assert desk.last["transitions"] == [[ref, "persistent", "detached"]]
    assert (desk.badge(ref), desk.sent()) == ("detached", NOTHING)


def test_detached_to_persistent_by_add(desk):
    ref = desk.load("Tag", "1")
    desk.do("expunge", ref)
    desk.do("add", ref)
    assert desk.last["transitions"] == [[ref, "detached", "persistent"]]
    assert (desk.badge(ref), desk.sent()) == ("persistent", NOTHING)


def test_changes_of_several_objects_go_to_the_database_in_one_transaction(desk, another):
    author = desk.new("Author", name="Mary Shelley")
    book = desk.new("Book", title="Frankenstein", author=author)
    tag = desk.load("Tag", "1")
    desk.do("values", tag, values={"name": f"gothic {desk.name}"})
    desk.do("flush")
    assert sorted(desk.sent()) == ["INSERT author", "INSERT book", "UPDATE tag"]
    flushed_on = desk.last["connection"]["number"]
    key = desk.object(book)["key"]
    unseen = another.post("load", {"model": "Book", "key": key})
    assert unseen.status == 404
    desk.do("commit")
    assert desk.sent() == NOTHING
    assert desk.last["connection"] == {"number": flushed_on, "taken": False, "given_back": True}
    assert another.object(another.load("Book", key))["values"]["title"] == "Frankenstein"


def test_a_rollback_takes_the_changes_of_all_objects_back(desk, another):
    first, second = user(desk), desk.load("Tag", "2")
    before = desk.object(second)["values"]["name"]
    desk.do("values", second, values={"name": "changed"})
    desk.do("flush")
    key = desk.object(first)["key"]
    desk.do("rollback")
    assert (desk.badge(first), desk.badge(second)) == ("transient", "expired")
    assert another.post("load", {"model": "User", "key": key}).status == 404
    assert another.object(another.load("Tag", "2"))["values"]["name"] == before
