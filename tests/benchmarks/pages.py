"""How fast are the pages of other admins? The same SQLite file, one worker process each, requests one after another.

usage: python -m tests.benchmarks.pages DB [peer ...]    DB from seed_db.py, named bROWS.db; N requests a page (15)
needs in BENCH_VENV, else in this environment: flask-admin flask-sqlalchemy sqladmin starlette-admin django uvicorn
gunicorn sqlalchemy greenlet itsdangerous. Prints peer, page, status, bytes, p50 and p95, and the worker's memory.
"""

from __future__ import annotations

import http.client
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
VENV = os.environ.get("BENCH_VENV", sys.prefix)
GUNICORN = [f"{VENV}/bin/gunicorn", "-w", "1", "--threads", "4", "--log-level", "error", "-b", "127.0.0.1:{port}"]
UVICORN = [f"{VENV}/bin/uvicorn", "--log-level", "error", "--no-access-log", "--port", "{port}"]
PEERS = {
    "flask-admin": (
        [*GUNICORN, "flask_admin_app:app"],
        {
            "list": "/admin/purchase/",
            "deep": "/admin/purchase/?page={deep}",
            "search": "/admin/purchase/?search=Product+4242",
            "sort": "/admin/purchase/?sort=3",
            "edit": "/admin/purchase/edit/?id={mid}",
        },
    ),
    "sqladmin": (
        [*UVICORN, "sqladmin_app:app"],
        {
            "list": "/admin/purchase/list?pageSize=50",
            "deep": "/admin/purchase/list?pageSize=50&page={deep}",
            "search": "/admin/purchase/list?pageSize=50&search=Product+4242",
            "sort": "/admin/purchase/list?pageSize=50&sortBy=quantity",
            "edit": "/admin/purchase/edit/{mid}",
        },
    ),
    "starlette-admin": (
        [*UVICORN, "starlette_admin_app:app"],
        {
            "list": "/admin/purchase/list?page_size=50",
            "deep": "/admin/purchase/list?page_size=50&page={deep}",
            "search": "/admin/purchase/list?page_size=50&q=Product+4242",
            "sort": "/admin/purchase/list?page_size=50&sort=quantity",
            "edit": "/admin/purchase/{mid}/edit",
        },
    ),
    "django": (
        [*GUNICORN, "django_app:app"],
        {
            "list": "/admin/admin/purchase/",
            "deep": "/admin/admin/purchase/?p={deep}",
            "search": "/admin/admin/purchase/?q=Product+4242",
            "sort": "/admin/admin/purchase/?o=4",
            "edit": "/admin/admin/purchase/{mid}/change/",
        },
    ),
}


def get(port: int, path: str) -> tuple[int, int, float]:
    """Status, bytes and milliseconds of one request on a connection of its own."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    begun = time.perf_counter()
    connection.request("GET", path)
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    return answer.status, len(body), (time.perf_counter() - begun) * 1e3


def megabytes(pid: int) -> float:
    out = subprocess.run(["ps", "-eo", "pid=,ppid=,rss="], capture_output=True, text=True).stdout
    rows = [tuple(map(int, line.split())) for line in out.splitlines()]
    return max((rss for own, parent, rss in rows if pid in (own, parent)), default=0) / 1024


def wait_until_it_answers(port: int, log: Path) -> None:
    for _ in range(100):
        try:
            get(port, "/")
            return
        except OSError:
            time.sleep(0.1)
    sys.exit(f"it does not answer:\n{log.read_text()}")


def measure(port: int, path: str, times: int) -> tuple[int, int, list[float]]:
    get(port, path)
    took = []
    status = size = 0
    begun = time.monotonic()
    for _ in range(times):
        status, size, milliseconds = get(port, path)
        took.append(milliseconds)
        if time.monotonic() - begun > 20:
            break
    return status, size, sorted(took)


def run(name: str, port: int, database: str, fill: dict[str, int], times: int) -> None:
    command, pages = PEERS[name]
    env = {**os.environ, "BENCH_URL": f"sqlite:///{database}", "PYTHONDONTWRITEBYTECODE": "1"}
    log = Path(tempfile.gettempdir()) / f"bench-{name}.log"
    with log.open("w") as said:
        words = [word.format(port=port) for word in command]
        peer = subprocess.Popen(words, env=env, cwd=HERE / "peers", stdout=said, stderr=said)
    try:
        wait_until_it_answers(port, log)
        for page, path in pages.items():
            status, size, took = measure(port, path.format(**fill), times)
            p95 = took[max(0, int(len(took) * 0.95) - 1)]
            p50 = statistics.median(took)
            print(f"{name:16} {page:7} {status} {size:8} p50 {p50:8.1f} ms  p95 {p95:8.1f} ms", flush=True)
        print(f"{name:16} rss {megabytes(peer.pid):.0f} MiB", flush=True)
    finally:
        peer.terminate()
        peer.wait(10)


def main() -> None:
    database, want = str(Path(sys.argv[1]).resolve()), sys.argv[2:] or list(PEERS)
    rows = int(Path(database).stem[1:])
    fill = {"mid": rows // 2, "deep": max(1, rows // 50 - 5)}
    for number, name in enumerate(want):
        run(name, 8700 + number, database, fill, int(os.environ.get("N") or 15))


if __name__ == "__main__":
    main()
