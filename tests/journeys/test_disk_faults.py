"""What goes wrong with the disk, the folder, the ledger or the clock of a Poolhouse that runs: what does a person see
then, what is kept, and how does it come back?"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.journeys.afloat import authors, must_be_live, must_let_in, no_mistake_of_ours, refused, staff
from tests.journeys.desk import Desk
from tests.journeys.exposition import scraped, summed
from tests.journeys.person import Person
from tests.journeys.server import Server
from tests.journeys.trouble import AS_ANYBODY, full_disk, processes, read_only
from tests.journeys.waiting import until

IO_ERROR = "its disk does not take what is written"


@dataclass(frozen=True)
class House:
    """A server of two workers, and those who are at it. clock: the file that says how far its clock is ahead."""

    server: Server
    token: str
    admin: str
    vera: Person
    clock: Path

    @property
    def data(self):
        return self.server.instance / "demo.db"

    def with_staged(self, name):
        """A workspace with a new author, and the objects that it has then."""
        desk = Desk(self.server, self.token)
        desk.new("Author", name=name)
        return desk, desk.get()["objects"]

    def is_blind(self):
        """What the one on call reads first, with the file's name in it."""
        said = self.server.request("GET", "/", token=self.token).json["verdict"]["sentence"]
        return "cannot be used" in said and "ledger.db" in said

    def told(self):
        """What /readyz says to an admin."""
        return self.server.request("GET", "/readyz", token=self.admin).text

    def counted(self):
        """A counter that only grows, as Prometheus reads it."""
        return summed(scraped(self.server), "sqlalchemy_transactions_total")

    def loses_a_worker(self):
        worker = processes(self.server)[1]
        worker.kill()
        until(lambda: len(processes(self.server)) == 3 and worker not in processes(self.server), what="another worker")

    def lets_everybody_in(self):
        """Whichever worker is asked."""
        return {self.vera.get("/pools/", timeout=20).status for _ in range(8)} == {200}

    def sees_again(self, counted=0):
        """counted: what is known once every worker has said its word again."""
        until(lambda: not self.is_blind(), what="a ledger that can be written")
        until(lambda: self.counted() >= counted, what=f"the {counted:g} that were counted before")


@pytest.fixture(scope="module")
def house(poolhouse_server, tmp_path_factory):
    clock = tmp_path_factory.mktemp("clock") / "clock"
    clock.write_text("0")
    settings = {
        "DASHBOARD_DEMO": "off",
        "CLOCK": str(clock),
        "PYTHONPATH": str(Path(__file__).parent / "clock"),
        "DASHBOARD_ACCOUNTS_COPY_SECONDS": "1",
    }
    server = poolhouse_server("-w 2", settings=settings, under=AS_ANYBODY)
    house = House(server, *staff(server), clock)
    Desk(server, house.token).load("Book", "1")
    yield house
    no_mistake_of_ours(server)


def test_a_clock_that_is_set_back(house):
    """Before the others: SQLAlchemy tells by the clock which pooled connections are older than a fault."""
    house.clock.write_text("-86400")
    must_be_live(house.vera)
    must_let_in(house.server)
    desk, _ = house.with_staged("Made yesterday")
    desk.do("flush")
    desk.do("commit")
    assert "Made yesterday" in authors(house.data)
    assert house.server.token("viewer", name="made-yesterday")
    house.clock.write_text("0")
    must_be_live(house.vera)
    must_let_in(house.server)


def test_a_full_disk(house):
    desk, staged = house.with_staged("Staged before the disk was full")
    with full_disk(house.server):
        must_be_live(house.vera, f"/workspaces/{desk.name}/")
        must_let_in(house.server)
        assert house.vera.get("/records/Author/").status in (200, 503)  # SQLite itself may want to write to read
        for verb, given in (("commit", {}), ("objects/", {"model": "Author", "values": {"name": "Too late"}})):
            assert IO_ERROR in refused(desk.post(verb, given), "store_away", "database_away")["message"]
        assert desk.get()["objects"] == staged
        assert house.server.request("GET", "/readyz").status in (200, 503)
        assert house.is_blind()
        assert f"Store: The store cannot be used just now: {IO_ERROR}" in house.told()
        house.loses_a_worker()
    until(lambda: desk.post("commit").status == 200, what="the commit, with room again")
    assert "Staged before the disk was full" in authors(house.data)
    until(house.lets_everybody_in, what="the worker that began on a full disk")
    house.sees_again()
    assert house.told() == "ready\n"


def test_a_folder_that_can_only_be_read_and_in_which_the_ledger_is_deleted(house):
    desk, staged = house.with_staged("Staged before the folder was read only")
    folder, before = house.server.instance, house.counted()
    with read_only(folder):
        for file in folder.glob("ledger*"):
            file.unlink()
        must_be_live(house.vera, f"/workspaces/{desk.name}/")
        must_let_in(house.server)
        until(house.is_blind, what="the finding")
        assert not list(folder.glob("ledger*.db"))
        assert desk.get()["objects"] == staged
        assert f"Nothing can be written in {folder}." in house.told()
        house.loses_a_worker()
        until(house.lets_everybody_in, what="the worker that began in a folder that can only be read")
    until(lambda: desk.post("commit").status == 200, what="the commit, in a folder that can be written")
    assert "Staged before the folder was read only" in authors(house.data)
    house.sees_again(before)  # what was counted outlives its file
    assert house.told() == "ready\n"


def test_a_ledger_that_is_none(house):
    folder, before = house.server.instance, house.counted()
    for file in folder.glob("ledger*"):
        file.unlink()
    (folder / "ledger.db").write_bytes(b"no ledger at all" * 500)
    until(house.is_blind, what="the finding")
    must_be_live(house.vera)
    must_let_in(house.server)
    desk, _ = house.with_staged("Made on a broken ledger")
    desk.do("commit")
    assert "Made on a broken ledger" in authors(house.data)
    assert "a new one may take its place" in house.told()
    (folder / "ledger.db").unlink()
    house.sees_again(before)
    assert before > 0
