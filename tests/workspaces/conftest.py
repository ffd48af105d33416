"""A small shop on a real database, a store, and workspaces on both: what every test of this room needs."""

from __future__ import annotations

import pytest

from tests.workspaces.desk import Desk
from tests.workspaces.loans import NARROW, Library


@pytest.fixture(params=["sqlite", "postgresql", "mariadb"])
def database_url(request, new_database):
    return new_database(request.param)


@pytest.fixture
def desk(database_url, tmp_path):
    with Desk(database_url, f"sqlite:///{tmp_path / 'store.db'}") as made:
        yield made


@pytest.fixture
def library(database_url, tmp_path):
    with Library(database_url, f"sqlite:///{tmp_path / 'store.db'}") as made:
        made.open()
        yield made


@pytest.fixture
def narrow(postgresql_url, tmp_path):
    """A library whose database takes less than its classes say."""
    with Library(postgresql_url, f"sqlite:///{tmp_path / 'store.db'}") as made:
        with made.engine.begin() as connection:
            connection.exec_driver_sql(NARROW)
        made.open()
        yield made
