"""On which databases must a store do the same? On all three: one contract."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from dashboard.store.engine import Store


@pytest.fixture(params=["sqlite", "postgresql", "mariadb"])
def store(request: pytest.FixtureRequest, new_database: Callable[[str], str]) -> Iterator[Store]:
    made = Store(new_database(request.param))
    made.create()
    yield made
    made.engine.dispose()
