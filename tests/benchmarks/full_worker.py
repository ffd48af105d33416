"""One worker of the scrape's benchmark: it watches two pools and Sessions, fills every register, and publishes.

usage: python -m tests.benchmarks.full_worker FOLDER NUMBER    says "ready", and goes on until its input ends"""

from __future__ import annotations

import sys
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy import orm as sa_orm

from dashboard.telemetry import watch, watch_sessions
from dashboard.telemetry.loads import paths
from dashboard.telemetry.sessions import registered
from tests.telemetry.full import fill, fill_own


def fill_paths() -> None:
    (session_watch,) = registered.values()
    rows = session_watch.local.loads.rows
    for number in range(50):
        name = f"Author.books_{number}"
        if paths.admits(name):
            rows.update({(kind, name): [3] for kind in ("lazy", "eager", "n_plus_one")})


def begin(folder: Path, number: int) -> list[sa.Connection]:
    """From now on this process publishes; its connections are out until they are closed."""
    engines = [sa.create_engine(f"sqlite:///{folder / name}.db") for name in ("default", "workspaces")]
    maker = sa_orm.sessionmaker(engines[0])
    watch_sessions(maker)
    held = []
    for engine, name in zip(engines, ("default", "workspaces"), strict=True):
        watch(engine, name=name)
        held += [engine.connect() for _ in range(5)]
        fill(name, first=number)
    fill_own()
    fill_paths()
    watch(engines[0], publish=folder)
    return held


def main() -> None:
    held = begin(Path(sys.argv[1]), int(sys.argv[2]))
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.read()
    for connection in held:
        connection.close()


if __name__ == "__main__":
    main()
