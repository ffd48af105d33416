"""A small shop on a real database, a store, and workspaces on both: what every test of this room needs."""

from __future__ import annotations

import pytest

from tests.workspaces.desk import Desk


@pytest.fixture
def desk(tmp_path):
    with Desk(f"sqlite:///{tmp_path / 'shop.db'}", f"sqlite:///{tmp_path / 'store.db'}") as made:
        yield made
