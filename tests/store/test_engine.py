"""The store itself: whose its file is, and what it says of its schema."""

from __future__ import annotations

import sqlite3
import stat
import threading
from contextlib import closing

import pytest
import sqlalchemy as sa

from dashboard.refusal import Refusal
from dashboard.store import engine, workspace_rows
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


def test_a_store_without_its_tables_is_away_and_says_how_to_make_them(store):
    with store.engine.begin() as connection:
        workspace_rows.metadata.drop_all(connection)
    for opened in (store.reading, store.writing):
        with pytest.raises(Refusal) as refused, opened() as connection:
            connection.execute(sa.select(workspace_rows.workspace_table))
        assert refused.value.code == "store_away"
        assert "tables are missing" in refused.value.message
        assert "store create" in refused.value.remedy
    store.create()
    with store.reading() as connection:
        assert connection.execute(sa.select(workspace_rows.workspace_table)).all() == []


LOCKS = {
    "postgresql": ("LOCK TABLE poolhouse_schema IN ACCESS EXCLUSIVE MODE", "ROLLBACK"),
    "mariadb": ("LOCK TABLES poolhouse_schema WRITE", "UNLOCK TABLES"),
}


@pytest.mark.parametrize("kind", LOCKS)
def test_a_store_that_does_not_answer_is_away_in_time(new_database, monkeypatch, kind):
    monkeypatch.setattr(engine, "SECONDS", 0.3)
    url, (lock, unlock) = new_database(kind), LOCKS[kind]
    store, other = Store(url), sa.create_engine(url)
    store.create()
    with other.connect() as holder:
        holder.exec_driver_sql(lock)
        later = threading.Timer(5, lambda: holder.exec_driver_sql(unlock))  # a test that fails must not hang
        later.start()
        for opened in (store.reading, store.writing):
            with pytest.raises(Refusal) as refused, opened() as connection:
                connection.execute(sa.select(engine.schema_table)).all()
            assert refused.value.code == "store_away"
        later.cancel()
        later.join()
        holder.exec_driver_sql(unlock)
    assert store.schema_version() == SCHEMA_VERSION
    for each in (store.engine, other):
        each.dispose()


def test_a_file_that_is_no_database_is_a_store_that_is_away(tmp_path):
    (tmp_path / "store.db").write_bytes(b"no database at all" * 100)
    store = Store(f"sqlite:///{tmp_path}/store.db")
    with pytest.raises(Refusal) as refused, store.reading() as connection:
        connection.exec_driver_sql("select 1 from poolhouse_workspace")
    store.engine.dispose()
    assert refused.value.code == "store_away"


def test_a_fault_of_our_own_is_not_told_as_a_store_that_is_away(store):
    with pytest.raises(sa.exc.SQLAlchemyError), store.reading() as connection:
        connection.execute(sa.insert(workspace_rows.workspace_table).values(id=1))


def test_a_file_of_the_store_waits_for_the_disk(tmp_path):
    """What was told to a person, and that a COMMIT is about to be sent, must outlive a power cut."""
    store = Store(f"sqlite:///{tmp_path / 'store.db'}")
    store.create()
    with store.writing() as connection:
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2
    store.engine.dispose()


def test_a_file_that_others_write_into_all_the_while_is_busy_and_not_away(tmp_path):
    file = tmp_path / "store.db"
    Store(f"sqlite:///{file}").create()
    store = Store(f"sqlite:///{file}?timeout=0.05")
    with closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(Refusal) as refused, store.writing():
            pass
        assert (refused.value.code, refused.value.status) == ("busy", 423)
        assert store.schema_version() == SCHEMA_VERSION
    store.engine.dispose()
