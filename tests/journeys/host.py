"""How does a test run somebody's app that has Poolhouse as its guest? Its files elsewhere, real gunicorn, the wheel."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from tests.journeys.processes import Program
from tests.journeys.server import environment
from tests.journeys.visitor import Visitor
from tests.journeys.waiting import free_port, until
from tests.parts import ROOT

FOREIGN = ROOT / "tests" / "journeys" / "foreign"
EXAMPLE = ROOT / "examples" / "flask_host"
OUR_LINES = ("from poolhouse import Dashboard", "Dashboard(app, db,")


class Host(Program):
    """Somebody's app, served by gunicorn out of its own folder with the Python of its own environment."""

    def __init__(self, python: Path, folder: Path, instance: Path, *arguments: str) -> None:
        self.python, self.folder = python, folder
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        self.env = environment(instance, port, {"PATH": f"{python.parent}:{os.environ['PATH']}"})
        command = [str(python), "-m", "gunicorn", "--bind", f"127.0.0.1:{port}", "--threads", "8"]
        command += ["--no-control-socket", *arguments, "app:create_app()"]
        super().__init__(command, log=folder.parent / "gunicorn.log", env=self.env, folder=folder)
        until(self._answers_or_ended, seconds=60, what=f"{self.url}/")
        assert not self.ended(), self.output()

    def _answers_or_ended(self) -> bool:
        try:
            return self.ended() or Visitor(self.url).get("/").status == 200
        except OSError:
            return False

    def command(self, *words: str) -> str:
        command = [str(self.python), "-m", "flask", "--app", "app", *words]
        done = subprocess.run(command, cwd=self.folder, env=self.env, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout


def laid(folder: Path, source: Path = FOREIGN, *, with_guest: bool = True) -> Path:
    """The app's files, anew, at this place; without the guest its two lines are gone."""
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(source, folder, ignore=shutil.ignore_patterns("__pycache__"))
    if not with_guest:
        take_out_our_lines(folder / "app.py")
    return folder


def take_out_our_lines(file: Path) -> None:
    lines = file.read_text().splitlines(keepends=True)
    kept = [line for line in lines if not line.strip().startswith(OUR_LINES)]
    assert len(lines) - len(kept) == 2
    file.write_text("".join(kept))
