"""The store itself: whose its file is, and what it says of its schema."""

from __future__ import annotations

import stat

from dashboard.store.engine import SCHEMA_VERSION, Store


def test_the_file_of_the_store_is_its_owners_alone_and_so_is_its_log(tmp_path):
    store = Store(f"sqlite:///{tmp_path}/store.db")
    store.create()
    with store.writing():
        modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in tmp_path.iterdir()}
    store.engine.dispose()
    assert modes["store.db"] == 0o600
    assert set(modes.values()) == {0o600}


def test_creating_it_twice_keeps_one_version(tmp_path):
    store = Store(f"sqlite:///{tmp_path}/store.db")
    assert store.schema_version() is None
    store.create()
    store.create()
    assert store.schema_version() == SCHEMA_VERSION
    store.engine.dispose()
