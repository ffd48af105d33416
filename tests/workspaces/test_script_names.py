"""Does no name of the database become a line of a copied tape that nobody has written?"""

from __future__ import annotations

import pytest

from dashboard.records.models import Database, Models
from dashboard.refusal import Refusal
from tests.workspaces.desk import Desk


def test_a_column_that_is_called_like_a_line_of_python_makes_no_script(tmp_path):
    with Desk(f"sqlite:///{tmp_path / 'shop.db'}", f"sqlite:///{tmp_path / 'store.db'}") as desk:
        with desk.engine.begin() as connection:
            connection.exec_driver_sql('CREATE TABLE odd (id INTEGER PRIMARY KEY, "a; boom()" TEXT)')
        desk.databases["default"] = Database("default", desk.engine, desk.maker, Models.reflected(desk.engine))
        desk.workspaces = desk.worker()
        desk.open()
        desk.do("objects", model="odd", values={"a; boom()": "x"})
        for file in ("tape.py", "test_tape.py"):
            with pytest.raises(Refusal, match="boom"):
                desk.workspaces.copied("w", file)
        assert "boom" in desk.workspaces.copied("w", "tape.sql")
