"""`gunicorn wsgi:app`, and preloaded with four workers: does it work as it stands, and end without a word?"""

from __future__ import annotations

import re
import sqlite3

from tests.journeys.desk import Desk
from tests.journeys.exposition import scraped, summed
from tests.journeys.waiting import until


def test_four_preloaded_workers_share_nothing_that_must_not_be_shared_and_stop_cleanly(poolhouse_server):
    server = poolhouse_server("-w 4 --preload")
    assert re.fullmatch(rf"{server.url}/link/[\w-]{{20,}}", server.link())
    token = server.token()
    until(lambda: len(server.request("GET", "/", token=token).json["workers"]) == 4, what="the workers")
    desk = Desk(server, token)
    ref = desk.new("User", name="Ada", email="ada@example.com")
    desk.do("commit")
    assert desk.badge(ref) == "expired"
    traffic = {"pool": "default", "operation": "select"}
    until(
        lambda: summed(scraped(server), "sqlalchemy_statement_seconds_count", **traffic) > 10, what="the demo's traffic"
    )
    assert summed(scraped(server), "sqlalchemy_connection_leaks_total", kind="foreign_process") == 0
    assert server.stop() == 0
    words = server.output()
    assert words.count("/link/") == 1
    assert "Traceback" not in words
    assert not re.search("ERROR|WARN|CRITICAL", words), words
    with sqlite3.connect(server.instance / "ledger.db") as ledger:
        tables = [name for (name,) in ledger.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        rows = {name: ledger.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0] for name in tables}
    ledger.close()
    assert rows["process"] == 0, rows  # every worker has said its last word, and it was folded in


def test_an_open_transaction_at_the_end_is_staged_again_by_the_next_start(poolhouse_server):
    server = poolhouse_server(settings={"DASHBOARD_DEMO": "off"})
    token = server.token()
    desk = Desk(server, token)
    desk.new("User", name="Ada", email="ada@example.com")
    desk.do("flush")
    workers = server.request("GET", "/", token=token).json["workers"]
    assert len(workers) == 4
    assert desk.now["transaction"]["worker"] in {each["worker"] for each in workers}
    assert server.stop() == 0
    assert not re.search("Traceback|ERROR|WARN", server.output()), server.output()
    desk.server = poolhouse_server(settings={"DASHBOARD_DEMO": "off"}, folder=server.instance.parent)
    shown = desk.get()
    assert [notice["code"] for notice in shown["notices"]] == ["transaction_lost"]
    assert [each["badge"] for each in shown["objects"]] == ["pending"]
    desk.do("commit")
