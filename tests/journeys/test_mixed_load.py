"""Ten who edit, fifty who look, and a scrape each second: no error, and neither memory nor open files grow."""

from __future__ import annotations

import http.client
import json
import os
import random
import sys
import threading
import time
from dataclasses import dataclass, field

import psutil
import pytest

from tests.journeys.trouble import processes
from tests.journeys.waiting import PAUSE

pytestmark = pytest.mark.soak

SOAK = bool(os.environ.get("SOAK"))
SECONDS = float(os.environ.get("LOAD_HOURS", 0)) * 3_600 or (300 if SOAK else 6)
EDITORS, VIEWERS = (10, 50) if SOAK else (3, 10)
THINKS = 1.0
"""Seconds between two requests of one person, on average."""
TURNS = 20
"""Of an editor in one workspace."""
LOOKED_AT = (
    "/",
    "/pools/",
    "/pools/default",
    "/sessions/",
    "/statements/",
    "/records/",
    "/records/Book/",
    "/records/Book/?q=a",
    "/records/Author/1",
    "/workspaces/",
    "/history/",
    "/incidents/",
    "/monitoring/",
)
MEMORY_MAY_GROW = 60_000_000
FILES_MAY_GROW = 30
BUSY = (409, 423, 503)
"""What an editor may be told by those who edit the same: of it nothing is lost."""


@dataclass
class Heard:
    """What came back, from all of them."""

    took: list[float] = field(default_factory=list)
    wrong: list[tuple[str, int, str]] = field(default_factory=list)
    told_busy: int = 0
    committed: list[str] = field(default_factory=list)


class Person(threading.Thread):
    """Somebody on a connection that stays open, until it is over."""

    def __init__(self, server, token, heard, over, number):
        super().__init__(daemon=True)
        self.server, self.heard, self.over, self.number = server, heard, over, number
        self.headers = {"Authorization": f"Bearer {token}", "Accept": "application/json"}
        self.chance = random.Random(number)
        self.connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)

    def ask(self, method, path, given=None, *, busy=()):
        body = None if given is None else json.dumps(given)
        headers = self.headers | ({} if given is None else {"Content-Type": "application/json"})
        begun = time.perf_counter()
        for attempt in range(2):
            try:
                self.connection.request(method, path, body, headers)
                answer = self.connection.getresponse()
                said = answer.read()
                break
            except (http.client.RemoteDisconnected, ConnectionError):  # it was kept for too long; nothing was sent
                self.connection.close()
                if attempt:
                    raise
        self.heard.took.append(time.perf_counter() - begun)
        if answer.status in busy:
            self.heard.told_busy += 1
        elif answer.status >= 400:
            self.heard.wrong.append((path, answer.status, said[:200].decode(errors="replace")))
        return answer.status, said

    def run(self):
        try:
            while not self.over.is_set():
                self.act()
                self.over.wait(self.pause())
        except Exception as error:
            self.heard.wrong.append((type(self).__name__, 0, repr(error)))
        finally:
            self.connection.close()

    def pause(self):
        return self.chance.expovariate(1 / THINKS)


class Viewer(Person):
    def act(self):
        self.ask("GET", self.chance.choice(LOOKED_AT))


class Editor(Person):
    turn = 0

    def act(self):
        """What is expunged stays on the board, detached: who goes on for hours takes a new workspace now and then."""
        name, title = f"editor-{self.number}-{self.turn // TURNS}", f"Of {self.number}, {self.turn}"
        if self.turn % TURNS == 0:
            self.ask("POST", "/workspaces/", {"name": name})
        self.turn += 1
        self.ask("POST", f"/workspaces/{name}/objects/", {"model": "Author", "values": {"name": title}}, busy=BUSY)
        self.ask(
            "POST", f"/workspaces/{name}/load", {"model": "Book", "key": str(self.chance.randint(1, 30))}, busy=BUSY
        )
        status, _ = self.ask("POST", f"/workspaces/{name}/commit", {}, busy=BUSY)
        if status == 200:
            self.heard.committed.append(title)
        self.ask("POST", f"/workspaces/{name}/expunge-all", {}, busy=BUSY)
        if self.turn % TURNS == 0:
            self.ask("POST", f"/workspaces/{name}/discard", {}, busy=BUSY)


class Scraper(Person):
    def act(self):
        self.ask("GET", "/metrics")

    def pause(self):
        return 1.0


def used(server):
    """Memory and open files of the worker that has most."""
    workers = processes(server)[1:]
    return max(each.memory_info().rss for each in workers), max(each.num_fds() for each in workers)


def test_under_mixed_load_there_is_no_error_and_nothing_grows(poolhouse_server):
    server = poolhouse_server("-w 4", settings={"DASHBOARD_DEMO": "off", "DASHBOARD_DATABASE_PAGES": "14"})
    token, heard, over = server.token("editor"), Heard(), threading.Event()
    people = [
        *(Editor(server, token, heard, over, number) for number in range(EDITORS)),
        *(Viewer(server, token, heard, over, 100 + number) for number in range(VIEWERS)),
        Scraper(server, token, heard, over, 1_000),
    ]
    for each in people:
        each.start()
    samples, until = [], time.monotonic() + SECONDS
    while time.monotonic() < until:
        PAUSE.wait(min(SECONDS / 30, 10))
        samples.append(used(server))
    over.set()
    for each in people:
        each.join(60)
    took = sorted(heard.took)
    told = (
        f"{EDITORS} editors, {VIEWERS} viewers, {SECONDS:.0f} s: {len(took)} requests, {len(heard.wrong)} errors, "
        f"{heard.told_busy} told busy, {len(heard.committed)} commits; "
        f"p50 {took[len(took) // 2] * 1_000:.0f} ms, p99 {took[int(len(took) * 0.99)] * 1_000:.0f} ms; "
        f"memory {', '.join(str(samples[at * (len(samples) - 1) // 6][0] >> 20) for at in range(7))} MiB by sixths, "
        f"open files {samples[0][1]} to {samples[-1][1]}; load {os.getloadavg()[0]:.0f}"
    )
    sys.stderr.write(f"\n{told}\n")
    assert heard.wrong == [], (told, heard.wrong[:5])
    assert len(heard.committed) >= EDITORS, told
    settled = max(samples[: max(1, len(samples) // 3)])
    assert samples[-1][0] - settled[0] < MEMORY_MAY_GROW, told
    assert samples[-1][1] - settled[1] < FILES_MAY_GROW, told
    kept = server.request("GET", "/records/Author/~/export?format=jsonl", token=token).text.splitlines()
    lost = set(heard.committed) - {json.loads(line)["name"] for line in kept}
    assert not lost, (told, len(lost), sorted(lost)[:5])
    assert "Traceback" not in server.output()
    assert psutil.pid_exists(server.process.pid)
