"""What does committing 1,000 staged changes cost, beside the same flush and commit in a plain Session?

`python -m tests.benchmarks.commits`: processor time of both, in turns, in one process, on SQLite."""

from __future__ import annotations

import statistics
import tempfile
import time

import sqlalchemy as sa
import sqlalchemy.orm as sa_orm

from dashboard.config import Config
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


def workspace(desk: Desk, name: str) -> float:
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
    desk.do("commit")
    spent = time.process_time() - started
    desk.workspaces.discard("w", actor="ada")
    return spent


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        urls = (f"sqlite:///{folder}/shop.db", f"sqlite:///{folder}/store.db")
        with Desk(*urls, config=Config(workspace_objects=2 * CHANGES)) as desk:
            with desk.engine.begin() as connection:
                nodes = [{"id": number, "name": "n"} for number in range(FIRST, FIRST + CHANGES)]
                connection.execute(sa.insert(shop.Node), nodes)
            turns = [(plain(desk, f"p{turn}"), workspace(desk, f"w{turn}")) for turn in range(ROUNDS)]
    floor, ours = (statistics.median(each) * 1000 for each in zip(*turns, strict=True))
    print(f"plain {floor:.0f} ms, workspace {ours:.0f} ms, {ours / floor:.1f} times")


if __name__ == "__main__":
    main()
