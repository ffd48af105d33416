"""Does no counter ever fall or count twice, whatever becomes of the processes and of the file?"""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from dashboard.config import Config
from dashboard.telemetry.ledger import Ledger, _Member, joined_ledger
from dashboard.telemetry.membership import fold
from dashboard.telemetry.watching import watch

from .waiting import until

ROOT = Path(__file__).parent.parent.parent


class Program:
    """A real process that publishes; `ask("work 10")` answers when it is done."""

    def __init__(self, folder: Path) -> None:
        command = [sys.executable, "-m", "tests.telemetry.program", str(folder / "ledger"), str(folder / "shop.db")]
        self.process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.pid = self.process.pid

    def answer(self) -> Any:
        line = self.process.stdout.readline()
        assert line, "the program has ended"
        return json.loads(line)

    def ask(self, command: str) -> Any:
        self.tell(command)
        return self.answer()

    def tell(self, command: str) -> None:
        self.process.stdin.write(command + "\n")
        self.process.stdin.flush()

    def signal(self, number: int) -> None:
        os.kill(self.pid, number)

    def kill(self) -> None:
        self.process.kill()
        self.close()

    def close(self) -> None:
        if self.process.poll() is None:
            self.signal(signal.SIGCONT)
            self.tell("quit")
        self.process.wait(20)
        for pipe in (self.process.stdin, self.process.stdout):
            pipe.close()


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., list[Program]]]:
    """`start(3)`: three programs at once, all of them ready."""
    started: list[Program] = []

    def now(number: int = 1) -> list[Program]:
        programs = [Program(tmp_path) for _ in range(number)]
        started.extend(programs)
        for program in programs:
            assert program.answer() == "ready"
        return programs

    yield now
    for program in started:
        if program.process.poll() is None:
            program.close()


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    """The ledger of the programs, read from outside as a sidecar does; this process is not joined."""
    ledger = Ledger(tmp_path / "ledger", Config.read({"DASHBOARD_STALE_SECONDS": "0.5"}))
    yield ledger
    ledger.leave()
    ledger._member.rows.close()


def commits(ledger: Ledger) -> float:
    reading = ledger.read()
    assert reading.problem is None
    shop = reading.pool("shop")
    return 0 if shop is None else shop.totals["commits"]


def test_several_processes_add_up_and_whoever_reads_publishes_first(start):
    one, other = start(2)
    one.ask("work 3")
    other.ask("work 4")
    until(lambda: one.ask("read")["commits"] == 7)
    one.ask("work 1")
    assert one.ask("read")["commits"] == 8


def test_eight_that_start_at_once_on_an_empty_folder_all_join(start, ledger):
    programs = start(8)
    for program in programs:
        program.ask("work 2")
    until(lambda: commits(ledger) == 16)
    assert sorted(worker.worker for worker in ledger.read().workers) == list(range(1, 9))
    assert {worker.pid for worker in ledger.read().workers} == {program.pid for program in programs}


def test_what_a_killed_process_said_stays_and_its_number_is_free(start, ledger):
    one, other = start(2)
    one.ask("work 5")
    one.ask("hold")
    one.ask("read")
    number = next(worker.worker for worker in ledger.read().workers if worker.pid == one.pid)
    one.kill()
    reading = ledger.read()
    assert (reading.pool("shop").totals["commits"], reading.pool("shop").counts.used) == (5, 0)
    assert [worker.pid for worker in reading.workers] == [other.pid]
    (third,) = start()
    assert next(worker.worker for worker in ledger.read().workers if worker.pid == third.pid) == number
    assert commits(ledger) == 5


def test_a_process_that_ended_by_itself_has_said_all(start, ledger):
    (one,) = start()
    one.ask("work 7")
    one.close()
    assert commits(ledger) == 7
    assert ledger.read().workers == ()


def test_a_paused_process_is_stale_and_still_summed_and_not_counted_twice_when_it_goes_on(start, ledger):
    one, other = start(2)
    one.ask("work 5")
    one.ask("hold")
    one.ask("read")
    one.signal(signal.SIGSTOP)

    def state():
        return {worker.pid: worker.state for worker in ledger.read().workers}

    until(lambda: state()[one.pid] == "stale")
    assert state()[other.pid] == "live"
    assert (commits(ledger), ledger.read().pool("shop").counts.used) == (5, 1)
    assert ledger.read().published_age_seconds < 0.5
    one.signal(signal.SIGCONT)
    one.ask("work 1")
    until(lambda: state()[one.pid] == "live" and commits(ledger) == 6)


def test_a_living_process_whose_row_was_folded_begins_again_at_zero(start, ledger):
    (one,) = start()
    one.ask("work 5")
    one.ask("read")
    member = ledger._member
    with member.rows.writing() as transaction:
        (row,) = transaction.rows()
        fold(transaction, row.key)
    assert commits(ledger) >= 5
    one.ask("work 2")
    until(lambda: commits(ledger) == 7)
    with member.rows.writing() as transaction:
        (row,) = transaction.rows()
    assert row.key[4] == 1
    one.kill()
    assert commits(ledger) == 7


def delete(folder: Path, which: str) -> None:
    for path in list(folder.glob(which)):
        path.unlink()


@pytest.mark.parametrize("which", ["ledger.db", "ledger.db*", "*"])
def test_a_ledger_that_is_deleted_comes_back_and_no_counter_falls(start, ledger, tmp_path, which):
    dead, paused, one, other = start(4)
    for program in (dead, paused, one, other):
        program.ask("work 10")
        program.ask("read")
    dead.kill()
    assert one.ask("read")["commits"] == 40
    assert other.ask("read")["commits"] == 40
    paused.signal(signal.SIGSTOP)
    for _ in range(3):
        delete(tmp_path / "ledger", which)
        assert one.ask("read")["commits"] == 40
        assert other.ask("read")["commits"] == 40
        assert one.ask("read")["commits"] == 40
    paused.signal(signal.SIGCONT)
    paused.ask("work 1")
    until(lambda: one.ask("read")["commits"] == 41)
    assert commits(ledger) == 41


def test_one_that_died_just_before_the_ledger_was_deleted_is_not_forgotten(start, tmp_path):
    dead, one, other = start(3)
    for program in (dead, one, other):
        program.ask("work 10")
        program.ask("read")
    assert one.ask("read")["commits"] == other.ask("read")["commits"] == 30
    for program in (one, other):
        program.signal(signal.SIGSTOP)
    dead.kill()
    delete(tmp_path / "ledger", "ledger.db*")
    for program in (one, other):
        program.signal(signal.SIGCONT)
    assert one.ask("read")["commits"] == 30
    assert other.ask("read")["commits"] == 30
    assert one.ask("read")["commits"] == 30


def test_who_knew_less_does_not_bring_back_what_was_folded(start, ledger, tmp_path):
    dead, knows_less, knows_more = start(3)
    for program in (dead, knows_less, knows_more):
        program.ask("work 10")
        program.ask("read")
    assert knows_less.ask("read")["commits"] == 30
    knows_less.signal(signal.SIGSTOP)
    dead.kill()
    assert knows_more.ask("read")["commits"] == 30  # folded, and knows_less has not seen it
    knows_more.signal(signal.SIGSTOP)
    delete(tmp_path / "ledger", "ledger.db*")
    knows_less.signal(signal.SIGCONT)
    assert knows_less.ask("read")["commits"] == 30
    knows_more.signal(signal.SIGCONT)
    assert knows_more.ask("read")["commits"] == 30
    assert knows_less.ask("read")["commits"] == 30
    assert commits(ledger) == 30


def test_workers_that_are_killed_and_a_ledger_that_is_deleted_never_make_a_counter_fall(start, ledger, tmp_path):
    programs = start(3)
    done, seen = 0, 0.0
    for round_ in range(4):
        for program in programs:
            done += program.ask("work 20")
            program.ask("read")
        for program in programs:  # what nobody else has seen yet is lost with its process and the file
            assert program.ask("read")["commits"] == done
        if round_ % 2:
            delete(tmp_path / "ledger", "ledger.db*")
        programs[0].ask("read")
        programs.pop().kill()
        programs = [*start(), *programs]
        for program in programs:
            now = program.ask("read")["commits"]
            assert now >= seen
            seen = now
    assert commits(ledger) == done


def test_a_program_that_replaces_itself_by_exec_keeps_what_it_said(start, ledger):
    (one,) = start()
    one.ask("work 5")
    one.ask("read")
    one.tell("exec")
    assert one.answer() == "ready"
    one.ask("work 2")
    assert one.ask("read")["commits"] == 7
    assert len(ledger.read().workers) == 1


def test_who_leaves_and_joins_again_is_counted_once(start, ledger):
    (one,) = start()
    one.ask("work 5")
    one.ask("leave")
    assert (commits(ledger), ledger.read().workers) == (5, ())
    one.ask("work 2")
    one.ask("join")
    assert commits(ledger) == 7
    one.ask("work 1")
    assert one.ask("read")["commits"] == 8


def test_a_reader_that_has_not_joined_adds_nothing_of_its_own(engine, ledger, name):
    engine.connect().close()
    assert ledger.read().pool(name) is None
    assert (ledger.joined(), joined_ledger()) == (False, None)


def test_watch_with_publish_joins_the_ledger_of_that_folder(engine, name, tmp_path):
    watch(engine, publish=tmp_path / "ledger")
    ledger = Ledger(tmp_path / "ledger")
    assert (ledger.joined(), ledger.worker()) == (True, 1)
    engine.connect().close()
    assert ledger.read().pool(name).totals["checkouts"] == 1
    assert joined_ledger().folder == ledger.folder
    ledger.leave()
    assert (ledger.joined(), ledger.worker()) == (False, None)
    ledger._member.rows.close()


def test_a_forked_child_is_not_joined_and_joins_with_its_own_numbers(engine, name, ledger):
    ledger.join()
    engine.connect().close()
    assert ledger.read().pool(name).totals["checkouts"] == 1
    here, there = multiprocessing.get_context("fork").Pipe()

    def child() -> None:
        was_joined = ledger.joined()
        ledger.join()
        engine.dispose(close=False)
        engine.connect().close()
        engine.connect().close()
        engine.dispose()
        there.send((was_joined, ledger.read().pool(name).totals["checkouts"], len(ledger.read().workers)))
        ledger.leave()

    process = multiprocessing.get_context("fork").Process(target=child)
    process.start()
    assert here.recv() == (False, 3, 2)
    process.join()
    assert ledger.read().pool(name).totals["checkouts"] == 3
    assert len(ledger.read().workers) == 1


def test_worker_numbers_stay_while_their_worker_lives(start, ledger):
    programs = start(3)
    before = {worker.pid: worker.worker for worker in ledger.read().workers}
    programs[0].kill()
    start()
    after = {worker.pid: worker.worker for worker in ledger.read().workers}
    assert all(after[program.pid] == before[program.pid] for program in programs[1:])


def spoil_with_garbage(folder: Path) -> None:
    folder.mkdir()
    (folder / "ledger.db").write_bytes(b"this is no database, it only lies where one should be" * 100)


def spoil_with_a_file(folder: Path) -> None:
    folder.write_text("a file where the folder should be")


def spoil_with_another_database(folder: Path) -> None:
    folder.mkdir()
    sqlite3.connect(folder / "ledger.db").close()
    connection = sqlite3.connect(folder / "ledger.db")
    connection.execute("create table other (a)")
    connection.close()


@pytest.mark.parametrize("spoil", [spoil_with_garbage, spoil_with_a_file, spoil_with_another_database])
def test_a_ledger_that_cannot_be_used_leaves_the_process_its_own_numbers_and_says_so(spoil, engine, name, tmp_path):
    spoil(tmp_path / "ledger")
    ledger = Ledger(tmp_path / "ledger")
    ledger.join()
    engine.connect().close()
    reading = ledger.read()
    assert "cannot be used" in reading.problem
    assert reading.pool(name).totals["checkouts"] == 1
    assert [worker.pid for worker in reading.workers] == [os.getpid()]
    ledger.leave()
    ledger._member.rows.close()


def test_a_ledger_that_can_be_used_again_takes_all_the_numbers(engine, name, tmp_path):
    spoil_with_garbage(tmp_path / "ledger")
    ledger = Ledger(tmp_path / "ledger")
    ledger.join()
    engine.connect().close()
    assert ledger.read().problem is not None
    (tmp_path / "ledger" / "ledger.db").unlink()
    engine.connect().close()
    reading = ledger.read()
    assert (reading.problem, reading.pool(name).totals["checkouts"]) == (None, 2)
    ledger.leave()
    ledger._member.rows.close()


def test_reading_opens_no_connection_of_a_watched_pool(engine, pool, driver, ledger):
    ledger.join()
    for _ in range(3):
        ledger.read()
    assert (pool().totals["checkouts"], driver.counts["connects"]) == (0, 0)


def test_all_ledgers_of_a_folder_are_one_member(tmp_path):
    assert Ledger(tmp_path)._member is Ledger(tmp_path / ".." / tmp_path.name)._member
    assert isinstance(Ledger(tmp_path)._member, _Member)
