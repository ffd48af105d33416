"""A small shop on a real database, a store, and workspaces on both: what every test of this room needs."""

from __future__ import annotations

import pytest

from tests.workspaces.desk import Desk


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request, tmp_path):
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'shop.db'}"
    return request.getfixturevalue("postgresql_url")


@pytest.fixture
def desk(database_url, tmp_path):
    with Desk(database_url, f"sqlite:///{tmp_path / 'store.db'}") as made:
        yield made
