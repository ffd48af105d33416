"""What does a workspace cost beside a plain Session? An action on 100 objects, and restoring 1,000.

usage: python -m tests.benchmarks.workspaces    N actions of each kind (31), interleaved with the floor

The floor of an action: a plain Session that holds the same objects does the same call, and what is on the board is made
into JSON and written to a SQLite file, which is what any survival needs. Of a restore: a plain Session loads the
same objects from its database.
"""

from __future__ import annotations

import json
import os
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import sqlalchemy as sa
import sqlalchemy.orm as sa_orm

from dashboard.config import Config
from tests.benchmarks import machine
from tests.workspaces.desk import Desk
from tests.workspaces.shop import Book, User

OBJECTS, RESTORED = 100, 1_000
Times = tuple[float, float]


def timed(what: Callable[[], object]) -> Times:
    """Milliseconds of this thread's CPU, and of the clock."""
    cpu, clock = time.thread_time(), time.perf_counter()
    what()
    return (time.thread_time() - cpu) * 1e3, (time.perf_counter() - clock) * 1e3


def fill(desk: Desk, objects: int) -> None:
    """So many records, half of them loaded with a change staged, a tenth of them new."""
    with sa_orm.Session(desk.engine) as session:
        session.add_all(User(name=f"User {number}", email=f"{number}@bench") for number in range(objects))
        session.commit()
        keys = session.scalars(sa.select(User.id).order_by(User.id).limit(objects)).all()
    desk.open()
    new = objects // 10
    for number in range(new):
        desk.make("User", name=f"New {number}", email=f"new-{number}@bench")
    for number, key in enumerate(keys[: objects - new]):
        ref = desk.load("User", key)
        if number % 2:
            desk.set(ref, name=f"Changed {number}")


def actions(desk: Desk, times: int) -> dict[str, list[Times]]:
    refs = [found["ref"] for found in desk.view().objects if found["ref"].startswith("User:") and found["key"]]
    took: dict[str, list[Times]] = {}
    floor = Floor(desk)
    for number in range(times + 3):
        ref = refs[number % len(refs)]
        each = {
            "values": lambda: desk.set(ref, name=f"Again {number}").view,  # noqa: B023
            "undo": lambda: desk.do("undo").view,
            "redo": lambda: desk.do("redo").view,
            "expire, refresh": lambda: (desk.do("expire", ref).view, desk.do("refresh", ref).view),  # noqa: B023
            "the board as JSON": lambda: json.dumps([dict(each) for each in desk.view().objects]),
            "floor": lambda: floor.change(number),  # noqa: B023
        }
        for name, what in each.items():
            found = timed(what)
            if number >= 3:
                took.setdefault(name, []).append(found)
    floor.close()
    return took


class Floor:
    """A plain Session with the same objects; after each call what changed is in a file of its own."""

    def __init__(self, desk: Desk) -> None:
        self._session = sa_orm.Session(desk.engine, autoflush=False)
        self._users = self._session.scalars(sa.select(User).order_by(User.id).limit(OBJECTS)).all()
        self._file = sqlite3.connect(f"{desk.engine.url.database}-floor")
        self._file.execute("PRAGMA journal_mode=WAL")
        self._file.execute("PRAGMA synchronous=NORMAL")
        self._file.execute("CREATE TABLE kept (number INTEGER PRIMARY KEY, text TEXT)")

    def change(self, number: int) -> None:
        user = self._users[number % len(self._users)]
        user.name = f"Again {number}"
        rows = [{name: value for name, value in vars(each).items() if name[0] != "_"} for each in self._users]
        json.dumps(rows)
        text = json.dumps(rows[number % len(rows)])
        self._file.execute("INSERT OR REPLACE INTO kept VALUES (?, ?)", (user.id, text))
        self._file.commit()

    def close(self) -> None:
        self._file.close()
        self._session.close()


def restores(desk: Desk, times: int) -> dict[str, list[Times]]:
    took: dict[str, list[Times]] = {}
    for number in range(times + 1):
        desk.workspaces._lives.drop("w")
        live = desk.workspaces._live(desk.workspaces._finder.row("w"))
        for name, what in {"restore": live.restore, "floor": lambda: load(desk)}.items():
            found = timed(what)
            if number:
                took.setdefault(name, []).append(found)
        desk.workspaces._lives.drop("w")
        found = timed(lambda: desk.do("read", "User:1", attribute="name").view)
        if number:
            took.setdefault("from the store, with an action", []).append(found)
    return took


def load(desk: Desk) -> None:
    with sa_orm.Session(desk.engine) as session:
        session.scalars(sa.select(User).limit(RESTORED)).all()
        session.scalars(sa.select(Book)).all()


def row(name: str, found: list[Times], floor: list[Times]) -> str:
    cpu, clock = (statistics.median(column) for column in zip(*found, strict=True))
    least = statistics.median(each for each, _ in floor)
    return f"| {name} | {cpu:.1f} | {clock:.1f} | {cpu / least:.1f} |"


def main() -> None:
    times = int(os.environ.get("N") or 31)
    print(f"Milliseconds, median of {times}, SQLite; {machine.line()}\n")
    print("| what | CPU | clock | times the floor's CPU |\n| --- | --- | --- | --- |")
    for objects, measure in ((OBJECTS, actions), (RESTORED, restores)):
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            config = Config(workspace_objects=objects + 10, undo_kept=100)
            with Desk(f"sqlite:///{folder / 'shop.db'}", f"sqlite:///{folder / 'store.db'}", config=config) as desk:
                fill(desk, objects)
                took = measure(desk, times if objects == OBJECTS else max(3, times // 3))
                for what, found in took.items():
                    print(row(f"{what}, {objects} objects", found, took["floor"]), flush=True)


if __name__ == "__main__":
    main()
