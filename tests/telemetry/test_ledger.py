"""Do all processes of a folder add up, from join to leave, and what if the file cannot be used?"""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

import pytest

from dashboard.config import Config
from dashboard.telemetry.ledger import Ledger, joined_ledger
from dashboard.telemetry.member import Member
from dashboard.telemetry.merging import alone
from dashboard.telemetry.watching import watch

from .programs import commits
from .waiting import until


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
    assert isinstance(Ledger(tmp_path)._member, Member)


def test_a_process_that_watches_nothing_is_no_worker_and_its_faults_count():
    said = {"pools": {}, "registries": {}, "live_sessions": [], "faults": {"publish": 1}}
    reading = alone(said, Config(), 0.0, None)
    assert (reading.workers, reading.published_age_seconds, reading.faults) == ((), 0.0, {"publish": 1})
    reading = alone({**said, "registries": {"shop": {"numbers": {}}}}, Config(), 0.0, None)
    assert [worker.state for worker in reading.workers] == ["live"]
