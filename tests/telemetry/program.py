"""A program that publishes: reads commands from its input, one a line, and answers each with a line of JSON.

usage: program.py FOLDER DATABASE. Commands: work N (N commits), as NAME (one commit, for an
endpoint), hold, leak, give, read, leave, exec, halt, quit."""

from __future__ import annotations

import gc
import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from dashboard.config import Config
from dashboard.telemetry import scope, watch
from dashboard.telemetry.ledger import Ledger

FOLDER, DATABASE = sys.argv[1:3]
engine = sa.create_engine(f"sqlite:///{DATABASE}", connect_args={"timeout": 60})
held: list[Any] = []


def work(number: str) -> int:
    for _ in range(int(number)):
        with engine.begin() as connection:
            connection.exec_driver_sql("select 1")
    return int(number)


def work_as(endpoint: str) -> int:
    with scope(endpoint):
        return work("1")


def read() -> dict[str, Any]:
    reading = Ledger(Path(FOLDER)).read()
    shop = reading.pool("shop")
    return {
        "commits": 0 if shop is None else shop.totals["commits"],
        "used": 0 if shop is None else shop.counts.used,
        "workers": {str(worker.pid): (worker.worker, worker.state) for worker in reading.workers},
        "problem": reading.problem,
    }


def leak() -> int:
    lost = engine.raw_connection()  # never given back
    del lost
    return gc.collect()


def halt() -> int:
    """Stops itself amid writing, until somebody lets it go on."""
    with Ledger(Path(FOLDER))._member.rows.writing():
        os.kill(os.getpid(), signal.SIGSTOP)
    return 0


def exec_anew() -> None:
    os.execv(sys.executable, [sys.executable, "-m", "tests.telemetry.program", FOLDER, DATABASE])


def answer(value: Any) -> None:
    sys.stdout.write(json.dumps(value) + "\n")
    sys.stdout.flush()


COMMANDS: dict[str, Any] = {
    "work": work,
    "as": work_as,
    "hold": lambda: held.append(engine.connect()),
    "leak": leak,
    "give": lambda: held.pop().close(),
    "read": read,
    "leave": lambda: Ledger(Path(FOLDER)).leave(),
    "join": lambda: Ledger(Path(FOLDER)).join(),
    "exec": exec_anew,
    "halt": halt,
}

if __name__ == "__main__":
    Ledger(Path(FOLDER), Config.read({"DASHBOARD_PUBLISH_SECONDS": "0.1", "DASHBOARD_STALE_SECONDS": "0.5"}))
    watch(engine, name="shop", publish=FOLDER)
    answer("ready")
    for line in sys.stdin:
        command, *arguments = line.split()
        if command == "quit":
            break
        answer(COMMANDS[command](*arguments))
    engine.dispose()
