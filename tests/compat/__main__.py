"""Does SQLAlchemy pass its own tests while it is watched, and do ours pass on other versions? `python -m tests.compat`

For each environment it prints a row of the table in BENCHMARKS.md; its exit status is 1 where something differs."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tests.compat import environments
from tests.compat.environments import Environment
from tests.compat.watching import reason
from tests.parts import ROOT

THEIRS = (
    *(f"test/engine/test_{name}.py" for name in ("pool", "execute", "transaction", "reconnect")),
    *(f"test/orm/test_{name}.py" for name in ("session", "transaction", "unitofwork", "events", "expire", "scoping")),
)
OURS = ("tests/telemetry", "tests/workspaces")
HEAD = "| on | SQLAlchemy's tests passed, unwatched | watched | differ for a stated reason | differ | counted |"


def theirs(environment: Environment, folder: Path) -> tuple[str, bool]:
    """SQLAlchemy's own tests twice, at the same time: as they are, and watched."""
    source = environments.source_of_sqlalchemy(environment)
    running = [(watch, _start(environment, source, folder / watch, watch)) for watch in ("off", "on")]
    said: dict[str, Any] = {}
    for watch, process in running:
        process.wait()
        report = folder / watch / "report.json"
        if not report.exists():
            sys.exit((folder / watch / "output.txt").read_text()[-4000:])
        said[watch] = json.loads(report.read_text())
    plain, watched = said["off"]["outcomes"], said["on"]["outcomes"]
    differing = sorted(name for name in plain.keys() | watched.keys() if plain.get(name) != watched.get(name))
    unexplained = [name for name in differing if reason(name) is None]
    for name in unexplained:
        print(f"differs: {name}: {plain.get(name)}, watched: {watched.get(name)}", file=sys.stderr)
    counted = said["on"]["counted"]
    faults = {name: number for name, number in counted.items() if name.startswith("fault")}
    if faults:
        print(f"faults: {faults}", file=sys.stderr)
    cells = [
        environment,
        *(Counter(outcomes.values())["passed"] for outcomes in (plain, watched)),
        len(differing) - len(unexplained),
        len(unexplained),
        ", ".join(f"{number} {name}" for name, number in counted.items() if number and name not in faults),
    ]
    return "| " + " | ".join(str(cell) for cell in cells) + " |", not unexplained and counted["checkouts"] > 1_000


def _start(environment: Environment, source: Path, folder: Path, watch: str) -> subprocess.Popen[bytes]:
    shutil.copytree(source, folder, ignore=shutil.ignore_patterns("doc", "examples"))  # they leave databases there
    env = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "COMPAT_WATCH": watch,
        "COMPAT_REPORT": str(folder / "report.json"),
        "TMPDIR": str(folder),
    }
    plugins = ("-p", "no:cacheprovider", "-p", "tests.compat.watching")
    # -s: the SQLAlchemy that is installed, not the one beside the tests
    command = [str(environment.python), "-s", "-m", "pytest", "-q", *plugins, *THEIRS]
    with (folder / "output.txt").open("wb") as words:
        return subprocess.Popen(command, cwd=folder, env=env, stdout=words, stderr=words)


def ours(environment: Environment) -> bool:
    """Our tests of the rooms that live closest to SQLAlchemy."""
    command = [str(environment.python), "-m", "pytest", "-q", "-n", "2", "--dist", "loadfile", *OURS]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    print(f"| {environment} | {' '.join(OURS)} | {done.stdout.splitlines()[-1].strip('= ')} |", flush=True)
    if done.returncode:
        print(done.stdout[-8000:], file=sys.stderr)
    return done.returncode == 0


def main() -> int:
    here, older, another = (
        environments.here(),
        environments.with_older_sqlalchemy(),
        environments.with_another_python(),
    )
    fine = True
    print(HEAD + "\n|" + " --- |" * 6, flush=True)
    for environment in (here, older):
        with TemporaryDirectory() as folder:
            row, same = theirs(environment, Path(folder))
        print(row, flush=True)
        fine &= same
    print("\n| on | our tests | |\n| --- | --- | --- |", flush=True)
    for each in (older, another):
        if each is not None:
            fine &= ours(each)
    if another is None:
        print("No other Python was found: our tests ran on this one only.", file=sys.stderr)
    return 0 if fine else 1


if __name__ == "__main__":
    sys.exit(main())
