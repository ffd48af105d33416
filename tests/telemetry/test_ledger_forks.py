"""Does a process that is forked while its parent publishes read, join and count as any other?"""

from __future__ import annotations

import dataclasses
import multiprocessing
import os
import sqlite3
import threading
import time

import pytest

from dashboard.config import Config
from dashboard.telemetry import forks
from dashboard.telemetry.ledger import Ledger
from dashboard.telemetry.rows import Rows
from dashboard.telemetry.watching import watch

from .waiting import until

FORK = multiprocessing.get_context("fork")
CHILDREN = 1_000 if os.environ.get("SOAK") else 10


def told_by_a_child(tell):
    """What `tell()` answers in a forked child."""
    here, there = FORK.Pipe()
    process = FORK.Process(target=lambda: there.send(tell()))
    process.start()
    assert here.poll(20), "the child hangs"
    told = here.recv()
    process.join()
    return told


@pytest.mark.soak
def test_every_child_that_is_forked_amid_publishing_reads_and_joins(engine, name, tmp_path):
    ledger = Ledger(tmp_path / "ledger", dataclasses.replace(Config(), publish_seconds=0.005))
    watch(engine, publish=ledger.folder)
    engine.connect().close()

    def child():
        ledger.join()
        reading = ledger.read()
        ledger.leave()
        return reading.problem, reading.pool(name).totals["checkouts"], len(reading.workers)

    for _ in range(CHILDREN):
        assert told_by_a_child(child) == (None, 1, 2)
    ledger.leave()


def test_what_a_child_says_after_its_parent_left_is_read_by_all(engine, name, ledger):
    """SQLite knows by process who has a file open: a child that inherits an open one holds no lock of its own, and the
    last one who closes it takes the log away under it."""
    ledger.join()
    engine.connect().close()
    here, there = FORK.Pipe()

    def child() -> None:
        ledger.join()
        there.send("joined")
        there.recv()
        engine.dispose(close=False)
        engine.connect().close()
        ledger.read()
        there.send("said")
        there.recv()
        ledger.leave()

    process = FORK.Process(target=child)
    process.start()
    assert here.recv() == "joined"
    ledger.leave()
    here.send("your parent has left")
    assert here.recv() == "said"
    assert ledger.read().pool(name).totals["checkouts"] == 2
    here.send("enough")
    process.join()


def test_a_fork_waits_for_the_ledger_a_moment_only_and_its_child_says_so(engine, name, ledger, monkeypatch):
    monkeypatch.setattr(forks, "WAIT_SECONDS", 0.05)
    ledger.join()
    engine.connect().close()
    ledger.read()
    inside, done = threading.Event(), threading.Event()

    def stay_in_it() -> None:
        with ledger._member.rows.writing():
            inside.set()
            done.wait(20)

    thread = threading.Thread(target=stay_in_it)
    thread.start()
    inside.wait(20)

    def child():
        ledger.join()
        engine.dispose(close=False)
        engine.connect().close()
        began = time.monotonic()
        reading = ledger.read()
        return reading.problem, reading.pool(name).totals["checkouts"], time.monotonic() - began < 1.0

    problem, checkouts, at_once = told_by_a_child(child)
    assert ("forked" in problem, checkouts, at_once) == (True, 1, True)
    done.set()
    thread.join()
    assert ledger.read().problem is None
    assert told_by_a_child(child)[0] is None


def test_a_fork_within_a_transaction_of_its_own_thread_leaves_that_transaction_alone(tmp_path):
    rows = Rows(tmp_path)
    with rows.writing() as transaction:
        before = transaction.generation()

        def child():
            with pytest.raises(sqlite3.OperationalError, match="forked"), rows.writing():
                pass

        told_by_a_child(child)
        transaction.add_labels([("pool", "shop")])
    with rows.writing() as transaction:
        assert (transaction.generation(), transaction.labels()) == (before, {"pool": {"shop"}})
    rows.close()


def test_a_forked_child_is_not_joined_and_joins_with_its_own_numbers(engine, name, ledger):
    ledger.join()
    engine.connect().close()
    assert ledger.read().pool(name).totals["checkouts"] == 1
    here, there = FORK.Pipe()

    def child() -> None:
        was_joined = ledger.joined()
        ledger.join()
        engine.dispose(close=False)
        engine.connect().close()
        engine.connect().close()
        engine.dispose()
        there.send((was_joined, ledger.read().pool(name).totals["checkouts"], len(ledger.read().workers)))
        ledger.leave()

    process = FORK.Process(target=child)
    process.start()
    assert here.recv() == (False, 3, 2)
    process.join()
    assert ledger.read().pool(name).totals["checkouts"] == 3
    assert len(ledger.read().workers) == 1


@pytest.mark.parametrize("disposes", [True, False])
def test_a_child_forked_after_watch_with_publish_joins_when_it_uses_a_connection(engine, name, tmp_path, disposes):
    folder = tmp_path / "ledger"
    watch(engine, publish=folder)
    engine.connect().close()
    here, there = FORK.Pipe()

    def child() -> None:
        was_joined = Ledger(folder).joined()
        if disposes:
            engine.dispose(close=False)
        engine.connect().close()
        there.send((was_joined, Ledger(folder).joined()))
        there.recv()

    process = FORK.Process(target=child)
    process.start()
    assert here.recv() == (False, True)
    until(lambda: len(Ledger(folder).read().workers) == 2)
    until(lambda: Ledger(folder).read().pool(name).totals["checkouts"] == 2)
    here.send("enough")
    process.join()
    Ledger(folder).leave()
    Ledger(folder)._member.rows.close()
