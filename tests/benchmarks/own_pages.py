"""How fast are Poolhouse's own pages? One worker of the real gunicorn on the demo's data without its traffic.

usage: python -m tests.benchmarks.own_pages    N requests a page (21), one after another, each on its own connection
"""

from __future__ import annotations

import os
import statistics
import tempfile
import time
from pathlib import Path

from tests.benchmarks import machine
from tests.journeys.server import Server

PAGES = ("/", "/pools/", "/pools/default", "/sessions/", "/workspaces/", "/workspaces/bench/", "/metrics")
FORMS = {"HTML": "text/html", "JSON": "application/json"}
OBJECTS = 10


def prepare(server: Server, token: str) -> None:
    """A workspace with some objects in it, so that its page has something to draw."""
    answers = [server.request("POST", "/workspaces/", token=token, data={"name": "bench"})]
    for number in range(OBJECTS):
        values = {"name": f"User {number}", "email": f"bench-{number}@example.com"}
        body = {"model": "User", "values": values}
        answers.append(server.request("POST", "/workspaces/bench/objects/", token=token, data=body))
    for answer in answers:
        if answer.status not in (200, 201):
            raise SystemExit(f"the workspace could not be made: {answer.status} {answer.text}")


def measure(server: Server, token: str, path: str, accept: str, times: int) -> tuple[list[float], int]:
    """Sorted milliseconds and the size of the last answer; the first three answers are not counted."""
    took = []
    size = 0
    for number in range(times + 3):
        begun = time.perf_counter()
        answer = server.request("GET", path, token=token, headers={"Accept": accept})
        if number >= 3:
            took.append((time.perf_counter() - begun) * 1e3)
        if answer.status != 200:
            raise SystemExit(f"{path} answered {answer.status}: {answer.text[:500]}")
        size = len(answer.body)
    return sorted(took), size


def main() -> None:
    times = int(os.environ.get("N") or 21)
    with (
        tempfile.TemporaryDirectory() as folder,
        Server(Path(folder), "-w 1", settings={"DASHBOARD_DEMO": "off"}) as server,
    ):
        token = server.token("editor")
        prepare(server, token)
        print(f"Milliseconds of a page, one worker, median of {times} (slowest); {machine.line()}\n")
        print("| page | " + " | ".join(f"{name} | bytes" for name in FORMS) + " |\n|" + " --- |" * (1 + 2 * len(FORMS)))
        for path in PAGES:
            cells = [path]
            for accept in FORMS.values():
                took, size = measure(server, token, path, accept, times)
                cells += [f"{statistics.median(took):.1f} ({took[-1]:.1f})", f"{size}"]
            print("| " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    main()
