"""What does the counted shop start with? A database with some notes, and a folder for what its driver counts."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from tests.journeys.counting import FOLDER


def lay(folder: Path) -> dict[str, str]:
    """The settings for a server of `tests.journeys.counted_shop:app`."""
    (folder / "tallies").mkdir()
    shop = folder / "shop.db"
    with sqlite3.connect(shop) as connection:
        connection.execute("CREATE TABLE note (id INTEGER PRIMARY KEY, text TEXT NOT NULL)")
        connection.executemany("INSERT INTO note VALUES (?, 'first')", [(number,) for number in range(1, 100)])
    connection.close()
    return {"DATABASE_URL": f"sqlite:///{shop}?plugin=counting&timeout=20", FOLDER: str(folder / "tallies")}
