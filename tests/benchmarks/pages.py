"""How fast are the record pages, ours and those of other admins? The same SQLite files, one worker process each, in
one run, requests one after another.

usage: python -m tests.benchmarks.pages [name ...]    ROWS of the tables ("10000 1000000"), N requests a page (21)
needs in BENCH_VENV (.tools/bench) the peers of requirements.txt. A peer's page has 20 s at most.
"""

from __future__ import annotations

import http.client
import os
import shutil
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.benchmarks import machine
from tests.journeys.server import Server
from tests.journeys.waiting import free_port

HERE = Path(__file__).resolve().parent
VENV = Path(os.environ.get("BENCH_VENV") or HERE.parent.parent / ".tools" / "bench")
GUNICORN = ["{venv}/bin/gunicorn", "-w", "1", "--threads", "4", "--log-level", "error", "-b", "127.0.0.1:{port}"]
UVICORN = ["{venv}/bin/uvicorn", "--log-level", "error", "--no-access-log", "--port", "{port}"]
PEERS = {
    "flask-admin": (
        [*GUNICORN, "flask_admin_app:app"],
        {
            "list": "/admin/purchase/",
            "last pages": "/admin/purchase/?page={deep}",
            "search": "/admin/purchase/?search=Product+4242",
            "sort, no index": "/admin/purchase/?sort=3",
            "edit form": "/admin/purchase/edit/?id={mid}",
        },
    ),
    "sqladmin": (
        [*UVICORN, "sqladmin_app:app"],
        {
            "list": "/admin/purchase/list?pageSize=50",
            "last pages": "/admin/purchase/list?pageSize=50&page={deep}",
            "search": "/admin/purchase/list?pageSize=50&search=Product+4242",
            "sort, no index": "/admin/purchase/list?pageSize=50&sortBy=quantity",
            "edit form": "/admin/purchase/edit/{mid}",
        },
    ),
    "starlette-admin": (
        [*UVICORN, "starlette_admin_app:app"],
        {
            "list": "/admin/purchase/list?page_size=50",
            "last pages": "/admin/purchase/list?page_size=50&page={deep}",
            "search": "/admin/purchase/list?page_size=50&q=Product+4242",
            "sort, no index": "/admin/purchase/list?page_size=50&sort=quantity",
        },
    ),
    "django": (
        [*GUNICORN, "django_app:app"],
        {
            "list": "/admin/admin/purchase/",
            "last pages": "/admin/admin/purchase/?p={deep}",
            "search": "/admin/admin/purchase/?q=Product+4242",
            "sort, no index": "/admin/admin/purchase/?o=4",
            "edit form": "/admin/admin/purchase/{mid}/change/",
        },
    ),
}
SHOWN = "columns=id,customer_id,product,quantity,price,placed_at"
"""What the peers' lists show."""
OURS = {
    "list": f"/records/Purchase/?{SHOWN}",
    "list by an index": f"/records/Purchase/?{SHOWN}&sort=placed_at",
    "search": f"/records/Purchase/?{SHOWN}&q=Product+4242",
    "search for nothing": f"/records/Purchase/?{SHOWN}&q=no+such+product",
    "sort, no index": f"/records/Purchase/?{SHOWN}&sort=quantity",
    "edit form": "/records/Purchase/{mid}/edit",
    "record": "/records/Purchase/{mid}",
    "edit form of a parent of all": "/records/Customer/1/edit",
    "record of a parent of all": "/records/Customer/1",
}


@dataclass(frozen=True)
class Taken:
    """milliseconds: sorted. cpu: milliseconds of the worker's processor time for each request."""

    milliseconds: list[float]
    cpu: float


@dataclass
class Measured:
    """Of one admin on one database. pages: by name, sorted milliseconds with the worker's own processor time of one, or
    a word where it did not answer with 200."""

    name: str
    rows: int
    pages: dict[str, Taken | str] = field(default_factory=dict)
    megabytes: float = 0.0
    lines: list[str] = field(default_factory=list)

    def cell(self, page: str) -> str:
        took = self.pages.get(page)
        if not isinstance(took, Taken):
            return took or ""
        return f"{statistics.median(took.milliseconds):.1f} ({took.milliseconds[0]:.1f}; {took.cpu:.1f})"


def get(port: int, path: str, headers: dict[str, str]) -> tuple[int, float]:
    """Status and milliseconds of one request on a connection of its own."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
    begun = time.perf_counter()
    connection.request("GET", path, headers=headers)
    answer = connection.getresponse()
    answer.read()
    connection.close()
    return answer.status, (time.perf_counter() - begun) * 1e3


def measure(port: int, pid: int, path: str, times: int, headers: dict[str, str] | None = None) -> Taken | str:
    for _ in range(2):
        status, _ = get(port, path, headers or {})
        if status != 200:
            return f"{status}"
    begun, cpu, took = time.monotonic(), processor(pid), []
    while len(took) < times and time.monotonic() - begun < 20:
        took.append(get(port, path, headers or {})[1])
    return Taken(sorted(took), (processor(pid) - cpu) / len(took))


def processor(pid: int) -> float:
    """Milliseconds of processor time that a process and its children have had."""
    out = subprocess.run(["ps", "-eo", "pid=,ppid="], capture_output=True, text=True).stdout
    rows = [tuple(map(int, line.split())) for line in out.splitlines()]
    ticks = 0
    for each in {own for own, parent in rows if pid in (own, parent)}:
        try:
            fields = Path(f"/proc/{each}/stat").read_text().rpartition(")")[2].split()
        except OSError:  # it has ended
            continue
        ticks += int(fields[11]) + int(fields[12])
    return ticks * 1e3 / os.sysconf("SC_CLK_TCK")


def megabytes(pid: int) -> float:
    """Of the largest process: the worker."""
    out = subprocess.run(["ps", "-eo", "pid=,ppid=,rss="], capture_output=True, text=True).stdout
    rows = [tuple(map(int, line.split())) for line in out.splitlines()]
    return max((rss for own, parent, rss in rows if pid in (own, parent)), default=0) / 1024


def of_peer(name: str, database: Path, rows: int, times: int) -> Measured:
    command, pages = PEERS[name]
    port, measured = free_port(), Measured(name, rows)
    env = {**os.environ, "BENCH_URL": f"sqlite:///{database}", "PYTHONDONTWRITEBYTECODE": "1"}
    log = Path(tempfile.gettempdir()) / f"bench-{name}.log"
    with log.open("w") as said:
        words = [word.format(port=port, venv=VENV) for word in command]
        peer = subprocess.Popen(words, env=env, cwd=HERE / "peers", stdout=said, stderr=said)
        try:
            _wait(port, log)
            for page, pattern in pages.items():
                path = pattern.format(mid=rows // 2, deep=max(1, rows // 50 - 5))
                measured.pages[page] = measure(port, peer.pid, path, times)
            measured.megabytes = megabytes(peer.pid)
        finally:
            peer.terminate()
            peer.wait(10)
    return measured


def _wait(port: int, log: Path) -> None:
    for _ in range(200):
        try:
            get(port, "/", {})
            return
        except OSError:
            time.sleep(0.1)
    raise SystemExit(f"it does not answer:\n{log.read_text()}")


@contextmanager
def poolhouse(database: Path, folder: Path) -> Iterator[tuple[Server, dict[str, str]]]:
    settings = {
        "DATABASE_URL": f"sqlite:///{database}",
        "DASHBOARD_MODELS": "tests.benchmarks.peers.models",
        "BENCH_URL": "sqlite://",
        "DASHBOARD_RECORDS_SECONDS": "60",
    }
    with Server(folder, "-w 1", settings=settings) as server:
        token = server.token("editor")
        yield server, {"Accept": "text/html", "Authorization": f"Bearer {token}"}


def of_ours(database: Path, rows: int, times: int, folder: Path) -> Measured:
    measured = Measured("poolhouse", rows)
    with poolhouse(database, folder) as (server, headers):
        token = headers["Authorization"].partition(" ")[2]
        near = server.request("GET", f"/records/Purchase/?{SHOWN}&f.id.ge={rows - 300}", token=token)
        after = near.json["next"].partition("after=")[2]
        pages = {**OURS, "last pages": f"/records/Purchase/?{SHOWN}&after={after}"}
        for page, pattern in pages.items():
            path = pattern.format(mid=rows // 2)
            measured.pages[page] = measure(server.port, server.process.pid, path, times, headers)
        measured.megabytes = megabytes(server.process.pid)
    with poolhouse(database, folder / "export") as (server, headers):
        for form in ("csv", "json", "jsonl"):
            measured.lines.append(export(server, headers, form, rows))
    return measured


def export(server: Server, headers: dict[str, str], form: str, rows: int) -> str:
    """Read as fast as it comes, with the worker's memory looked at meanwhile."""
    get(server.port, OURS["list"], headers)
    idle = most = megabytes(server.process.pid)
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=600)
    begun = looked = time.perf_counter()
    connection.request("GET", f"/records/Purchase/~/export?format={form}&{SHOWN}", headers=headers)
    answer = connection.getresponse()
    size = 0
    while part := answer.read(1 << 18):
        size += len(part)
        if time.perf_counter() - looked > 0.3:
            most, looked = max(most, megabytes(server.process.pid)), time.perf_counter()
    took = time.perf_counter() - begun
    connection.close()
    speed = f"{rows / took:,.0f} rows/s"
    return f"{form}, {rows:,} rows: {answer.status}, {size:,} bytes, {speed}, {most - idle:+.1f} MiB over {idle:.0f}"


def seeded(folder: Path, rows: int) -> tuple[Path, Path]:
    """The peers' database; and the same with one customer who made every purchase."""
    usual, of_one = folder / f"b{rows}.db", folder / f"p{rows}.db"
    subprocess.run([sys.executable, "-m", "tests.benchmarks.seed_db", str(usual), str(rows)], check=True)
    with sqlite3.connect(usual) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    shutil.copy(usual, of_one)
    with sqlite3.connect(of_one) as connection:
        connection.execute("UPDATE purchase SET customer_id = 1")
        connection.execute("ANALYZE")
    return usual, of_one


def printed(found: list[Measured]) -> None:
    names = list(dict.fromkeys(page for each in found for page in each.pages))
    print("| page | rows | " + " | ".join(dict.fromkeys(each.name for each in found)) + " |")
    columns = list(dict.fromkeys(each.name for each in found))
    print("|" + " --- |" * (2 + len(columns)))
    of = {(each.name, each.rows): each for each in found}
    sizes = list(dict.fromkeys(each.rows for each in found))
    for page in names:
        for rows in sizes:
            cells = [of[name, rows].cell(page) for name in columns]
            print(f"| {page} | {rows:,} | " + " | ".join(cells) + " |")
    for rows in sizes:
        print(f"| MiB of the worker | {rows:,} | " + " | ".join(f"{of[n, rows].megabytes:.0f}" for n in columns) + " |")
    for each in found:
        print(*each.lines, sep="\n")


def main() -> None:
    want = sys.argv[1:] or ["poolhouse", *PEERS]
    sizes = [int(word) for word in (os.environ.get("ROWS") or "10000 1000000").split()]
    times, found = int(os.environ.get("N") or 21), []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for rows in sizes:
            usual, of_one = seeded(folder, rows)
            for admin in want:
                if admin != "poolhouse":
                    found.append(of_peer(admin, usual, rows, times))
                    continue
                ours = of_ours(usual, rows, times, folder / f"usual-{rows}")
                with poolhouse(of_one, folder / f"parent-{rows}") as (server, headers):
                    for page in ("edit form of a parent of all", "record of a parent of all"):
                        ours.pages[page] = measure(server.port, server.process.pid, OURS[page], times, headers)
                found.append(ours)
    words = f"Milliseconds, median of at most {times} (fastest; processor time of one)"
    print(f"\n{words}, load {os.getloadavg()[0]:.0f}; {machine.line()}\n")
    printed(found)


if __name__ == "__main__":
    main()
