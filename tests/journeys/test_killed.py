"""Does a counter ever fall, or forget what was acknowledged, when workers are killed under a real Prometheus?"""

from __future__ import annotations

import http.client
import os
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.journeys.counted_shop_floor import lay
from tests.journeys.counting import FOLDER, counted
from tests.journeys.exposition import scraped, summed
from tests.journeys.waiting import until

VISITORS = 8
REQUESTS, KILLS = (10_000, 10) if os.environ.get("SOAK") else (800, 2)
ONE_COMMIT = (1, 3, 5, 7)  # of nine visits, those that commit exactly once
LAST_SECOND = 1.0
COUNTERS = '{__name__=~"(sqlalchemy|flask|poolhouse)_.+_(total|count|sum|bucket)"}'


@pytest.fixture
def server(tmp_path, poolhouse_server):
    settings = lay(tmp_path)
    server = poolhouse_server("-w 4", settings=settings, app="tests.journeys.counted_shop:app", folder=tmp_path)
    server.tallies = Path(settings[FOLDER])
    return server


class Visitors:
    """Several at once; what was acknowledged to them: when (monotonic) and by which worker."""

    def __init__(self, server):
        self.server = server
        self.acknowledged: list[tuple[float, int]] = []
        self.over = threading.Event()

    def walk(self, share):
        connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=60)
        for number in share:
            try:
                connection.request("GET", f"/shop/{number // 4 * 9 + ONE_COMMIT[number % 4]}")
                answer = connection.getresponse()
                answer.read()
                if answer.status == 200:
                    self.acknowledged.append((time.monotonic(), int(answer.headers["X-Worker"])))
            except (OSError, http.client.HTTPException):  # its worker is gone
                connection.close()
        connection.close()


def live_workers(server, token):
    workers = server.request("GET", "/", token=token).json["workers"]
    return [worker["pid"] for worker in workers if worker["state"] == "live"]


def kill_one(server, token, killed):
    """A worker that has served something since it came; when (monotonic) it was killed."""
    pid = until(lambda: next((pid for pid in live_workers(server, token) if pid not in killed), None), what="a worker")
    killed[pid] = time.monotonic()
    os.kill(pid, signal.SIGKILL)


def commits(server):
    return summed(scraped(server), "sqlalchemy_transactions_total", outcome="commit")


@pytest.mark.soak
def test_workers_killed_in_the_middle_reset_no_counter_and_lose_at_most_their_last_second(server, prometheus):
    scraper = prometheus(f"127.0.0.1:{server.port}")
    token = server.token("viewer")
    visitors, killed = Visitors(server), {}
    with ThreadPoolExecutor(VISITORS) as pool:
        walks = [pool.submit(visitors.walk, range(first, REQUESTS, VISITORS)) for first in range(VISITORS)]
        for number in range(1, KILLS + 1):
            enough = REQUESTS * number // (KILLS + 2)
            until(lambda enough=enough: len(visitors.acknowledged) >= enough, seconds=600, what=f"{enough} answers")
            kill_one(server, token, killed)
        for walk in walks:
            walk.result(600)
    assert len(killed) == KILLS
    acknowledged = visitors.acknowledged
    assert len(acknowledged) > REQUESTS * 0.8
    lost = sum(when > killed[pid] - LAST_SECOND for when, pid in acknowledged if pid in killed)
    floor = len(acknowledged) - lost
    until(lambda: commits(server) >= floor, what=f"{floor} commits, of {len(acknowledged)} that were acknowledged,")
    assert commits(server) <= counted(server.tallies)["commits"]
    committed = 'sum(sqlalchemy_transactions_total{outcome="commit"})'
    assert scraper.value_once(committed, lambda value: value >= floor) <= counted(server.tallies)["commits"]
    names = {labels["__name__"] for labels, _ in scraper.query(COUNTERS)}
    resets = {name: scraper.query(f"resets({name}[2h])") for name in names}
    assert {name: [row for row in rows if row[1]] for name, rows in resets.items() if any(row[1] for row in rows)} == {}
    assert sum(len(rows) for rows in resets.values()) > 100


def test_a_worker_that_was_paused_and_goes_on_is_counted_once(server):
    token = server.token("viewer")
    Visitors(server).walk(range(40))
    paused = live_workers(server, token)[0]
    os.kill(paused, signal.SIGSTOP)
    try:
        # asked of the others; a connection that the kernel gives to the paused one waits until it goes on
        until(lambda: _state(server, token, paused) == "stale", what="its silence to be seen")
    finally:
        os.kill(paused, signal.SIGCONT)
    Visitors(server).walk(range(40))
    until(lambda: _state(server, token, paused) == "live", what="its return")
    until(lambda: commits(server) == counted(server.tallies)["commits"], what="the driver's count")


def _state(server, token, pid):
    try:
        workers = server.request("GET", "/", token=token, timeout=1).json["workers"]
    except OSError:
        return None
    return next((worker["state"] for worker in workers if worker["pid"] == pid), None)
