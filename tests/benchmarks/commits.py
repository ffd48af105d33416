"""What does committing 1,000 staged changes cost, beside the same flush and commit in a plain Session?

`python -m tests.benchmarks.commits`: processor time, in turns, in one process, on SQLite. `plain` is `session.commit()`
and nothing else. `careful`, written by hand around a plain Session, does what a workspace promises: it locks, reads
the rows again, compares each, and keeps before and after of each and what each object is then, in another file.
`workspace` is the commit until it is acknowledged, `drawn` is its answer as well.
"""

from __future__ import annotations

import json
import sqlite3
import statistics
import tempfile
import time
from contextlib import closing
from functools import partial

import sqlalchemy as sa
import sqlalchemy.orm as sa_orm

from dashboard.config import Config
from tests.benchmarks import machine
from tests.workspaces import shop
from tests.workspaces.desk import Desk

CHANGES, ROUNDS = 1_000, 7
FIRST = 100


def rows(session: sa_orm.Session) -> list[shop.Node]:
    return list(session.scalars(sa.select(shop.Node).where(shop.Node.id >= FIRST).order_by(shop.Node.id)))


def plain(desk: Desk, name: str) -> float:
    with sa_orm.Session(desk.engine) as session:
        for node in rows(session):
            node.name = name
        started = time.process_time()
        session.commit()
        return time.process_time() - started


def careful(desk: Desk, name: str) -> float:
    with (
        sa_orm.Session(desk.engine, autoflush=False) as session,
        closing(sqlite3.connect(f"{desk.engine.url.database}-kept")) as kept,
    ):
        kept.execute("CREATE TABLE IF NOT EXISTS kept (number INTEGER, version INTEGER, text TEXT)")
        nodes = rows(session)
        for node in nodes:
            node.name = name
        started = time.process_time()
        by_hand(session, nodes, kept)
        return time.process_time() - started


def by_hand(session: sa_orm.Session, nodes: list[shop.Node], kept: sqlite3.Connection) -> None:
    session.connection().exec_driver_sql("BEGIN IMMEDIATE")
    columns = shop.Node.__table__.c
    there = {}
    for start in range(0, len(nodes), 500):
        keys = [node.id for node in nodes[start : start + 500]]
        there.update({row[0]: row for row in session.execute(sa.select(*columns).where(columns.id.in_(keys)))})
    changes = []
    for node in nodes:
        was = sa.inspect(node).committed_state["name"]
        assert there[node.id].name == was
        changes.append({"model": "Node", "key": str(node.id), "before": {"name": was}, "after": {"name": node.name}})
    kept.execute("INSERT INTO kept VALUES (0, 0, ?)", (json.dumps(changes),))
    kept.commit()
    session.commit()
    images = [(number, 1, json.dumps({"model": "Node", "key": each["key"]})) for number, each in enumerate(changes)]
    kept.executemany("INSERT INTO kept VALUES (?, ?, ?)", images)
    kept.commit()


def workspace(desk: Desk, name: str, *, drawn: bool = False) -> float:
    """Loaded and changed through the Session that the workspace holds, and kept by an action: only the commit is
    measured."""
    desk.open()
    desk.load("Node", FIRST)
    live = desk.workspaces._lives.get("w")
    for node in rows(live.session):
        live.board.join(node)
        node.name = name
    desk.do("settings", autoflush=False)
    started = time.process_time()
    done = desk.do("commit")
    if drawn:
        assert len(done.view.objects) == CHANGES
    spent = time.process_time() - started
    desk.workspaces.discard("w", actor="ada")
    return spent


WAYS = {"plain": plain, "careful": careful, "workspace": workspace, "drawn": partial(workspace, drawn=True)}


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        urls = (f"sqlite:///{folder}/shop.db", f"sqlite:///{folder}/store.db")
        with Desk(*urls, config=Config(workspace_objects=2 * CHANGES)) as desk:
            with desk.engine.begin() as connection:
                nodes = [{"id": number, "name": "n"} for number in range(FIRST, FIRST + CHANGES)]
                connection.execute(sa.insert(shop.Node), nodes)
            turns = [[way(desk, f"{name}{turn}") for name, way in WAYS.items()] for turn in range(ROUNDS)]
    print(f"Milliseconds of CPU, median of {ROUNDS}, SQLite; {machine.line()}\n")
    print("| what | CPU | times plain |\n| --- | --- | --- |")
    for name, took in zip(WAYS, zip(*turns, strict=True), strict=True):
        times = statistics.median(each / turn[0] for each, turn in zip(took, turns, strict=True))
        print(f"| {name} | {statistics.median(took) * 1000:.0f} | {times:.1f} |")


if __name__ == "__main__":
    main()
