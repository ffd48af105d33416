"""On which Pythons and SQLAlchemys can this machine try the house? Environments below .tools/, made when missing."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tarfile
from dataclasses import dataclass
from pathlib import Path

from tests.parts import ROOT, TOOLS

FOLDER = TOOLS / "compat"
PYTHONS = ("3.14", "3.13", "3.12", "3.11")
OLDER = "SQLAlchemy>=2.0.36,<2.1"
PIP = ("-m", "pip", "-qq", "--disable-pip-version-check")


@dataclass(frozen=True)
class Environment:
    """A Python with everything that the tests need."""

    python: Path

    def ask(self, question: str) -> str:
        command = [str(self.python), "-c", f"import platform, sqlalchemy; print({question})"]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

    @property
    def sqlalchemy(self) -> str:
        return self.ask("sqlalchemy.__version__")

    def __str__(self) -> str:
        return f"CPython {self.ask('platform.python_version()')}, SQLAlchemy {self.sqlalchemy}"


def here() -> Environment:
    return Environment(Path(sys.executable))


def with_older_sqlalchemy() -> Environment:
    """This Python with the newest SQLAlchemy 2.0."""
    pinned = [line for line in _requirements() if not line.startswith("SQLAlchemy==")]
    return _made("sqlalchemy-2.0", Path(sys.executable), [*pinned, OLDER])


def with_another_python() -> Environment | None:
    """The newest Python but this one that the machine has; None where it has no other."""
    found = newest_python()
    return None if found is None else _made(f"python-{found[0]}", found[1], _requirements())


def newest_python() -> tuple[str, Path] | None:
    """On the PATH, else among pyenv's."""
    kept = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv") / "versions"
    for version in PYTHONS:
        if version == f"{sys.version_info.major}.{sys.version_info.minor}":
            continue
        candidates = [shutil.which(f"python{version}"), *sorted(kept.glob(f"{version}.*/bin/python{version}"))]
        for candidate in filter(None, candidates):
            if not subprocess.run([candidate, "-c", "import venv, ssl, sqlite3"], capture_output=True).returncode:
                return version, Path(candidate)
    return None


def _requirements() -> list[str]:
    lines = [
        line for name in ("requirements.txt", "requirements-dev.txt") for line in (ROOT / name).read_text().split("\n")
    ]
    return [line for line in lines if re.match(r"[A-Za-z]", line)]


def _made(name: str, python: Path, requirements: list[str]) -> Environment:
    folder = FOLDER / name
    made = Environment(folder / "bin" / "python")
    stamp = folder / "requirements.txt"
    wanted = "\n".join(requirements) + "\n"
    if not stamp.exists() or stamp.read_text() != wanted:
        shutil.rmtree(folder, ignore_errors=True)
        subprocess.run([str(python), "-m", "venv", str(folder)], check=True)
        listed = folder / "wanted.txt"
        listed.write_text(wanted)
        subprocess.run([str(made.python), *PIP, "install", "-r", str(listed)], check=True)
        listed.rename(stamp)
    return made


def source_of_sqlalchemy(environment: Environment) -> Path:
    """Its source distribution, with its tests, in the version that is installed. pip compares its checksum with the
    index's."""
    folder = FOLDER / f"sqlalchemy-{environment.sqlalchemy}"
    if not folder.exists():
        FOLDER.mkdir(parents=True, exist_ok=True)
        wanted = f"SQLAlchemy=={environment.sqlalchemy}"
        download = ("download", "--no-deps", "--no-binary", "SQLAlchemy", "--dest", str(FOLDER), wanted)
        subprocess.run([str(environment.python), *PIP, *download], check=True)
        (archive,) = FOLDER.glob(f"*-{environment.sqlalchemy}.tar.gz")
        with tarfile.open(archive) as packed:
            packed.extractall(FOLDER, filter="data")
        archive.unlink()
    return folder
