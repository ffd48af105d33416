"""Are two Engines of the program on one database seen, and is the password in no label?"""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from dashboard.telemetry import unwatch, watch
from dashboard.telemetry.engines import engines, hash_of


@pytest.fixture
def on(tmp_path):
    made = []

    def engine(name, **options):
        made.append(sa.create_engine(f"sqlite:///{tmp_path / 'shop.db'}"))
        watch(made[-1], name=name, **options)
        return made[-1]

    yield engine
    for each in made:
        unwatch(each)
        each.dispose()


def test_engines_are_counted_by_their_database(on):
    one, _ = on("one"), on("two")
    assert engines()[hash_of(one.url)] == 2
    watch(one.execution_options(isolation_level="AUTOCOMMIT"))
    assert engines()[hash_of(one.url)] == 2


@pytest.mark.parametrize("name", ["workspaces", "records", "records.other", "records-2"])
def test_an_engine_of_ours_is_not_the_programs(on, name):
    one, _ = on("one"), on(name)
    assert engines()[hash_of(one.url)] == 1


def test_a_database_in_memory_is_each_engines_own():
    made = [sa.create_engine("sqlite://") for _ in range(2)]
    for number, each in enumerate(made):
        watch(each, name=f"memory-{number}")
    assert hash_of(made[0].url) not in engines()
    for each in made:
        unwatch(each)
        each.dispose()


def test_the_hash_knows_the_database_and_not_the_password():
    one, other, shop = (
        hash_of(sa.make_url(url))
        for url in ("postgresql://ada:one@db/shop", "postgresql://ada:two@db/shop", "postgresql://ada:one@db/other")
    )
    assert one == other != shop
    assert len(one) == 12
