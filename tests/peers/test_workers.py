"""Workers of one store that pass actions on to each other, whoever they are: other instances, other keys, busy ones."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import socket
import stat
import tempfile
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import pytest

from dashboard.access import Access, Person
from dashboard.config import Config
from dashboard.peers import asking, places
from dashboard.peers.answering import Answering
from dashboard.refusal import Refusal
from tests.workspaces.desk import Desk
from tests.workspaces.shop import Book

ADA = Person("ada", "editor")


class Worker:
    """One worker of the desk's store, with an instance folder, a key and an Access of its own."""

    def __init__(self, desk, *, key="one key", access=None, **settings):
        self.config = dataclasses.replace(desk.config, **settings)
        self.rooms = desk.worker()
        self.answering = Answering(self.rooms, access, key, self.config, contextlib.nullcontext)
        self.runtime = SimpleNamespace(access=access, config=self.config, secret_key=key)

    def act(self, verb, ref=None, *, name="w", person=ADA, version=None, **given):
        given = given if ref is None else {**given, "ref": ref}
        return asking.act(self.runtime, self.rooms, name, verb, given, person=person, version=version)

    def hold(self, key, name="w"):
        """Opens a workspace and a transaction in it."""
        self.rooms.open(name, "ada")
        ref = self.act("load", name=name, model="Book", key=key).ref
        self.act("values", ref, name=name, values={"title": f"Held {key}"})
        self.act("flush", name=name)
        return ref


@pytest.fixture(params=["sqlite", "postgresql"])
def desk(request, tmp_path):
    """The data and the store, each on the same kind of database."""
    if request.param == "sqlite":
        urls = [f"sqlite:///{tmp_path / name}.db" for name in ("shop", "store")]
    else:
        urls = [request.getfixturevalue("postgresql_url")] * 2
    with Desk(*urls, config=Config(instance=tmp_path / "instance", workspace_wait_seconds=1.0)) as made:
        yield made


@pytest.fixture
def worker(desk):
    made = []

    def make(**options):
        made.append(Worker(desk, **options))
        return made[-1]

    yield make
    for each in made:
        each.answering.close()


def test_another_instance_on_the_same_store_finds_the_holder(desk, worker, tmp_path):
    ref = worker(instance=tmp_path / "one").hold("1")
    other = worker(instance=tmp_path / "two")
    view = other.act("values", ref, values={"title": "Through the other"}).view
    assert view.object(ref)["values"]["title"] == "Through the other"
    other.act("commit")
    assert desk.rows("select title from book where id = 1") == [("Through the other",)]


def test_a_folder_that_lies_too_deep_is_replaced_by_one_of_the_accounts_own(worker, tmp_path):
    deep = tmp_path / ("d" * 60) / ("e" * 60)
    holder = worker(instance=deep)
    ref = holder.hold("1")
    path = Path(places.place(deep, holder.rooms.transactions.number))
    assert path.parent.parent == Path(tempfile.gettempdir())
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert worker().act("expire", ref).view.object(ref)["badge"] == "expired"


def test_one_who_has_another_key_is_told_who_has_it(worker):
    ref = worker().hold("1")
    with pytest.raises(Refusal) as refused:
        worker(key="another").act("expire", ref)
    assert (refused.value.code, refused.value.details["actor"]) == ("pinned", "ada")
    assert "another worker" in refused.value.message


def test_a_holder_that_does_not_answer_in_time_is_told_as_busy_and_does_nothing_more(worker):
    holder = worker()
    ref = holder.hold("1")
    hasty = worker(peer_seconds=0.2)
    version = holder.rooms.view("w").version
    with holder.rooms._lives.held("w"), pytest.raises(Refusal) as refused:
        hasty.act("expire", ref)
    assert refused.value.code == "busy"
    assert "Look at w before you repeat it" in refused.value.remedy
    until_idle(holder)
    assert holder.rooms.view("w").version - version in (0, 1)  # once at most, and its tape says so


def until_idle(worker):
    worker.answering.close()  # waits for what is being done


def test_two_workers_that_ask_each_other_with_all_their_threads_do_not_wait_for_ever(worker, request, desk):
    if desk.engine.dialect.name == "sqlite":
        first, second = worker(peer_threads=1), worker(peer_threads=1)
        first.hold("1", "a")
        asked = [(second, "a")] * 8  # SQLite has one writer
    else:
        first, second = worker(peer_threads=1), worker(peer_threads=1)
        first.hold("1", "a")
        second.hold("2", "b")
        asked = [(second, "a"), (first, "b")] * 4
    gate = threading.Barrier(len(asked))

    def ask(who, name):
        gate.wait()
        return who.act("load", name=name, model="Tag", key="1").ref

    with ThreadPoolExecutor(len(asked)) as pool:
        done = list(pool.map(lambda pair: ask(*pair), asked))
    assert done == ["Tag:1"] * len(asked)


class Narrow(Access):
    """Everybody sees Books alone but their price, and nobody changes Authors."""

    def may(self, person, verb, model):
        return model is None or model is Book

    def hidden_columns(self, person, model):
        return frozenset({"price"})


def test_the_holder_asks_the_hosts_access_for_the_one_who_acts(worker):
    holder = worker(access=Narrow())
    ref = holder.hold("1")
    other = worker(access=Narrow())
    answer = other.act("values", ref, values={"title": "Seen"})
    assert "price" not in answer.view.object(ref)["values"]
    with pytest.raises(Refusal) as refused:
        other.act("values", ref, values={"price": "1.00"})
    assert (refused.value.code, set(refused.value.fields)) == ("invalid", {"price"})
    with pytest.raises(Refusal) as refused:
        other.act("load", model="Author", key="1")
    assert refused.value.code == "forbidden"


def test_a_socket_of_a_killed_worker_is_thrown_away(worker, tmp_path):
    folder = tmp_path / "instance" / "peers"
    folder.mkdir(parents=True)
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(folder / "999999999.1"))
    worker().hold("1")
    assert [path.name for path in folder.iterdir() if path.name.startswith("999999999")] == []


def test_a_holder_that_has_ended_is_not_asked(worker):
    holder = worker()
    ref = holder.hold("1")
    holder.answering.close()
    holder.rooms.close()
    view = worker().act("expire", ref).view
    assert view.transaction is None
    assert view.object(ref)["changes"] == {}


def test_a_forked_child_passes_on_to_its_parent_and_does_not_answer_for_it(worker):
    holder = worker()
    ref = holder.hold("1")
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            title = holder.act("values", ref, values={"title": "From the child"}).view.object(ref)["values"]["title"]
            os.write(write, title.encode())
        finally:
            os._exit(0)
    os.close(write)
    with os.fdopen(read) as said:
        assert said.read() == "From the child"
    os.waitpid(child, 0)
    assert holder.act("commit").view.transaction is None
