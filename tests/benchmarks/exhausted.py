"""How fast does a sidecar tell who holds and who waits, while the program's pool is exhausted? And how soon at all?

usage: python -m tests.benchmarks.exhausted    N requests a page (200), one after another, each on its own connection
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.benchmarks import machine
from tests.benchmarks.own_pages import measure
from tests.journeys.server import Server
from tests.journeys.waiting import until
from tests.parts import ROOT

PAGES = {"/metrics": "text/plain", "/pools/exhausted": "text/html", "/pools/exhausted (JSON)": "application/json"}


def main() -> None:
    times = int(os.environ.get("N") or 200)
    with tempfile.TemporaryDirectory() as folder, Server(Path(folder), settings={"DATABASE_URL": "none"}) as server:
        token = server.token("viewer")
        command = [sys.executable, "-m", "tests.journeys.exhausted_program", str(server.instance)]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT) as program:
            program.stdout.readline()
            begun = time.perf_counter()

            def seen() -> bool:
                answer = server.request("GET", "/pools/exhausted", token=token)
                return answer.status == 200 and answer.json["counts"]["waiters"] == 20

            until(seen, what="20 waiters")
            soon = time.perf_counter() - begun
            print(f"A sidecar, pool of 2 with 20 threads waiting, {times} requests; {machine.line()}\n")
            print("| page | median ms | p99 ms |\n| --- | --- | --- |")
            for name, accept in PAGES.items():
                took, _ = measure(server, token, name.partition(" ")[0], accept, times)
                print(f"| {name} | {took[len(took) // 2]:.1f} | {took[int(len(took) * 0.99)]:.1f} |")
            print(f"\nThe program's pool, with its holders and waiters, was on its page {soon:.1f} s after it began.\n")
            program.stdin.close()
        tasks(server, token)


def tasks(server: Server, token: str) -> None:
    """How soon a loop of tasks is on its page, and the line of the connection that it has leaked."""
    command = [sys.executable, "-m", "tests.journeys.task_loop", str(server.instance)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT) as loop:
        loop.stdout.readline()

        def shown(what: str) -> float:
            def look() -> bool:
                answer = server.request("GET", "/pools/tasks", token=token)
                return answer.status == 200 and bool(answer.json[what])

            begun = time.perf_counter()
            until(look, what=what)
            return time.perf_counter() - begun

        appeared = shown("workers")
        loop.stdin.write("forget_a_report\n")
        loop.stdin.flush()
        loop.stdout.readline()
        print(
            f"A loop of tasks was there {appeared:.1f} s after its watch, its leak {shown('leaks'):.1f} s after it.\n"
        )
        loop.stdin.close()


if __name__ == "__main__":
    main()
