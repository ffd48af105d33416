"""The store itself: whose its file is, and what it says of its schema."""

from __future__ import annotations

import sqlite3
import stat
from contextlib import closing

import pytest
import sqlalchemy as sa

from dashboard.refusal import Refusal
from dashboard.store import workspace_rows
from dashboard.store.engine import SCHEMA_VERSION, Store
from dashboard.store.progress import progress_table
from tests.journeys.waiting import until


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


def test_a_file_that_is_no_database_is_called_that(tmp_path):
    (tmp_path / "store.db").write_bytes(b"no database at all" * 100)
    store = Store(f"sqlite:///{tmp_path}/store.db")
    with pytest.raises(Refusal) as refused, store.reading() as connection:
        connection.exec_driver_sql("select 1 from poolhouse_workspace")
    store.engine.dispose()
    assert refused.value.code == "unavailable"
    assert "is no database" in refused.value.message
    assert "from a copy" in refused.value.remedy


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


HELD = {"postgresql": "LOCK TABLE poolhouse_schema", "mariadb": "LOCK TABLES poolhouse_schema WRITE"}


@pytest.mark.parametrize("kind", HELD)
def test_a_store_that_hangs_is_away_in_time_and_not_waited_for_a_second_time(kind, new_database):
    url = new_database(kind)
    made = Store(url)
    made.create()
    store = Store(url, seconds=0.3)
    with made.engine.connect() as somebody:
        somebody.exec_driver_sql(HELD[kind])
        said = []
        for _ in range(2):
            with pytest.raises(Refusal) as refused:
                store.schema_version()
            assert refused.value.code == "store_away"
            assert "doctor" in refused.value.remedy
            said.append(refused.value.message)
        assert "cannot be reached" in said[0]
        assert "did not answer in time" in said[1]
        somebody.invalidate()
    until(lambda: answers(store), what="the store")
    store.engine.dispose()
    made.engine.dispose()


def answers(store):
    try:
        return store.schema_version() == SCHEMA_VERSION
    except Refusal:
        return False


FULL = {
    "postgresql": "DO $$ BEGIN RAISE EXCEPTION 'no room' USING ERRCODE = 'disk_full'; END $$",
    "mariadb": "SIGNAL SQLSTATE 'HY000' SET MYSQL_ERRNO = 1021",
    "sqlite": "PRAGMA max_page_count = 1",  # as large as it is
}
READ_ONLY = {
    "postgresql": "SET TRANSACTION READ ONLY",
    "mariadb": "SIGNAL SQLSTATE 'HY000' SET MYSQL_ERRNO = 1290",
    "sqlite": "PRAGMA query_only = ON",
}


def write(store, fault):
    """Something large, under this fault."""
    with store.writing() as connection:
        connection.exec_driver_sql(fault[connection.dialect.name])
        owner, words = "x", "y" * 255
        rows = [{"owner": owner, "job": str(n), "at": 0.0, "done": 0, "words": words} for n in range(500)]
        connection.execute(progress_table.insert(), rows)


def test_a_store_whose_disk_is_full_says_so(store):
    with pytest.raises(Refusal) as refused:
        write(store, FULL)
    assert (refused.value.code, refused.value.remedy) == ("store_away", "Make room on it, then try again.")
    assert "its disk is full" in refused.value.message


def test_a_store_that_can_only_be_read_says_so(store):
    with pytest.raises(Refusal) as refused:
        write(store, READ_ONLY)
    assert refused.value.code == "store_away"
    assert "can only be read" in refused.value.message


def test_a_server_that_was_started_anew_refuses_nobody(postgresql_url):
    store = Store(postgresql_url)
    store.create()
    other = sa.create_engine(postgresql_url, poolclass=sa.NullPool)
    with other.connect() as connection:
        mine = "pid <> pg_backend_pid() AND datname = current_database()"
        connection.exec_driver_sql(f"SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE {mine}")
    assert store.schema_version() == SCHEMA_VERSION
    store.engine.dispose()
