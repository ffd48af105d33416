"""How does a test run another program that publishes, talk to it, pause it and kill it?"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

from dashboard.telemetry.ledger import Ledger

ROOT = Path(__file__).parent.parent.parent


class Program:
    """A real process that publishes; `ask("work 10")` answers when it is done."""

    def __init__(self, folder: Path) -> None:
        command = [sys.executable, "-m", "tests.telemetry.program", str(folder / "ledger"), str(folder / "shop.db")]
        self.process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.pid = self.process.pid

    def answer(self) -> Any:
        line = self.process.stdout.readline()
        assert line, "the program has ended"
        return json.loads(line)

    def ask(self, command: str) -> Any:
        self.tell(command)
        return self.answer()

    def tell(self, command: str) -> None:
        self.process.stdin.write(command + "\n")
        self.process.stdin.flush()

    def signal(self, number: int) -> None:
        os.kill(self.pid, number)

    def kill(self) -> None:
        self.process.kill()
        self.close()

    def close(self) -> None:
        if self.process.poll() is None:
            self.signal(signal.SIGCONT)
            self.tell("quit")
        self.process.wait(20)
        for pipe in (self.process.stdin, self.process.stdout):
            pipe.close()


def commits(ledger: Ledger) -> float:
    """What all programs together have committed, as the ledger says."""
    reading = ledger.read()
    assert reading.problem is None
    shop = reading.pool("shop")
    return 0 if shop is None else shop.totals["commits"]
