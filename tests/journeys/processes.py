"""How does a test run another program? In its own process group, its words in a file, ended with all its children."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path


class Program:
    """A program that a test started. A context manager: leaving it ends the program."""

    def __init__(self, command: Sequence[str], *, log: Path, env: Mapping[str, str], folder: Path) -> None:
        self.log = log
        with log.open("ab") as words:
            self.process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=words,
                stderr=words,
                env=dict(env),
                cwd=folder,
                start_new_session=True,
            )

    def output(self) -> str:
        """All that it said until now, on both streams."""
        return self.log.read_text(errors="replace")

    def ended(self) -> bool:
        return self.process.poll() is not None

    def stop(self, *, seconds: float = 20.0) -> int:
        """Asks it to end, and its whole group to be gone after `seconds`. Its exit status; harmless a second time."""
        if not self.ended():
            self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            pass
        self.kill()
        return self.process.wait()

    def kill(self) -> None:
        """The end without a word, as at a power cut: the program and every child of it."""
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.process.wait()

    def __enter__(self) -> Program:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
