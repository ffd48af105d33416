"""What goes wrong around Poolhouse as a guest: does its host answer as it does without it?"""

from __future__ import annotations

import time

from dashboard.store.engine import Store
from tests.journeys.postgresql import PostgreSQL
from tests.journeys.test_outage import run
from tests.journeys.trouble import full_disk, processes
from tests.journeys.waiting import until


def is_replaced(folder, elsewhere):
    """The folder is gone, and a file stands in its place; False where a worker has made it anew just then."""
    file = elsewhere / "file"
    file.write_text("a file where the folder was")
    try:
        folder.rename(elsewhere / f"folder-{time.monotonic_ns()}")
        file.rename(folder)
    except OSError:
        return False
    return True


def test_as_a_guest_the_host_answers_in_each_fault_as_it_does_without_us(poolhouse_server, tmp_path):
    shop = f"sqlite:///{tmp_path / 'shop.db'}"
    with PostgreSQL() as database:
        url = database.new_database()
        made = Store(url)
        made.create()
        made.engine.dispose()
        alone = poolhouse_server(
            "-w 2",
            settings={"SHOP_URL": shop, "SHOP_WITHOUT_GUEST": "1"},
            app="'tests.journeys.shop_host:create_app()'",
        )
        run(shop, "INSERT INTO item VALUES (1, 'a cup')")
        settings = {"SHOP_URL": shop, "DASHBOARD_STORE_URL": url}
        guest = poolhouse_server("-w 2", settings=settings, app="'tests.journeys.shop_host:create_app()'")

        def the_same(fault):
            for _ in range(4):
                ours, theirs = (each.request("GET", "/", timeout=5) for each in (guest, alone))
                assert (ours.status, ours.body) == (theirs.status, theirs.body) == (200, b'{"items":["a cup"]}\n'), (
                    fault
                )
                assert dict(ours.headers).keys() == dict(theirs.headers).keys(), fault

        the_same("none")
        with full_disk(guest):
            the_same("full disk")
        database.stop()
        the_same("the store is away")
        assert guest.request("GET", "/ops/", headers={"Authorization": "Bearer x"}).status == 503
        database.start()
        for file in guest.instance.glob("ledger*"):
            file.write_bytes(b"no ledger" * 1_000)
        the_same("the ledger cannot be read")
        until(lambda: is_replaced(guest.instance, tmp_path), what="a file where the folder was")
        the_same("the instance folder is a file")
        worker = processes(guest)[1]
        worker.kill()
        until(lambda: len(processes(guest)) >= 3, what="another worker")
        the_same("a worker was killed")
        assert guest.stop() == 0, guest.output()[-3_000:]
        assert "Traceback" not in guest.output(), guest.output()
