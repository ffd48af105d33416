"""Which real parts do the tests need, where are they, and how are they got? `python -m tests.parts` fetches them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TOOLS = ROOT / ".tools"


@dataclass(frozen=True)
class Part:
    """A program that does not come with a Python package."""

    name: str
    commands: tuple[str, ...]
    remedy: str
    fetch: Callable[[], None]

    def find(self) -> Path | None:
        places = os.pathsep.join([os.environ.get("PATH", ""), str(TOOLS / "usr" / "bin"), "/usr/sbin"])
        found = (shutil.which(command, path=places) for command in self.commands)
        return next((Path(path) for path in found if path), None)

    def missing(self) -> str:
        return f"{self.name} is missing, and its tests cannot run without it. {self.remedy}"


def _apt_get(*arguments: str, folder: Path | None = None) -> None:
    """Once more with fresh lists where it fails: a new machine has none."""
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    command = ["apt-get", "-qq", "-o", "APT::Sandbox::User=root", *arguments]
    if subprocess.run(command, cwd=folder, env=environment, stdout=subprocess.DEVNULL).returncode:
        subprocess.run(["apt-get", "-qq", "update"], env=environment, stdout=subprocess.DEVNULL)
        subprocess.run(command, cwd=folder, env=environment, stdout=subprocess.DEVNULL)


def _fetch_chromium() -> None:
    if os.geteuid() == 0:
        _apt_get("install", "--yes", "--no-install-recommends", "chromium", "fonts-liberation")


def _fetch_prometheus() -> None:
    """Unpacked into the checkout, not installed: the package would start a service."""
    with tempfile.TemporaryDirectory() as folder:
        _apt_get("download", "prometheus", folder=Path(folder))
        for package in Path(folder).glob("*.deb"):
            subprocess.run(["dpkg", "-x", str(package), str(TOOLS)])


def _fetch_mariadb() -> None:
    """The programs alone: these packages start no service."""
    if os.geteuid() == 0:
        _apt_get("install", "--yes", "--no-install-recommends", "mariadb-server-core", "mariadb-client-core")


CHROMIUM = Part(
    "Chromium",
    ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable"),
    "Install it (on Debian as root: apt-get install chromium fonts-liberation) and have it on the PATH.",
    _fetch_chromium,
)
PROMETHEUS = Part(
    "Prometheus",
    ("prometheus",),
    "Unpack its release (on Debian: apt-get download prometheus) and have `prometheus` on the PATH.",
    _fetch_prometheus,
)
PROMTOOL = Part(
    "promtool",
    ("promtool",),
    "It comes with Prometheus's release (on Debian: apt-get download prometheus); have `promtool` on the PATH.",
    _fetch_prometheus,
)
MARIADB = Part(
    "MariaDB",
    ("mariadbd",),
    "Install its server, without a service (on Debian as root: apt-get install mariadb-server-core).",
    _fetch_mariadb,
)
MARIADB_CLIENT = Part(
    "MariaDB's my_print_defaults (mariadb-install-db runs it)",
    ("my_print_defaults",),
    "It comes with MariaDB's clients (on Debian as root: apt-get install mariadb-client-core).",
    _fetch_mariadb,
)
PARTS = (CHROMIUM, PROMETHEUS, PROMTOOL, MARIADB, MARIADB_CLIENT)


def main() -> int:
    for part in PARTS:
        if not part.find() and shutil.which("apt-get"):
            print(f"Fetching {part.name}", flush=True)
            part.fetch()
    missing = [part for part in PARTS if not part.find()]
    for part in missing:
        print(part.missing(), file=sys.stderr)
    return 1 if missing and os.environ.get("CI") == "true" else 0


if __name__ == "__main__":
    sys.exit(main())
