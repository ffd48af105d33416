"""How long does a scrape take? Eight real workers with every register full; one of them answers. And with 200 dead
ones behind them?

usage: python -m tests.benchmarks.scrape    N scrapes (101) for each format"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

from dashboard.telemetry.ledger import Ledger
from dashboard.telemetry.metrics import render
from tests.benchmarks import machine
from tests.benchmarks.full_worker import begin
from tests.parts import ROOT

WORKERS, DEAD = 8, 200
FORMATS = {"Prometheus's text": "", "OpenMetrics": "application/openmetrics-text; version=1.0.0"}


def start(folder: str) -> list[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "tests.benchmarks.full_worker", folder]
    workers = [
        subprocess.Popen([*command, str(n)], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for n in range(1, WORKERS)
    ]
    for worker in workers:
        if worker.stdout.readline() != "ready\n":
            sys.exit("a worker has not begun")
    return workers


def measure(ledger: Ledger, accept: str, times: int) -> list[tuple[float, float]]:
    """Milliseconds of each scrape, and of its thread on the CPU; the first three are not counted."""
    took = []
    for number in range(times + 3):
        begun, cpu = time.perf_counter(), time.thread_time()
        render(accept, ledger.read())
        if number >= 3:
            took.append(((time.perf_counter() - begun) * 1e3, (time.thread_time() - cpu) * 1e3))
        time.sleep(0.05)  # in the meantime workers publish, so that no scrape finds what the last one has parsed
    return took


def row(name: str, took: list[tuple[float, float]]) -> float:
    """Prints it; the CPU's median."""
    passed, cpu = zip(*took, strict=True)
    values = (statistics.median(passed), max(passed), statistics.median(cpu))
    print(f"| {name} | " + " | ".join(f"{value:.1f}" for value in values) + " |", flush=True)
    return values[-1]


def kill(ledger: Ledger, number: int) -> None:
    """So many workers of an earlier boot, each with a full row, that nobody has folded yet."""
    with ledger._member.rows.writing() as transaction:
        last = transaction.rows()[-1]
        for pid in range(number):
            key = (last.key[0], "an earlier boot", pid, 1, 0)
            transaction.insert(replace(last, key=key, worker=0))


def main() -> None:
    times = int(os.environ.get("N") or 101)
    with tempfile.TemporaryDirectory() as folder:
        workers = start(folder)
        held = begin(Path(folder), 0)
        ledger = Ledger(Path(folder))
        try:
            body, _ = render("", ledger.read())
            series = sum(not line.startswith(b"#") for line in body.splitlines())
            print(
                f"Milliseconds of a scrape, {WORKERS} workers, every register full, {series} series, {times} scrapes;"
            )
            print(f"{machine.line()}\n\n| format | median | slowest | CPU, median |\n| --- | --- | --- | --- |")
            alone = [row(name, measure(ledger, accept, times)) for name, accept in FORMATS.items()]
            kill(ledger, DEAD)
            begun = time.perf_counter()
            ledger.read()
            took = time.perf_counter() - begun
            behind = [row(f"{name}, {DEAD} dead", measure(ledger, accept, times)) for name, accept in FORMATS.items()]
            ratios = ", ".join(f"{after / before:.2f}" for before, after in zip(alone, behind, strict=True))
            print(f"\nWith {DEAD} dead workers against none, CPU: {ratios}. Folding all of them at once: {took:.2f} s.")
        finally:
            ledger.leave()
            for connection in held:
                connection.close()
            for worker in workers:
                worker.stdin.close()
                worker.wait(30)


if __name__ == "__main__":
    main()
