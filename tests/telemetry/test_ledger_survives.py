"""Does no counter ever fall or count twice, whatever becomes of the processes and of the file?"""

from __future__ import annotations

import fcntl
import signal
import time
from dataclasses import replace
from pathlib import Path

import pytest

from dashboard.telemetry.membership import fold

from .programs import commits
from .waiting import until


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


def test_the_leaks_of_a_killed_process_stay_readable_with_their_lines(start, ledger):
    one, other = start(2)
    for program in (one, other, one):
        program.ask("leak")
        program.ask("read")
    one.kill()
    leaks = ledger.read().pool("shop").leaks
    (number,) = [worker.worker for worker in ledger.read().workers]
    assert [leak.worker for leak in leaks] == [None, number, None]
    assert ["program.py:" in leak.line and leak.line.endswith("in leak") for leak in leaks] == [True] * 3
    assert ledger.read().pool("shop").numbers["leaks|garbage_collected"] == 3
    other.kill()
    assert [leak.worker for leak in ledger.read().pool("shop").leaks] == [None] * 3


def test_a_leak_is_told_once_though_its_process_was_folded_while_it_lived(start, ledger):
    (one,) = start()
    one.ask("leak")
    one.ask("read")
    with ledger._member.rows.writing() as transaction:
        fold(transaction, transaction.rows()[0].key)
    one.ask("leak")
    one.ask("read")
    assert len(ledger.read().pool("shop").leaks) == ledger.read().pool("shop").numbers["leaks|garbage_collected"] == 2


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

    until(lambda: state()[one.pid] == "stale" and ledger.read().problem is None)  # it may have been writing just then
    until(lambda: state()[other.pid] == "live" and ledger.read().published_age_seconds < 0.5)
    assert (commits(ledger), ledger.read().pool("shop").counts.used) == (5, 1)
    one.signal(signal.SIGCONT)
    one.ask("work 1")
    until(lambda: state()[one.pid] == "live" and commits(ledger) == 6)


def test_a_process_that_is_stopped_while_it_writes_holds_nobody_up_and_no_counter_falls(start, ledger):
    stopped, one, other = start(3)
    for program in (stopped, one, other):
        program.ask("work 5")
        program.ask("hold")
        program.ask("read")
    before = ledger.history("shop")
    stopped.tell("halt")
    until(lambda: all("locked" in (program.ask("read")["problem"] or "") for program in (one, other)))
    for program in (one, other):
        program.ask("work 2")
        program.ask("hold")
    began = time.monotonic()
    told = [program.ask("read") for program in (one, other)]
    ledger.history("shop")
    assert time.monotonic() - began < 1.0
    assert [answer["commits"] for answer in told] == [15, 15]
    assert [answer["used"] for answer in told] == [4, 4]  # its own, and the others' as they were last seen
    assert all(len(answer["workers"]) == 3 for answer in told)
    until(lambda: one.ask("read")["problem"] is None)  # they go on without it
    until(lambda: [program.ask("read")["commits"] for program in (one, other)] == [19, 19])
    assert other.ask("read")["used"] == 5
    stopped.signal(signal.SIGCONT)
    assert stopped.answer() == 0
    stopped.ask("work 3")
    assert [program.ask("read")["commits"] for program in (stopped, one, other)] == [22] * 3
    assert set(before.at) & set(ledger.history("shop").at)
    assert len(list(ledger.folder.glob("ledger-*.db"))) == 1


def test_a_process_that_is_stopped_while_it_makes_the_ledger_holds_nobody_up(start, ledger):
    one, other = start(2)
    for program in (one, other):
        program.ask("work 5")
        program.ask("read")
    assert one.ask("read")["commits"] == 10
    with (ledger.folder / "ledger.lock").open() as stopped:
        fcntl.flock(stopped, fcntl.LOCK_EX)
        delete(ledger.folder, "ledger.db*")
        assert [program.ask("read")["commits"] for program in (one, other, one)] == [10, 10, 10]
    assert one.ask("read")["problem"] is None


def test_a_process_of_another_machine_is_dead_when_it_is_silent_for_long_and_its_counts_stay(start, ledger):
    (one,) = start()
    one.ask("work 5")
    one.ask("hold")
    one.ask("read")
    with ledger._member.rows.writing() as transaction:
        (row,) = transaction.rows()
        elsewhere = replace(row, key=("elsewhere", *row.key[1:]))
        transaction.insert(replace(elsewhere, said_at=time.time() - 500))
    assert (commits(ledger), ledger.read().pool("shop").counts.used) == (10, 2)
    with ledger._member.rows.writing() as transaction:
        transaction.take(elsewhere.key)
        transaction.insert(replace(elsewhere, said_at=time.time() - 700))
    assert (commits(ledger), ledger.read().pool("shop").counts.used) == (10, 1)
    assert [worker.pid for worker in ledger.read().workers] == [one.pid]


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
